"""Interferon gamma: engaged T cells secrete it, free ones do not; the field holds one unit a T cell."""

import numpy as np
import pytest

from lesionlab.sim.processes.ifn_gamma import EVERY_H, Parameters, update
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, remember, state_of

P = Parameters()


def test_the_field_sums_to_the_number_of_engaged_t_cells() -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, [100, 100, 220], target=101)
    add_t_cells(tissue, [300, 301])
    update(state_of(tissue), P, clock_at())
    assert tissue.ifn_gamma.sum() == pytest.approx(3.0, rel=1e-4)
    assert tissue.ifn_gamma.reshape(-1)[100] == tissue.ifn_gamma.max()


def test_one_engaged_t_cell_on_every_site_gives_one() -> None:
    tissue = bare_tissue((1, 9, 9))
    add_t_cells(tissue, range(81), target=0)
    update(state_of(tissue), P, clock_at())
    assert np.allclose(tissue.ifn_gamma, 1.0, rtol=1e-5)


def test_without_engaged_t_cells_it_vanishes() -> None:
    tissue = bare_tissue()
    tissue.ifn_gamma.fill(0.5)
    add_t_cells(tissue, [100, 220])
    update(state_of(tissue), P, clock_at())
    assert (tissue.ifn_gamma == 0.0).all()


def test_it_is_solved_every_few_hours_and_writes_the_field_only() -> None:
    tissue = bare_tissue()
    add_t_cells(tissue, [100], target=101)
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at(int(EVERY_H) - 1))
    assert changed(before, state) == set()
    update(state, P, clock_at(int(EVERY_H)))
    assert changed(before, state) == {"ifn_gamma"}

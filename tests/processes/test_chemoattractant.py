"""Chemoattractant: living tumour cells that see interferon secrete it; it lies between 0 and 1."""

import numpy as np
import pytest

from lesionlab.sim.processes.chemoattractant import EVERY_H, Parameters, update
from lesionlab.sim.state.codes import CellState
from tests.made_state import DEAD, LIVING, bare_tissue, changed, clock_at, remember, state_of

P = Parameters()


@pytest.mark.parametrize(("code", "ifn", "level"), [
    *((code, P.ifn_half, 0.5) for code in LIVING), (CellState.PROLIFERATING, 0.0, 0.0), (CellState.PROLIFERATING, 1e6, 1.0),
    *((code, P.ifn_half, 0.0) for code in (CellState.STROMA, *DEAD))])
def test_a_uniform_tissue_holds_its_induced_share(code: int, ifn: float, level: float) -> None:
    tissue = bare_tissue()
    tissue.state.fill(code)
    tissue.ifn_gamma.fill(ifn)
    update(state_of(tissue), P, clock_at())
    assert np.allclose(tissue.chemoattractant, level, rtol=1e-4, atol=1e-7)


def test_it_is_solved_every_few_hours_and_writes_the_field_only() -> None:
    tissue = bare_tissue()
    tissue.state[0, 5, 5] = CellState.PROLIFERATING
    tissue.ifn_gamma.fill(0.1)
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at(int(EVERY_H) - 1))
    assert changed(before, state) == set()
    update(state, P, clock_at(int(EVERY_H)))
    assert changed(before, state) == {"chemoattractant"}

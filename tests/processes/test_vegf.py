"""VEGF: what a uniform tissue secretes is what it holds; hypoxic cells secrete more, dead ones nothing."""

import numpy as np
import pytest

from lesionlab.sim.processes.vegf import EVERY_H, Parameters, update
from lesionlab.sim.state.codes import CellState
from tests.made_state import DEAD, LIVING, bare_tissue, changed, clock_at, freeze, remember, state_of

P = Parameters()


@pytest.mark.parametrize(("code", "oxygen_mmHg", "level"), [
    *((code, P.hif_mmHg + 0.1, 1.0) for code in LIVING), *((code, P.hif_mmHg - 0.1, P.hypoxic_ratio) for code in LIVING),
    *((code, 0.0, 0.0) for code in (CellState.STROMA, *DEAD))])
def test_a_uniform_tissue_holds_what_its_cells_secrete(code: int, oxygen_mmHg: float, level: float) -> None:
    tissue = bare_tissue()
    tissue.state.fill(code)
    tissue.oxygen.fill(oxygen_mmHg)
    update(state_of(tissue), P, clock_at())
    assert np.allclose(tissue.vegf, level, rtol=1e-5, atol=1e-7)


def test_what_is_secreted_decays() -> None:
    tissue = bare_tissue()
    tissue.oxygen.fill(40.0)
    tissue.state[0, 4, 4:7] = CellState.PROLIFERATING
    tissue.oxygen[0, 4, 4] = 0.0
    update(state_of(tissue), P, clock_at())
    assert tissue.vegf.sum() == pytest.approx(2.0 + P.hypoxic_ratio, rel=1e-4)
    assert tissue.vegf[0, 4, 4] == tissue.vegf.max()


def test_it_is_solved_daily_and_writes_the_field_only() -> None:
    tissue = bare_tissue()
    tissue.state.fill(CellState.PROLIFERATING)
    freeze(tissue, "state", "oxygen")
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at(int(EVERY_H) - 1))
    assert changed(before, state) == set()
    update(state, P, clock_at(int(EVERY_H)))
    assert changed(before, state) == {"vegf"}

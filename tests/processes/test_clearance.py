"""Clearance: dead cells leave with the half-life of their cause; the living stay."""

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.clearance import EVERY_H, Parameters, update
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import Tissue
from tests.made_state import DEAD, bare_tissue, changed, clock_at, remember, state_of, tissue_of_each_state

P = Parameters()
NEVER, AT_ONCE = 1e12, 1e-6
HALF_LIFE_H = {
    CellState.APOPTOTIC: P.apoptotic_half_life_h, CellState.KILLED_BY_T_CELL: P.apoptotic_half_life_h,
    CellState.KILLED_BY_RADIATION: 24.0 * P.radiation_half_life_d, CellState.NECROTIC: 24.0 * P.necrotic_half_life_d,
}


def full_of(code: int) -> Tissue:
    tissue = bare_tissue((1, 100, 100))
    tissue.state.fill(code)
    return tissue


@pytest.mark.parametrize("code", DEAD)
@pytest.mark.parametrize("dt_h", [1.0, 24.0])
def test_the_dead_leave_with_the_half_life_of_their_cause(code: CellState, dt_h: float) -> None:
    tissue = full_of(code)
    update(state_of(tissue), P, clock_at(dt_h=dt_h))
    p_clear = 1.0 - 0.5 ** (max(dt_h, EVERY_H) / HALF_LIFE_H[code])
    low, high = binom.interval(0.9999, 10_000, p_clear)
    assert low <= (tissue.state == CellState.STROMA).sum() <= high
    assert set(np.unique(tissue.state)) <= {CellState.STROMA, code}


@pytest.mark.parametrize(("at_once", "cleared"), [
    ("apoptotic_half_life_h", {CellState.APOPTOTIC, CellState.KILLED_BY_T_CELL}),
    ("radiation_half_life_d", {CellState.KILLED_BY_RADIATION}), ("necrotic_half_life_d", {CellState.NECROTIC})])
def test_each_half_life_is_that_of_its_cause_and_the_living_stay(at_once: str, cleared: set[CellState]) -> None:
    tissue = tissue_of_each_state()
    update(state_of(tissue), Parameters(NEVER, NEVER, NEVER)._replace(**{at_once: AT_ONCE}), clock_at())
    assert tissue.state[0, 0].tolist() == [CellState.STROMA if code in cleared else code for code in CellState]


@pytest.mark.parametrize(("step", "p"), [(1, Parameters(AT_ONCE, AT_ONCE, AT_ONCE)), (0, Parameters(NEVER, NEVER, NEVER))])
def test_nothing_leaves_between_its_hours_or_with_endless_half_lives(step: int, p: Parameters) -> None:
    state = state_of(tissue_of_each_state())
    before = remember(state)
    update(state, p, clock_at(step))
    assert changed(before, state) == set()


def test_only_cell_states_are_written() -> None:
    state = state_of(tissue_of_each_state())
    before = remember(state)
    update(state, Parameters(AT_ONCE, AT_ONCE, AT_ONCE), clock_at())
    assert changed(before, state) == {"state"}

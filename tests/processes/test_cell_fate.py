"""Cell fate: no hazard, no fate; a certain hazard is certain; causes share in proportion."""

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.cell_fate import Parameters, update
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard
from lesionlab.sim.state.state import Tissue
from tests.made_state import LIVING, bare_tissue, changed, clock_at, freeze, remember, state_of, tissue_of_each_state

CERTAIN = 1e6


def fated(tissue: Tissue, step: int = 0) -> np.ndarray:
    """Draw the fates of one step and return them."""
    update(state_of(tissue), Parameters(), clock_at(step))
    return tissue.fate


def full_section(n: int = 100) -> Tissue:
    tissue = bare_tissue((1, n, n))
    tissue.state.fill(CellState.PROLIFERATING)
    return tissue


def test_without_hazards_no_cell_has_a_fate() -> None:
    state = state_of(full_section())
    before = remember(state)
    update(state, Parameters(), clock_at())
    assert changed(before, state) == set()


@pytest.mark.parametrize("cause", list(Hazard))
def test_a_certain_hazard_is_the_fate_of_every_living_cell_and_of_no_other(cause: Hazard) -> None:
    tissue = tissue_of_each_state()
    tissue.hazard[cause] = CERTAIN
    assert fated(tissue)[0, 0].tolist() == [cause if code in LIVING else NO_FATE for code in CellState]


@pytest.mark.parametrize("total", [0.01, 0.7, 3.0])
def test_the_chance_of_an_event_is_that_of_the_summed_hazard(total: float) -> None:
    tissue = full_section()
    tissue.hazard[Hazard.DIVISION], tissue.hazard[Hazard.APOPTOSIS] = 0.25 * total, 0.75 * total
    n_events = int((fated(tissue) != NO_FATE).sum())
    low, high = binom.interval(0.9999, 10_000, -np.expm1(-total))
    assert low <= n_events <= high


def test_causes_share_the_events_in_proportion_to_their_hazards() -> None:
    tissue = full_section()
    causes = [cause for cause in Hazard if cause != Hazard.RADIATION]
    for cause in causes:
        tissue.hazard[cause] = 0.5 * (1 + cause)
    fates = fated(tissue)
    n_events, total = int((fates != NO_FATE).sum()), sum(1 + cause for cause in causes)
    for cause in causes:
        low, high = binom.interval(0.9999, n_events, (1 + cause) / total)
        assert low <= (fates == cause).sum() <= high


def test_a_fraction_acts_first_and_only_its_survivors_meet_the_other_hazards() -> None:
    tissue = full_section()
    tissue.hazard[Hazard.RADIATION], tissue.hazard[Hazard.T_CELL] = 1.0, CERTAIN
    fates = fated(tissue)
    low, high = binom.interval(0.9999, 10_000, -np.expm1(-1.0))
    assert low <= (fates == Hazard.RADIATION).sum() <= high
    assert (fates[fates != Hazard.RADIATION] == Hazard.T_CELL).all()


def test_old_fates_are_forgotten() -> None:
    tissue = full_section(5)
    tissue.fate.fill(Hazard.APOPTOSIS)
    assert (fated(tissue) == NO_FATE).all()


def test_each_step_draws_anew() -> None:
    tissue = full_section(20)
    tissue.hazard[Hazard.APOPTOSIS] = 0.7
    first = fated(tissue).copy()
    assert (first == fated(tissue)).all()
    assert (first != fated(tissue, step=1)).any()


def test_only_fates_are_written() -> None:
    tissue = full_section(20)
    tissue.hazard[Hazard.T_CELL] = CERTAIN
    freeze(tissue, "state", "hazard")
    state = state_of(tissue)
    before = remember(state)
    update(state, Parameters(), clock_at())
    assert changed(before, state) == {"fate"}

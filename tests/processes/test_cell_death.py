"""Cell death: the remains of each cause, the counts in the ledger, and doomed cells."""

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.cell_death import Parameters, update
from lesionlab.sim.state.codes import CAUSES, NO_FATE, CellState, Hazard
from lesionlab.sim.state.state import Tissue
from tests.made_state import LIVING, bare_tissue, changed, clock_at, freeze, remember, state_of

P = Parameters()
REMAINS = {
    Hazard.FAILED_DIVISION: CellState.APOPTOTIC, Hazard.APOPTOSIS: CellState.APOPTOTIC, Hazard.HYPOXIA: CellState.NECROTIC,
    Hazard.RADIATION: CellState.KILLED_BY_RADIATION, Hazard.T_CELL: CellState.KILLED_BY_T_CELL,
}


def dying(code: int, cause: int, n: int = 4, weight: float = 3000.0) -> Tissue:
    """Return a section of n living cells of one state and fate; W = 3000."""
    tissue = bare_tissue((1, 1, n), weight=weight, volume_weight=3000.0)
    tissue.state.fill(code)
    tissue.fate.fill(cause)
    tissue.pd_l1.fill(1)
    tissue.hits.fill(2)
    return tissue


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("code", LIVING)
def test_each_cause_leaves_its_remains_and_is_booked_in_lesion_cells(code: int, cause: Hazard) -> None:
    """Radiation ended the line of the doomed: the final cause leaves its own remains, and the ledger counts them under radiation."""
    tissue = dying(code, cause)
    update(state_of(tissue), P._replace(interphase_share=1.0), clock_at())
    assert (tissue.state == REMAINS[cause]).all()
    booked_to = Hazard.RADIATION if code == CellState.DOOMED else cause
    assert tissue.ledger.tolist() == [4 * 3000.0 if booked == booked_to else 0.0 for booked in Hazard]
    assert (tissue.pd_l1 == 0).all() and (tissue.hits == 0).all()


@pytest.mark.parametrize(("code", "left", "booked"), [
    (CellState.PROLIFERATING, CellState.STROMA, 1.0), (CellState.QUIESCENT, CellState.STROMA, 1.0),
    (CellState.DOOMED, CellState.KILLED_BY_RADIATION, 3000.0)])
def test_clonogens_that_stand_for_less_than_a_site_leave_nothing_behind(code: int, left: int, booked: float) -> None:
    tissue = dying(code, Hazard.RADIATION, weight=1.0)
    update(state_of(tissue), P, clock_at())
    assert (tissue.state == left).all()
    assert tissue.ledger[Hazard.RADIATION] == 4 * booked


def test_clonogens_and_doomed_cells_that_die_together_are_booked_apart() -> None:
    tissue = dying(CellState.QUIESCENT, Hazard.HYPOXIA, n=5, weight=10.0)
    tissue.state[0, 0, :2] = CellState.DOOMED
    update(state_of(tissue), P, clock_at())
    assert tissue.ledger[[Hazard.HYPOXIA, Hazard.RADIATION]].tolist() == [3 * 10.0, 2 * 3000.0]
    assert tissue.ledger.sum() == 3 * 10.0 + 2 * 3000.0


def test_a_clonogen_that_does_not_die_in_interphase_is_doomed_and_not_yet_booked() -> None:
    tissue = dying(CellState.PROLIFERATING, Hazard.RADIATION)
    state = state_of(tissue)
    before = remember(state)
    update(state, P._replace(interphase_share=0.0), clock_at())
    assert (tissue.state == CellState.DOOMED).all()
    assert changed(before, state) == {"state"}


def test_interphase_death_takes_its_share() -> None:
    tissue = dying(CellState.PROLIFERATING, Hazard.RADIATION, n=5000)
    update(state_of(tissue), P, clock_at())
    n_dead = int((tissue.state == CellState.KILLED_BY_RADIATION).sum())
    assert n_dead + int((tissue.state == CellState.DOOMED).sum()) == 5000
    low, high = binom.interval(0.9999, 5000, P.interphase_share)
    assert low <= n_dead <= high


@pytest.mark.parametrize("fate", [NO_FATE, Hazard.DIVISION])
def test_a_cell_without_a_fate_of_death_lives_on(fate: int) -> None:
    tissue = dying(CellState.PROLIFERATING, fate)
    freeze(tissue, "fate")
    state = state_of(tissue)
    before = remember(state)
    update(state, P, clock_at())
    assert changed(before, state) == set()


def test_the_ledger_keeps_what_was_booked_before() -> None:
    tissue = dying(CellState.PROLIFERATING, Hazard.APOPTOSIS)
    tissue.ledger[:] = np.arange(6.0)
    update(state_of(tissue), P, clock_at())
    assert tissue.ledger.tolist() == [0.0, 1.0, 12002.0, 3.0, 4.0, 5.0]

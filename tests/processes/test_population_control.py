"""Population control: real fates and a fixed weight above n_min, withdrawn fates and a weight that follows the hazards at it."""

import math

import numpy as np
import pytest

from lesionlab.sim.processes.population_control import Parameters, update
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard
from lesionlab.sim.state.state import Tissue
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, remember, state_of

P = Parameters(n_min=20)
HUGE = 1e15  # a weight at which the lesion's own demographic noise vanishes
BIRTH, DEATH = 0.02, 0.05


def clonogens(n: int, n_dying: int = 0, n_dividing: int = 0, weight: float = HUGE, volume_weight: float = 10 * HUGE) -> Tissue:
    """Return n clonogens with hazards BIRTH of division and DEATH of apoptosis; the first ones dying, the last ones dividing."""
    tissue = bare_tissue((1, 1, 60), weight=weight, volume_weight=volume_weight)
    tissue.state[0, 0, :n] = CellState.PROLIFERATING
    tissue.hazard[Hazard.DIVISION, 0, 0, :n], tissue.hazard[Hazard.APOPTOSIS, 0, 0, :n] = BIRTH, DEATH
    tissue.fate[0, 0, :n_dying] = Hazard.APOPTOSIS
    tissue.fate[0, 0, n - n_dividing:n] = Hazard.DIVISION
    return tissue


def controlled(tissue: Tissue, p: Parameters = P, step: int = 0) -> Tissue:
    update(state_of(tissue), p, clock_at(step))
    return tissue


def fates_of(tissue: Tissue) -> list[int]:
    return tissue.fate[tissue.fate != NO_FATE].tolist()


@pytest.mark.parametrize(("n", "n_dying"), [(50, 0), (50, 30), (20, 0)])
def test_above_n_min_fates_are_real_and_the_weight_stays(n: int, n_dying: int) -> None:
    state = state_of(clonogens(n, n_dying, weight=HUGE, volume_weight=HUGE))
    before = remember(state)
    update(state, P, clock_at())
    assert changed(before, state) == {"cells_seen"}


@pytest.mark.parametrize("n_dying", [0, 10, 50])
def test_with_n_min_0_weights_never_change_and_fates_are_never_withdrawn(n_dying: int) -> None:
    state = state_of(clonogens(50, n_dying))
    before = remember(state)
    update(state, Parameters(n_min=0), clock_at())
    assert changed(before, state) == {"cells_seen"}


def test_weighted_clonogens_keep_their_number_and_the_weight_follows_their_mean_hazards() -> None:
    tissue = controlled(clonogens(20, n_dying=7, n_dividing=3))
    assert tissue.is_weight_controlled
    assert fates_of(tissue) == []
    assert tissue.weight == pytest.approx(HUGE * math.exp(BIRTH - DEATH), rel=1e-6)


def test_each_weighted_clonogen_counts_with_its_own_hazards() -> None:
    tissue = clonogens(20)
    tissue.hazard[Hazard.HYPOXIA, 0, 0, :5] = 1.0
    controlled(tissue)
    assert tissue.weight == pytest.approx(HUGE * math.exp(BIRTH - DEATH) * (15 + 5 * math.exp(-1.0)) / 20, rel=1e-6)


def test_a_fraction_lowers_the_weight_of_weighted_clonogens_by_its_survival() -> None:
    tissue = clonogens(20, n_dying=20)
    tissue.hazard[Hazard.RADIATION, 0, 0, :20] = 0.8
    assert controlled(tissue).weight == pytest.approx(HUGE * math.exp(BIRTH - DEATH - 0.8), rel=1e-6)
    assert fates_of(tissue) == []


def test_a_weighted_clonogen_killed_by_t_cells_counts_nothing_and_forgets_its_hits() -> None:
    tissue = clonogens(20)
    tissue.hazard[Hazard.T_CELL, 0, 0, 4], tissue.fate[0, 0, 4] = 1e6, Hazard.T_CELL
    tissue.hits[0, 0, 4:6] = 3, 2
    controlled(tissue)
    assert tissue.weight == pytest.approx(HUGE * math.exp(BIRTH - DEATH) * 19 / 20, rel=1e-6)
    assert tissue.hits[0, 0, 4:6].tolist() == [0, 2]


def test_a_section_that_falls_below_n_min_is_made_up_to_it_by_those_likeliest_to_live() -> None:
    tissue = clonogens(25, n_dying=10, weight=HUGE, volume_weight=HUGE)
    tissue.hazard[Hazard.HYPOXIA, 0, 0, :5] = 1.0
    controlled(tissue)
    # 15 survivors are made up to 20 by the five of the ten dying that had no hypoxia.
    assert tissue.fate[0, 0, :10].tolist() == [Hazard.APOPTOSIS] * 5 + [NO_FATE] * 5
    assert tissue.weight == pytest.approx(HUGE * math.exp(BIRTH - DEATH) * (20 + 5 * math.exp(-1.0)) / 20, rel=1e-6)


def test_weighted_clonogens_are_released_when_their_weight_is_back() -> None:
    tissue = controlled(clonogens(20, n_dividing=5, weight=HUGE, volume_weight=HUGE))
    assert not tissue.is_weight_controlled
    assert (fates_of(tissue), tissue.weight) == ([Hazard.DIVISION] * 5, HUGE)


@pytest.mark.parametrize("n_dying", [3, 20])
def test_at_a_weight_of_one_deaths_are_real_and_a_section_can_be_eradicated(n_dying: int) -> None:
    tissue = controlled(clonogens(20, n_dying, weight=1.0))
    assert (fates_of(tissue), tissue.weight) == ([Hazard.APOPTOSIS] * n_dying, 1.0)


def test_survivors_of_weight_one_that_grow_past_n_min_gain_weight_again() -> None:
    tissue = clonogens(20, n_dividing=5, weight=1.0)
    tissue.hazard[Hazard.DIVISION] *= 50.0
    controlled(tissue)
    assert tissue.is_weight_controlled and fates_of(tissue) == []
    assert tissue.weight > 1.0


def test_the_weight_never_falls_below_one() -> None:
    tissue = clonogens(20, weight=1.5)
    tissue.hazard[Hazard.HYPOXIA] = 5.0
    assert controlled(tissue).weight == 1.0


def test_the_weight_carries_the_lesions_own_demographic_noise() -> None:
    """Log noise of variance (b + d) / (w n), unbiased: a chi-square of 800 steps within its 99.9 % limits."""
    logs = [math.log(controlled(clonogens(20, weight=40.0, volume_weight=1e9), step=step).weight / 40.0) for step in range(800)]
    variance = (BIRTH + DEATH) / (40.0 * 20)
    deviations = (np.array(logs) - (BIRTH - DEATH) + variance / 2.0) / math.sqrt(variance)
    assert abs(deviations.mean()) < 3.3 / math.sqrt(800)
    assert abs((deviations**2).sum() - 800) < 3.3 * math.sqrt(2 * 800)


def test_the_ledger_books_the_deaths_that_the_weight_stands_for() -> None:
    tissue = controlled(clonogens(20))
    expected = HUGE * 20 * (1.0 - math.exp(-DEATH))
    assert tissue.ledger[Hazard.APOPTOSIS] == pytest.approx(expected, rel=1e-6)
    assert tissue.ledger.sum() == tissue.ledger[Hazard.APOPTOSIS]


@pytest.mark.parametrize("n_dropped", [1, 7])
def test_cells_pushed_out_of_view_raise_weights_and_scale(n_dropped: int) -> None:
    tissue = clonogens(50, weight=4.0, volume_weight=8.0)
    tissue.n_cells, tissue.n_dropped, tissue.scale = 50, n_dropped, 2.0
    controlled(tissue, Parameters(n_min=0))
    grown = (51.0 / 50.0) ** n_dropped
    assert (tissue.weight, tissue.volume_weight, tissue.scale**3) == pytest.approx((4.0 * grown, 8.0 * grown, 8.0 * grown))
    assert tissue.n_dropped == 0


def test_growth_of_the_view_makes_no_t_cells() -> None:
    """T cells times W stays: 600 at 1.1 W leave 545 or 546, the others are marked to die."""
    tissue = clonogens(50, weight=4.0, volume_weight=8.0)
    add_t_cells(tissue, [0] * 200 + [1] * 200 + [2] * 200)
    tissue.n_cells, tissue.n_dropped = 10, 1
    controlled(tissue, Parameters(n_min=0))
    assert int((tissue.t_cells.dies_at_h[:600] > 0.0).sum()) in (545, 546)


def test_hazards_that_are_added_to_start_the_next_step_at_nothing() -> None:
    tissue = clonogens(50)
    tissue.hazard.fill(0.3)
    controlled(tissue)
    assert tissue.hazard.any(axis=(1, 2, 3)).tolist() == [cause < Hazard.RADIATION for cause in Hazard]


def test_doomed_and_dead_cells_are_no_weighted_clonogens() -> None:
    tissue = clonogens(20)
    tissue.state[0, 0, 20:40] = [CellState.DOOMED, CellState.NECROTIC] * 10
    tissue.fate[0, 0, 20:40:2] = Hazard.RADIATION
    controlled(tissue)
    assert tissue.weight == pytest.approx(HUGE * math.exp(BIRTH - DEATH), rel=1e-6)
    assert fates_of(tissue) == [Hazard.RADIATION] * 10


def test_a_cause_of_death_after_those_of_today_counts_as_any_other() -> None:
    known, new = clonogens(20), clonogens(20)
    known.hazard[Hazard.APOPTOSIS] *= 2.0
    new.hazard = np.concatenate([new.hazard, new.hazard[Hazard.APOPTOSIS][None]])
    new.ledger = np.append(new.ledger, 0.0)
    assert controlled(new).weight == pytest.approx(controlled(known).weight, rel=1e-6)
    assert new.weight < HUGE and new.ledger[-1] > 0.0

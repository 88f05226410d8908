"""VEGF suppression: what VEGF holds back under an inhibitor, and that killing, entry, priming and exhaustion follow it."""

import numpy as np
import pytest

from lesionlab.sim.processes import t_cell_entry, t_cell_exhaustion, t_cell_priming
from lesionlab.sim.processes.vegf_suppression import MEAN_EVERY_H, Parameters, half_under, mean_vegf, update
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import State, Tissue
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, fill_disc, remember, state_of

P = Parameters(silenced_fraction=0.8, vegf_half=2.0)
BEFORE_DAY_0 = 10**6


def lesion(vegf: float, name: str = "made", **numbers: float) -> Tissue:
    """Return a disc of cells in VEGF that is twice as high around it."""
    tissue = bare_tissue(name=name, **({"weight": 1e6, "volume_weight": 1e6} | numbers))
    mask = fill_disc(tissue, 6.0)
    tissue.vegf[:] = np.where(mask, vegf, 2.0 * vegf)
    return tissue


def held_back(vegf: float, inhibition: float) -> float:
    return 0.8 * vegf * (1.0 - inhibition) / (vegf * (1.0 - inhibition) + 2.0)


@pytest.mark.parametrize("inhibition", [0.0, 0.5, 0.95])
def test_the_half_rises_as_the_inhibitor_takes_vegf_away(inhibition: float) -> None:
    """q V / (V + half) with the half that is set is q V_e / (V_e + V50)."""
    assert 0.8 * 3.0 / (3.0 + half_under(P, inhibition)) == pytest.approx(held_back(3.0, inhibition))


def test_under_full_inhibition_vegf_holds_nothing_back() -> None:
    state = state_of(lesion(5.0), vegfr_inhibition=1.0)
    update(state, P, clock_at())
    assert state.systemic.priming_left == 1.0 > state.systemic.priming_left_at_rest == pytest.approx(1.0 - held_back(5.0, 0.0))


def test_the_mean_is_over_the_masses_and_weighted_by_their_cells() -> None:
    """Three times the cells a site count three times; the tissue around counts for nothing, nor does a cleared lesion."""
    cleared = lesion(50.0, "cleared")
    cleared.state.fill(CellState.STROMA)
    assert mean_vegf(state_of(lesion(1.0), lesion(5.0, "other", weight=3e6, volume_weight=3e6), cleared)) == pytest.approx(4.0)
    assert mean_vegf(state_of(cleared)) == 0.0


def test_it_looks_at_vegf_daily_and_at_the_inhibitor_in_every_step() -> None:
    tissue = lesion(3.0)
    state = state_of(tissue)
    update(state, P, clock_at(0))
    tissue.vegf.fill(6.0)
    state.systemic.vegfr_inhibition = 0.5
    update(state, P, clock_at(1))
    assert state.systemic.mean_vegf == pytest.approx(3.0)
    assert state.systemic.priming_left == pytest.approx(1.0 - held_back(3.0, 0.5))
    before = remember(state)
    update(state, P, clock_at(int(MEAN_EVERY_H)))
    assert changed(before, state) == {"mean_vegf", "priming_left"}


def test_what_priming_is_measured_against_is_that_of_rest_without_the_drug() -> None:
    state = state_of(lesion(3.0))
    update(state, P, clock_at(0, burn_in_steps=24))
    state.systemic.vegfr_inhibition = 0.9
    update(state, P, clock_at(24, burn_in_steps=24))
    assert state.systemic.priming_left_at_rest == pytest.approx(1.0 - held_back(3.0, 0.0))
    assert state.systemic.priming_left == pytest.approx(1.0 - held_back(3.0, 0.9))


def primed(inhibition: float, p: Parameters = P) -> float:
    """Return the specific effectors of a day after the pools were struck at rest."""
    tissue = lesion(4.0)
    state = state_of(tissue, antigen_ledger=3e11, specific_blood=2e8, bystander_blood=8e8)
    update(state, p, clock_at(0, burn_in_steps=24))
    t_cell_priming.hold_baseline(state.systemic, t_cell_priming.Parameters(memory_share=0.0), 30.0)
    state.systemic.vegfr_inhibition, state.systemic.specific_blood = inhibition, 0.0
    tissue.ledger[Hazard.RADIATION] = 1e10 / 24.0
    for step in (24, 25):
        update(state, p, clock_at(step, burn_in_steps=24))
    t_cell_priming.update(state, t_cell_priming.Parameters(memory_share=0.0), clock_at(25, burn_in_steps=24))
    return state.systemic.specific_blood


def test_priming_rises_by_what_vegf_no_longer_holds_back() -> None:
    """(1 - 0.8 x 0.4 / 2.4) / (1 - 0.8 x 4 / 6) at nine tenths inhibited."""
    rest = primed(0.0)
    assert rest == pytest.approx(2e7 / 24.0, rel=0.01)
    assert primed(0.9) / rest == pytest.approx((1.0 - held_back(4.0, 0.9)) / (1.0 - held_back(4.0, 0.0)))
    assert primed(0.9, P._replace(silenced_fraction=0.0)) == primed(0.0, P._replace(silenced_fraction=0.0)) == pytest.approx(rest)


def entered(vegf: float, normalisation: float = 0.0, p: Parameters = P, days: int = 30) -> int:
    tissue = lesion(vegf)
    tissue.vegf.fill(vegf)
    tissue.perfusion[0, 10, 5:15] = 1.0
    state = state_of(tissue, specific_blood=2e8, bystander_blood=8e8, normalisation=normalisation)
    update(state, p, clock_at(burn_in_steps=BEFORE_DAY_0))
    for step in range(24 * days):
        t_cell_entry.update(state, t_cell_entry.Parameters(entry_per_vessel_per_d=0.2), clock_at(step, burn_in_steps=BEFORE_DAY_0))
    return tissue.t_cells.n


def test_entry_falls_by_what_vegf_holds_back_and_normalisation_no_longer_counts() -> None:
    """Ten vessels, 0.2 a day each, 30 days: 60 T cells; two draws a step round them."""
    assert entered(0.0) == pytest.approx(60, abs=20)
    assert entered(4.0, days=300) == pytest.approx(600 * (1.0 - held_back(4.0, 0.0)), abs=60)
    assert entered(4.0, normalisation=1.0) == entered(4.0)
    off = P._replace(silenced_fraction=0.0)
    assert entered(4.0, normalisation=1.0, p=off, days=300) == pytest.approx(780, abs=60)


def exhausted(vegf: float, gain: float) -> int:
    tissue = bare_tissue((1, 40, 40))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.pd_l1_share.fill(1.0)
    tissue.vegf.fill(vegf)
    add_t_cells(tissue, range(1600), target=800)
    state: State = state_of(tissue)
    update(state, P._replace(exhaustion_gain=gain), clock_at())
    for step in range(0, 48, 6):
        t_cell_exhaustion.update(state, t_cell_exhaustion.Parameters(), clock_at(step))
    return int(tissue.t_cells.is_exhausted.sum())


def test_exhaustion_rises_with_vegf_only_if_it_is_asked_to() -> None:
    """Two days at 0.1 per day, times 1 + 3 x 0.8 x 4 / 6 = 2.6."""
    assert exhausted(4.0, 0.0) == exhausted(0.0, 3.0) == pytest.approx(1600 * -np.expm1(-0.2), abs=60)
    assert exhausted(4.0, 3.0) == pytest.approx(1600 * -np.expm1(-0.52), abs=70)

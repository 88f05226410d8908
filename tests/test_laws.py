"""The laws of a site, called one by one: each gives what its equation gives by hand."""

import math

import numpy as np
import pytest

from lesionlab.sim.processes import (
    cell_cycle,
    clearance,
    hypoxia,
    pd_l1,
    population_control,
    radiobiology,
    t_cell_entry,
    t_cell_exhaustion,
    t_cell_killing,
    t_cell_priming,
    vessels,
)
from lesionlab.sim.state.codes import CellState
from tests.made_state import state_of

WELL_OXYGENATED = 1e12


@pytest.mark.parametrize(("oxygen_mmHg", "per_h"), [(0.0, 0.04), (0.5, 0.04), (0.75, 0.02), (1.0, 0.0), (40.0, 0.0)])
def test_necrosis_rises_on_a_ramp(oxygen_mmHg: float, per_h: float) -> None:
    p = hypoxia.Parameters(onset_mmHg=1.0, full_mmHg=0.5, necrosis_per_h=0.04)
    assert hypoxia.necrosis_hazard_per_h(p, oxygen_mmHg) == pytest.approx(per_h, rel=1e-15)


def test_a_cell_is_quiescent_below_the_threshold_and_not_at_it() -> None:
    p = hypoxia.Parameters(quiescent_mmHg=4.0)
    assert hypoxia.is_quiescent(p, 3.9) and not hypoxia.is_quiescent(p, 4.0)


VESSELS = vessels.Parameters(
    perfused_tumour=0.4, perfused_normal=0.8, maturity_tumour=0.25, maturity_normal=0.75, maturation_time_d=2.0, vegf_half=2.0,
    collapse_per_d=0.8, pruning_per_d=0.4, regression_per_d=0.2, sprouting_per_d=0.1, repair_per_d=0.2, pruning_spared_by_maturity=0.5,
    decompression_share=0.25, density_depth_um=0.0, crowded_vessels=5.0)
UNTREATED = vessels.Effects(normalisation=0.0, pruning=0.0, radiation_maturity=0.0)


@pytest.mark.parametrize(("maturity", "share"), [(0.25, 0.4), (0.5, 0.6), (0.75, 0.8), (0.0, 0.2), (1.0, 1.0)])
def test_the_perfused_share_is_linear_in_maturity(maturity: float, share: float) -> None:
    assert vessels.perfused_share(VESSELS, maturity) == pytest.approx(share, rel=1e-15)


@pytest.mark.parametrize(("effects", "living_share", "target"), [
    (UNTREATED, 1.0, 0.25), (UNTREATED._replace(normalisation=0.5), 1.0, 0.5),
    (UNTREATED._replace(normalisation=0.5, radiation_maturity=0.125), 1.0, 0.625), (UNTREATED._replace(radiation_maturity=9.0), 1.0, 1.0),
    (UNTREATED, 0.0, 0.75), (UNTREATED, 0.125, 0.5), (UNTREATED, 0.25, 0.25)])
def test_the_target_of_maturity_adds_normalisation_radiation_and_decompression(
        effects: vessels.Effects, living_share: float, target: float) -> None:
    assert vessels.target_maturity(VESSELS, effects, living_share) == pytest.approx(target, rel=1e-15)


def test_half_of_the_way_to_the_target_takes_the_time_constant_times_ln_2() -> None:
    assert vessels.maturity_after(VESSELS, 0.25, 0.75, 2.0 * math.log(2.0)) == pytest.approx(0.5, rel=1e-15)


def test_vegf_acts_by_half_at_its_half_once_the_inhibitor_has_taken_its_share() -> None:
    assert vessels.vegf_drive(VESSELS, UNTREATED._replace(pruning=0.5), 4.0) == 0.5
    assert vessels.vegf_drive(VESSELS, UNTREATED._replace(pruning=1.0), 4.0) == 0.0


def test_a_vessel_is_a_tumour_vessel_from_the_share_of_decompression_on() -> None:
    assert [vessels.tumour_share(VESSELS, share) for share in (0.0, 0.125, 0.25, 1.0)] == [0.0, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(("in_tumour", "maturity", "drive", "pruning", "per_d"), [
    (1.0, 0.5, 1.0, 0.5, 0.2 * (1.0 - 0.25)), (1.0, 0.5, 0.75, 0.0, 0.2 * 0.5 * 0.25), (0.5, 0.5, 0.75, 0.5, 0.5 * (0.15 + 0.025)),
    (0.0, 0.5, 0.0, 1.0, 0.0), (1.0, 1.0, 0.0, 1.0, 0.4 * 0.5)])
def test_withdrawal_of_vegf_prunes_and_lets_regress(in_tumour: float, maturity: float, drive: float, pruning: float, per_d: float) -> None:
    effects = UNTREATED._replace(pruning=pruning)
    assert vessels.loss_by_withdrawal_per_d(VESSELS, effects, drive, in_tumour, maturity) == pytest.approx(per_d, rel=1e-14)


@pytest.mark.parametrize(("living_share", "maturity", "per_d"), [(0.875, 0.25, 0.2), (1.0, 0.0, 0.8), (0.75, 0.0, 0.0), (1.0, 0.5, 0.0)])
def test_only_immature_vessels_in_a_crowd_collapse(living_share: float, maturity: float, per_d: float) -> None:
    assert vessels.collapse_per_d(VESSELS, living_share, maturity) == pytest.approx(per_d, rel=1e-15)


def test_sprouting_follows_vegf_and_room_and_repair_the_host() -> None:
    """Eight host vessels within 80 um at this rim density; two of them are there."""
    p = VESSELS._replace(rim_density_per_mm2=2500.0 * 0.8 / 81.0 * 8.0)
    around = vessels.Surroundings(living_share=1.0, vessels_near=2.0, vessels_wide=2.0, vegf=1.0, depth_um=0.0)
    assert vessels.sprouting_per_d(p, 0.5, 1.0, around) == pytest.approx(0.1 * 0.5 * 0.6, rel=1e-15)
    assert vessels.sprouting_per_d(p, 0.0, 0.5, around) == pytest.approx(0.2 * 0.5 * 0.75, rel=1e-14)


@pytest.mark.parametrize(("depth_um", "vessels_wide", "room"), [(0.0, 9.0, 0.5), (1e9, 5.0, 0.5), (1e9, 9.0, 0.0), (0.0, 1.0, 1.0)])
def test_room_for_sprouts_falls_with_depth_as_density_does(depth_um: float, vessels_wide: float, room: float) -> None:
    """At the surface 16 more vessels within 80 um stop sprouting; in a core of half the rim's density 8 do."""
    p = VESSELS._replace(rim_density_per_mm2=40.0, core_density_per_mm2=20.0, density_depth_um=100.0)
    around = vessels.Surroundings(1.0, 1.0, vessels_wide, 1.0, depth_um)
    assert vessels.room_for_sprouts(p, around) == pytest.approx(room, rel=1e-15)


KILLING = t_cell_killing.Parameters(n_hits=3, memory_min=50.0, suppression_half=0.1, suppression_exponent=2.0)


@pytest.mark.parametrize(("pd1_free", "pd_l1_share", "share"), [(1.0, 0.1, 0.5), (0.5, 0.3, 0.45), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)])
def test_pd_l1_suppresses_by_a_hill_function_of_its_share(pd1_free: float, pd_l1_share: float, share: float) -> None:
    assert t_cell_killing.suppressed_by_pd_l1(KILLING, pd1_free, pd_l1_share) == pytest.approx(share, rel=1e-14)


def test_vegf_suppresses_among_the_pairs_that_pd_l1_leaves() -> None:
    """s_PD1 = 0.45 and s_V = 0.8 x 1 / (1 + 3) = 0.2."""
    suppressors = t_cell_killing.Suppressors(pd1_free=0.5, vegf_limit=0.8, vegf_half=3.0)
    assert t_cell_killing.suppressed_share(KILLING, suppressors, 0.3, 1.0) == pytest.approx(0.45 + 0.55 * 0.2, rel=1e-14)


@pytest.mark.parametrize(("hits", "minutes", "then"), [(0, 1e6, 1), (2, 49, 3), (2, 50, 1), (200, 0, 200)])
def test_a_hit_counts_with_the_last_ones_unless_they_are_forgotten(hits: int, minutes: float, then: int) -> None:
    assert t_cell_killing.hits_with_one_more(KILLING, hits, minutes) == then


def test_three_hits_kill() -> None:
    assert [bool(t_cell_killing.is_killed(KILLING, hits)) for hits in (0, 2, 3, 4)] == [False, False, True, True]


def test_births_beyond_the_section_raise_the_weight_by_one_cell_each() -> None:
    assert population_control.growth_factor(100, 2) == pytest.approx(1.01**2, rel=1e-15)


def test_weighted_clonogens_count_with_their_expected_number_and_a_killed_one_not() -> None:
    expected = population_control.expected_number(np.array([0.02, 0.02]), np.array([0.05, 0.05]), np.array([False, True]))
    assert expected == pytest.approx([math.exp(-0.03), 0.0], rel=1e-14)


def test_noise_is_that_of_the_lesions_births_and_deaths() -> None:
    """(0.1 + 0.3 + 0.1 + 1) / 2 events a clonogen, of 5 x 2 clonogens; no clonogen dies more than once."""
    assert population_control.noise_variance(np.array([0.1, 0.1]), np.array([0.3, 2.0]), 5.0) == pytest.approx(0.075, rel=1e-15)


@pytest.mark.parametrize(("variance", "deviate", "factor"), [(0.0, 3.0, 0.9), (0.04, 1.0, 0.9 * math.exp(0.18))])
def test_the_weight_follows_the_expected_number_of_the_kept(variance: float, deviate: float, factor: float) -> None:
    assert population_control.weight_factor(18.0, 20, variance, deviate) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(("weight", "is_under_weighted", "n", "n_after", "n_min", "is_controlled"), [
    (9.0, False, 300, 299, 300, True), (9.0, False, 300, 300, 300, False), (9.0, True, 300, 400, 300, True),
    (1.0, True, 300, 299, 300, False), (1.0, True, 300, 301, 300, True), (9.0, True, 0, 0, 300, False), (9.0, True, 5, 0, 0, False)])
def test_the_weight_takes_over_where_too_few_would_be_left_and_deaths_at_the_end(
        weight: float, is_under_weighted: bool, n: int, n_after: int, n_min: int, is_controlled: bool) -> None:
    assert population_control.is_controlled(weight, is_under_weighted, n, n_after, n_min) == is_controlled


@pytest.mark.parametrize(("oxygen_mmHg", "dose_gy", "expected"), [
    (WELL_OXYGENATED, 2.0, 0.3 * (2.0 + 0.4)), (0.0, 3.0, 0.3 * (1.0 + 0.1)), (3.0, 3.0, 0.3 * (2.0 + 0.4)), (3.0, 0.0, 0.0)])
def test_radiation_kills_by_the_linear_quadratic_law_with_the_oxygen_effect(oxygen_mmHg: float, dose_gy: float, expected: float) -> None:
    """Relative sensitivity 1 well oxygenated, 1/3 without oxygen, 2/3 at half."""
    p = radiobiology.Parameters(alpha_per_gy=0.3, alpha_beta_gy=10.0, oxygen_enhancement=3.0, oxygen_enhancement_beta=3.0,
                                oxygen_half_mmHg=3.0)
    assert radiobiology.log_kill(p, dose_gy, oxygen_mmHg) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("radius", "dose_gy"), [(0.0, 5.0), (0.5, 4.0), (0.75, 3.0), (1.0, 3.0), (1.02, 1.5), (1.1, 0.0)])
def test_the_core_the_mass_and_the_edge_of_the_planned_volume_get_their_doses(radius: float, dose_gy: float) -> None:
    """A penumbra of one site in a mass of 100: the planned volume ends two sites beyond it, where the dose is half."""
    plan = radiobiology.Plan(3.0, 5.0, 0.5, (math.inf, 100.0, 100.0), 1.0)
    assert radiobiology.dose_at(plan, radius) == pytest.approx(dose_gy, abs=0.08)


def test_a_doomed_cell_divides_in_vain_and_a_clonogen_fails_at_its_share() -> None:
    p = cell_cycle.Parameters(cycle_time_h=24.0, failed_division_share=0.25, doomed_death_per_mitosis=0.5, doomed_lifetime_d=2.0,
                              oxygen_half_mmHg=4.0, tki_inhibition_per_uM=1.0)
    rates = cell_cycle.step_rates(p, 1.0, 24.0)
    assert cell_cycle.gated_division(rates, WELL_OXYGENATED) == pytest.approx(math.log(2.0) / 2.0, rel=1e-12)
    assert cell_cycle.gated_division(rates, 4.0) == pytest.approx(math.log(2.0) / 4.0, rel=1e-15)
    assert [cell_cycle.division_hazard(rates, 0.8, is_doomed) for is_doomed in (False, True)] == pytest.approx([0.6, 0.4], rel=1e-15)
    assert [cell_cycle.failed_division_hazard(rates, 0.8, is_doomed) for is_doomed in (False, True)] == pytest.approx([0.2, 0.0])
    assert cell_cycle.doomed_death_hazard(rates, 0.8) == pytest.approx(0.4 + 0.5, rel=1e-15)


def test_pd_l1_comes_to_rest_half_way_at_the_half_of_interferon_and_a_lone_cell_counts_little() -> None:
    p = pd_l1.Parameters(baseline_share=0.2, induced_share=0.8, ifn_half=0.1)
    assert [pd_l1.stationary_share(p, ifn_gamma) for ifn_gamma in (0.0, 0.1)] == pytest.approx([0.2, 0.5], rel=1e-15)
    assert [pd_l1.share_met(n, 10, 0.5) for n in (0, 5, 10)] == [0.25, 0.5, 0.75]


def test_exhaustion_follows_pd_l1_and_vegf_adds_its_gain() -> None:
    chances = t_cell_exhaustion.Chances(exhaustion=0.1, recovery=0.0)
    effect = t_cell_exhaustion.VegfEffect(gain=2.0, limit=0.8, half=3.0)
    assert t_cell_exhaustion.exhaustion_probability(chances, effect, 0.5, 0.0) == pytest.approx(0.05, rel=1e-15)
    assert t_cell_exhaustion.exhaustion_probability(chances, effect, 0.5, 1.0) == pytest.approx(0.05 * 1.4, rel=1e-14)


def test_a_lesion_takes_in_t_cells_by_open_vessels_weight_and_low_dose() -> None:
    p = t_cell_entry.Parameters(entry_per_vessel_per_d=0.5, reference_blood_cells=1e9, low_dose_gain=3.0)
    assert t_cell_entry.intake_per_d(p, 10.0, 1.0, 0.5, 2.0, 1e6) == pytest.approx(0.5 * 10.0 * 2.0 * 2.0 * 1e6 / 1e9, rel=1e-14)


def test_priming_saturates_with_antigen_relative_to_the_baseline() -> None:
    """E(A) = 3/4 against 1/2 at rest; half of the naive cells are left, and VEGF leaves 0.6 where it left 0.4 at rest."""
    p = t_cell_priming.Parameters(antigen_half_per_d=1e10)
    systemic = state_of().systemic
    systemic.antigen[:], systemic.baseline_antigen, systemic.supply_specific, systemic.naive = 3e10, 1e10, 1e6, 0.5
    systemic.priming_left, systemic.priming_left_at_rest = 0.6, 0.4
    assert t_cell_priming.primed_per_d(systemic, p) == pytest.approx(1e6 * 0.5 * 1.5 * 1.5, rel=1e-14)


def test_half_of_the_dead_are_cleared_within_their_half_life() -> None:
    p = clearance.Parameters(apoptotic_half_life_h=12.0, radiation_half_life_d=2.0, necrotic_half_life_d=4.0)
    share = clearance.clearance_probability(clearance.half_lives_h(p), 48.0)
    of_codes = {CellState.KILLED_BY_T_CELL: 1.0 - 1.0 / 16.0, CellState.KILLED_BY_RADIATION: 0.5, CellState.NECROTIC: 1.0 - 0.5**0.5,
                CellState.STROMA: 0.0, CellState.DOOMED: 0.0}
    assert [share[code] for code in of_codes] == pytest.approx(list(of_codes.values()), rel=1e-14)

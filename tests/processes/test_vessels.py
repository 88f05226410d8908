"""Vessels: maturity drifts to its target, perfusion follows it, and loss and sprouting come at their hazards."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.vessels import EVERY_H, Parameters, update
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import State, Tissue
from tests.made_state import bare_tissue, changed, clock_at, freeze, remember, state_of

P = Parameters(vegf_dependent_fraction=1.0, pruning_spared_by_maturity=1.0, density_depth_um=0.0)
"""All vessels need VEGF, maturity spares them from pruning, depth is without effect; those rules have their tests at the end."""
STILL = P._replace(sprouting_per_d=0.0, collapse_per_d=0.0, pruning_per_d=0.0, regression_per_d=0.0, repair_per_d=0.0)
SPACING, SIDE = 8, 320
N = (SIDE // SPACING) ** 2  # vessels, too far apart to meet
ALONE = 1.0 - 1.0 / P.crowded_vessels  # what a vessel's own site leaves of sprouting
KEPT = math.exp(-1.0 / P.maturation_time_d)


def vascular(code: int = CellState.PROLIFERATING, maturity: float = P.maturity_tumour, vegf: float = 0.0) -> Tissue:
    """Return a section full of one kind of site with vessels on a wide grid."""
    tissue = bare_tissue((1, SIDE, SIDE))
    tissue.state.fill(code)
    tissue.vegf.fill(vegf)
    tissue.vessel[0, 4::SPACING, 4::SPACING] = 1
    tissue.maturity[tissue.vessel == 1] = maturity
    return tissue


def one_day(tissue: Tissue, p: Parameters = STILL, **systemic: float) -> State:
    state = state_of(tissue, **systemic)
    update(state, p, clock_at())
    return state


def is_binomial(n: int, share: float) -> bool:
    low, high = binom.interval(0.9999, N, share)
    return bool(low <= n <= high)


@pytest.mark.parametrize("start", [0.1, 0.9])
@pytest.mark.parametrize(("normalisation", "target"), [
    (0.0, P.maturity_tumour), (0.5, (P.maturity_tumour + P.maturity_normal) / 2.0), (1.0, P.maturity_normal)])
def test_maturity_drifts_to_the_target_of_normalisation(start: float, normalisation: float, target: float) -> None:
    tissue = vascular(maturity=start)
    one_day(tissue, normalisation=normalisation)
    assert np.allclose(tissue.maturity[tissue.vessel == 1], target + (start - target) * KEPT, rtol=1e-5)


@pytest.mark.parametrize("start", [P.maturity_tumour, 1.0])
@pytest.mark.parametrize("code", [CellState.STROMA, CellState.NECROTIC])
def test_where_no_tumour_cell_lives_vessels_become_normal(code: int, start: float) -> None:
    tissue = vascular(code, start)
    one_day(tissue)
    assert np.allclose(tissue.maturity[tissue.vessel == 1], P.maturity_normal + (start - P.maturity_normal) * KEPT, rtol=1e-5)


@pytest.mark.parametrize(("n_living", "decompressed"), [(0, 1.0), (3, 0.52), (6, 0.04), (7, 0.0), (25, 0.0)])
def test_killing_cells_decompresses_vessels_below_a_quarter_of_living_cells(n_living: int, decompressed: float) -> None:
    """Living cells among the 25 sites about each vessel: 1 - (n / 25) / 0.25 of the way to normal maturity."""
    tissue = vascular(CellState.NECROTIC)
    offsets = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)][:n_living]
    for dy, dx in offsets:
        tissue.state[0, 4 + dy::SPACING, 4 + dx::SPACING] = CellState.PROLIFERATING
    one_day(tissue)
    target = P.maturity_tumour + (P.maturity_normal - P.maturity_tumour) * decompressed
    assert np.allclose(tissue.maturity[tissue.vessel == 1], target + (P.maturity_tumour - target) * KEPT, rtol=1e-5)


def test_decompression_takes_nothing_from_what_radiotherapy_matured() -> None:
    """0.3 + 0.6 is above the normal maturity already."""
    tissue = vascular(CellState.NECROTIC)
    tissue.radiation_maturity = 0.6
    one_day(tissue)
    target = P.maturity_tumour + 0.6 * math.exp(-1.0 / P.radiation_maturity_d)
    assert target > P.maturity_normal
    assert np.allclose(tissue.maturity[tissue.vessel == 1], target + (P.maturity_tumour - target) * KEPT, rtol=1e-5)


@pytest.mark.parametrize("response", [0.0, 0.5])
def test_vessels_take_up_their_share_of_normalisation_and_of_pruning(response: float) -> None:
    tissue = vascular()
    one_day(tissue, STILL._replace(normalisation_response=response), normalisation=0.8)
    target = P.maturity_tumour + (P.maturity_normal - P.maturity_tumour) * 0.8 * response
    assert np.allclose(tissue.maturity[tissue.vessel == 1], target + (P.maturity_tumour - target) * KEPT, rtol=1e-5)
    pruned = vascular()
    one_day(pruned, STILL._replace(pruning_per_d=0.5, pruning_response=response), pruning=0.8)
    assert is_binomial(N - int(pruned.vessel.sum()), -math.expm1(-0.5 * 0.8 * response * (1.0 - P.maturity_tumour)))


def test_radiotherapy_matures_and_its_effect_decays() -> None:
    tissue = vascular()
    tissue.radiation_maturity = 0.2
    one_day(tissue)
    left = 0.2 * math.exp(-1.0 / P.radiation_maturity_d)
    assert tissue.radiation_maturity == pytest.approx(left)
    assert np.allclose(tissue.maturity[tissue.vessel == 1], P.maturity_tumour + left * (1.0 - KEPT), rtol=1e-5)


@pytest.mark.parametrize(("maturity", "normalisation", "share"), [
    (P.maturity_tumour, 0.0, P.perfused_tumour), (P.maturity_normal, 1.0, P.perfused_normal)])
def test_the_perfused_share_follows_maturity(maturity: float, normalisation: float, share: float) -> None:
    tissue = vascular(maturity=maturity)
    one_day(tissue, normalisation=normalisation)
    assert set(np.unique(tissue.perfusion)) == {0.0, 1.0}
    assert is_binomial(int(tissue.perfusion.sum()), share)
    assert not tissue.perfusion[tissue.vessel == 0].any()


@pytest.mark.parametrize(("volume_cm3", "share"), [
    (50.0, 0.5), (250.0, 0.5 * 5.0**-0.2), (10.0, 0.5 * 5.0**0.2), (1e-3, P.perfused_normal), (50e20, 0.05)])
def test_the_perfused_share_of_tumour_vessels_falls_with_volume_within_bounds(volume_cm3: float, share: float) -> None:
    tissue = vascular()
    tissue.baseline_volume_cm3 = volume_cm3
    one_day(tissue, STILL._replace(perfusion_size_exponent=0.2))
    assert is_binomial(int(tissue.perfusion.sum()), share)


def test_growth_beyond_the_section_lowers_perfusion_and_normal_vessels_are_spared() -> None:
    """Twice as long is eight times the volume."""
    grown, normal = vascular(), vascular(maturity=P.maturity_normal)
    for tissue, systemic in ((grown, {}), (normal, {"normalisation": 1.0})):
        tissue.scale, tissue.baseline_scale = 40.0, 20.0
        one_day(tissue, STILL._replace(perfusion_size_exponent=0.3), **systemic)
    assert is_binomial(int(grown.perfusion.sum()), P.perfused_tumour * 8.0**-0.3)
    assert is_binomial(int(normal.perfusion.sum()), P.perfused_normal)


def test_without_the_exponent_size_is_without_effect() -> None:
    small, large = vascular(), vascular()
    large.baseline_volume_cm3 = 1e4
    for tissue in (small, large):
        one_day(tissue, STILL._replace(perfusion_size_exponent=0.0))
    assert (small.perfusion == large.perfusion).all()


def test_normalisation_opens_vessels_and_closes_none_of_the_open() -> None:
    plain, normalised = vascular(), vascular()
    one_day(plain)
    one_day(normalised, normalisation=1.0)
    assert normalised.perfusion.sum() > plain.perfusion.sum()
    assert (normalised.perfusion >= plain.perfusion).all()


def test_a_vessel_keeps_its_own_threshold_from_day_to_day() -> None:
    tissue = vascular()
    state = one_day(tissue)
    first = tissue.perfusion.copy()
    update(state, STILL, clock_at(24))
    assert (tissue.perfusion == first).all()


@pytest.mark.parametrize("maturity", [P.maturity_tumour, 0.6])
def test_blockade_prunes_the_immature(maturity: float) -> None:
    tissue = vascular(maturity=maturity)
    one_day(tissue, STILL._replace(pruning_per_d=0.3), pruning=0.8)
    now = P.maturity_tumour + (maturity - P.maturity_tumour) * KEPT
    assert is_binomial(N - int(tissue.vessel.sum()), -math.expm1(-0.3 * 0.8 * (1.0 - now)))


@pytest.mark.parametrize(("code", "is_squeezed"), [(CellState.PROLIFERATING, True), (CellState.DOOMED, True), (CellState.NECROTIC, False)])
def test_the_living_squeeze_immature_vessels_and_the_dead_do_not(code: int, is_squeezed: bool) -> None:
    tissue = vascular(code, maturity=0.1)
    one_day(tissue, STILL._replace(collapse_per_d=0.5))
    now = P.maturity_tumour + (0.1 - P.maturity_tumour) * KEPT
    assert is_binomial(N - int(tissue.vessel.sum()), -math.expm1(-0.5 * (1.0 - 2.0 * now)) if is_squeezed else 0.0)


@pytest.mark.parametrize(("vegf", "blockade"), [(0.0, 0.0), (P.vegf_half, 0.0), (P.vegf_half, 1.0), (1e9, 0.0)])
def test_without_vegf_or_under_full_blockade_the_immature_regress(vegf: float, blockade: float) -> None:
    tissue = vascular(vegf=vegf)
    one_day(tissue, STILL._replace(regression_per_d=0.5), pruning=blockade)
    acting = vegf * (1.0 - blockade)
    lost = -math.expm1(-0.5 * (1.0 - P.maturity_tumour) * P.vegf_half / (acting + P.vegf_half))
    assert is_binomial(N - int(tissue.vessel.sum()), lost)


def test_a_fully_mature_vessel_in_host_tissue_is_never_lost() -> None:
    """Where normal is full maturity, no hazard of loss is left."""
    tissue = vascular(CellState.STROMA, maturity=1.0)
    lossy = P._replace(maturity_normal=1.0, collapse_per_d=1e6, pruning_per_d=1e6, regression_per_d=1e6, repair_per_d=0.0)
    one_day(tissue, lossy, pruning=1.0)
    assert tissue.vessel.sum() == N


@pytest.mark.parametrize("hazard", ["collapse_per_d", "pruning_per_d", "regression_per_d"])
def test_a_host_vessel_is_quiescent(hazard: str) -> None:
    tissue = vascular(CellState.STROMA, maturity=P.maturity_normal)
    one_day(tissue, STILL._replace(**{hazard: 1e6}), pruning=0.8)
    assert np.allclose(tissue.maturity[tissue.vessel == 1], P.maturity_normal)
    assert tissue.vessel.sum() == N


def test_a_vessel_among_tumour_cells_of_the_same_maturity_is_lost() -> None:
    """The control of the test above."""
    tissue = vascular(CellState.PROLIFERATING, maturity=P.maturity_normal)
    one_day(tissue, STILL._replace(pruning_per_d=1e6), pruning=0.8)
    assert tissue.vessel.sum() == 0


@pytest.mark.parametrize(("vegf", "blockade"), [(P.vegf_half, 0.0), (10.0, 0.5)])
def test_vegf_sprouts_new_vessels_within_three_sites(vegf: float, blockade: float) -> None:
    tissue = vascular(vegf=vegf)
    before = tissue.vessel.copy()
    one_day(tissue, STILL._replace(sprouting_per_d=0.8), pruning=blockade)
    acting = vegf * (1.0 - blockade)
    # One of the 49 places is the vessel's own.
    share = -math.expm1(-0.8 * acting / (acting + P.vegf_half) * ALONE) * 48 / 49
    new = (tissue.vessel == 1) & (before == 0)
    assert is_binomial(int(new.sum()), share)
    assert np.allclose(tissue.maturity[new], 0.1)
    y, x = np.nonzero(new)[1:]
    assert np.abs((y % SPACING) - 4).max() <= 3 and np.abs((x % SPACING) - 4).max() <= 3


@pytest.mark.parametrize(("vegf", "blockade"), [(0.0, 0.0), (10.0, 1.0)])
def test_without_vegf_or_under_full_blockade_nothing_sprouts(vegf: float, blockade: float) -> None:
    tissue = vascular(vegf=vegf)
    one_day(tissue, STILL._replace(sprouting_per_d=1e6), pruning=blockade)
    assert tissue.vessel.sum() == N


def test_crowded_vessels_do_not_sprout() -> None:
    tissue = bare_tissue()
    tissue.vessel[0, 6:15, 6:15] = 1
    tissue.vegf.fill(10.0)
    one_day(tissue, STILL._replace(sprouting_per_d=1e6))
    assert tissue.vessel.sum() == 81


def test_with_all_rates_off_and_maturity_at_rest_nothing_changes() -> None:
    tissue = vascular()
    state = one_day(tissue)
    before = remember(state)
    update(state, STILL, clock_at(24))
    assert changed(before, state) == set()


def test_vessels_are_remodelled_daily_and_tissue_is_only_read() -> None:
    tissue = vascular(vegf=10.0)
    freeze(tissue, "state", "vegf", "oxygen")
    state = state_of(tissue, pruning=1.0)
    before = remember(state)
    update(state, P, clock_at(int(EVERY_H) - 1))
    assert changed(before, state) == set()
    update(state, P, clock_at(int(EVERY_H)))
    assert changed(before, state) == {"vessel", "maturity", "perfusion"}


def test_host_vessels_return_where_no_tumour_cell_lives() -> None:
    tissue = vascular(CellState.STROMA, maturity=1.0)
    one_day(tissue, STILL._replace(repair_per_d=1e6))
    assert tissue.vessel.sum() > N


def test_host_vessels_do_not_return_where_tumour_cells_live() -> None:
    tissue = vascular(CellState.PROLIFERATING)
    one_day(tissue, STILL._replace(repair_per_d=1e6))
    assert tissue.vessel.sum() == N


def pruned(days: int = 1, **changed: float) -> Tissue:
    """Return a section after days of full pruning in which a share of vessels needs no VEGF."""
    tissue = vascular()
    state = state_of(tissue, pruning=1.0, normalisation=1.0)
    rule = {"pruning_per_d": 0.3, "vegf_dependent_fraction": 0.6, "pruning_spared_by_maturity": 0.0} | changed
    for day in range(days):
        update(state, STILL._replace(**rule), clock_at(24 * day))
    return tissue


def test_pruning_takes_the_vessels_that_need_vegf_whatever_their_maturity() -> None:
    """Under the old product maturity would have spared a part of them."""
    assert is_binomial(N - int(pruned().vessel.sum()), 0.6 * -math.expm1(-0.3))
    half_spared = pruned(vegf_dependent_fraction=1.0, pruning_spared_by_maturity=0.5)
    now = P.maturity_normal + (P.maturity_tumour - P.maturity_normal) * KEPT
    assert is_binomial(N - int(half_spared.vessel.sum()), -math.expm1(-0.3 * (1.0 - 0.5 * now)))


def test_the_vessels_that_need_no_vegf_are_the_same_every_day_and_never_leave() -> None:
    weeks, months = pruned(60), pruned(120, regression_per_d=0.05)
    assert (weeks.vessel == months.vessel).all()
    assert is_binomial(int(months.vessel.sum()), 0.4)


def test_vessels_that_need_no_vegf_are_squeezed_like_the_others() -> None:
    tissue = vascular(maturity=0.1)
    one_day(tissue, STILL._replace(collapse_per_d=0.5, vegf_dependent_fraction=0.0))
    now = P.maturity_tumour + (0.1 - P.maturity_tumour) * KEPT
    assert is_binomial(N - int(tissue.vessel.sum()), -math.expm1(-0.5 * (1.0 - 2.0 * now)))


@pytest.mark.parametrize("fraction", [0.4, 0.8])
def test_which_vessels_need_vegf_does_not_hang_on_which_are_open(fraction: float) -> None:
    """Of the open and of the closed vessels the same share stays."""
    before = vascular()
    one_day(before)
    left = pruned(60, vegf_dependent_fraction=fraction, normalisation_response=0.0)
    for is_open in (0.0, 1.0):
        group = (before.vessel == 1) & (before.perfusion == is_open)
        low, high = binom.interval(0.9999, int(group.sum()), 1.0 - fraction)
        assert low <= int(left.vessel[group].sum()) <= high


@pytest.mark.parametrize(("core", "room"), [(P.rim_density_per_mm2, 1.0 - 8.0 / 16.0), (0.75 * P.rim_density_per_mm2, 1.0 - 8.0 / 12.0),
                                            (0.4 * P.rim_density_per_mm2, 0.0)])
def test_the_limit_of_sprouting_falls_with_the_density_at_the_vessel_s_depth(core: float, room: float) -> None:
    """Eight others within 80 um, where the rim's limit is 5 / 25 of 80 sites; deep in the mass the limit is the core's share of it."""
    tissue = bare_tissue((1, 300, 300))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.vegf.fill(P.vegf_half)
    tissue.vessel[0, 1::3, 1::3] = 1
    before = tissue.vessel.copy()
    one_day(tissue, STILL._replace(sprouting_per_d=0.2, core_density_per_mm2=core, density_depth_um=20.0))
    deep = np.s_[:, 60:240, 60:240]
    n = int(before[deep].sum())
    # One of the 49 places in nine holds a vessel already, and two may choose the same.
    low, high = binom.interval(0.9999, n, -math.expm1(-0.2 * 0.5 * room) * (1.0 - 49 / 9 / 49))
    assert low - 0.03 * n * room <= int((tissue.vessel & ~before)[deep].sum()) <= high

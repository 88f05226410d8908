"""Radiobiology: the log kill is the linear-quadratic law with oxygen at the dose of each site; T cells, blood and vessels as stated."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes.radiobiology import Parameters, update
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import Fraction, Orders, State, Tissue
from tests.made_state import add_t_cells, bare_tissue, changed, clock_at, fill_disc, freeze, remember, state_of

P = Parameters()
MIDDLE, RIM = (0, 30, 30), (0, 30, 51)  # the centre; 0.84 of the radius of 25 sites


def mass(oxygen_mmHg: float = 40.0) -> Tissue:
    """Return a disc of radius 25 sites."""
    tissue = bare_tissue((1, 61, 61))
    fill_disc(tissue, 25.0)
    tissue.oxygen.fill(oxygen_mmHg)
    return tissue


def irradiate(tissue: Tissue, mass_gy: float, core_gy: float | None = None, p: Parameters = P, **systemic: float) -> State:
    """Give one fraction with a penumbra of one site."""
    state = state_of(tissue, **systemic)
    state.orders = Orders(fractions=[Fraction("made", mass_gy, mass_gy if core_gy is None else core_gy, 0.5, 20e-4)])
    update(state, p, clock_at())
    return state


def log_kill(dose_gy: float, oxygen_mmHg: float, p: Parameters = P) -> float:
    """Return -ln S of the linear-quadratic law with the oxygen effect."""
    of_alpha, of_beta = ((m * oxygen_mmHg + p.oxygen_half_mmHg) / (m * (oxygen_mmHg + p.oxygen_half_mmHg))
                         for m in (p.oxygen_enhancement, p.oxygen_enhancement_beta))
    return p.alpha_per_gy * of_alpha * dose_gy + p.alpha_per_gy * (of_beta * dose_gy) ** 2 / p.alpha_beta_gy


@pytest.mark.parametrize("oxygen_mmHg", [0.0, 1.0, 3.0, 40.0])
@pytest.mark.parametrize("dose_gy", [0.5, 2.0, 4.0])
def test_a_fraction_writes_the_linear_quadratic_log_kill_at_the_cells_oxygen(dose_gy: float, oxygen_mmHg: float) -> None:
    tissue = mass(oxygen_mmHg)
    irradiate(tissue, dose_gy)
    assert tissue.hazard[Hazard.RADIATION][MIDDLE] == pytest.approx(log_kill(dose_gy, oxygen_mmHg), rel=1e-6)


@pytest.mark.parametrize("oxygen_mmHg", [0.0, 2.0, 40.0])
def test_alpha_and_beta_may_have_oxygen_modifiers_of_their_own(oxygen_mmHg: float) -> None:
    p = P._replace(oxygen_enhancement=2.0, oxygen_enhancement_beta=3.0)
    tissue = mass(oxygen_mmHg)
    irradiate(tissue, 4.0, p=p)
    assert tissue.hazard[Hazard.RADIATION][MIDDLE] == pytest.approx(log_kill(4.0, oxygen_mmHg, p), rel=1e-6)
    assert oxygen_mmHg > 0.0 or log_kill(4.0, 0.0, p) == pytest.approx(P.alpha_per_gy * (4.0 / 2.0 + (4.0 / 3.0) ** 2 / 10.0))


def test_without_oxygen_the_same_kill_needs_three_times_the_dose() -> None:
    anoxic, oxic = mass(0.0), mass(1e9)
    irradiate(anoxic, 2.0 * P.oxygen_enhancement)
    irradiate(oxic, 2.0)
    assert anoxic.hazard[Hazard.RADIATION][MIDDLE] == pytest.approx(oxic.hazard[Hazard.RADIATION][MIDDLE], rel=1e-6)


def test_the_core_gets_the_core_dose_and_the_rest_the_mass_dose() -> None:
    tissue = mass()
    irradiate(tissue, 3.0, 4.0)
    radiation = tissue.hazard[Hazard.RADIATION]
    assert radiation[MIDDLE] == pytest.approx(log_kill(4.0, 40.0), rel=1e-6)
    assert radiation[RIM] == pytest.approx(log_kill(3.0, 40.0), rel=1e-3)


def test_the_whole_mass_is_covered_and_nothing_far_from_it() -> None:
    tissue = mass()
    tissue.state[0, 0, 0] = CellState.PROLIFERATING
    irradiate(tissue, 3.0)
    radiation = tissue.hazard[Hazard.RADIATION]
    inside = tissue.state > 0
    inside[0, 0, 0] = False
    assert radiation[inside].min() > 0.9 * log_kill(3.0, 40.0)
    assert radiation[0, 0, 0] < 1e-6


def test_only_clonogens_take_a_hazard() -> None:
    tissue = mass()
    tissue.state[0, 30, 25:33] = list(CellState)
    irradiate(tissue, 3.0)
    hit = tissue.hazard[Hazard.RADIATION, 0, 30, 25:33] > 0.0
    assert [CellState(code) for code in np.flatnonzero(hit)] == [CellState.PROLIFERATING, CellState.QUIESCENT]


def test_two_fractions_in_one_step_add_up() -> None:
    tissue = mass()
    state = state_of(tissue)
    state.orders = Orders(fractions=[Fraction("made", 2.0, 2.0, 0.5, 20e-4)] * 2)
    update(state, P, clock_at())
    assert tissue.hazard[Hazard.RADIATION][MIDDLE] == pytest.approx(2 * log_kill(2.0, 40.0), rel=1e-6)


@pytest.mark.parametrize("ordered", ["no fraction", "to another lesion"])
def test_a_lesion_without_a_fraction_is_untouched(ordered: str) -> None:
    tissue = mass()
    add_t_cells(tissue, [5, 6])
    state = state_of(tissue, specific_blood=1e8)
    if ordered == "to another lesion":
        state.orders = Orders(fractions=[Fraction("elsewhere", 3.0, 3.0, 0.5, 20e-4)])
    before = remember(state)
    update(state, P, clock_at())
    assert changed(before, state) == set()


def test_a_fraction_reads_cells_and_oxygen_and_writes_neither() -> None:
    tissue = mass()
    freeze(tissue, "state", "oxygen")
    before = remember(state_of(tissue))
    state = irradiate(tissue, 3.0)
    assert changed(before, state) == {"hazard", "radiation_maturity", "naive"}


def test_a_dose_of_nothing_kills_nothing() -> None:
    tissue = mass()
    irradiate(tissue, 0.0)
    assert (tissue.hazard == 0.0).all()


@pytest.mark.parametrize(("dose_gy", "is_low"), [(P.low_dose_limit_gy, True), (P.low_dose_limit_gy + 1.0, False)])
def test_only_a_low_dose_raises_the_entry_of_t_cells(dose_gy: float, is_low: bool) -> None:
    tissue = mass()
    irradiate(tissue, dose_gy)
    assert (tissue.low_dose_gain > 0.0) == is_low


def test_the_low_dose_effect_comes_within_days_and_goes_within_weeks() -> None:
    tissue = mass()
    state = irradiate(tissue, 1.0)
    state.orders = Orders()
    gains = [tissue.low_dose_gain]
    for step in range(1, 60 * 24):
        update(state, P, clock_at(step))
        gains.append(tissue.low_dose_gain)
    onset, decay, t = 1.0 / P.low_dose_onset_d, 1.0 / P.low_dose_decay_d, np.arange(1, len(gains) + 1) / 24.0
    expected = onset / (onset - decay) * (np.exp(-decay * t) - np.exp(-onset * t))
    assert np.abs(np.array(gains) - expected).max() < 0.01
    assert np.max(gains) > 0.5 > 10 * gains[-1]


def test_repeated_low_doses_never_exceed_the_full_effect() -> None:
    tissue = mass()
    state = state_of(tissue)
    for step in range(20 * 24):
        state.orders = Orders(fractions=[Fraction("made", 1.0, 1.0, 0.5, 20e-4)] if step % 24 == 0 else [])
        update(state, P, clock_at(step))
        assert 0.0 <= tissue.low_dose_gain <= 1.0


def test_resident_t_cells_survive_with_their_share() -> None:
    tissue = mass()
    add_t_cells(tissue, range(3000))
    irradiate(tissue, 3.0)
    n_alive = int((tissue.t_cells.dies_at_h[:3000] > 0.0).sum())
    low, high = binom.interval(0.999, 3000, P.t_cell_survival)
    assert low <= n_alive <= high


@pytest.mark.parametrize("n_fractions", [1, 2, 3])
def test_each_fraction_of_a_step_leaves_its_share_of_the_t_cells(n_fractions: int) -> None:
    """0.8, 0.64 and 0.512 survive, within 3 SE; 0.8 whatever is given, as when each fraction met the numbers of the first, fails."""
    tissue, n = mass(), 3000
    add_t_cells(tissue, range(n))
    state = state_of(tissue)
    state.orders = Orders(fractions=[Fraction("made", 2.0, 2.0, 0.5, 20e-4)] * n_fractions)
    update(state, P, clock_at())
    share, expected = float((tissue.t_cells.dies_at_h[:n] > 0.0).mean()), 0.8**n_fractions
    limit = 3.0 * math.sqrt(expected * (1.0 - expected) / n)
    assert P.t_cell_survival == 0.8 and abs(share - expected) < limit
    assert n_fractions == 1 or abs(share - 0.8) > limit


def test_fractions_of_other_lesions_kill_no_t_cells_here() -> None:
    tissue = mass()
    add_t_cells(tissue, range(200))
    state = state_of(tissue)
    state.orders = Orders(fractions=[Fraction("elsewhere", 2.0, 2.0, 0.5, 20e-4)] * 2)
    update(state, P._replace(t_cell_survival=0.0), clock_at())
    assert bool((tissue.t_cells.dies_at_h[:200] > 0.0).all())


@pytest.mark.parametrize(("survival", "n_alive"), [(0.0, 0), (1.0, 200)])
def test_certain_death_and_certain_survival_of_t_cells_are_certain(survival: float, n_alive: int) -> None:
    tissue = mass()
    add_t_cells(tissue, range(200))
    irradiate(tissue, 3.0, p=P._replace(t_cell_survival=survival))
    assert int((tissue.t_cells.dies_at_h[:200] > 0.0).sum()) == n_alive


def test_the_blood_loses_the_share_that_was_irradiated_and_died() -> None:
    state = irradiate(mass(), 3.0, specific_blood=1e8, bystander_blood=4e8)
    kept = 1.0 - P.blood_share * (1.0 - math.exp(-3.0 / P.lymphocyte_d0_gy))
    systemic = state.systemic
    assert (systemic.specific_blood, systemic.bystander_blood, systemic.naive) == pytest.approx((1e8 * kept, 4e8 * kept, kept))


@pytest.mark.parametrize(("dose_gy", "gained"), [(1.9, 0.0), (2.0, P.maturation_per_fraction), (4.0, P.maturation_per_fraction)])
def test_vessels_mature_from_2_gy_on(dose_gy: float, gained: float) -> None:
    tissue = mass()
    irradiate(tissue, dose_gy)
    assert tissue.radiation_maturity == gained

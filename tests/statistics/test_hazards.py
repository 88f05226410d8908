"""Hazards through the real processes: events are binomial with 1 - exp(-h) within exact limits; a wrong rate is seen."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim.processes import apoptosis, cell_cycle, cell_death, cell_fate, hypoxia, radiobiology
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard
from lesionlab.sim.state.state import Fraction, Orders, State
from tests.made_state import bare_tissue, clock_at, state_of

N = 200 * 200
CYCLE, APOPTOSIS, HYPOXIA = cell_cycle.Parameters(), apoptosis.Parameters(), hypoxia.Parameters()
RATES = {  # per hour in plenty of oxygen
    Hazard.DIVISION: math.log(2.0) / CYCLE.cycle_time_h * (1.0 - CYCLE.failed_division_share),
    Hazard.FAILED_DIVISION: math.log(2.0) / CYCLE.cycle_time_h * CYCLE.failed_division_share,
    Hazard.APOPTOSIS: APOPTOSIS.rate_per_d / 24.0,
}


def sheet(oxygen_mmHg: float = 1e6, seed: int = 1) -> State:
    tissue = bare_tissue((1, 200, 200))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.oxygen.fill(oxygen_mmHg)
    return state_of(tissue, seed=seed)


def fates(state: State, step: int = 0, dt_h: float = 1.0) -> np.ndarray:
    """Write the hazards of one step, draw the fates and return how many cells have each."""
    clock = clock_at(step, dt_h)
    cell_cycle.update(state, CYCLE, clock)
    hypoxia.update(state, HYPOXIA, clock)
    apoptosis.update(state, APOPTOSIS, clock)
    cell_fate.update(state, cell_fate.Parameters(), clock)
    return np.bincount(state.tissues[0].fate.reshape(-1), minlength=256)


def is_binomial(n: int, share: float, out_of: int = N) -> bool:
    """Return whether a count lies within the exact 99.99 % limits."""
    low, high = binom.interval(0.9999, out_of, share)
    return bool(low <= n <= high)


def share_of(cause: Hazard, hours: float, rates: dict[Hazard, float]) -> float:
    """Return the probability that a cell meets a cause first within some hours."""
    total = sum(rates.values())
    return rates[cause] / total * -math.expm1(-total * hours)


@pytest.mark.parametrize("cause", list(RATES))
@pytest.mark.parametrize("dt_h", [1.0, 12.0])
def test_division_and_death_come_at_their_rates(cause: Hazard, dt_h: float) -> None:
    assert is_binomial(int(fates(sheet(), dt_h=dt_h)[cause]), share_of(cause, dt_h, RATES))


def test_a_rate_wrong_by_a_tenth_would_be_seen() -> None:
    """Negative control, with the power of twelve hours."""
    counted = int(fates(sheet(), dt_h=12.0)[Hazard.DIVISION])
    assert not is_binomial(counted, share_of(Hazard.DIVISION, 12.0, RATES | {Hazard.DIVISION: 1.1 * RATES[Hazard.DIVISION]}))


def test_necrosis_comes_at_its_full_rate_without_oxygen() -> None:
    total = HYPOXIA.necrosis_per_h + RATES[Hazard.APOPTOSIS]
    share = HYPOXIA.necrosis_per_h / total * -math.expm1(-total)
    assert is_binomial(int(fates(sheet(0.0))[Hazard.HYPOXIA]), share)


@pytest.mark.parametrize("dt_h", [0.5, 1.0, 2.0])
def test_survival_over_a_day_does_not_depend_on_the_time_step(dt_h: float) -> None:
    state = sheet()
    tissue = state.tissues[0]
    for step in range(round(24.0 / dt_h)):
        fates(state, step, dt_h)
        dying = (tissue.fate != NO_FATE) & (tissue.fate != Hazard.DIVISION)
        tissue.state[dying] = CellState.APOPTOTIC
    dying_share = sum(share_of(cause, dt_h, RATES) for cause in RATES if cause != Hazard.DIVISION)
    survival = (1.0 - dying_share) ** (24.0 / dt_h)
    assert survival == pytest.approx(math.exp(-24.0 * (RATES[Hazard.FAILED_DIVISION] + RATES[Hazard.APOPTOSIS])), rel=0.01)
    assert is_binomial(int((tissue.state == CellState.PROLIFERATING).sum()), survival)


@pytest.mark.parametrize("oxygen_mmHg", [0.0, 3.0, 40.0])
def test_a_fraction_dooms_the_share_of_the_linear_quadratic_law(oxygen_mmHg: float) -> None:
    p, state = radiobiology.Parameters(), sheet(oxygen_mmHg)
    state.orders = Orders(fractions=[Fraction("made", 2.0, 2.0, 0.5, 0.2)])
    radiobiology.update(state, p, clock_at())
    radiation = state.tissues[0].hazard[Hazard.RADIATION, 0, 100, 100]
    state.tissues[0].hazard[Hazard.RADIATION] = radiation  # the dose of the middle everywhere
    cell_fate.update(state, cell_fate.Parameters(), clock_at())
    cell_death.update(state, cell_death.Parameters(), clock_at())
    m = (p.oxygen_enhancement * oxygen_mmHg + p.oxygen_half_mmHg) / (p.oxygen_enhancement * (oxygen_mmHg + p.oxygen_half_mmHg))
    survival = math.exp(-p.alpha_per_gy * m * 2.0 - p.alpha_per_gy * (m * 2.0) ** 2 / p.alpha_beta_gy)
    n_clonogens = int((state.tissues[0].state == CellState.PROLIFERATING).sum())
    assert is_binomial(n_clonogens, survival)
    assert not is_binomial(n_clonogens, 1.03 * survival)


def test_counts_of_different_seeds_scatter_as_binomials_do() -> None:
    """Neither more (hidden correlation between sites) nor less: chi-square of 40 seeds within 99.99 % limits."""
    share = share_of(Hazard.DIVISION, 1.0, RATES)
    counted = np.array([fates(sheet(seed=seed))[Hazard.DIVISION] for seed in range(40)])
    statistic = float(((counted - N * share) ** 2).sum() / (N * share * (1.0 - share)))
    assert 40 - 3.9 * math.sqrt(80) < statistic < 40 + 3.9 * math.sqrt(80) + 10

"""Population control: the mean of the weighted clonogen number follows the direct branching mean, weight-controlled or not."""

import math

import numpy as np

from lesionlab.sim.processes import cell_fate, population_control
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard
from lesionlab.sim.state.state import Tissue
from tests.made_state import bare_tissue, clock_at, state_of

BIRTH, DEATH = 0.03, 0.08
STEPS, REPLICATES, START, CAPACITY = 60, 150, 120, 400
N_MIN = 40
W0 = 1000.0


def followed(seed: int, n_min: int, death: float = DEATH) -> Tissue:
    """Return a section after a decline of 60 steps; cells are exchangeable, so births are placed on any empty site."""
    tissue = bare_tissue((1, 1, CAPACITY), weight=W0, volume_weight=W0)
    tissue.state[0, 0, :START] = CellState.PROLIFERATING
    state, p = state_of(tissue, seed=seed), population_control.Parameters(n_min=n_min)
    codes, fate = tissue.state.reshape(-1), tissue.fate.reshape(-1)
    for step in range(STEPS):
        clock = clock_at(step)
        tissue.hazard.fill(0.0)
        tissue.hazard[Hazard.DIVISION], tissue.hazard[Hazard.APOPTOSIS] = BIRTH, death
        cell_fate.update(state, cell_fate.Parameters(), clock)
        population_control.update(state, p, clock)
        codes[(fate != NO_FATE) & (fate != Hazard.DIVISION)] = CellState.STROMA
        n_births = int((fate == Hazard.DIVISION).sum())
        codes[np.flatnonzero(codes == CellState.STROMA)[:n_births]] = CellState.PROLIFERATING
    return tissue


def weighted(n_min: int, death: float = DEATH) -> np.ndarray:
    """Return the weighted clonogen numbers of many replicates."""
    tissues = (followed(seed, n_min, death) for seed in range(REPLICATES))
    return np.array([tissue.weight * np.count_nonzero(tissue.state) for tissue in tissues])


def branching_mean(death: float = DEATH) -> tuple[float, float]:
    """Return the mean in continuous time, as under weight control, and with one draw per cell and step, as for fates."""
    total = BIRTH + death
    drawn = 1.0 + (BIRTH - death) / total * -math.expm1(-total)
    return W0 * START * math.exp((BIRTH - death) * STEPS), W0 * START * drawn**STEPS


def within(values: np.ndarray, expected: tuple[float, float]) -> bool:
    """Return whether a mean lies between the two within 3 standard errors."""
    error = 3.0 * values.std() / math.sqrt(len(values))
    return bool(expected[0] - error < values.mean() < expected[1] + error)


def test_the_mean_of_the_weighted_number_follows_the_branching_mean() -> None:
    continuous, drawn = branching_mean()
    assert drawn / continuous < 1.1
    assert within(weighted(N_MIN), (continuous, drawn))


def test_without_control_it_does_so_too() -> None:
    drawn = branching_mean()[1]
    assert within(weighted(0), (drawn, drawn))


def test_a_decline_wrong_by_a_tenth_of_its_deaths_would_be_seen() -> None:
    """Negative control."""
    controlled = weighted(N_MIN)
    assert not within(controlled, branching_mean(0.9 * DEATH))
    assert not within(controlled, branching_mean(1.1 * DEATH))


def test_control_keeps_its_weighted_clonogens_and_prevents_cures_by_rounding() -> None:
    tissues = [followed(seed, N_MIN) for seed in range(20)]
    assert all(np.count_nonzero(tissue.state) == N_MIN and tissue.is_weight_controlled for tissue in tissues)
    expected = branching_mean()[0] / N_MIN
    assert all(0.2 * expected < tissue.weight < 5.0 * expected for tissue in tissues)
    assert any(np.count_nonzero(followed(seed, 0).state) < N_MIN / 2 for seed in range(20))

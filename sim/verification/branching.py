"""The linear birth-death process: its exact answers, and populations of given hazards through the model's own draws.

A population is a row of cells; cells are exchangeable, so a birth takes any empty place of its row.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lesionlab.sim.processes import cell_fate, population_control
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import NO_FATE, CellState, Hazard
from lesionlab.sim.state.state import State
from lesionlab.sim.verification.specimens import bare_tissue, state_of


class Rates(NamedTuple):
    """Hazards of birth and death over one step."""

    birth: float
    death: float

    @property
    def net(self) -> float:
        """Growth over one step."""
        return self.birth - self.death


class Moments(NamedTuple):
    """Mean, variance and probability of extinction of a population."""

    mean: float
    variance: float
    extinction: float


def in_continuous_time(n: int, rates: Rates, steps: int) -> Moments:
    """Return the moments of the linear birth-death process (Bailey 1964, section 8.6)."""
    growth = math.exp(rates.net * steps)
    variance = n * (rates.birth + rates.death) / rates.net * growth * (growth - 1.0)
    gone = rates.death * (growth - 1.0) / (rates.birth * growth - rates.death)
    return Moments(n * growth, variance, gone**n)


def with_one_event_a_step(n: int, rates: Rates, steps: int) -> Moments:
    """Return the moments of the same process with at most one event a cell and step: Galton and Watson's.

    Offspring 2 with probability q b / (b + d), 0 with q d / (b + d), else 1; q = 1 - exp(-b - d) (Harris 1963, chapter 1).
    """
    total = rates.birth + rates.death
    q = -math.expm1(-total)
    two, none = q * rates.birth / total, q * rates.death / total
    m = 1.0 + two - none
    offspring_variance = 4.0 * two + (1.0 - two - none) - m * m
    gone = 0.0
    for _ in range(steps):
        gone = none + (1.0 - two - none) * gone + two * gone * gone
    return Moments(n * m**steps, n * offspring_variance * m ** (steps - 1) * (m**steps - 1.0) / (m - 1.0), gone**n)


def _draw(state: State, rates: Rates, step: int) -> None:
    """Write the hazards of one step and propose fates."""
    tissue = state.tissues[0]
    tissue.hazard.fill(0.0)
    tissue.hazard[Hazard.DIVISION], tissue.hazard[Hazard.APOPTOSIS] = rates
    cell_fate.update(state, cell_fate.Parameters(), Clock(step, 1.0, 0))


def direct(n: int, rates: Rates, steps: int, layout: tuple[int, int], seed: int = 8) -> np.ndarray:
    """Return the sizes of many populations of n cells after some steps; layout: (populations, places of each)."""
    tissue = bare_tissue((1, *layout))
    state, places = state_of(tissue, seed), np.arange(layout[1])
    counts = np.full(layout[0], n)
    for step in range(steps):
        tissue.state[0] = np.where(places < counts[:, None], CellState.PROLIFERATING, CellState.STROMA)
        _draw(state, rates, step)
        born, died = tissue.fate[0] == Hazard.DIVISION, tissue.fate[0] == Hazard.APOPTOSIS
        counts = counts + born.sum(axis=1) - died.sum(axis=1)
        if counts.max() > layout[1]:
            raise ValueError(f"a population of {counts.max()} cells has outgrown its {layout[1]} places")
    return counts


def controlled(lesion: tuple[int, float], rates: Rates, n_min: int, seen: Sequence[int], seed: int) -> list[float]:
    """Return the lesion cells that one section under population control stands for after the given numbers of steps.

    lesion: (cells of the section, lesion cells of each).
    """
    n, weight = lesion
    tissue = bare_tissue((1, 1, 2 * n))
    tissue.weight = tissue.volume_weight = weight
    tissue.state[0, 0, :n] = CellState.PROLIFERATING
    state, p = state_of(tissue, seed), population_control.Parameters(n_min=n_min)
    codes, fate = tissue.state.reshape(-1), tissue.fate.reshape(-1)
    found: list[float] = []
    for step in range(max(seen) + 1):
        if step in seen:
            found.append(tissue.weight * np.count_nonzero(codes))
        _draw(state, rates, step)
        population_control.update(state, p, Clock(step, 1.0, 0))
        codes[(fate != NO_FATE) & (fate != Hazard.DIVISION)] = CellState.STROMA
        n_born = np.count_nonzero(fate == Hazard.DIVISION)
        codes[np.flatnonzero(codes == CellState.STROMA)[:n_born]] = CellState.PROLIFERATING
    return found

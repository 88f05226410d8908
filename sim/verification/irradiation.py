"""A disc of clonogens at one pO2 under radiotherapy, through the model's own processes.

A rim of dead cells surrounds the clonogens and carries the penumbra, so that every clonogen gets the full dose.
"""

import math

import numpy as np

from lesionlab.sim.processes import cell_death, cell_fate, population_control, radiobiology
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import Fraction, Orders, State
from lesionlab.sim.verification.specimens import bare_tissue, state_of

_RIM = 6


def irradiated_disc(n: int, oxygen_mmHg: float = 40.0, seed: int = 4) -> State:
    """Return a state of n clonogens in a disc at one pO2 within a rim of dead cells."""
    radius = math.ceil(math.sqrt(n / math.pi))
    half = radius + _RIM + 1
    tissue = bare_tissue((1, 2 * half + 1, 2 * half + 1))
    square = (np.arange(-half, half + 1) ** 2)[:, None] + np.arange(-half, half + 1) ** 2
    tissue.state[0, square <= (radius + _RIM) ** 2] = CellState.NECROTIC
    innermost = np.argsort(square, axis=None, kind="stable")[:n]
    tissue.state.reshape(-1)[innermost] = CellState.PROLIFERATING
    tissue.oxygen.fill(oxygen_mmHg)
    return state_of(tissue, seed=seed)


def _order(state: State, dose_gy: float) -> None:
    state.orders = Orders(fractions=[Fraction(state.tissues[0].name, dose_gy, dose_gy, 0.5, 0.0)])


def log_kill(state: State, dose_gy: float, **parameters: float) -> float:
    """Return -ln S that the process writes at the disc's centre for one fraction; nothing is drawn."""
    tissue = state.tissues[0]
    tissue.hazard.fill(0.0)
    _order(state, dose_gy)
    radiobiology.update(state, radiobiology.Parameters(**parameters), Clock(0, 1.0, 0))
    written = float(tissue.hazard[Hazard.RADIATION][tissue.centre])
    tissue.hazard.fill(0.0)
    return written


def irradiate(state: State, fractions: int, dose_gy: float, **parameters: float) -> np.ndarray:
    """Give fractions, one a step, commit the deaths and return the clonogens left after each."""
    tissue = state.tissues[0]
    left = np.zeros(fractions, np.int64)
    for step in range(fractions):
        clock = Clock(step, 24.0, 0)
        _order(state, dose_gy)
        radiobiology.update(state, radiobiology.Parameters(**parameters), clock)
        cell_fate.update(state, cell_fate.Parameters(), clock)
        population_control.update(state, population_control.Parameters(n_min=0), clock)
        cell_death.update(state, cell_death.Parameters(), clock)
        left[step] = np.count_nonzero(tissue.state == CellState.PROLIFERATING)
    return left

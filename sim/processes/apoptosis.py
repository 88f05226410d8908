"""Apoptosis: living tumour cells die at a constant basal rate.

Kather 2017 uses 0.122 per 12 h; PhysiCell's 0.077 per day is to be checked.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import each_section, window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import State

_FIRST, _LAST = int(CellState.PROLIFERATING), int(CellState.DOOMED)
_APOPTOSIS = int(Hazard.APOPTOSIS)


class Parameters(NamedTuple):
    """Basal death."""

    rate_per_d: Annotated[float, quantity("1/d", "basal apoptosis", 0.0, 5.0, "assumed",
        "between the choices of other models: Kather 2017, PhysiCell",
        prior=(0.02, 0.25))] = 0.08


@kernel
def _apply(window, over_step, state, hazard):
    """Give every living cell the same hazard. Reads state; writes hazard over the step in a window; shapes (nz, ny, nx). No draws."""
    value = np.float32(over_step)
    for z in range(len(state)):
        for y in range(window.first_y, window.end_y):
            codes, row = state[z, y][window.first_x : window.end_x], hazard[z, y][window.first_x : window.end_x]
            for x in range(len(row)):
                # A selection, not a branch: a loop without branches vectorises.
                row[x] = value if (codes[x] >= _FIRST) & (codes[x] <= _LAST) else row[x]


@kernel
def act(p, now, numbers, state, hazard):
    """Write the hazard of apoptosis in one lesion."""
    _apply(window_of(numbers), p.rate_per_d * now.dt_h / 24.0, state, hazard[_APOPTOSIS])


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Write the hazard of apoptosis in every lesion."""
    each_section(act, state, p, clock)

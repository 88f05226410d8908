"""Cell fate: one draw per living cell against the summed hazard, then the cause in proportion; competing risks are exact.

    P(event) = 1 - exp(-sum h),   P(cause c | event) = h_c / sum h

A fraction of radiotherapy is over in minutes: it acts first, and only survivors meet the other hazards of the step.
Rules for division and death only write hazards; this rule only proposes a fate. `population_control` resolves it,
`cell_death` and `displacement` commit it, so nothing depends on the order of the scan.
"""

import math
from typing import NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import lattice_of, window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import draw_many, name_row, uniform
from lesionlab.sim.numerics.threads import in_bands
from lesionlab.sim.numerics.window import all_rows, row_of
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import N_HAZARDS, NO_FATE, CellState, Hazard, Purpose
from lesionlab.sim.state.state import State

_FIRST, _LAST = int(CellState.PROLIFERATING), int(CellState.DOOMED)
_CELL_FATE = np.int64(Purpose.CELL_FATE)
_RADIATION, _T_CELL = int(Hazard.RADIATION), int(Hazard.T_CELL)

_SAFELY = 1.00001
"""Largest rounding error of a sum of hazards in single precision."""


class Parameters(NamedTuple):
    """None: the hazards carry them."""


@kernel
def fate_of(u, hazard):
    """Return the fate that one uniform draw u gives a cell: the cause, or NO_FATE. Reads hazard (causes,), integrated over the step."""
    p_radiation = 1.0 - math.exp(-hazard[_RADIATION]) if hazard[_RADIATION] > 0.0 else 0.0
    if u < p_radiation:
        return _RADIATION
    # Given survival the remainder of the draw is uniform again, and likewise given an event: one draw decides everything.
    u = (u - p_radiation) / (1.0 - p_radiation)
    total = -hazard[_RADIATION]
    for cause in range(N_HAZARDS):
        total += hazard[cause]
    # 1 - exp(-h) <= h: most cells are decided without the exponential.
    if u >= total or u >= 1.0 - math.exp(-total):
        return NO_FATE
    left = u / (1.0 - math.exp(-total)) * total
    for cause in range(N_HAZARDS):
        if cause != _RADIATION:
            if left < hazard[cause]:
                return cause
            left -= hazard[cause]
    return _T_CELL


@kernel
def _add(more, total):
    """Add the numbers of a row to another's."""
    for x in range(len(total)):
        total[x] += more[x]


@kernel
def draw_fates(rows, window, stream, centre, state, hazard, fate):
    """Propose a fate for every living cell in a span of a window's rows. Reads state, hazard (causes, nz, ny, nx); writes
    fate. One draw a living cell."""
    x0, x1 = window.first_x, window.end_x
    nx = x1 - x0
    total = np.empty(nx, np.float32)
    places, entities, words = np.empty(nx, np.int32), np.empty(nx, np.uint32), np.empty((4, nx), np.uint32)
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        fate[z, y][x0:x1] = NO_FATE
        n = name_row(state[z, y][x0:x1], _FIRST, _LAST, (z - centre[0], y - centre[1], centre[2] - x0), places, entities)
        draw_many(stream, _CELL_FATE, entities[:n], words)
        total[:] = 0.0
        for cause in range(N_HAZARDS):
            _add(hazard[cause, z, y][x0:x1], total)
        for i in range(n):
            u = uniform(words[0, i])
            # 1 - exp(-h) <= h: most cells are decided here.
            if u < total[places[i]] * _SAFELY:
                x = x0 + places[i]
                fate[z, y, x] = fate_of(u, hazard[:, z, y, x])


@kernel
def act(numbers, stream, state, hazard, fate):
    """Propose fates in one lesion."""
    window = window_of(numbers)
    draw_fates(all_rows(window, len(state)), window, stream, lattice_of(numbers, state.shape).centre, state, hazard, fate)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Propose fates in every lesion."""
    for tissue in state.active:
        stream = state.stream(tissue, clock)
        in_bands(tissue.state.shape, tissue.window, draw_fates, stream, tissue.centre, tissue.state, tissue.hazard, tissue.fate)

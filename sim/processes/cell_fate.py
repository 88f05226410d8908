"""Cell fate: one draw a living cell over the summed hazard, then the cause in proportion; competing risks are exact.

    P(event) = 1 - exp(-sum h),   P(cause c | event) = h_c / sum h

Rules that divide or kill only write hazards; this one only proposes a fate. `population_control` resolves it,
`cell_death` and `displacement` commit it, so nothing depends on the order of the scan.
"""

import math
from typing import NamedTuple

from sim.clock import Clock
from sim.codes import N_HAZARDS, NO_FATE, CellState, Purpose
from sim.numerics.jit import kernel
from sim.numerics.random import draw, site_entity, uniform
from sim.state import State

_FIRST, _LAST = int(CellState.PROLIFERATING), int(CellState.DOOMED)
_CELL_FATE = int(Purpose.CELL_FATE)


class Parameters(NamedTuple):
    """None: the hazards carry them."""


@kernel
def draw_fates(luck, centre, state, hazard, fate):
    """Propose a fate for every living cell. Reads state, hazard (causes, nz, ny, nx); writes fate. One draw a living cell."""
    nz, ny, nx = state.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                fate[z, y, x] = NO_FATE
                if state[z, y, x] < _FIRST or state[z, y, x] > _LAST:
                    continue
                total = 0.0
                for cause in range(N_HAZARDS):
                    total += hazard[cause, z, y, x]
                u = uniform(draw(luck, _CELL_FATE, site_entity(z - centre[0], y - centre[1], x - centre[2]))[0])
                # 1 - exp(-h) <= h: most cells are settled without the exponential.
                if u >= total:
                    continue
                p_event = 1.0 - math.exp(-total)
                if u >= p_event:
                    continue
                # Given the event, u / p_event is uniform: the same draw picks the cause.
                left = u / p_event * total
                cause = 0
                while cause < N_HAZARDS - 1 and left >= hazard[cause, z, y, x]:
                    left -= hazard[cause, z, y, x]
                    cause += 1
                fate[z, y, x] = cause


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Propose fates in every lesion."""
    for tissue in state.active:
        draw_fates(state.luck(tissue, clock), tissue.centre, tissue.state, tissue.hazard, tissue.fate)

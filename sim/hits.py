"""Hits of T cells on tumour cells (see `t_cell_killing`): booked, forgotten, and deadly once there are enough."""

import numpy as np

from sim.numerics.jit import kernel
from sim.state.codes import Hazard
from sim.state.state import Tissue

_CERTAIN = np.float32(1e6)


@kernel
def land(minute, memory_min, at, hits, last_hit):
    """Book a hit on a site; hits of one micro-step add up whatever their order. Writes hits, last_hit."""
    if minute - last_hit[at] >= memory_min:
        hits[at] = 0
    hits[at] = min(hits[at] + 1, 200)
    last_hit[at] = minute


@kernel
def _is_any(counts):
    """Tell whether any of some sites has a hit."""
    bits = np.uint8(0)
    for x in range(len(counts)):
        bits |= counts[x]
    return bits > 0


@kernel
def _settle_sites(n_hits, oldest, counts, minutes, hazard):
    """Do as `settle` does for some sites of a row."""
    for x in range(len(counts)):
        if counts[x] >= n_hits:
            hazard[x] = _CERTAIN
        elif counts[x] and minutes[x] <= oldest:
            counts[x] = 0


@kernel
def _settle(window, n_hits, oldest, hits, last_hit, hazard):
    """See `settle`; hits are forgotten that are as old as the minute `oldest`. Arrays (nz, ny, nx). No draws."""
    for z in range(len(hits)):
        for y in range(window[0], window[1]):
            counts, minutes, row = hits[z, y], last_hit[z, y], hazard[z, y]
            # Hits are few: sites are looked at one by one only where 64 together have any.
            for start in range(window[2], window[3], 64):
                end = min(start + 64, window[3])
                if _is_any(counts[start:end]):
                    _settle_sites(n_hits, oldest, counts[start:end], minutes[start:end], row[start:end])


def settle(tissue: Tissue, n_hits: int, memory_min: float, next_minute: int) -> None:
    """Write a certain death for every cell with enough hits, and forget hits too old to count with one of the next micro-step.

    `land` would forget them as well, but until then every push and pull would carry their times along: a line of memory each.
    """
    _settle(tissue.window, n_hits, next_minute - memory_min, tissue.hits, tissue.last_hit, tissue.hazard[Hazard.T_CELL])

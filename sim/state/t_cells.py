"""T cells of a section and their ghost contacts."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.state.agent_table import AgentTable
from lesionlab.sim.state.declaration import column, scalar


@dataclass(kw_only=True)
class TCells(AgentTable):
    """CD8 T cells of one section, about in the order of their sites."""

    FIRST_ROOM: ClassVar[int] = 1024
    next_id: Annotated[int, scalar("1", "identity of the next T cell to come; none is used twice")] = 0
    site: Annotated[np.ndarray, column(np.int32, "1", "flat index of the site")]
    id: Annotated[np.ndarray, column(np.uint32, "1", "identity, part of the key of its random draws")]
    dies_at_h: Annotated[np.ndarray, column(np.float32, "h", "end of its life, since the scenario's start")]
    target: Annotated[np.ndarray, column(np.int32, "1", "flat index of the tumour cell that it is engaged with, -1 if none", fill=-1)]
    kills: Annotated[np.ndarray, column(np.uint8, "1", "kills since its activation")]
    is_specific: Annotated[np.ndarray, column(np.uint8, "1", "1 if it recognises the tumour's antigen")]
    is_exhausted: Annotated[np.ndarray, column(np.uint8, "1", "1 if it is exhausted")]
    is_stem_like: Annotated[np.ndarray, column(np.uint8, "1", "1 if it can recover from exhaustion")]


@dataclass(kw_only=True)
class GhostContacts(AgentTable):
    """Ghost contacts of T cells with clonogens of an under-weighted section, the oldest first (see `t_cell_killing`)."""

    t_cell: Annotated[np.ndarray, column(np.uint32, "1", "identity of the T cell")]
    clonogen: Annotated[np.ndarray, column(np.int32, "1", "flat index of the clonogen's site")]
    site: Annotated[np.ndarray, column(np.int32, "1", "flat index of the ghost's site")]
    is_engaged: Annotated[np.ndarray, column(np.uint8, "1", "1 while the ghost is engaged with the clonogen")]


@kernel
def join(pieces, ghost_contacts):
    """Move new ghost contacts up behind the existing ones, piece by piece, and return their total number.

    pieces int64 (pieces, 2): where the new ones of each begin, and their number; ghost_contacts = (number, t_cell, clonogen, site,
    is_engaged).
    """
    n, t_cell, clonogen, site, is_engaged = ghost_contacts
    for begin, number in pieces:
        for k in range(begin, begin + number):
            t_cell[n], clonogen[n], site[n], is_engaged[n] = t_cell[k], clonogen[k], site[k], is_engaged[k]
            n += 1
    return n

"""T cells of a section and their ghost contacts: tables of plain columns, one row an individual."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lesionlab.sim.numerics.jit import kernel


class Rows:
    """A table of plain columns, one row an individual; rows [0, n) are alive."""

    n: int
    COLUMNS: ClassVar[tuple[str, ...]]

    def columns(self) -> list[np.ndarray]:
        """Return the row arrays in declared order."""
        return [getattr(self, name) for name in self.COLUMNS]

    def reserve(self, capacity: int) -> None:
        """Make room for at least `capacity` rows; living rows keep their place."""
        for name in self.COLUMNS:
            old = getattr(self, name)
            if capacity > len(old):
                setattr(self, name, np.concatenate([old, np.zeros(2 * capacity - len(old), old.dtype)]))


@dataclass
class TCells(Rows):
    """CD8 T cells of one section, one row each, about in the order of their sites.

    site: int32 flat lattice index. id: uint32, never reused. dies_at_h: float32, hours since the scenario's start.
    target: int32 flat index of the engaged tumour cell, -1 if none. kills: uint8 since activation.
    is_specific, is_exhausted, is_stem_like: uint8 flags.
    """

    COLUMNS = ("site", "id", "dies_at_h", "target", "kills", "is_specific", "is_exhausted", "is_stem_like")
    n: int
    next_id: int
    site: np.ndarray
    id: np.ndarray
    dies_at_h: np.ndarray
    target: np.ndarray
    kills: np.ndarray
    is_specific: np.ndarray
    is_exhausted: np.ndarray
    is_stem_like: np.ndarray

    @classmethod
    def empty(cls, capacity: int) -> "TCells":
        """Return room for `capacity` T cells, none alive."""
        flags = [np.zeros(capacity, np.uint8) for _ in range(4)]
        return cls(0, 0, np.zeros(capacity, np.int32), np.zeros(capacity, np.uint32), np.zeros(capacity, np.float32),
                   np.full(capacity, -1, np.int32), *flags)

    def sort(self) -> None:
        """Sort the rows by site: T cells on neighbouring sites then read the same cache lines."""
        # Several T cells may share a site: the id makes the order unique.
        order = np.argsort(self.site[: self.n].astype(np.uint64) << np.uint64(32) | self.id[: self.n])
        for column in self.columns():
            column[: self.n] = column[: self.n][order]


@dataclass
class GhostContacts(Rows):
    """Ghost contacts of T cells with clonogens of an under-weighted section, the oldest first (see `t_cell_killing`).

    t_cell: uint32 id of the T cell. clonogen: int32 flat site of the clonogen. site: int32 flat site of the ghost.
    is_engaged: uint8 flag.
    """

    COLUMNS = ("t_cell", "clonogen", "site", "is_engaged")
    n: int
    t_cell: np.ndarray
    clonogen: np.ndarray
    site: np.ndarray
    is_engaged: np.ndarray

    @classmethod
    def empty(cls, capacity: int) -> "GhostContacts":
        """Return room for `capacity` ghost contacts, none active."""
        return cls(0, np.zeros(capacity, np.uint32), np.zeros(capacity, np.int32), np.zeros(capacity, np.int32),
                   np.zeros(capacity, np.uint8))


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

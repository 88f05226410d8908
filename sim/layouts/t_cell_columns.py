"""T cells and their ghost contacts as kernels take them: columns by name, one row an individual (see `lesionlab.sim.state.t_cells`)."""

from typing import NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.state.t_cells import GhostContacts, TCells

_RANK = np.uint64(0xFFFFFFFF)


class TCellColumns(NamedTuple):
    """Columns of T cells, as in `TCells`."""

    site: np.ndarray
    id: np.ndarray
    dies_at_h: np.ndarray
    target: np.ndarray
    kills: np.ndarray
    is_specific: np.ndarray
    is_exhausted: np.ndarray
    is_stem_like: np.ndarray


class Contacts(NamedTuple):
    """Columns of ghost contacts, as in `GhostContacts`, with free rows behind the active ones."""

    t_cell: np.ndarray
    clonogen: np.ndarray
    site: np.ndarray
    is_engaged: np.ndarray


def t_cell_columns(t: TCells, rows: slice | None = None) -> TCellColumns:
    """Return views of some rows of a section's T cells, of the living if not said."""
    rows = slice(t.n) if rows is None else rows
    return TCellColumns(*(getattr(t, name)[rows] for name in TCellColumns._fields))


def contact_columns(ghost_contacts: GhostContacts) -> Contacts:
    """Return the columns of a section's ghost contacts, free rows included."""
    return Contacts(*(getattr(ghost_contacts, name) for name in Contacts._fields))


@kernel
def first_rows(t, n):
    """Return views of the first n rows of columns of T cells."""
    return TCellColumns(t.site[:n], t.id[:n], t.dies_at_h[:n], t.target[:n], t.kills[:n], t.is_specific[:n], t.is_exhausted[:n],
                        t.is_stem_like[:n])


@kernel
def rows_in_order(values, rows):
    """Return rows of a column of whole numbers from 0, sorted by its values; equal ones keep their order."""
    keys, ordered = np.empty(len(rows), np.uint64), np.empty(len(rows), np.int64)
    for k in range(len(rows)):
        # Value and rank in one number: numbers are sorted faster, and one kind of sort is compiled for all.
        keys[k] = np.uint64(values[rows[k]]) << np.uint64(32) | np.uint64(k)
    keys.sort()
    for k in range(len(rows)):
        ordered[k] = rows[np.int64(keys[k] & _RANK)]
    return ordered


@kernel
def _reorder(column, rows):
    """Put the rows of a column into an order."""
    before = column.copy()
    for k in range(len(rows)):
        column[k] = before[rows[k]]


@kernel
def sort_by_site(t):
    """Sort T cells by site, those on one site by id: T cells on neighbouring sites then read the same cache lines."""
    rows = rows_in_order(t.site, rows_in_order(t.id, np.arange(len(t.site))))
    _reorder(t.site, rows)
    _reorder(t.id, rows)
    _reorder(t.dies_at_h, rows)
    _reorder(t.target, rows)
    _reorder(t.kills, rows)
    _reorder(t.is_specific, rows)
    _reorder(t.is_exhausted, rows)
    _reorder(t.is_stem_like, rows)


@kernel
def has_contact(n, contacts, t_cell, clonogen):
    """Return whether a T cell has one of the first n ghost contacts with the clonogen on a site."""
    k = 0
    while k < n and not (contacts.clonogen[k] == clonogen and contacts.t_cell[k] == t_cell):
        k += 1
    return k < n


@kernel
def begin_contact(n, contacts, t_cell, site, clonogen):
    """Begin a ghost contact of a T cell on a site with a clonogen (its site, -1 for none); return the number of contacts."""
    if clonogen < 0:
        return n
    contacts.t_cell[n], contacts.clonogen[n], contacts.site[n], contacts.is_engaged[n] = t_cell, clonogen, site, 1
    return n + 1

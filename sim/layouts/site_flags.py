"""Site flags: what a T cell meets on a site, in one number valid for a step. A look-up reads one cache line instead of five.

Within a step tumour cells neither die nor move, so only the count of T cells and the claims on sites change. The lowest 8 bits are
the count.
"""

from typing import NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.threads import in_bands
from lesionlab.sim.numerics.window import all_rows, row_of, whole
from lesionlab.sim.numerics.workspace import scratch
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import Tissue

COUNT, NEAR_MASS, LIVING, KNOWN, DOOMED, CLAIMED, CONTESTED = (np.uint16(bits) for bits in (255, *(1 << k for k in range(8, 14))))
"""The bits: number of T cells on the site; in or within two sites of the mass; a living tumour cell; one with antigen; a doomed one; a site
that one T cell claims for a hop; one that several claim."""
_FIRST, _LAST = np.uint8(CellState.PROLIFERATING), np.uint8(CellState.DOOMED)
_AT, _EIGHT = tuple(np.uint8(k) for k in range(1, 4)), np.uint16(8)


@kernel
def _flag_row(codes, near, lost, flags):
    """Combine the flags of a row of sites; every operation stays one byte wide, so that 64 sites are done at once."""
    for x in range(len(flags)):
        is_living = np.uint8((codes[x] >= _FIRST) & (codes[x] <= _LAST))
        is_known = is_living & np.uint8(lost[x] == np.uint8(0))
        is_doomed = np.uint8(codes[x] == _LAST)
        flags[x] = near[x] | np.uint8(is_living << _AT[0]) | np.uint8(is_known << _AT[1]) | np.uint8(is_doomed << _AT[2])


@kernel
def _lay_row(flags, counts, row):
    """Combine the flags of a row, in the upper byte, with its counts."""
    for x in range(len(row)):
        row[x] = np.uint16(counts[x]) | np.uint16(flags[x]) << _EIGHT


@kernel
def _lay(rows, window, state, near_mass, lost_antigen, t_count, site_flags):
    """Reads state, near_mass, lost_antigen, t_count, uint8; writes site_flags uint16; in a span of rows. No draws."""
    flags = np.empty(window.end_x, np.uint8)
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        _flag_row(state[z, y], near_mass[z, y], lost_antigen[z, y], flags)
        _lay_row(flags, t_count[z, y], site_flags[z, y])


@kernel
def _count_row(row, counts):
    """Extract the counts of a row of sites."""
    for x in range(len(row)):
        counts[x] = np.uint8(row[x] & COUNT)


@kernel
def _count(rows, window, site_flags, t_count):
    """Reads site_flags; writes t_count uint8; in a span of rows of the whole. No draws."""
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        _count_row(site_flags[z, y], t_count[z, y])


class FlagSources(NamedTuple):
    """What site flags are made of, all uint8 (nz, ny, nx)."""

    state: np.ndarray
    near_mass: np.ndarray
    lost_antigen: np.ndarray
    t_count: np.ndarray


@kernel
def lay_at_once(sources):
    """Return the site flags of a section as `lay` does, in fresh memory."""
    site_flags, window = np.empty(sources.state.shape, np.uint16), whole(sources.state.shape)
    _lay(all_rows(window, len(site_flags)), window, sources.state, sources.near_mass, sources.lost_antigen, sources.t_count, site_flags)
    return site_flags.reshape(-1)


@kernel
def take_counts_at_once(site_flags, t_count):
    """Write the T cells that stand on each site back, as `take_counts` does."""
    window = whole(t_count.shape)
    _count(all_rows(window, len(t_count)), window, site_flags.reshape(t_count.shape), t_count)


def lay(tissue: Tissue) -> np.ndarray:
    """Return the site flags of a section, flat uint16, valid until the same thread asks for the next ones."""
    shape = tissue.state.shape
    site_flags = scratch("ground", shape, np.uint16)
    in_bands(shape, whole(shape), _lay, tissue.state, tissue.near_mass, tissue.lost_antigen, tissue.t_count, site_flags)
    return site_flags.reshape(-1)


def take_counts(site_flags: np.ndarray, tissue: Tissue) -> None:
    """Write the T cells that stand on each site back into the section."""
    shape = tissue.state.shape
    in_bands(shape, whole(shape), _count, site_flags.reshape(shape), tissue.t_count)

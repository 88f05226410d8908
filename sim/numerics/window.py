"""The window: the part of a box that holds the cells. Rules work there and not in the empty tissue around it, however large the box is.

A window is (first y, end of y, first x, end of x) in sites, through all layers: a tuple, so that kernels take it.
"""

import numpy as np

from lesionlab.sim.numerics.jit import kernel

Window = tuple[int, int, int, int]
Shape = tuple[int, int, int]
NEAR = 2
"""Margin of a tissue's window around its cells, in sites: a cell may be pushed there, and it counts as near the mass."""


def whole(shape: Shape) -> Window:
    """Return the window of a whole box (nz, ny, nx)."""
    return 0, shape[1], 0, shape[2]


@kernel
def widen(window, shape, sites):
    """Return a window with so many more sites on each side, cut at the edge of the box (nz, ny, nx)."""
    return (max(window[0] - sites, 0), min(window[1] + sites, shape[1]), max(window[2] - sites, 0), min(window[3] + sites, shape[2]))


def ahead(window: Window, shape: Shape, least: int) -> Window:
    """Return a window with room for a mass that grows for some hours: `least` sites more on each side, or a share of its width."""
    return widen(window, shape, max(least, max(window[1] - window[0], window[3] - window[2]) // 32))


def cut(values: np.ndarray, window: Window) -> np.ndarray:
    """Return the view of an array (nz, ny, nx) inside a window."""
    return values[:, window[0] : window[1], window[2] : window[3]]


@kernel
def row_of(r, window):
    """Return (z, y) of row number r of a window, counted layer by layer."""
    z, y = divmod(r, window[1] - window[0])
    return z, window[0] + y


@kernel
def extent(state, window, centre, scales):
    """Find the extent of the cells in a window; reads state uint8 (nz, ny, nx), occupied where > 0. No draws.

    Returns (number of cells, the smallest window that holds them, largest elliptical radius^2 among them): of
    the offsets from the centre, those along (z, y) taken times the scales. Without a cell the window is empty, at the centre.
    """
    nz = state.shape[0]
    n, furthest = 0, 0.0
    y0, y1, x0, x1 = centre[1], centre[1], centre[2], centre[2]
    for z in range(nz):
        for y in range(window[0], window[1]):
            row = state[z, y][window[2] : window[3]]
            in_row = np.int32(0)
            for x in range(len(row)):
                in_row += np.int32(row[x] != 0)
            if not in_row:
                continue
            first, last = 0, len(row) - 1
            while not row[first]:
                first += 1
            while not row[last]:
                last -= 1
            first, last = first + window[2], last + window[2]
            if n == 0:
                y0, y1, x0, x1 = y, y + 1, first, last + 1
            y0, y1, x0, x1 = min(y0, y), max(y1, y + 1), min(x0, first), max(x1, last + 1)
            n += in_row
            across = ((z - centre[0]) * scales[0]) ** 2 + ((y - centre[1]) * scales[1]) ** 2
            furthest = max(furthest, across + max((first - centre[2]) ** 2, (last - centre[2]) ** 2))
    return n, (y0, y1, x0, x1), furthest


@kernel
def sites_of(codes, first, last, window):
    """Return the flat sites of a window whose code lies in [first, last], int32, ascending. Reads codes uint8 (nz, ny, nx). No draws.

    Each row is marked, which vectorises, and read eight sites at a time: events are rare.
    """
    nz, ny, nx = codes.shape
    found, n, width = np.empty(1024, np.int32), 0, window[3] - window[2]
    # As narrow as the codes: wider numbers would be compared eight at a time instead of 64.
    low, high = np.uint8(first), np.uint8(last)
    marks = np.zeros((width + 7) // 8 * 8, np.uint8)
    eights = marks.view(np.uint64)
    for z in range(nz):
        for y in range(window[0], window[1]):
            row, start = codes[z, y][window[2] : window[3]], (z * ny + y) * nx + window[2]
            for x in range(width):
                marks[x] = (row[x] >= low) & (row[x] <= high)
            if n + len(marks) > len(found):
                grown = np.empty(2 * (n + len(marks)), np.int32)
                grown[:n] = found[:n]
                found = grown
            n = _note_marked(marks, eights, start, n, found)
    return found[:n].copy()


@kernel
def _note_marked(marks, eights, start, n, found):
    """Append to n found sites those of a marked row that starts at a flat site; return their number. eights: the marks, eight in one."""
    for k in range(len(eights)):
        if eights[k]:
            for x in range(8 * k, 8 * k + 8):
                # Always written, counted only if the condition holds: no branch to mispredict.
                found[n] = start + x
                n += marks[x]
    return n


@kernel
def mark_near(state, window, reach, marks):
    """Mark with 1, others with 0, the sites of a window that are or have an occupied one within `reach` sites (a square or cube).

    Reads state uint8 (nz, ny, nx), occupied where > 0, and nothing outside the window; writes marks uint8 in it. No draws.
    """
    nz, width = len(state), window[3] - window[2]
    column = np.empty(width + 2 * reach, np.uint8)
    for z in range(nz):
        for y in range(window[0], window[1]):
            column[:] = 0
            middle, row = column[reach : reach + width], marks[z, y][window[2] : window[3]]
            for k in range(max(z - reach, 0), min(z + reach + 1, nz)):
                for j in range(max(y - reach, window[0]), min(y + reach + 1, window[1])):
                    _add_bits(state[k, j][window[2] : window[3]], middle)
            row[:] = 0
            for shift in range(2 * reach + 1):
                _add_bits(column[shift : shift + width], row)
            for x in range(width):
                row[x] = row[x] != 0


@kernel
def _add_bits(more, bits):
    """Set in each of some bytes the bits that are set in another's."""
    for x in range(len(bits)):
        bits[x] |= more[x]


@kernel
def count_codes(codes, window, counts):
    """Add the number of sites of each code in a window to counts int64 (codes,). Reads codes uint8 (nz, ny, nx). No draws."""
    # Four tables in turn: the count of a site need not wait for that of the site before.
    tables = np.zeros((4, len(counts)), np.int64)
    for z in range(codes.shape[0]):
        for y in range(window[0], window[1]):
            row = codes[z, y][window[2] : window[3]]
            for x in range(len(row)):
                tables[x & 3, row[x]] += 1
    for table in tables:
        for code in range(len(counts)):
            counts[code] += table[code]

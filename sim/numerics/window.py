"""The window: the part of a box that holds the cells. Rules work there and not in the empty tissue around it, however large the box is.

"""

from typing import NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel

Shape = tuple[int, int, int]
NEAR = 2
"""Margin of a tissue's window around its cells, in sites: a cell may be pushed there, and it counts as near the mass."""


class Window(NamedTuple):
    """A part of a box in sites, through all layers: first <= y < end, first <= x < end."""

    first_y: int
    end_y: int
    first_x: int
    end_x: int


EMPTY = Window(0, 0, 0, 0)


class Span(NamedTuple):
    """Rows of sites, rows of a table or micro-steps by number: first <= number < end."""

    first: int
    end: int


@kernel
def whole(shape):
    """Return the window of a whole box (nz, ny, nx)."""
    return Window(np.int64(0), shape[1], np.int64(0), shape[2])


@kernel
def widen(window, shape, sites):
    """Return a window with so many more sites on each side, cut at the edge of the box (nz, ny, nx)."""
    return Window(max(window.first_y - sites, 0), min(window.end_y + sites, shape[1]),
                  max(window.first_x - sites, 0), min(window.end_x + sites, shape[2]))


@kernel
def union(one, other):
    """Return the smallest window that holds two."""
    return Window(min(one.first_y, other.first_y), max(one.end_y, other.end_y),
                  min(one.first_x, other.first_x), max(one.end_x, other.end_x))


@kernel
def ahead(window, shape, least):
    """Return a window with room for a mass that grows for some hours: `least` sites more on each side, or a share of its width."""
    return widen(window, shape, max(least, max(window.end_y - window.first_y, window.end_x - window.first_x) // 32))


def cut(values: np.ndarray, window: Window) -> np.ndarray:
    """Return the view of an array (nz, ny, nx) inside a window."""
    return values[:, window.first_y : window.end_y, window.first_x : window.end_x]


@kernel
def copy_of(values, window):
    """Return a copy of an array (nz, ny, nx) inside a window, its rows one behind the other."""
    copied = np.empty((len(values), window.end_y - window.first_y, window.end_x - window.first_x), values.dtype)
    for z in range(len(values)):
        for y in range(window.first_y, window.end_y):
            for x in range(window.first_x, window.end_x):
                copied[z, y - window.first_y, x - window.first_x] = values[z, y, x]
    return copied


@kernel
def all_rows(window, nz):
    """Return the span of all rows of a window in a box of nz layers, numbered as `row_of` does."""
    return Span(np.int64(0), np.int64(nz * (window.end_y - window.first_y)))


@kernel
def row_of(r, window):
    """Return (z, y) of row number r of a window, counted layer by layer."""
    z, y = divmod(r, window.end_y - window.first_y)
    return z, window.first_y + y


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
        for y in range(window.first_y, window.end_y):
            row = state[z, y][window.first_x : window.end_x]
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
            first, last = first + window.first_x, last + window.first_x
            if n == 0:
                y0, y1, x0, x1 = y, y + 1, first, last + 1
            y0, y1, x0, x1 = min(y0, y), max(y1, y + 1), min(x0, first), max(x1, last + 1)
            n += in_row
            across = ((z - centre[0]) * scales[0]) ** 2 + ((y - centre[1]) * scales[1]) ** 2
            furthest = max(furthest, across + max((first - centre[2]) ** 2, (last - centre[2]) ** 2))
    return n, Window(y0, y1, x0, x1), furthest


@kernel
def sites_of(codes, first, last, window):
    """Return the flat sites of a window whose code lies in [first, last], int32, ascending. Reads codes uint8 (nz, ny, nx). No draws.

    Each row is marked, which vectorises, and read eight sites at a time: events are rare.
    """
    nz, ny, nx = codes.shape
    found, n, width = np.empty(1024, np.int32), 0, window.end_x - window.first_x
    # As narrow as the codes: wider numbers would be compared eight at a time instead of 64.
    low, high = np.uint8(first), np.uint8(last)
    marks = np.zeros((width + 7) // 8 * 8, np.uint8)
    eights = marks.view(np.uint64)
    for z in range(nz):
        for y in range(window.first_y, window.end_y):
            row, start = codes[z, y][window.first_x : window.end_x], (z * ny + y) * nx + window.first_x
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
    nz, width = len(state), window.end_x - window.first_x
    column = np.empty(width + 2 * reach, np.uint8)
    for z in range(nz):
        for y in range(window.first_y, window.end_y):
            column[:] = 0
            middle, row = column[reach : reach + width], marks[z, y][window.first_x : window.end_x]
            for k in range(max(z - reach, 0), min(z + reach + 1, nz)):
                for j in range(max(y - reach, window.first_y), min(y + reach + 1, window.end_y)):
                    _add_bits(state[k, j][window.first_x : window.end_x], middle)
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
        for y in range(window.first_y, window.end_y):
            row = codes[z, y][window.first_x : window.end_x]
            for x in range(len(row)):
                tables[x & 3, row[x]] += 1
    for table in tables:
        for code in range(len(counts)):
            counts[code] += table[code]

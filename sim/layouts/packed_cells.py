"""Packed cells: everything that moves with a cell in one byte, so that moving a ray of cells takes one load and one store per site."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.state.codes import CellState

_DOOMED, _PROLIFERATING = int(CellState.DOOMED), int(CellState.PROLIFERATING)
_CODE, _PD_L1_AT, _ANTIGEN_AT, HITS_AT, _MOST_HITS = (np.uint8(number) for number in (7, 3, 4, 5, 7))
"""The bits of a cell's code, where its PD-L1, lost antigen and hits begin, and the most hits that fit: a cell dies of at most 5."""


def check_codes(codes: type[IntEnum]) -> None:
    """Raise ValueError where a code does not fit into its bits: packed, its cell would come back as another."""
    largest = max(codes)
    if largest > _CODE:
        raise ValueError(f"{codes.__name__}.{largest.name} = {largest:d} does not fit into a packed cell, whose codes end at {_CODE}: "
                         "give codes another bit, and hits one less")


check_codes(CellState)
_INHERITED = np.uint8(1 << 3 | 1 << 4)


class CellLattices(NamedTuple):
    """What moves with a cell, all uint8 (nz, ny, nx)."""

    state: np.ndarray
    pd_l1: np.ndarray
    lost_antigen: np.ndarray
    hits: np.ndarray


@kernel
def _pack_row(codes, flags, lost, hits, row):
    """Pack a row of sites; every operation stays one byte wide, otherwise the loop is eight times slower."""
    for x in range(len(row)):
        counted = hits[x] if hits[x] < _MOST_HITS else _MOST_HITS
        packed = np.uint8(codes[x] | np.uint8(flags[x] << _PD_L1_AT) | np.uint8(lost[x] << _ANTIGEN_AT) | np.uint8(counted << HITS_AT))
        row[x] = packed if codes[x] != np.uint8(0) else np.uint8(0)


@kernel
def _take_bits(row, first, mask, bits):
    """Write the bits of a packed row from the first on that the mask leaves."""
    for x in range(len(row)):
        bits[x] = np.uint8(row[x] >> first) & mask


@kernel
def pack(window, lattices, cells):
    """Put what moves with a cell into one byte a site: code, PD-L1, antigen, hits (at most 7); nothing where no cell is.

    Reads lattices; writes cells, uint8 (nz, ny, nx), in the window.
    """
    x0, x1 = window.first_x, window.end_x
    for z in range(len(cells)):
        for y in range(window.first_y, window.end_y):
            _pack_row(lattices.state[z, y][x0:x1], lattices.pd_l1[z, y][x0:x1], lattices.lost_antigen[z, y][x0:x1],
                      lattices.hits[z, y][x0:x1], cells[z, y][x0:x1])


@kernel
def unpack(window, cells, lattices):
    """Take apart what `pack` put together; writes lattices in the window."""
    x0, x1 = window.first_x, window.end_x
    for z in range(len(cells)):
        for y in range(window.first_y, window.end_y):
            row = cells[z, y][x0:x1]
            # Shifts by constants only: vectors have no shift by a variable number.
            _take_bits(row, np.uint8(0), _CODE, lattices.state[z, y][x0:x1])
            _take_bits(row, _PD_L1_AT, np.uint8(1), lattices.pd_l1[z, y][x0:x1])
            _take_bits(row, _ANTIGEN_AT, np.uint8(1), lattices.lost_antigen[z, y][x0:x1])
            _take_bits(row, HITS_AT, _MOST_HITS, lattices.hits[z, y][x0:x1])


@kernel
def daughters_of(mothers):
    """Return packed daughters, uint8 like their packed mothers: of her kind, PD-L1 and antigen, without hits; cycling unless doomed."""
    daughters = np.empty_like(mothers)
    for i in range(len(mothers)):
        code = _DOOMED if mothers[i] & _CODE == _DOOMED else _PROLIFERATING
        daughters[i] = np.uint8(code) | (mothers[i] & _INHERITED)
    return daughters

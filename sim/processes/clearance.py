"""Clearance: dead cells leave their site at a rate that depends on how they died; `displacement` closes the gap.

Apoptotic cells and T-cell kills go in days (90 % in 48 h, OncoAMBER), mass killed by radiation over weeks (half-life 25
days; the case bounds it by 31-38 days; cervix MRI about 22, to be checked), necrosis over weeks (half-life 20 days
in a large core). One rate for all would fill the section with debris.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from lesionlab.sim.layouts.section import each_section, lattice_of, window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import draw_many, name_row, uniform
from lesionlab.sim.parameters.quantities import quantity
from lesionlab.sim.state.clock import Clock, is_due, span_h
from lesionlab.sim.state.codes import CellState, Purpose
from lesionlab.sim.state.state import State

EVERY_H = 6.0
_STROMA, _APOPTOTIC, _NECROTIC = int(CellState.STROMA), int(CellState.APOPTOTIC), int(CellState.NECROTIC)
_T_CELL, _RADIATION = int(CellState.KILLED_BY_T_CELL), int(CellState.KILLED_BY_RADIATION)
_N_STATES, _CLEARANCE = len(CellState), np.int64(Purpose.CLEARANCE)


class Parameters(NamedTuple):
    """Half-lives of dead cells by cause."""

    apoptotic_half_life_h: Annotated[float, quantity("h", "apoptotic cells and T-cell kills", 0.5, 1000.0, "literature",
        "OncoAMBER 90 % in 48 h; 12-72 h",
        prior=(3.6, 22.0))] = 14.4
    radiation_half_life_d: Annotated[float, quantity("d", "cells killed by radiation", 0.5, 365.0, "assumed",
        "the case gives only an upper bound, 31-38 d, from the shrinkage by September 2021",
        prior=(15.0, 36.0))] = 25.0
    necrotic_half_life_d: Annotated[float, quantity("d", "necrotic cells", 0.5, 1000.0, "assumed",
        "20 d in a large core; OncoAMBER 90 % in 176 h",
        prior=(5.0, 60.0))] = 20.0


@kernel
def half_lives_h(p):
    """Return the half-life of a site's content in hours by CellState, float64; infinite for what is not dead."""
    found = np.full(_N_STATES, np.inf)
    found[_APOPTOTIC] = found[_T_CELL] = p.apoptotic_half_life_h
    found[_RADIATION], found[_NECROTIC] = 24.0 * p.radiation_half_life_d, 24.0 * p.necrotic_half_life_d
    return found


@kernel
def clearance_probability(half_life_h, hours):
    """Return the probability that a dead cell is cleared within some hours: 1 - 2^(-t / half-life)."""
    return -np.expm1(-math.log(2.0) / half_life_h * hours)


@kernel
def _clear(window, p_clear, stream, centre, state):
    """Empty sites of dead cells in a window; reads p_clear float64 by state code; writes state (nz, ny, nx). One draw a dead cell."""
    x0, x1 = window.first_x, window.end_x
    nx = x1 - x0
    places, entities, words = np.empty(nx, np.int32), np.empty(nx, np.uint32), np.empty((4, nx), np.uint32)
    for z in range(len(state)):
        for y in range(window.first_y, window.end_y):
            codes = state[z, y][x0:x1]
            n = name_row(codes, _APOPTOTIC, _NECROTIC, (z - centre[0], y - centre[1], centre[2] - x0), places, entities)
            draw_many(stream, _CLEARANCE, entities[:n], words)
            for i in range(n):
                if uniform(words[0, i]) < p_clear[codes[places[i]]]:
                    codes[places[i]] = _STROMA


@kernel
def act(p, now, numbers, stream, state):
    """Clear dead cells in one lesion every few hours."""
    if is_due(now, EVERY_H):
        p_clear = clearance_probability(half_lives_h(p), span_h(now, EVERY_H))
        _clear(window_of(numbers), p_clear, stream, lattice_of(numbers, state.shape).centre, state)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Clear dead cells in every lesion every few hours."""
    if clock.is_due(EVERY_H):
        each_section(act, state, p, clock)

"""Displacement: growth pushes and clearance pulls, so a mass stays compact and its diameter can be measured.

A division moves the cells between the mother and the margin outward by one site along a ray about the outward
direction, jittered by up to 45 degrees, past gaps, to the last cell on the ray. A gap (an empty site with cells
further out on its ray) lets those cells move inward by one, every few hours. Each event looks along two rays: a push
takes the one that ends nearer, a pull the one that ends farther, measured in the lesion's own elliptical radius (a column's in a slab, whose faces are mirrors). That
is the surface tension of the mass: without it turnover alone lets shapes drift and tips outgrow flanks (tried). So
growth is volumetric while oxygen allows, and a killed mass contracts without leaving holes.

Events of a step act in the order of their draws, so no corner comes first. A section that holds its capacity loses
the outermost cell of the ray from view at each birth, as `population_control` accounts for. Cells move with their
PD-L1 and hits; vessels and T cells keep their place.
"""

from typing import NamedTuple

import numpy as np

from sim.clock import Clock
from sim.codes import CellState, Hazard, Purpose
from sim.numerics.jit import kernel
from sim.numerics.lattice import entity_of, outward_ray, sums_around, walk_ray
from sim.numerics.random import Luck, draw
from sim.state import State, Tissue

EVERY_H = 6.0
_STROMA = int(CellState.STROMA)
_DOOMED, _PROLIFERATING = int(CellState.DOOMED), int(CellState.PROLIFERATING)
_PUSH, _PULL = int(Purpose.PUSH), int(Purpose.PULL)
_PUSH_ORDER, _PULL_ORDER = int(Purpose.PUSH_ORDER), int(Purpose.PULL_ORDER)


class Parameters(NamedTuple):
    """None: geometry only."""


@kernel
def _move(cells, to, origin):
    """Copy a cell from one flat site to another. Writes cells = (state, pd_l1, lost_antigen, hits, last_hit)."""
    for array in cells[:4]:
        array[to] = array[origin]
    cells[4][to] = cells[4][origin]


@kernel
def _last_cell(state, path, n):
    """Return the position on a path of its last occupied site, -1 if there is none."""
    for k in range(n - 1, -1, -1):
        if state[path[k]] != _STROMA:
            return k
    return -1


@kernel
def _choose_ray(site, geometry, words, sign, state, paths):
    """Write two rays into paths int32 (2, steps) and return (index of the chosen one, its length, position of its last cell).

    The ray whose last cell has the smaller (sign 1) or larger (sign -1) elliptical radius is chosen; geometry = (shape,
    centre, axes, within), axes = the mass's (z, y) axes relative to its x axis, z infinite in a slab; within as in `walk_ray`.
    """
    shape, centre, axes, within = geometry
    is_block = axes[0] < np.inf
    _, ny, nx = shape
    chosen, length, end, best = 0, 0, -1, np.inf
    for i in range(2):
        turn, tilt = words[2 * i], words[2 * i + 1]
        step = outward_ray(site, shape, centre, is_block, turn, tilt)
        n = walk_ray(site, step, shape, within, is_block, paths[i])
        last = _last_cell(state, paths[i], n)
        z, rest = divmod(paths[i, max(last, 0)], ny * nx)
        y, x = divmod(rest, nx)
        radius = ((z - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2 + (x - centre[2]) ** 2
        if sign * radius < best:
            chosen, length, end, best = i, n, last, sign * radius
    return chosen, length, end


@kernel
def _push(luck, mothers, geometry, room, cells):
    """Place one daughter for each birth; return the number of cells pushed out of view. One draw a birth.

    Reads mothers int64 (births, 4): flat site, state code, pd_l1, lost_antigen, in order of action; geometry as in
    `_choose_ray`; room = (occupied sites, capacity). Writes cells = (state, pd_l1,
    lost_antigen, hits, last_hit) flat.
    """
    state, pd_l1, lost_antigen, hits, last_hit = cells
    shape, centre, _, _ = geometry
    n_cells, capacity = room
    paths = np.empty((2, shape[0] + shape[1] + shape[2]), np.int32)
    dropped = 0
    for i in range(len(mothers)):
        site = mothers[i, 0]
        words = draw(luck, _PUSH, entity_of(site, shape, centre))
        chosen, n, last = _choose_ray(site, geometry, words, 1.0, state, paths)
        path = paths[chosen]
        if n_cells >= capacity or last == n - 1:
            dropped += 1
            if last <= 0:
                continue
            last -= 1
        else:
            n_cells += 1
        for k in range(last, 0, -1):
            _move(cells, path[k + 1], path[k])
        home = path[1] if last >= 0 else path[0]
        state[home], pd_l1[home], lost_antigen[home], hits[home], last_hit[home] = mothers[i, 1], mothers[i, 2], mothers[i, 3], 0, 0
    return dropped


@kernel
def _pull(luck, gaps, geometry, cells):
    """Close gaps: cells further out on a gap's ray move inward by one. Reads gaps int64 flat sites in order of action; writes cells. One draw a gap."""
    state = cells[0]
    shape, centre, _, _ = geometry
    paths = np.empty((2, shape[0] + shape[1] + shape[2]), np.int32)
    for site in gaps:
        if state[site] != _STROMA:
            continue
        words = draw(luck, _PULL, entity_of(site, shape, centre))
        chosen, _, last = _choose_ray(site, geometry, words, -1.0, state, paths)
        for k in range(last):
            _move(cells, paths[chosen, k], paths[chosen, k + 1])
        if last > 0:
            state[paths[chosen, last]] = _STROMA


def _gaps(state: np.ndarray) -> np.ndarray:
    """Return the flat empty sites that touch a cell (Moore neighbourhood); the box's outermost sites are none. state (nz, ny, nx)."""
    is_gap = (state == _STROMA) & (sums_around((state > 0).view(np.uint8), 1) > 0)
    is_gap[:, [0, -1]] = is_gap[:, :, [0, -1]] = False
    return np.flatnonzero(is_gap)


def _reach(state: np.ndarray) -> tuple[float, float, float, float]:
    """Return (first y, end of y, first x, end of x) of the cells and the sites beside them: a ray meets no cell beyond."""
    ends: list[float] = []
    for axis, size in ((1, state.shape[1]), (2, state.shape[2])):
        occupied = np.flatnonzero(state.any(axis=(0, 3 - axis)))
        ends += [max(occupied[0] - 1.0, 0.0), min(occupied[-1] + 2.0, size)] if len(occupied) else [0.0, float(size)]
    return ends[0], ends[1], ends[2], ends[3]


@kernel
def _rank(luck, purpose, sites, shape, centre, ranks):
    """Write a random rank (uint32) for each flat site: the order of action."""
    for i in range(len(sites)):
        ranks[i] = draw(luck, purpose, entity_of(sites[i], shape, centre))[0]


def _in_order(tissue: Tissue, luck: Luck, purpose: int, sites: np.ndarray) -> np.ndarray:
    """Return flat sites sorted by their draw."""
    ranks = np.empty(len(sites), np.uint32)
    _rank(luck, purpose, sites, tissue.state.shape, tissue.centre, ranks)
    return sites[np.argsort(ranks, kind="stable")]


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Close gaps every few hours and place this step's births in every lesion."""
    for tissue in state.active:
        luck = state.luck(tissue, clock)
        cells = tuple(a.reshape(-1) for a in (tissue.state, tissue.pd_l1, tissue.lost_antigen, tissue.hits, tissue.last_hit))
        shape, axes = tissue.state.shape, (tissue.depth_cm / tissue.size_cm[0], tissue.size_cm[1] / tissue.size_cm[0])
        sites = np.flatnonzero(tissue.fate.reshape(-1) == Hazard.DIVISION)
        if len(sites):
            sites = _in_order(tissue, luck, _PUSH_ORDER, sites)
            codes = np.where(cells[0][sites] == _DOOMED, _DOOMED, _PROLIFERATING)
            mothers = np.stack([sites, codes, cells[1][sites], cells[2][sites]], axis=1).astype(np.int64)
            room = (int(np.count_nonzero(cells[0])), tissue.capacity)
            whole = (0.0, float(shape[1]), 0.0, float(shape[2]))
            tissue.n_dropped += _push(luck, mothers, (shape, tissue.centre, axes, whole), room, cells)
        if clock.is_due(EVERY_H):
            gaps = _in_order(tissue, luck, _PULL_ORDER, _gaps(tissue.state))
            _pull(luck, gaps, (shape, tissue.centre, axes, _reach(tissue.state)), cells)
        tissue.n_cells = int(np.count_nonzero(cells[0]))

"""Displacement: growth pushes and clearance pulls, so a mass stays compact and its diameter can be measured.

A division moves the cells between the mother and the margin outward by one site along a ray about the outward
direction, jittered by up to 45 degrees, past gaps, to the last cell on the ray. A gap (an empty site with cells
further out on its ray) lets those cells move inward by one, every few hours. So growth is volumetric while oxygen
allows, and a killed mass contracts without leaving holes.

Events of a step act in the order of their draws, so no corner comes first. A section that holds its capacity loses
the outermost cell of the ray from view at each birth, as `population_control` accounts for. Cells move with their
PD-L1 and hits; vessels and T cells keep their place.
"""

from typing import NamedTuple

import numpy as np

from sim.clock import Clock
from sim.codes import CellState, Hazard, Purpose
from sim.numerics.jit import kernel
from sim.numerics.lattice import entity_of, outward_ray, walk_ray
from sim.numerics.random import Luck, draw
from sim.state import State, Tissue

EVERY_H = 6.0
_STROMA = int(CellState.STROMA)
_DOOMED, _PROLIFERATING = int(CellState.DOOMED), int(CellState.PROLIFERATING)
_PUSH, _PULL = int(Purpose.PUSH), int(Purpose.PULL)


class Parameters(NamedTuple):
    """None: geometry only."""


@kernel
def _move(cells, to, origin):
    """Copy a cell from one flat site to another. Writes cells = (state, pd_l1, hits, last_hit)."""
    state, pd_l1, hits, last_hit = cells
    state[to], pd_l1[to], hits[to], last_hit[to] = state[origin], pd_l1[origin], hits[origin], last_hit[origin]


@kernel
def _last_cell(state, path, n):
    """Return the position on a path of its last occupied site, -1 if there is none."""
    for k in range(n - 1, -1, -1):
        if state[path[k]] != _STROMA:
            return k
    return -1


@kernel
def _push(luck, mothers, shape, centre, n_cells, capacity, cells):
    """Place one daughter for each birth. Reads mothers int64 (births, 3): flat site, state code, pd_l1, in order of action; writes cells.

    n_cells: occupied sites. Returns the number of cells pushed out of view. One draw a birth.
    """
    state, pd_l1, hits, last_hit = cells
    path = np.empty(shape[0] + shape[1] + shape[2], np.int32)
    dropped = 0
    for i in range(len(mothers)):
        site = mothers[i, 0]
        step = outward_ray(site, shape, centre, draw(luck, _PUSH, entity_of(site, shape, centre)))
        n = walk_ray(site, step, shape, path)
        last = _last_cell(state, path, n)
        is_full = n_cells >= capacity or last == n - 1
        if is_full:
            dropped += 1
            if last <= 0:
                continue
            last -= 1
        else:
            n_cells += 1
        for k in range(last, 0, -1):
            _move(cells, path[k + 1], path[k])
        home = path[1] if last >= 0 else path[0]
        state[home], pd_l1[home], hits[home], last_hit[home] = mothers[i, 1], mothers[i, 2], 0, 0
    return dropped


@kernel
def _pull(luck, gaps, shape, centre, cells):
    """Close gaps: cells further out on a gap's ray move inward by one. Reads gaps int64 flat sites in order of action; writes cells. One draw a gap."""
    state = cells[0]
    path = np.empty(shape[0] + shape[1] + shape[2], np.int32)
    for site in gaps:
        if state[site] != _STROMA:
            continue
        step = outward_ray(site, shape, centre, draw(luck, _PULL, entity_of(site, shape, centre)))
        last = _last_cell(state, path, walk_ray(site, step, shape, path))
        for k in range(last):
            _move(cells, path[k], path[k + 1])
        if last > 0:
            state[path[last]] = _STROMA


@kernel
def _rank(luck, purpose, sites, shape, centre, ranks):
    """Write a random rank (uint32) for each flat site: the order of action."""
    for i in range(len(sites)):
        ranks[i] = draw(luck, purpose, entity_of(sites[i], shape, centre))[3]


def _in_order(tissue: Tissue, luck: Luck, purpose: int, sites: np.ndarray) -> np.ndarray:
    """Return flat sites sorted by their draw."""
    ranks = np.empty(len(sites), np.uint32)
    _rank(luck, purpose, sites, tissue.state.shape, tissue.centre, ranks)
    return sites[np.argsort(ranks, kind="stable")]


def _gap_candidates(state: np.ndarray) -> np.ndarray:
    """Return the flat empty sites inside the bounding box of the mass."""
    occupied = state != _STROMA
    box = []
    for axis in range(3):
        along = np.flatnonzero(occupied.any(axis=tuple(a for a in range(3) if a != axis)))
        if not len(along):
            return np.empty(0, np.int64)
        box.append(slice(along[0], along[-1] + 1))
    inside = np.zeros_like(occupied)
    inside[tuple(box)] = True
    return np.flatnonzero(inside & ~occupied)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Close gaps every few hours and place this step's births in every lesion."""
    for tissue in state.tissues:
        luck = state.luck(tissue, clock)
        cells = tuple(a.reshape(-1) for a in (tissue.state, tissue.pd_l1, tissue.hits, tissue.last_hit))
        geometry = (tissue.state.shape, tissue.centre)
        sites = np.flatnonzero(tissue.fate.reshape(-1) == Hazard.DIVISION)
        if len(sites):
            sites = _in_order(tissue, luck, _PUSH, sites)
            codes = np.where(cells[0][sites] == _DOOMED, _DOOMED, _PROLIFERATING)
            mothers = np.stack([sites, codes, cells[1][sites]], axis=1).astype(np.int64)
            n_cells = int(np.count_nonzero(cells[0]))
            tissue.n_dropped += _push(luck, mothers, *geometry, n_cells, tissue.capacity, cells)
        if clock.is_due(EVERY_H):
            _pull(luck, _in_order(tissue, luck, _PULL, _gap_candidates(tissue.state)), *geometry, cells)

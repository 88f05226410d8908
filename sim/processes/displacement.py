"""Displacement: growth pushes and clearance pulls, so a mass stays compact and its diameter can be measured.

A division moves the cells between the mother and the margin outward by one site along a ray about the outward direction,
jittered by up to 45 degrees, past gaps, to the last cell on the ray. A gap (an empty site with cells further out on its ray)
lets those cells move inward by one, every few hours. Each event looks along two rays: a push takes the one that ends nearer, a
pull the one that ends farther, measured in the lesion's own elliptical radius (a column's in a slab, whose faces are mirrors).
That is the surface tension of the mass: without it turnover alone lets shapes drift and tips outgrow flanks (tried). So growth
is volumetric while oxygen allows, and a killed mass contracts without leaving holes.

Events of a step act in the order of their draws, so no corner comes first. Those of a large section act half by half, on two
threads. A section at its capacity loses the outermost cell of the ray from view at each birth; `population_control` accounts
for it. Cells move with their PD-L1 and hits; vessels and T cells keep their place.
"""

import math
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from lesionlab.sim.layouts.packed_cells import HITS_AT, CellLattices, daughters_of, pack, unpack
from lesionlab.sim.layouts.section import carry_out, lattice_of, set_window, window_of
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import Lattice, place_of
from lesionlab.sim.numerics.random import RandomStream
from lesionlab.sim.numerics.rays import (
    ONE,
    Ray,
    by_region,
    in_order,
    in_order_at_once,
    outward_ray,
    place_on,
    ray_from,
    site_on,
    words_of,
)
from lesionlab.sim.numerics.window import NEAR, Window, extent, mark_near, sites_of, union, widen
from lesionlab.sim.numerics.workspace import scratch
from lesionlab.sim.state.clock import Clock, is_due
from lesionlab.sim.state.codes import Hazard, Purpose
from lesionlab.sim.state.state import State, Tissue

GAPS_EVERY_H = 6.0
LARGE_CELLS = 200_000
"""Capacity from which a section's events act half by half. Part of the rule, not only of speed: it changes the order of events and so
the result."""
Moved = tuple[np.ndarray, np.ndarray]
# Of NumPy's types: of a Python number each value would be compiled anew.
_DIVISION, _MARKED = np.uint8(Hazard.DIVISION), np.uint8(1)
_PUSH, _PULL, _PUSH_ORDER, _PULL_ORDER = (np.int64(purpose) for purpose in (
    Purpose.PUSH, Purpose.PULL, Purpose.PUSH_ORDER, Purpose.PULL_ORDER))


class Parameters(NamedTuple):
    """None: geometry only."""


class Geometry(NamedTuple):
    """A section's lattice, the mass's x axis relative to its (z, y) axes (z 0 in a slab), and whether it is a block."""

    lattice: Lattice
    scales: tuple[float, float]
    is_block: bool


class Bound(NamedTuple):
    """Where the cells are: a window that holds them, and an elliptical radius^2 beyond which none lies."""

    window: Window
    furthest: float


@kernel
def _shift(ray, start, end, shape, cells, last_hit):
    """Move the cells of a ray by one position towards `start`, whose own is overwritten; the last to move is that of `end`."""
    by = 1 if end > start else -1
    at, bits = site_on(ray, start, shape), np.uint8(0)
    for origin in range(start + by, end + by, by):
        source = site_on(ray, origin, shape)
        cell = cells[source]
        cells[at] = cell
        bits |= cell
        at = source
    # `last_hit` matters only for a cell with hits, and few rays have one.
    if bits >> HITS_AT:
        for to in range(start, end, by):
            at = site_on(ray, to, shape)
            if cells[at] >> HITS_AT:
                last_hit[at] = last_hit[site_on(ray, to + by, shape)]


@kernel
def _radius(place, geometry):
    """Return the square of the elliptical radius of a place (z, y, x)."""
    centre, scales = geometry.lattice.centre, geometry.scales
    return ((place[0] - centre[0]) * scales[0]) ** 2 + ((place[1] - centre[1]) * scales[1]) ** 2 + (place[2] - centre[2]) ** 2


@kernel
def _last_within(ray, geometry, furthest):
    """Return a position on a ray beyond which no cell lies, as none has an elliptical radius^2 above `furthest`."""
    start, direction, centre, scales = ray.start, ray.direction, geometry.lattice.centre, geometry.scales
    a = b = c = 0.0
    for axis in range(3):
        scale = scales[axis] if axis < 2 else 1.0
        at, by = (start[axis] / ONE - 0.5 - centre[axis]) * scale, direction[axis] / ONE * scale
        a, b, c = a + by * by, b + at * by, c + at * at
    # A site lies at most half a site off its ray on each axis, and one that was moved since `furthest` was found up to one more.
    reach = math.sqrt(furthest) + 2.0 * (scales[0] + scales[1] + 1.0)
    square = b * b - a * (c - reach * reach)
    return min(ray.n - 1, int((math.sqrt(square) - b) / a) + 1) if square > 0.0 else ray.n - 1


@kernel
def _choose_ray(site, geometry, words, sign, bound, cells):
    """Return (ray, position of its last cell, -1 if it has none): of two rays the one whose last cell has the smaller (sign 1) or
    larger (sign -1) elliptical radius.

    A ray is searched from its outer end, where the last cell is near.
    """
    shape, is_block = geometry.lattice.shape, geometry.is_block
    place = place_of(site, shape)
    chosen, end, best = Ray(place, place, 0), -1, np.inf
    for i in range(2):
        step = outward_ray(place, geometry.lattice, is_block, words[2 * i], words[2 * i + 1])
        ray = ray_from(place, step, shape, bound.window, is_block)
        last = _last_within(ray, geometry, bound.furthest)
        while last >= 0 and not cells[site_on(ray, last, shape)]:
            last -= 1
        radius = sign * _radius(place_on(ray, max(last, 0), shape[0]), geometry)
        if radius < best:
            chosen, end, best = ray, last, radius
    return chosen, end


@kernel
def _push(stream, mothers, daughters, geometry, room, bound, cells, last_hit):
    """Place one daughter for each birth; return (cells pushed out of view, cells more, bound now). One draw a birth.

    Reads mothers (flat sites) and their packed daughters in order of action; room: how many cells more there may be. Writes cells
    (packed) and last_hit, flat.
    """
    shape, words = geometry.lattice.shape, words_of(stream, _PUSH, mothers, geometry.lattice)
    dropped, n_placed = 0, 0
    for i in range(len(mothers)):
        ray, last = _choose_ray(mothers[i], geometry, words[i], 1.0, bound, cells)
        if n_placed >= room or last == ray.n - 1:
            dropped += 1
            if last <= 0:
                continue
            last -= 1
        else:
            n_placed += 1
        if last > 0:
            _shift(ray, last + 1, 1, shape, cells, last_hit)
        cells[site_on(ray, 1 if last >= 0 else 0, shape)] = daughters[i]
        bound = _include(place_on(ray, max(last + 1, 0), shape[0]), geometry, bound)
    return dropped, n_placed, bound


@kernel
def _include(place, geometry, bound):
    """Return the bound of the cells with one more at a place (z, y, x)."""
    beside = widen(Window(place[1], place[1] + 1, place[2], place[2] + 1), geometry.lattice.shape, NEAR)
    return Bound(union(bound.window, beside), max(bound.furthest, _radius(place, geometry)))


@kernel
def _pull(stream, gaps, geometry, bound, cells, last_hit):
    """Close gaps: cells further out on a gap's ray move inward by one. Reads gaps int64 flat sites in order of action; writes
    cells (packed) and last_hit, flat. One draw a gap."""
    shape, words = geometry.lattice.shape, words_of(stream, _PULL, gaps, geometry.lattice)
    for i in range(len(gaps)):
        if cells[gaps[i]]:
            continue
        ray, last = _choose_ray(gaps[i], geometry, words[i], -1.0, bound, cells)
        if last > 0:
            _shift(ray, 0, last, shape, cells, last_hit)
            cells[site_on(ray, last, shape)] = 0


@kernel
def _gaps_in(cells, window, is_gap):
    """Return the flat empty sites that touch a cell (Moore neighbourhood), int64; the box's outermost sites are none.

    Reads cells uint8 (nz, ny, nx), occupied where > 0; writes is_gap, scratch of the same type, in the window.
    """
    nz, ny, nx = cells.shape
    mark_near(cells, window, 1, is_gap)
    for z in range(nz):
        for y in range(window.first_y, window.end_y):
            row, marks = cells[z, y][window.first_x : window.end_x], is_gap[z, y][window.first_x : window.end_x]
            for x in range(len(row)):
                marks[x] &= row[x] == 0
            is_gap[z, y, 0] = is_gap[z, y, nx - 1] = 0
        is_gap[z, 0] = is_gap[z, ny - 1] = 0
    return sites_of(is_gap, _MARKED, _MARKED, window).astype(np.int64)


def _gaps(cells: np.ndarray, window: Window) -> np.ndarray:
    """Return the gaps in a window, found in scratch memory."""
    found: np.ndarray = _gaps_in(cells, window, scratch("displacement.is_gap", cells.shape, np.uint8))
    return found


@kernel
def _geometry_of(numbers, shape):
    """Return the geometry of a section from its numbers and the shape of its box."""
    scales = (numbers.size_cm_0 / numbers.depth_cm, numbers.size_cm_0 / numbers.size_cm_1)
    return Geometry(lattice_of(numbers, shape), scales, math.isfinite(numbers.depth_cm))


@kernel
def act(now, numbers, stream, state, pd_l1, lost_antigen, hits, last_hit, fate):
    """Place this step's births in one lesion, in one piece, and close gaps every few hours."""
    geometry, is_pulled = _geometry_of(numbers, state.shape), is_due(now, GAPS_EVERY_H)
    numbers.n_cells, tight, furthest = extent(state, window_of(numbers), geometry.lattice.centre, geometry.scales)
    bound = Bound(widen(tight, state.shape, NEAR), furthest)
    mothers = sites_of(fate, _DIVISION, _DIVISION, bound.window).astype(np.int64)
    if len(mothers) or is_pulled:
        lattices = CellLattices(state, pd_l1, lost_antigen, hits)
        cells, is_gap = np.zeros(state.shape, np.uint8), np.empty(state.shape, np.uint8)
        pack(bound.window, lattices, cells)
        flat, its_last_hit = cells.reshape(-1), last_hit.reshape(-1)
        if len(mothers):
            mothers = in_order_at_once(stream, _PUSH_ORDER, mothers, geometry.lattice)
            room = numbers.capacity - numbers.n_cells
            dropped, placed, bound = _push(stream, mothers, daughters_of(flat[mothers]), geometry, room, bound, flat, its_last_hit)
            numbers.n_dropped += dropped
            numbers.n_cells += placed
        if is_pulled:
            gaps = in_order_at_once(stream, _PULL_ORDER, _gaps_in(cells, bound.window, is_gap), geometry.lattice)
            _pull(stream, gaps, geometry, bound, flat, its_last_hit)
        unpack(bound.window, cells, lattices)
    set_window(numbers, bound.window)


def _both(a: Bound, b: Bound) -> Bound:
    """Return the bound of the cells of two."""
    return Bound(union(a.window, b.window), max(a.furthest, b.furthest))


def _place_births(tissue: Tissue, stream: RandomStream, mothers: np.ndarray, geometry: Geometry, bound: Bound, moved: Moved) -> Bound:
    """Place a daughter for each mother (flat sites, in order of action) half by half; return the bound of the cells then."""
    daughters, done = daughters_of(moved[0][mothers]), [(0, 0, bound)]
    room = tissue.capacity - tissue.n_cells

    def push(which: Any) -> None:
        # Room goes to the first births; each half keeps the share of its own births, even if one of them is dropped at the box's edge.
        its_room = int(np.count_nonzero(np.arange(len(mothers))[which] < room))
        done.append(_push(stream, mothers[which], daughters[which], geometry, its_room, reduce(_both, (d[2] for d in done)), *moved))

    by_region(stream, int(_PUSH), mothers, geometry.lattice, tissue.is_block, push)
    tissue.n_dropped += sum(d[0] for d in done)
    tissue.n_cells += sum(d[1] for d in done)
    return reduce(_both, (d[2] for d in done))


def _displace_by_halves(tissue: Tissue, stream: RandomStream, is_pulled: bool) -> None:
    """Do as `act` does in a large lesion: events act half by half, on scratch memory and on all free threads."""
    shape, scales = tissue.state.shape, (tissue.size_cm[0] / tissue.depth_cm, tissue.size_cm[0] / tissue.size_cm[1])
    geometry = Geometry(Lattice(shape, tissue.centre), scales, tissue.is_block)
    tissue.n_cells, tight, furthest = extent(tissue.state, tissue.window, tissue.centre, scales)
    tissue.window = widen(tight, shape, NEAR)
    mothers = sites_of(tissue.fate, _DIVISION, _DIVISION, tissue.window).astype(np.int64)
    if not len(mothers) and not is_pulled:
        return
    lattices = CellLattices(tissue.state, tissue.pd_l1, tissue.lost_antigen, tissue.hits)
    cells = scratch("displacement.cells", shape, np.uint8)
    cells.fill(0)
    pack(tissue.window, lattices, cells)
    bound, moved = Bound(tissue.window, furthest), (cells.reshape(-1), tissue.last_hit.reshape(-1))
    if len(mothers):
        bound = _place_births(tissue, stream, in_order(stream, int(_PUSH_ORDER), mothers, geometry.lattice), geometry, bound, moved)
    if is_pulled:
        gaps = in_order(stream, int(_PULL_ORDER), _gaps(cells, bound.window), geometry.lattice)
        by_region(stream, int(_PULL), gaps, geometry.lattice, tissue.is_block,
                  lambda which: _pull(stream, gaps[which], geometry, bound, *moved))
    tissue.window = bound.window
    unpack(tissue.window, cells, lattices)


def update(state: State, p: Parameters, clock: Clock) -> None:
    """Close gaps every few hours and place this step's births in every lesion."""
    for tissue in state.active:
        if tissue.capacity < LARGE_CELLS:
            carry_out(act, tissue, state, p, clock)
        else:
            _displace_by_halves(tissue, state.stream(tissue, clock), clock.is_due(GAPS_EVERY_H))

"""Rays: straight lines of sites about the outward direction of a mass, along which `displacement` moves cells."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.lattice import Lattice, entity_of, place_of
from lesionlab.sim.numerics.random import AT_ONCE, RandomStream, draw, draw_many, uniform
from lesionlab.sim.numerics.threads import in_pieces, side_by_side
from lesionlab.sim.numerics.window import Span

ONE, _HALF = float(1 << 32), 1 << 31
_SHIFT, _RANK = np.uint64(32), np.uint64(0xFFFFFFFF)
Place = tuple[int, int, int]


class Ray(NamedTuple):
    """A straight line of sites: start and direction (z, y, x) in 2^-32 sites, and the number of sites on it."""

    start: Place
    direction: Place
    n: int


@kernel
def _tangent(angle):
    """Return the tangent of an angle of at most 45 degrees to 2e-8, as a fraction of polynomials: a third of the time."""
    square = angle * angle
    return angle * (945.0 - square * (105.0 - square)) / (945.0 - square * (420.0 - 15.0 * square))


@kernel
def outward_ray(place, lattice, is_block, turn, tilt):
    """Return the step (dz, dy, dx) of a ray about the outward direction of a place (z, y, x), jittered by up to 45 degrees.

    turn, tilt: uint32 draws; the side to which the ray leans and how far. At the centre the direction is uniform. In a
    block outward is away from the centre and the largest component is 1. A slab is the cut of an endless column: outward
    lies in its plane, the largest component there is 1, and |dz| is at most 1.
    """
    shape, centre = lattice.shape, lattice.centre
    oz, oy, ox = float(place[0] - centre[0]) if is_block else 0.0, float(place[1] - centre[1]), float(place[2] - centre[2])
    length = np.sqrt(oz * oz + oy * oy + ox * ox)
    slope = _tangent(0.25 * np.pi * uniform(tilt))
    if shape[0] == 1 and length > 1.0:
        # In a plane there are two sides to lean to, and no angle is needed.
        slope = slope if turn >> np.uint32(31) else -slope
        ry, rx = oy - slope * ox, ox + slope * oy
        largest = max(abs(ry), abs(rx))
        return 0.0, ry / largest, rx / largest
    # A random unit vector, in the plane when nz == 1; height and angle from the two halves of one word.
    angle = 2.0 * np.pi * (float(turn >> np.uint32(16)) + 0.5) / 65536.0
    rz = (float(turn & np.uint32(0xFFFF)) + 0.5) / 32768.0 - 1.0 if shape[0] > 1 else 0.0
    flat = np.sqrt(1.0 - rz * rz)
    ry, rx = flat * np.sin(angle), flat * np.cos(angle)
    if length > 1.0:
        oz, oy, ox = oz / length, oy / length, ox / length
        along = rz * oz + ry * oy + rx * ox
        pz, py, px = rz - along * oz, ry - along * oy, rx - along * ox
        across = np.sqrt(pz * pz + py * py + px * px)
        slope = slope / across if across > 1e-9 else 0.0
        rz, ry, rx = oz + slope * pz, oy + slope * py, ox + slope * px
    in_plane = max(abs(ry), abs(rx))
    largest = max(abs(rz), in_plane) if is_block else max(in_plane, 1e-9)
    return min(max(rz / largest, -1.0), 1.0), ry / largest, rx / largest


@kernel
def ray_from(place, step, shape, window, is_block):
    """Return a ray from a place (z, y, x) to the edge of a window that holds it; its sites are all different.

    step: (dz, dy, dx) as of `outward_ray`. Sums of whole numbers are exact, so any site of the ray is found directly, without
    stepping through the others. The faces of a slab are mirrors; a block's ray ends there.
    """
    nz, ny, nx = shape
    start = ((place[0] << 32) + _HALF, (place[1] << 32) + _HALF, (place[2] << 32) + _HALF)
    direction = (round(step[0] * ONE), round(step[1] * ONE), round(step[2] * ONE))
    n = (ny + nx) << 1
    for axis in range(0 if is_block else 1, 3):
        at, by = start[axis], direction[axis]
        begin, end = (0, nz) if axis == 0 else (window.first_y, window.end_y) if axis == 1 else (window.first_x, window.end_x)
        if by > 0:
            n = min(n, ((end << 32) - 1 - at) // by + 1)
        elif by < 0:
            n = min(n, (at - (begin << 32)) // -by + 1)
    return Ray(start, direction, n)


@kernel
def place_on(ray, k, nz):
    """Return the place (z, y, x) at position k of a ray of `ray_from` in a box of nz layers."""
    start, direction = ray.start, ray.direction
    z = 0
    if nz > 1:
        z = (start[0] + k * direction[0]) % (nz << 33)
        # Beyond a mirror the ray runs back.
        z = min(z, (nz << 33) - 1 - z) >> 32
    return z, (start[1] + k * direction[1]) >> 32, (start[2] + k * direction[2]) >> 32


@kernel
def site_on(ray, k, shape):
    """Return the flat site at position k of a ray of `ray_from`."""
    z, y, x = place_on(ray, k, shape[0])
    # Unsigned: a signed index would be tested for wrap-around.
    return (np.uint64(z) * np.uint64(shape[1]) + np.uint64(y)) * np.uint64(shape[2]) + np.uint64(x)


@kernel
def words_of(stream, purpose, sites, lattice):
    """Return the draws of flat sites, uint32 (sites, 4)."""
    names, words = np.empty(len(sites), np.uint32), np.empty((4, len(sites)), np.uint32)
    for i in range(len(sites)):
        names[i] = entity_of(sites[i], lattice)
    draw_many(stream, purpose, names, words)
    return words.T.copy()


@kernel
def _keys(stream, purpose, sites, first, lattice):
    """Return a uint64 for each flat site: its draw above, its rank, counted from `first`, below."""
    names, words, keys = np.empty(AT_ONCE, np.uint32), np.empty((4, AT_ONCE), np.uint32), np.empty(len(sites), np.uint64)
    for start in range(0, len(sites), AT_ONCE):
        n = min(AT_ONCE, len(sites) - start)
        for i in range(n):
            names[i] = entity_of(sites[start + i], lattice)
        draw_many(stream, purpose, names[:n], words)
        for i in range(n):
            keys[start + i] = np.uint64(words[0, i]) << _SHIFT | np.uint64(first + start + i)
    return keys


@kernel
def in_order_at_once(stream, purpose, sites, lattice):
    """Return flat sites in their order of action as `in_order` does, on one thread."""
    keys = _keys(stream, purpose, sites, 0, lattice)
    keys.sort()
    ordered = np.empty_like(sites)
    for i in range(len(keys)):
        ordered[i] = sites[np.int64(keys[i] & _RANK)]
    return ordered


def in_order(stream: RandomStream, purpose: int, sites: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Return flat sites sorted by their draw, of equal draws the first first: the order of action."""
    def keys_of(rows: Span) -> np.ndarray:
        return _keys(stream, purpose, sites[rows.first : rows.end], rows.first, lattice)

    # Draw and rank in one number: sorting numbers is several times faster than sorting ranks by their draws.
    keys = np.concatenate(in_pieces(len(sites), keys_of))
    keys.sort()
    return sites[(keys & _RANK).astype(np.int64)]


@kernel
def _regions(stream, purpose, sites, lattice, is_block, is_x_first):
    """Return the half of the lattice in which both rays of each event stay, uint8: 0 and 1 the two halves of one axis, else 2 and 3
    those of the other, else 4. The first axis is y, or x if `is_x_first`."""
    centre, words = lattice.centre, words_of(stream, purpose, sites, lattice)
    regions, (first, second) = np.empty(len(sites), np.uint8), (2, 1) if is_x_first else (1, 2)
    for i in range(len(sites)):
        place = place_of(sites[i], lattice.shape)
        one = outward_ray(place, lattice, is_block, words[i, 0], words[i, 1])
        other = outward_ray(place, lattice, is_block, words[i, 2], words[i, 3])
        regions[i] = 4
        for region, axis in ((2, second), (0, first)):
            if place[axis] < centre[axis] and one[axis] <= 0.0 and other[axis] <= 0.0:
                regions[i] = region
            if place[axis] >= centre[axis] and one[axis] >= 0.0 and other[axis] >= 0.0:
                regions[i] = region + 1
    return regions


def by_region(stream: RandomStream, purpose: int, sites: np.ndarray, lattice: Lattice, is_block: bool,
              work: Callable[[Any], None]) -> None:
    """Call `work(which)` for the events of five regions, in order of action within each.

    First the two halves of one axis, then the two of the other: events whose rays stay in different halves have no site in common,
    so both halves act side by side. A draw decides which axis is first, or the mass would grow longer along one. The result does not
    depend on the box.
    """
    is_x_first = bool(draw(stream, purpose, np.uint32(0))[0] & np.uint32(1))
    regions = np.concatenate(in_pieces(len(sites), lambda rows: _regions(
        stream, purpose, sites[rows.first : rows.end], lattice, is_block, is_x_first)))
    for together in ((0, 1), (2, 3), (4,)):
        side_by_side(lambda region: work(np.flatnonzero(regions == region)), together)

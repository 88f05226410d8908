"""Geometry of the lattice: sites, neighbours and the axes of a mass."""

from typing import NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import site_entity
from lesionlab.sim.numerics.window import Shape


class Lattice(NamedTuple):
    """The sites of a section: the shape (nz, ny, nx) of its box, and the lesion's centre (z, y, x) in it."""

    shape: Shape
    centre: tuple[int, int, int]


@kernel
def place_of(site, shape):
    """Return (z, y, x) of a flat site index."""
    z, rest = divmod(site, shape[1] * shape[2])
    y, x = divmod(rest, shape[2])
    return z, y, x


@kernel
def entity_of(site, lattice):
    """Return the random entity (uint32) of a flat site index: its offset from the lesion's centre."""
    z, y, x = place_of(site, lattice.shape)
    return site_entity(z - lattice.centre[0], y - lattice.centre[1], x - lattice.centre[2])


@kernel
def neighbour(site, shape, word):
    """Return a uniformly drawn Moore neighbour (8 in two dimensions, 26 in three) of a flat site, or the site itself at the box's edge."""
    nz, ny, nx = shape
    z, y, x = place_of(site, shape)
    if nz == 1:
        pick = int((np.uint64(word) * np.uint64(8)) >> np.uint64(32))
        pick += pick >= 4
        dz, dy, dx = 0, pick // 3 - 1, pick % 3 - 1
    else:
        pick = int((np.uint64(word) * np.uint64(26)) >> np.uint64(32))
        pick += pick >= 13
        dz, dy, dx = pick // 9 - 1, (pick // 3) % 3 - 1, pick % 3 - 1
    z, y, x = z + dz, y + dy, x + dx
    if z < 0 or z >= nz or y < 0 or y >= ny or x < 0 or x >= nx:
        return site
    return (z * ny + y) * nx + x


@kernel
def sites_apart(a, b, shape):
    """Return the Chebyshev distance of two flat sites."""
    (za, ya, xa), (zb, yb, xb) = place_of(a, shape), place_of(b, shape)
    return max(abs(za - zb), abs(ya - yb), abs(xa - xb))


@kernel
def depth_in(offset, half_axes):
    """Return how deep in sites a place lies under the surface of an ellipse or ellipsoid, negative outside.

    offset: (z, y, x) from the centre; half_axes likewise, infinite where it has no end. To first order in the distance to the
    surface, (1 - r) / |grad r| with r the elliptical radius, and never deeper than the shortest half axis: exact in a circle
    and on the axes.
    """
    square = slope = 0.0
    shortest = np.inf
    for axis in range(3):
        share = offset[axis] / half_axes[axis]
        square += share * share
        slope += (share / half_axes[axis]) ** 2
        shortest = min(shortest, half_axes[axis])
    if slope == 0.0:
        return shortest
    radius = np.sqrt(square)
    return min((1.0 - radius) * radius / np.sqrt(slope), shortest)


@kernel
def mass_axes(state, window, is_block):
    """Return (longest, perpendicular, depth) diameters in sites of the ellipse or ellipsoid with the mass's second moments.

    state: uint8 (nz, ny, nx), occupied where > 0, looked at in the window; the first two are taken in the (y, x) plane. A
    block is an ellipsoid (variance along an axis: diameter^2 / 20); a slab is the cut of an endless column (diameter^2 / 16, depth inf). A
    uniform mass gives its own axes; an empty section gives zeros.
    """
    n = 0
    sz = sy = sx = 0
    szz = syy = sxx = sxy = 0
    for z in range(len(state)):
        for y in range(window.first_y, window.end_y):
            row = state[z, y][: window.end_x]
            in_row = along = square = 0
            for x in range(window.first_x, window.end_x):
                # Always added, multiplied by 0 or 1: a loop without branches vectorises.
                is_cell = np.int64(row[x] > 0)
                in_row += is_cell
                along += is_cell * x
                square += is_cell * x * x
            n += in_row
            sz += in_row * z
            szz += in_row * z * z
            sy += in_row * y
            syy += in_row * y * y
            sx += along
            sxx += square
            sxy += along * y
    if n == 0:
        return 0.0, 0.0, 0.0
    # A site is a unit cube: 1/12 is its own variance.
    least = 1.0 / 12.0
    vzz = szz / n - (sz / n) ** 2 + least
    vyy = syy / n - (sy / n) ** 2 + least
    vxx = sxx / n - (sx / n) ** 2 + least
    vxy = sxy / n - (sx / n) * (sy / n)
    middle, spread = (vyy + vxx) / 2.0, np.sqrt(((vyy - vxx) / 2.0) ** 2 + vxy * vxy)
    per_sd = np.sqrt(20.0) if is_block else 4.0
    return per_sd * np.sqrt(middle + spread), per_sd * np.sqrt(max(middle - spread, least)), per_sd * np.sqrt(vzz) if is_block else np.inf


@kernel
def crowding(state, reach, y, x, z):
    """Return the share of occupied sites in the square (cube) of half-width `reach` sites around a site."""
    nz, ny, nx = state.shape
    total = occupied = 0
    for k in range(max(z - reach, 0), min(z + reach + 1, nz)):
        for j in range(max(y - reach, 0), min(y + reach + 1, ny)):
            for i in range(max(x - reach, 0), min(x + reach + 1, nx)):
                total += 1
                occupied += state[k, j, i] > 0
    return occupied / total


@kernel
def _add(shift, values, sums):
    """Add to each of a flat array's sums the value `shift` places further on, where there is one."""
    n = len(sums) - abs(shift)
    source, target = values[max(shift, 0) :], sums[max(-shift, 0) :]
    for s in range(n):
        target[s] += source[s]


@kernel
def sums_around(values, reach):
    """Return the sum of `values`, uint8 (nz, ny, nx), over the square (cube) of half-width `reach` around each site, uint16.

    Nothing lies beyond the box. One axis after the other and whole layers at a time, which vectorises: a tenth of the work of
    one window per site. Sums near the ends of rows mix neighbouring rows, so they are computed again.
    """
    nz, ny, nx = values.shape
    along_x, along_y = np.zeros((nz, ny, nx), np.uint16), np.zeros((nz, ny, nx), np.uint16)
    for z in range(nz):
        for k in range(-reach, reach + 1):
            _add(k, values[z].reshape(-1), along_x[z].reshape(-1))
        for y in range(ny):
            for end in range(2 * min(reach, nx)):
                x = end // 2 if end % 2 == 0 else nx - 1 - end // 2
                total = 0
                for i in range(max(x - reach, 0), min(x + reach + 1, nx)):
                    total += values[z, y, i]
                along_x[z, y, x] = total
        for k in range(-min(reach, ny - 1), min(reach, ny - 1) + 1):
            _add(k * nx, along_x[z].reshape(-1), along_y[z].reshape(-1))
    if nz == 1:
        return along_y
    along_x[:] = 0
    for k in range(-min(reach, nz - 1), min(reach, nz - 1) + 1):
        _add(k * ny * nx, along_y.reshape(-1), along_x.reshape(-1))
    return along_x

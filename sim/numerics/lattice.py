"""Geometry of the lattice: sites, neighbours, rays and the axes of a mass."""

import numpy as np

from sim.numerics.jit import kernel
from sim.numerics.random import site_entity, uniform

ONE, _HALF = float(1 << 32), 1 << 31


@kernel
def place_of(site, shape):
    """Return (z, y, x) of a flat site index."""
    z, rest = divmod(site, shape[1] * shape[2])
    y, x = divmod(rest, shape[2])
    return z, y, x


@kernel
def entity_of(site, shape, centre):
    """Return the random entity (uint32) of a flat site index: its offset from the lesion's centre."""
    z, y, x = place_of(site, shape)
    return site_entity(z - centre[0], y - centre[1], x - centre[2])


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
def _tangent(angle):
    """Return the tangent of an angle of at most 45 degrees to 2e-8, as a fraction of polynomials: a third of the time."""
    square = angle * angle
    return angle * (945.0 - square * (105.0 - square)) / (945.0 - square * (420.0 - 15.0 * square))


@kernel
def outward_ray(place, shape, centre, is_block, turn, tilt):
    """Return the step (dz, dy, dx) of a ray about the outward direction of a place (z, y, x), jittered by up to 45 degrees.

    turn, tilt: uint32 draws; the side to which the ray leans and how far. At the centre the direction is uniform. In a
    block outward is away from the centre and the largest component is 1. A slab is the cut of an endless column: outward
    lies in its plane, the largest component there is 1, and |dz| is at most 1.
    """
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
    """Return a ray from a place (z, y, x) to the edge of a window that holds it: (start, direction, number of sites, all different).

    step: (dz, dy, dx) as of `outward_ray`. Start and direction are (z, y, x) in 2^-32 sites: sums of whole numbers are exact,
    so any site of the ray is found without walking to it. The faces of a slab are mirrors; a block's ray ends there.
    """
    nz, ny, nx = shape
    start = ((place[0] << 32) + _HALF, (place[1] << 32) + _HALF, (place[2] << 32) + _HALF)
    direction = (round(step[0] * ONE), round(step[1] * ONE), round(step[2] * ONE))
    n = (ny + nx) << 1
    for axis in range(0 if is_block else 1, 3):
        at, by = start[axis], direction[axis]
        begin, end = (0, nz) if axis == 0 else (window[2 * axis - 2], window[2 * axis - 1])
        if by > 0:
            n = min(n, ((end << 32) - 1 - at) // by + 1)
        elif by < 0:
            n = min(n, (at - (begin << 32)) // -by + 1)
    return start, direction, n


@kernel
def place_on(ray, k, nz):
    """Return the place (z, y, x) at position k of a ray of `ray_from` in a box of nz layers."""
    start, direction = ray[0], ray[1]
    z = 0
    if nz > 1:
        z = (start[0] + k * direction[0]) % (nz << 33)
        # Beyond a mirror the way runs back.
        z = min(z, (nz << 33) - 1 - z) >> 32
    return z, (start[1] + k * direction[1]) >> 32, (start[2] + k * direction[2]) >> 32


@kernel
def site_on(ray, k, shape):
    """Return the flat site at position k of a ray of `ray_from`."""
    z, y, x = place_on(ray, k, shape[0])
    # Unsigned: an index that might count from the end would be looked at once more.
    return (np.uint64(z) * np.uint64(shape[1]) + np.uint64(y)) * np.uint64(shape[2]) + np.uint64(x)


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
        for y in range(window[0], window[1]):
            row = state[z, y][: window[3]]
            in_row = along = square = 0
            for x in range(window[2], window[3]):
                # Added always, times 0 or 1: a loop without branches vectorises.
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
    a window a site. Rows run into each other at their ends, so those are summed anew.
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

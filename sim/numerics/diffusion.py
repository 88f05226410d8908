"""Quasi-steady reaction-diffusion on the lattice, zero flux at the faces of the box; `nz = 1` is two-dimensional.

Over-relaxation with the exact root of the pointwise equation, where uptake saturates (oxygen); where the equation is
linear with constant coefficients `linear_fields` is exact.
"""

from typing import NamedTuple

import numpy as np

from lesionlab.sim.numerics.jit import finite_kernel, kernel
from lesionlab.sim.numerics.threads import LEAST_SITES, free_threads, in_bands
from lesionlab.sim.numerics.window import Span, Window, row_of, whole
from lesionlab.sim.numerics.workspace import scratch

_ASLEEP = 0.3
"""A row whose last correction, and whose neighbours', lay below this share of the tolerance is left alone."""


_NO_SIGN = np.int32(0x7FFFFFFF)
_VECTOR = 16
"""Rows are padded to whole single-precision vectors: remaining sites would be processed one by one."""
_NO_SITE = np.float32(1e30)
"""The load of a padding site: so large that the field there is 0 and stays 0, as in the frame."""


class Split(NamedTuple):
    """A field and its coefficients parted by chequerboard colour, float32: a colour's row lies without gaps, so it vectorises.

    The site (z, y, x) has the colour (z + y + x) % 2 and is the number x // 2 of its row. `field` (2, nz, ny, nx / 2) has a
    frame of zeros in x and y, and in z where nz > 1; with p the field, the equation of a site is
    stiffness p = rate sum(neighbours) + source - uptake p / (p + half_saturation), load = stiffness half_saturation + uptake.
    """

    field: np.ndarray
    stiffness: np.ndarray
    source: np.ndarray
    load: np.ndarray


@kernel
def _take_second(n, row, target):
    """Copy n numbers: every second one of a row, starting with its first. A loop that starts with the second would not vectorise."""
    for i in range(n):
        target[i] = row[2 * i]


@kernel
def _split(rows, window, rate, level, half_saturation, exchange, uptake, field, split):
    """Part a span of rows of a field and its coefficients by colour.

    Reads exchange, uptake, field (nz, ny, nx); writes split. No draws.
    """
    nz, ny, nx = field.shape
    frame = 1 if nz > 1 else 0
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        full = rate * np.float32(4 - (y == 0) - (y == ny - 1) + frame * (2 - (z == 0) - (z == nz - 1)))
        for colour in range(2):
            first = (z + y + colour) & 1
            n = (nx - first + 1) // 2
            stiffness, source, load = split.stiffness[colour, z, y], split.source[colour, z, y], split.load[colour, z, y]
            _take_second(n, field[z, y][first:], split.field[colour, z + frame, y + 1][1:])
            _take_second(n, exchange[z, y][first:], source)
            _take_second(n, uptake[z, y][first:], load)
            for i in range(n):
                stiffness[i] = full + source[i]
            for i in range(n):
                source[i] *= level
            if first == 0:
                stiffness[0] -= rate
            if 2 * (n - 1) + first == nx - 1:
                stiffness[n - 1] -= rate
            for i in range(n):
                load[i] += stiffness[i] * half_saturation
            stiffness[n:], source[n:], load[n:] = np.float32(1.0), np.float32(0.0), _NO_SITE


@kernel
def _join(rows, window, framed, field):
    """Put the colours of a span of rows of a split field together; reads framed; writes field (nz, ny, nx). No draws."""
    nx, frame = field.shape[2], 1 if len(field) > 1 else 0
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        row, colour = field[z, y], (z + y) & 1
        even, odd = framed[colour, z + frame, y + 1][1:], framed[1 - colour, z + frame, y + 1][1:]
        for i in range(nx // 2):
            row[2 * i] = even[i]
            row[2 * i + 1] = odd[i]
        if nx & 1:
            row[nx - 1] = even[nx // 2]


@finite_kernel
def _relax_colour(rows, window, colour, omega, rate, half, split, awake, now):
    """Over-relax those of a span of rows of one colour that are awake; writes each row's largest correction, now (nz + 2, ny + 2), framed.

    half: half-saturation of the uptake. The root is taken in the form that does not cancel. Whole arrays, unsigned indices
    and no calls: slices and checks cost as much as the arithmetic of a row.
    """
    _, nz, ny, width = split.stiffness.shape
    frame = 1 if nz > 1 else 0
    stride, layer = width + 2, (ny + 2) * (width + 2)
    own, other, n = split.field[colour].reshape(-1), split.field[1 - colour].reshape(-1), np.uint64(width)
    stiffness, source, load = split.stiffness[colour].reshape(-1), split.source[colour].reshape(-1), split.load[colour].reshape(-1)
    change = np.empty(width, np.float32)
    bits = change.view(np.int32)
    zero, two, four = np.float32(0.0), np.float32(2.0), np.float32(4.0)
    for r in range(rows.first, rows.end):
        z, y = row_of(r, window)
        if not awake[z, y]:
            continue
        place = (z + frame) * layer + (y + 1) * stride + 1
        here, at, up, down = np.uint64(place), np.uint64((z * ny + y) * width), np.uint64(place - stride), np.uint64(place + stride)
        left = np.uint64(place - 1 + ((z + y + colour) & 1))
        right = left + np.uint64(1)
        for i in range(n):
            change[i] = other[left + i] + other[right + i] + (other[up + i] + other[down + i])
        if frame:
            front, back = np.uint64(place - layer), np.uint64(place + layer)
            for i in range(n):
                change[i] += other[front + i] + other[back + i]
        for i in range(n):
            a, b = stiffness[at + i], rate * change[i] + source[at + i]
            q = load[at + i] - b
            root = np.sqrt(q * q + four * half * (a * b))
            above = two * half * b if q > zero else root - q
            below = root + q if q > zero else two * a
            change[i] = above / below - own[here + i]
        for i in range(n):
            relaxed = own[here + i] + omega * change[i]
            own[here + i] = relaxed if relaxed > zero else zero
        # Non-negative floats order as their bits do, and the largest of integers vectorises: six times faster.
        largest = np.int32(0)
        for i in range(n):
            largest = max(largest, bits[i] & _NO_SIGN)
        bits[0] = largest
        now[z + 1, y + 1] = max(now[z + 1, y + 1], change[0])


@kernel
def _awake(last, asleep):
    """Return uint8 (nz, ny): the rows to sweep, as they or rows beside them moved by more than `asleep`; last (nz + 2, ny + 2), framed."""
    nz, ny = last.shape[0] - 2, last.shape[1] - 2
    awake = np.empty((nz, ny), np.uint8)
    for z in range(nz):
        before, own, after = last[z][1:], last[z + 1], last[z + 2][1:]
        for y in range(ny):
            awake[z, y] = (own[y] > asleep) | (own[y + 1] > asleep) | (own[y + 2] > asleep) | (before[y] > asleep) | (after[y] > asleep)
    return awake


@kernel
def _relax_split(omega, rate, half, tolerance, most, split):
    """Sweep a split field until the largest correction is below the tolerance; return it and the number of sweeps."""
    _, nz, ny, _ = split.stiffness.shape
    last = np.full((nz + 2, ny + 2), np.float32(np.inf))
    largest, sweeps = np.float32(np.inf), 0
    while largest > tolerance and sweeps < most:
        now, awake = np.zeros((nz + 2, ny + 2), np.float32), _awake(last, np.float32(_ASLEEP * tolerance))
        for colour in range(2):
            _relax_colour(Span(0, nz * ny), Window(0, ny, 0, 0), colour, omega, rate, half, split, awake, now)
        largest, last = now.max(), now
        sweeps += 1
    return largest, sweeps


def _relax_in_bands(omega, rate, half, tolerance, most, split):
    """Do as `_relax_split` does, each sweep shared out by rows: rows of one colour do not read one another."""
    shape = split.stiffness.shape[1:]
    nz, ny, _ = shape
    last = np.full((nz + 2, ny + 2), np.float32(np.inf))
    largest, sweeps = np.inf, 0
    while largest > tolerance and sweeps < most:
        now, awake = np.zeros((nz + 2, ny + 2), np.float32), _awake(last, np.float32(_ASLEEP * tolerance))
        for colour in range(2):
            in_bands(shape, whole(shape), _relax_colour, colour, omega, rate, half, split, awake, now)
        largest, last = float(now.max()), now
        sweeps += 1
    return largest, sweeps


def relax(omega: float, rate: float, level: float, half_saturation: float, limits: tuple[float, int], exchange: np.ndarray,
          uptake: np.ndarray, field: np.ndarray) -> tuple[float, int]:
    """Over-relax the saturating steady state in place until the largest pointwise correction is below the tolerance.

    Solves rate * sum(neighbour - p) + exchange * (level - p) = uptake * p / (p + half_saturation) for p at each site, by
    red-black sweeps with the exact root of the pointwise quadratic. Rows at rest, with rows at rest around them, are
    skipped.

    Args:
        omega: over-relaxation factor, 1 to 2.
        rate: diffusivity / spacing^2 (1/s); level: value inside the vessels; half_saturation: of the uptake.
        limits: (tolerance in the field's unit, most sweeps).
        exchange (1/s), uptake (field unit per s), field: float32 (nz, ny, nx); `field` is the warm start and the result.

    Returns: (largest correction of the last sweep, number of sweeps).
    """
    nz, ny, nx = field.shape
    width, frame = ((nx + 1) // 2 + _VECTOR - 1) // _VECTOR * _VECTOR, 2 * (nz > 1)
    framed, plain = (2, nz + frame, ny + 2, width + 2), (2, nz, ny, width)
    split = Split(*(scratch(f"relax.{name}", framed if name == "field" else plain, np.float32) for name in Split._fields))
    split.field.fill(0.0)
    in_bands(field.shape, whole(field.shape), _split, np.float32(rate), np.float32(level), np.float32(half_saturation), exchange,
             uptake, field, split)
    is_shared = free_threads() > 1 and field.size >= LEAST_SITES
    sweep = _relax_in_bands if is_shared else _relax_split
    largest, sweeps = sweep(np.float32(omega), np.float32(rate), np.float32(half_saturation), *limits, split)
    in_bands(field.shape, whole(field.shape), _join, split.field, field)
    return float(largest), int(sweeps)

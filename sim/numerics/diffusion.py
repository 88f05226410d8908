"""Quasi-steady reaction-diffusion on the lattice, zero flux at the faces of the box; `nz = 1` is two-dimensional.

Two solvers: over-relaxation with the exact root of the pointwise equation where uptake saturates (oxygen), and a
cosine transform, exact to rounding, where the equation is linear with constant coefficients (VEGF, chemoattractant,
interferon gamma).
"""

from typing import NamedTuple

import numpy as np
from scipy import fft

from sim.numerics.crew import LEAST_SITES, free_threads, in_bands
from sim.numerics.jit import finite_kernel, kernel

_ASLEEP = 0.3
"""A row whose last correction, and whose neighbours', lay below this share of the tolerance is left alone."""


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
    """Copy n numbers, every second one of a row from its first on; from its second on it would not vectorise."""
    for i in range(n):
        target[i] = row[2 * i]


@kernel
def _split(rows, numbers, exchange, uptake, field, split):
    """Part rows [first, end) of a field and its coefficients by colour; numbers = (rate, level, half_saturation).

    Reads exchange, uptake, field (nz, ny, nx); writes split. No draws.
    """
    rate, level, half_saturation = numbers
    nz, ny, nx = field.shape
    frame = 1 if nz > 1 else 0
    for r in range(rows[0], rows[1]):
        z, y = divmod(r, ny)
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


@kernel
def _join(rows, framed, field):
    """Put the colours of rows [first, end) of a split field together; reads framed; writes field (nz, ny, nx). No draws."""
    nz, ny, nx = field.shape
    frame = 1 if nz > 1 else 0
    for r in range(rows[0], rows[1]):
        z, y = divmod(r, ny)
        row, colour = field[z, y], (z + y) & 1
        even, odd = framed[colour, z + frame, y + 1][1:], framed[1 - colour, z + frame, y + 1][1:]
        for i in range(nx // 2):
            row[2 * i] = even[i]
            row[2 * i + 1] = odd[i]
        if nx & 1:
            row[nx - 1] = even[nx // 2]


@finite_kernel
def _relax_row(coefficients, own, total, row, change):
    """Over-relax a row of one colour in place; return its largest correction.

    Reads total (sum of the neighbours) and row = (stiffness, source, load); writes own; change is scratch; all float32 (n,).
    coefficients = (omega, rate, half_saturation). The root is taken in the form that does not cancel.
    """
    omega, rate, half = coefficients
    stiffness, source, load = row
    zero, two, four = np.float32(0.0), np.float32(2.0), np.float32(4.0)
    for i in range(len(own)):
        a, b = stiffness[i], rate * total[i] + source[i]
        q = load[i] - b
        root = np.sqrt(q * q + four * half * (a * b))
        above = two * half * b if q > zero else root - q
        below = root + q if q > zero else two * a
        change[i] = above / below - own[i]
    largest = zero
    # Apart from the loop above: a maximum inside it would keep it from vectorising.
    for i in range(len(own)):
        size = abs(change[i])
        largest = size if size > largest else largest
        relaxed = own[i] + omega * change[i]
        own[i] = relaxed if relaxed > zero else zero
    return largest


@finite_kernel
def _relax_colour(rows, colour, nx, coefficients, split, asleep, last, now):
    """Over-relax the rows [first, end) of one colour that are awake, row z ny + y; return nothing.

    last, now: each row's largest correction, framed (nz + 2, ny + 2); now is written.
    """
    _, nz, ny, width = split.stiffness.shape
    frame = 1 if nz > 1 else 0
    total, change = np.empty(width, np.float32), np.empty(width, np.float32)
    for r in range(rows[0], rows[1]):
        z, y = divmod(r, ny)
        nearby = max(last[z + 1, y], last[z + 1, y + 1], last[z + 1, y + 2], last[z, y + 1], last[z + 2, y + 1])
        if nearby <= asleep:
            continue
        first = (z + y + colour) & 1
        n = (nx - first + 1) // 2
        other, k, j = split.field[1 - colour], z + frame, y + 1
        # Whole rows first, then their parts: numba keeps those contiguous, and only those vectorise.
        left, right = other[k, j][first : first + n], other[k, j][first + 1 : first + n + 1]
        up, down = other[k, j - 1][1 : n + 1], other[k, j + 1][1 : n + 1]
        for i in range(n):
            total[i] = left[i] + right[i] + (up[i] + down[i])
        if frame:
            front, back = other[k - 1, j][1 : n + 1], other[k + 1, j][1 : n + 1]
            for i in range(n):
                total[i] += front[i] + back[i]
        row = (split.stiffness[colour, z, y], split.source[colour, z, y], split.load[colour, z, y])
        largest = _relax_row(coefficients, split.field[colour, k, j][1 : n + 1], total, row, change)
        now[z + 1, j] = max(now[z + 1, j], largest)


@kernel
def _relax_split(coefficients, limits, nx, split):
    """Sweep a split field until the largest correction is below the tolerance; return it and the number of sweeps."""
    tolerance, most = limits
    _, nz, ny, _ = split.stiffness.shape
    last = np.full((nz + 2, ny + 2), np.float32(np.inf))
    largest, sweeps = np.float32(np.inf), 0
    while largest > tolerance and sweeps < most:
        now = np.zeros((nz + 2, ny + 2), np.float32)
        for colour in range(2):
            _relax_colour((0, nz * ny), colour, nx, coefficients, split, np.float32(_ASLEEP * tolerance), last, now)
        largest, last = now.max(), now
        sweeps += 1
    return largest, sweeps


def _relax_in_bands(coefficients, limits, nx, split):
    """Do as `_relax_split` does, each sweep shared out by rows: rows of one colour do not read one another."""
    tolerance, most = limits
    _, nz, ny, _ = split.stiffness.shape
    last = np.full((nz + 2, ny + 2), np.float32(np.inf))
    largest, sweeps = np.inf, 0
    while largest > tolerance and sweeps < most:
        now = np.zeros((nz + 2, ny + 2), np.float32)
        for colour in range(2):
            in_bands((nz, ny, nx), _relax_colour, colour, nx, coefficients, split, np.float32(_ASLEEP * tolerance), last, now)
        largest, last = float(now.max()), now
        sweeps += 1
    return largest, sweeps


def relax(omega: float, rate: float, level: float, half_saturation: float, limits: tuple[float, int], exchange: np.ndarray,
          uptake: np.ndarray, field: np.ndarray) -> tuple[float, int]:
    """Over-relax the saturating steady state in place until the largest pointwise correction is below the tolerance.

    Solves rate * sum(neighbour - p) + exchange * (level - p) = uptake * p / (p + half_saturation) for p at each site, by
    red and black sweeps with the exact root of the pointwise quadratic. Rows at rest, with rows at rest around them, sleep.

    Args:
        omega: over-relaxation factor, 1 to 2.
        rate: diffusivity / spacing^2 (1/s); level: value inside the vessels; half_saturation: of the uptake.
        limits: (tolerance in the field's unit, most sweeps).
        exchange (1/s), uptake (field unit per s), field: float32 (nz, ny, nx); `field` is the warm start and the result.

    Returns: (largest correction of the last sweep, number of sweeps).
    """
    nz, ny, nx = field.shape
    width, frame = (nx + 1) // 2, 2 * (nz > 1)
    split = Split(np.zeros((2, nz + frame, ny + 2, width + 2), np.float32), *(np.zeros((2, nz, ny, width), np.float32) for _ in range(3)))
    numbers = (np.float32(rate), np.float32(level), np.float32(half_saturation))
    in_bands(field.shape, _split, numbers, exchange, uptake, field, split)
    is_shared = free_threads() > 1 and field.size >= LEAST_SITES
    sweep = _relax_in_bands if is_shared else _relax_split
    largest, sweeps = sweep((np.float32(omega), np.float32(rate), np.float32(half_saturation)), limits, nx, split)
    in_bands(field.shape, _join, split.field, field)
    return float(largest), int(sweeps)


def steady_linear(source: np.ndarray, diffusivity: float, decay: float, spacing: float) -> np.ndarray:
    """Return the steady state of D lap(u) - decay u + source = 0 with zero flux at the faces.

    Args:
        source: float32 (nz, ny, nx), field unit per second; diffusivity: um2/s; decay: 1/s; spacing: um.

    Returns: float32 field of the same shape, exact to rounding for the 5- or 7-point Laplacian.
    """
    axes = tuple(axis for axis, size in enumerate(source.shape) if size > 1)
    denominator = np.full(source.shape, np.float32(decay))
    for axis in axes:
        size = source.shape[axis]
        wave = (2.0 - 2.0 * np.cos(np.pi * np.arange(size) / size)) * diffusivity / spacing**2
        denominator += wave.astype(np.float32).reshape([-1 if a == axis else 1 for a in range(source.ndim)])
    workers = free_threads() if source.size >= LEAST_SITES else 1
    spectrum = fft.dctn(source, axes=axes, norm="ortho", workers=workers)
    spectrum /= denominator
    field: np.ndarray = fft.idctn(spectrum, axes=axes, norm="ortho", overwrite_x=True, workers=workers)
    return np.maximum(field, np.float32(0.0), out=field)

"""Quasi-steady reaction-diffusion on the lattice, zero flux at the faces of the box; `nz = 1` is two-dimensional.

Two solvers: over-relaxation with the exact root of the pointwise equation where uptake saturates (oxygen), and a
cosine transform, exact to rounding, where the equation is linear with constant coefficients (VEGF, chemoattractant,
interferon gamma).
"""

import numpy as np
from scipy import fft

from sim.numerics.jit import kernel


@kernel
def _relax_colour(colour, omega, rate, level, half_saturation, exchange, uptake, field):
    """Update the sites of one chequerboard colour in place; return the largest pointwise correction.

    Solves rate * sum(neighbour - p) + exchange * (level - p) = uptake * p / (p + half_saturation) for p at each site.
    Reads exchange (1/s), uptake (field unit per s); writes field; all float32 (nz, ny, nx). No draws.
    """
    nz, ny, nx = field.shape
    largest = 0.0
    for z in range(nz):
        for y in range(ny):
            for x in range((z + y + colour) & 1, nx, 2):
                total = 0.0
                faces = 0
                if x > 0:
                    total += field[z, y, x - 1]
                    faces += 1
                if x < nx - 1:
                    total += field[z, y, x + 1]
                    faces += 1
                if y > 0:
                    total += field[z, y - 1, x]
                    faces += 1
                if y < ny - 1:
                    total += field[z, y + 1, x]
                    faces += 1
                if z > 0:
                    total += field[z - 1, y, x]
                    faces += 1
                if z < nz - 1:
                    total += field[z + 1, y, x]
                    faces += 1
                a = rate * faces + exchange[z, y, x]
                b = rate * total + exchange[z, y, x] * level
                q = a * half_saturation + uptake[z, y, x] - b
                root = (np.sqrt(q * q + 4.0 * a * b * half_saturation) - q) / (2.0 * a)
                change = root - field[z, y, x]
                largest = max(largest, abs(change))
                field[z, y, x] = max(field[z, y, x] + omega * change, 0.0)
    return largest


@kernel
def relax(omega, rate, level, half_saturation, limits, exchange, uptake, field):
    """Over-relax the saturating steady state in place until the largest pointwise correction is below the tolerance.

    Args:
        omega: over-relaxation factor, 1 to 2.
        rate: diffusivity / spacing^2 (1/s); level: value inside the vessels; half_saturation: of the uptake.
        limits: (tolerance in the field's unit, most sweeps).
        exchange, uptake, field: float32 (nz, ny, nx), see `_relax_colour`; `field` is the warm start and the result.

    Returns: (largest correction of the last sweep, number of sweeps).
    """
    tolerance, most = limits
    largest = np.inf
    sweeps = 0
    while largest > tolerance and sweeps < most:
        first = _relax_colour(0, omega, rate, level, half_saturation, exchange, uptake, field)
        second = _relax_colour(1, omega, rate, level, half_saturation, exchange, uptake, field)
        largest = max(first, second)
        sweeps += 1
    return largest, sweeps


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
    spectrum = fft.dctn(source, axes=axes, norm="ortho")
    field: np.ndarray = fft.idctn(spectrum / denominator, axes=axes, norm="ortho")
    return np.maximum(field, np.float32(0.0))

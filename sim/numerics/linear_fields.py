"""Steady diffusion with decay on the lattice by a cosine transform, exact to rounding: VEGF, chemoattractant, interferon gamma."""

from functools import lru_cache
from math import ceil, sqrt

import numpy as np
from scipy import fft

from lesionlab.sim.numerics.threads import LEAST_SITES, free_threads
from lesionlab.sim.numerics.window import Shape, Window, widen


def range_of(window: Window, shape: Shape, diffusivity: float, decay: float, spacing: float) -> Window:
    """Return the window in which sources inside another one matter: three decay lengths more on each side, as many rows and
    columns as a fast transform has.

    Beyond it the field of a source is at most 5 % of the field at its side (1 to 3 % for discs of up to 1.5 lengths) and is neglected. Zero
    flux at the edge doubles what little there is.
    """
    wide = widen(window, shape, ceil(3.0 * sqrt(diffusivity / decay) / spacing))
    ends: list[int] = []
    for size, begin, end in ((shape[1], wide.first_y, wide.end_y), (shape[2], wide.first_x, wide.end_x)):
        width = min(fft.next_fast_len(end - begin), size)
        begin = min(begin, size - width)
        ends += [begin, begin + width]
    return Window(*ends)


def steady_linear(source: np.ndarray, diffusivity: float, decay: float, spacing: float) -> np.ndarray:
    """Return the steady state of D lap(u) - decay u + source = 0 with zero flux at the faces.

    Args:
        source: float32 (nz, ny, nx), field unit per second; diffusivity: um2/s; decay: 1/s; spacing: um.

    Returns: float32 field of the same shape, exact to rounding for the 5- or 7-point Laplacian.
    """
    axes = tuple(axis for axis, size in enumerate(source.shape) if size > 1)
    # What a small section divides by is kept: to make it costs as much as the transforms.
    eigenvalues = _kept_eigenvalues if source.size < LEAST_SITES else _eigenvalues
    workers = free_threads() if source.size >= LEAST_SITES else 1
    spectrum = fft.dctn(source, axes=axes, norm="ortho", workers=workers)
    spectrum /= eigenvalues(source.shape, diffusivity, decay, spacing)
    field: np.ndarray = fft.idctn(spectrum, axes=axes, norm="ortho", overwrite_x=True, workers=workers)
    return np.maximum(field, np.float32(0.0), out=field)


def _eigenvalues(shape: tuple[int, ...], diffusivity: float, decay: float, spacing: float) -> np.ndarray:
    """Return the eigenvalues of decay - D lap by wave numbers of the cosine transform, float32 of the given shape."""
    found = np.full(shape, np.float32(decay))
    for axis, size in enumerate(shape):
        if size > 1:
            wave = (2.0 - 2.0 * np.cos(np.pi * np.arange(size) / size)) * diffusivity / spacing**2
            found += wave.astype(np.float32).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return found


_kept_eigenvalues = lru_cache(maxsize=32)(_eigenvalues)

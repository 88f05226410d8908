"""Limits of the machine: copying, a bare diffusion sweep, and a bare lattice sweep with one counter-based draw per site."""

import numpy as np

from lesionlab.sim.bench.figure import Figure, figure, seconds
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import RandomStream, draw_many

GROUP = "machine"
COPY, DIFFUSION, ROOT, LATTICE = ("copy, out of cache", "bare explicit diffusion sweep", "bare red and black sweep with the exact root",
                                  "bare lattice sweep with draws")
_COPIED = 1 << 25
_CALLS = 20


@kernel
def _sweep(rate, most, half, field, after):
    """One explicit step of diffusion with saturating uptake, faces left alone; float32 (ny, nx)."""
    ny, nx = field.shape
    for y in range(1, ny - 1):
        above, row, below, out = field[y - 1], field[y], field[y + 1], after[y]
        for x in range(1, nx - 1):
            p = row[x]
            out[x] = p + rate * (row[x - 1] + row[x + 1] + above[x] + below[x] - np.float32(4.0) * p) - most * p / (p + half)


@kernel
def _relax(rate, most, half, own, other):
    """Relax one colour with the exact root, coefficients and faces left out; float32 (ny, nx / 2), colours stored apart."""
    ny, nx = own.shape
    a, two, four = np.float32(4.0) * rate, np.float32(2.0), np.float32(4.0)
    load = a * half + most
    for y in range(1, ny - 1):
        above, beside, below, row = other[y - 1], other[y], other[y + 1], own[y]
        for x in range(nx - 1):
            b = rate * (beside[x] + beside[x + 1] + (above[x] + below[x]))
            q = load - b
            row[x] = (np.sqrt(q * q + four * half * (a * b)) - q) / (two * a)


@kernel
def _mark(stream, limit, marks):
    """Mark sites whose draw lies below a limit; writes uint8 (ny, nx). One draw a site."""
    ny, nx = marks.shape
    entities, words = np.empty(nx, np.uint32), np.empty((4, nx), np.uint32)
    for y in range(ny):
        for x in range(nx):
            entities[x] = np.uint32(y * nx + x)
        draw_many(stream, 1, entities, words)
        first, row = words[0], marks[y]
        for x in range(nx):
            row[x] = first[x] < limit


def limits(shape: tuple[int, int, int], repeats: int) -> list[Figure]:
    """Return the machine's figures; sweeps on a box (nz, ny, nx) as large as the model's."""
    source, target = np.ones(_COPIED, np.float32), np.empty(_COPIED, np.float32)
    copied = seconds(lambda: np.copyto(target, source), repeats)
    rows, columns = shape[0] * shape[1], shape[2]
    field, after = np.full((rows, columns), np.float32(20.0)), np.zeros((rows, columns), np.float32)
    marks, stream = np.zeros((rows, columns), np.uint8), RandomStream(*(np.uint32(word) for word in (1, 2, 3, 4)))
    rate, most, half = np.float32(0.1), np.float32(0.01), np.float32(2.5)
    swept = seconds(lambda: _sweep(rate, most, half, field, after), repeats, _CALLS)
    red, black = field[:, : columns // 2].copy(), field[:, : columns // 2].copy()
    relaxed = seconds(lambda: (_relax(rate, most, half, red, black), _relax(rate, most, half, black, red)), repeats, _CALLS)
    marked = seconds(lambda: _mark(stream, np.uint32(1 << 26), marks), repeats, _CALLS)
    return [figure(GROUP, COPY, [2.0 * source.nbytes / s / 1e9 for s in copied], "GB/s"),
            figure(GROUP, DIFFUSION, [field.size / s / 1e9 for s in swept], "G site/s"),
            figure(GROUP, ROOT, [2.0 * red.size / s / 1e9 for s in relaxed], "G site/s"),
            figure(GROUP, LATTICE, [marks.size / s / 1e9 for s in marked], "G site/s")]

"""Sums whose rounding error grows with the logarithm of their length: pairwise, as `numpy.sum` adds."""

from lesionlab.sim.numerics.jit import kernel

_BLOCK = 128
"""Longest stretch that is added without being halved, by eight partial sums."""


@kernel
def _sum_of_block(values):
    """Return the sum of at most 128 numbers."""
    n, total = len(values), 0.0
    whole = n - n % 8 if n >= 8 else 0
    if whole:
        a, b, c, d, e, f, g, h = values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7]
        for i in range(8, whole, 8):
            a, b, c, d = a + values[i], b + values[i + 1], c + values[i + 2], d + values[i + 3]
            e, f, g, h = e + values[i + 4], f + values[i + 5], g + values[i + 6], h + values[i + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(whole, n):
        total += values[i]
    return total


@kernel
def sum_of(values):
    """Return the sum of a column, float64: the bytes of `values.sum()`, which a kernel's own sum would not give."""
    if len(values) <= _BLOCK:
        return _sum_of_block(values)
    half = len(values) // 2
    half -= half % 8
    return sum_of(values[:half]) + sum_of(values[half:])

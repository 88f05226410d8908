"""A round region held at a level, for the model's relaxation: the exchange that puts its surface where it is.

A site inside is held by an exchange so large that nothing else counts. A site outside with a held neighbour feels it
at the distance to the surface, not to the neighbour's centre: an additional exchange D / (h d) - D / h^2 along that
axis (Gibou 2002, doi 10.1006/jcph.2001.6977, symmetric and of second order). So a circle or a sphere is resolved and
not a staircase; the kernel itself is the model's.
"""

import numpy as np

HELD_PER_S = 1e9


def held_exchange(squares: list[np.ndarray], radius: float, rate: float, spacing: float, is_outside_held: bool = False) -> np.ndarray:
    """Return the exchange (1/s, float32) that holds what lies within `radius` (or beyond it) of the origin.

    Args:
        squares: squared coordinates of the sites' centres in um, one broadcastable array an axis (z, y, x).
        rate: diffusivity / spacing^2 (1/s); spacing: um.
    """
    square = sum(squares[1:], squares[0])
    is_prescribed = (square >= radius**2) if is_outside_held else (square <= radius**2)
    exchange = np.where(is_prescribed, HELD_PER_S, 0.0)
    for axis, own in enumerate(squares):
        if own.shape[axis] == 1:
            continue
        # Where the line through the site along this axis meets the surface, seen from the origin.
        surface = np.sqrt(np.maximum(radius**2 - (square - own), 0.0))
        distance = np.clip(np.abs(np.sqrt(own) - surface), 0.01 * spacing, spacing)
        neighbours = _held_neighbours(is_prescribed, axis)
        exchange += np.where(is_prescribed, 0.0, neighbours * rate * (spacing / distance - 1.0))
    return exchange.astype(np.float32)


def _held_neighbours(is_prescribed: np.ndarray, axis: int) -> np.ndarray:
    """Return how many of the two neighbours along an axis are held."""
    moved = np.moveaxis(is_prescribed, axis, 0)
    count = np.zeros(moved.shape)
    count[1:] += moved[:-1]
    count[:-1] += moved[1:]
    return np.moveaxis(count, 0, axis)

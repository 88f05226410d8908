"""The sections of one arm as planes: which pictures are shown, how far they are thinned, and the bytes of each chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.figures.sections import View, view
from lesionlab.analysis.records.record import Record, Snapshots, load_snapshots
from lesionlab.sim.page.layers import oxygen_levels, sites
from lesionlab.sim.page.packing import Shape, averaged, deflated, thinned

MOST_EDGE, MOST_OXYGEN_EDGE = 1000, 160
"""Largest edge of a picture in pixels; oxygen is smooth, and a mean over sites shows it as well."""
MOST_SEARCHED = 12
BATCH_SITES = 16_000_000
"""Sites read at a time: about 100 MB."""


class Pictured(Protocol):
    """The pictures of one lesion of one arm, wherever they come from."""

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each plane."""

    def packed(self) -> dict[str, list[bytes]]:
        """Return every chunk of every plane, deflated."""

    def as_json(self) -> dict[str, Any]:
        """Return what the page must know of the section, without the bytes."""


@dataclass(frozen=True)
class Section:
    """The pictures of one lesion of one arm: places of the record's snapshots, their scale, the window shown, the shape of each plane."""

    record: Record
    lesion: str
    places: tuple[int, ...]
    scale: tuple[float, ...]
    window: View
    n_sites: int
    site_um: float
    shapes: dict[str, Shape]

    def chunk(self, plane: str, number: int) -> NDArray[np.uint8]:
        """Return the pictures (n, height, width) of one chunk of a plane; raises IndexError where there is none."""
        shape = self.shapes[plane]
        places = [self.places[index] for index in list(shape.ranges())[number]]
        taken = _batches(self.record, self.lesion, places, self.n_sites)
        parts = [pictures(some, self.window, plane, shape.step) for some in taken]
        return np.concatenate(parts)

    def packed(self) -> dict[str, list[bytes]]:
        """Return every chunk of every plane, deflated."""
        return {name: [deflated(self.chunk(name, number)) for number, _ in enumerate(shape.ranges())]
                for name, shape in self.shapes.items()}

    def as_json(self) -> dict[str, Any]:
        """Return what the page must know of the section, without the bytes."""
        return {"site_um": self.site_um, "scale": [float(f"{scale:.4g}") for scale in self.scale],
                "planes": {name: shape.as_json() for name, shape in self.shapes.items()}}


def window_of(record: Record, lesion: str, places: Sequence[int]) -> tuple[View, tuple[int, ...], float]:
    """Return the window that holds the mass at all times, the shape of the section (z, y, x), and the size of a site in um."""
    first = load_snapshots(record.path, lesion, places[:1])
    shape = first.cell_state.shape[1:]
    searched = places
    if shape[1] * shape[2] > MOST_EDGE * MOST_EDGE and len(places) > MOST_SEARCHED:
        # A section of millions of sites takes a second a picture to read; a dozen show how far the mass reaches.
        searched = [places[round(index)] for index in np.linspace(0, len(places) - 1, MOST_SEARCHED)]
    window = view(_batches(record, lesion, searched, int(np.prod(shape))))
    return window, shape, float(first.x_um[1] - first.x_um[0])


def _batches(record: Record, lesion: str, places: Sequence[int], n_sites: int) -> Iterator[Snapshots]:
    """Yield snapshots of sections of n sites a few at a time, so that millions of sites never stand in memory together."""
    size = max(1, BATCH_SITES // n_sites)
    for first in range(0, len(places), size):
        yield load_snapshots(record.path, lesion, places[first:first + size])


def shapes(n: int, window: View) -> dict[str, Shape]:
    """Return the shape of each plane of n pictures of a window."""
    edge = max(window.height, window.width)
    steps = {"sites": -(-edge // MOST_EDGE), "oxygen": -(-edge // MOST_OXYGEN_EDGE)}
    return {name: Shape(n, window.height // step, window.width // step, step) for name, step in steps.items()}


def pictures(taken: Snapshots, window: View, plane: str, step: int) -> NDArray[np.uint8]:
    """Return a plane (n, height, width) of some snapshots: their middle layer inside the window, a pixel for step x step sites."""
    here = (slice(None), taken.cell_state.shape[1] // 2, window.rows, window.columns)
    oxygen = taken.oxygen[here]
    if plane == "oxygen":
        return np.stack([oxygen_levels(averaged(field, step)) for field in oxygen])
    is_there = (taken.t_cells[here] > 0).astype(np.uint8)
    whole = sites(taken.cell_state[here], oxygen, taken.vessels[here], is_there)
    return np.stack([thinned(picture, step) for picture in whole])

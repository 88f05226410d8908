"""Planes packed for a page: pictures of one byte a site in chunks, each chunk deflated on its own so that any day is found quickly.

Within a chunk every picture but the first holds what changed since the one before it (exclusive or); a browser undoes both steps with
`DecompressionStream` and one loop.
"""

import base64
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CHUNK_BYTES = 8_000_000
"""Most bytes of a chunk, unpacked: eight pictures of a million sites."""


class Shape(NamedTuple):
    """A plane: pictures, height and width in pixels, sites along a pixel's edge; at most so many pictures a chunk (0: as fit)."""

    n: int
    height: int
    width: int
    step: int
    most: int = 0

    @property
    def per_chunk(self) -> int:
        """Pictures in a chunk; the last may hold fewer."""
        return self.most or max(1, min(self.n, CHUNK_BYTES // max(self.height * self.width, 1)))

    def ranges(self) -> Iterator[range]:
        """Yield the pictures of each chunk."""
        for first in range(0, self.n, self.per_chunk):
            yield range(first, min(first + self.per_chunk, self.n))

    def as_json(self) -> dict[str, Any]:
        """Return what the page must know to read the plane."""
        return {**self._asdict(), "per_chunk": self.per_chunk}


def deflated(pictures: NDArray[np.uint8], level: int = 9) -> bytes:
    """Return pictures (n, height, width) as one deflated chunk; a lower level is faster and larger."""
    changes = pictures.copy()
    changes[1:] ^= pictures[:-1]
    return zlib.compress(changes.tobytes(), level)


def inflated(chunk: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """Return the pictures (n, height, width) of a chunk: what the browser does, for tests and tools."""
    changes = np.frombuffer(zlib.decompress(chunk), np.uint8).reshape(-1, height, width)
    return np.bitwise_xor.accumulate(changes, axis=0)


def as_text(chunk: bytes) -> str:
    """Return a chunk as base64 text."""
    return base64.b64encode(chunk).decode("ascii")


def thinned(picture: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Return one site of each step x step, the middle one, so that every kind of site keeps its share."""
    rows, columns = (n // step * step for n in picture.shape)
    return picture[step // 2:rows:step, step // 2:columns:step]


def averaged(field: NDArray[np.floating], step: int) -> NDArray[np.floating]:
    """Return the mean of each step x step sites."""
    rows, columns = (n // step for n in field.shape)
    return field[:rows * step, :columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))

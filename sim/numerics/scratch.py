"""Arrays for work within one call, kept for the next one: fresh memory costs more than most of what is done in it."""

import threading
from math import prod
from typing import Any

import numpy as np

_kept = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of any content that is the caller's until the same thread asks for the same name again."""
    arrays: dict[str, np.ndarray] = _kept.__dict__
    key, n = f"{name} {np.dtype(dtype)}", prod(shape)
    if key not in arrays or len(arrays[key]) < n:
        arrays[key] = np.empty(n, dtype)
    return arrays[key][:n].reshape(shape)

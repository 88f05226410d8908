"""Scratch arrays, kept from call to call: fresh memory costs more than most of the work done in it."""

import threading
from math import prod
from typing import Any

import numpy as np

_kept = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of any content that is the caller's until the same thread asks for the same name again."""
    n, kept = prod(shape), _kept.__dict__.get(name)
    if kept is None or len(kept) < n or kept.dtype != dtype:
        kept = _kept.__dict__[name] = np.empty(n, dtype)
    return kept[:n].reshape(shape)

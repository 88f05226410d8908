"""Restoring a state from the arrays of a checkpoint."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from lesionlab.sim.state.state import State


def restore(state: State, arrays: Mapping[str, np.ndarray]) -> None:
    """Give every field of a state the value kept by `State.arrays` of another with the same lesions and drugs.

    Fields are found under the names that `arrays` gives them. Objects keep their identity, so that an agent keeps its
    section. Arrays are copied. A drug without arrays was never given and stays so.

    Raises:
        ValueError: any other field has no array.
    """
    _fill("systemic", state.systemic, arrays)
    for tissue in state.tissues:
        _fill(f"lesion.{tissue.name}", tissue, arrays)


def _fill(path: str, part: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Set the fields below a path, in the order and under the names of `State.arrays`."""
    for f in fields(part):
        old, below = getattr(part, f.name), f"{path}.{f.name}"
        if is_dataclass(old):
            _fill(below, old, arrays)
        elif isinstance(old, list):
            for item in old:
                if any(name.startswith(f"{below}.{item.name}.") for name in arrays):
                    _fill(f"{below}.{item.name}", item, arrays)
        elif not isinstance(old, str):
            if below not in arrays:
                raise ValueError(f"there is no {below}")
            try:
                setattr(part, f.name, _like(old, arrays[below]))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{below} has another shape") from error


def _like(old: Any, kept: np.ndarray) -> Any:
    """Return a copy of the kept array, or the tuple or number that it represents."""
    if isinstance(old, np.ndarray):
        return kept.copy()
    if isinstance(old, tuple):
        # A tuple with names is made of its values one by one.
        return type(old)(*kept.tolist()) if hasattr(old, "_fields") else tuple(kept.tolist())
    number = kept.item()
    # A NumPy scalar of another width than Python's own numbers would hash differently.
    return number if np.asarray(number).dtype == kept.dtype else kept.dtype.type(number)

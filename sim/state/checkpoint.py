"""Checkpoints: every field of a state as an array under a dotted path, written and restored by one walk over the declarations."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from lesionlab.sim.state.agent_table import AgentTable


class Whole(Protocol):
    """A state, as its parts by path."""

    def parts(self) -> dict[str, Any]:
        """Return the parts."""


class _Place(NamedTuple):
    """Where one value of the state stands: its path, the object and the name of the field that hold it, and whether a list holds that."""

    path: str
    part: Any
    name: str
    is_in_list: bool


def _places(path: str, part: Any, is_in_list: bool = False) -> Iterator[_Place]:
    """Yield the place of every value below a path in declared order; texts are fixed by the scenario and are no state."""
    for name in (field.name for field in fields(part)):
        value, below = getattr(part, name), f"{path}.{name}"
        if is_dataclass(value):
            yield from _places(below, value)
        elif isinstance(value, list):
            for item in value:
                yield from _places(f"{below}.{item.name}", item, is_in_list=True)
        elif not isinstance(value, str):
            yield _Place(below, part, name, is_in_list)


def arrays_of(state: Whole) -> dict[str, np.ndarray]:
    """Return every array and number of a state by path: what a checkpoint holds and `state_sha256` covers."""
    return {place.path: np.ascontiguousarray(_value(place)) for path, part in state.parts().items() for place in _places(path, part)}


def _value(place: _Place) -> Any:
    """Return the value at a place; room behind the living rows of a table holds leftovers, which are no state."""
    value = getattr(place.part, place.name)
    return value[: place.part.n] if _is_column(place) else value


def _is_column(place: _Place) -> bool:
    return isinstance(place.part, AgentTable) and place.name in place.part.COLUMNS


def restore(state: Whole, arrays: Mapping[str, np.ndarray]) -> None:
    """Give every field of a state the value kept by `arrays_of` another with the same lesions and drugs.

    Objects keep their identity, so that an agent keeps its section. Arrays are copied. A drug without arrays was never given and
    stays so.

    Raises:
        ValueError: any other field has no array, or one of another type or shape.
    """
    for path, part in state.parts().items():
        for place in _places(path, part):
            if place.path in arrays:
                _set(place, arrays[place.path])
            elif not _is_new(place, arrays):
                raise ValueError(f"there is no {place.path}")


def _is_new(place: _Place, arrays: Mapping[str, np.ndarray]) -> bool:
    """Return whether a place belongs to an item of a list, a drug, of which nothing was kept."""
    above = place.path.removesuffix(place.name)
    return place.is_in_list and not any(path.startswith(above) for path in arrays)


def _set(place: _Place, kept: np.ndarray) -> None:
    """Set a value from the kept array, which must be of its type and shape."""
    old = getattr(place.part, place.name)
    if isinstance(old, np.ndarray):
        shape = (place.part.n,) if _is_column(place) else old.shape
        if (kept.dtype, kept.shape) != (old.dtype, shape):
            raise ValueError(f"{place.path} is {kept.dtype} {kept.shape}, not {old.dtype} {shape}")
        value: Any = kept.copy()
    elif isinstance(old, tuple):
        if kept.shape != (len(old),):
            raise ValueError(f"{place.path} has {kept.shape} numbers, not {len(old)}")
        value = old._make(kept.tolist()) if hasattr(old, "_make") else tuple(kept.tolist())
    elif kept.size == 1:
        number = kept.item()
        # A NumPy scalar of another width than Python's own numbers would hash differently.
        value = number if np.asarray(number).dtype == kept.dtype else kept.dtype.type(number)
    else:
        raise ValueError(f"{place.path} has {kept.size} numbers, not one")
    setattr(place.part, place.name, value)

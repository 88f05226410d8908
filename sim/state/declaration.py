"""Declaring a field of the state, once: unit, meaning and, for an array, dtype, axes and first value.

A class of the state is a dataclass whose fields are `Annotated[type, declaration]`. Allocation, checkpoints and docs/state.md follow
from the declarations; nothing else lists the fields.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np

SITE_AXES = ("z", "y", "x")


class Field(NamedTuple):
    """One field: its unit ("1" if dimensionless, "" for text), what it is and, for an array, dtype, axes and the value it starts with."""

    unit: str
    meaning: str
    dtype: type[np.generic] | None = None
    axes: tuple[str, ...] = ()
    fill: int = 0

    def allocate(self, lengths: Mapping[str, int]) -> np.ndarray:
        """Return the array with the given lengths of its axes, at its first value."""
        return np.full(tuple(lengths[axis] for axis in self.axes), self.fill, self.dtype)


def text(meaning: str) -> Field:
    """Declare a text; it is fixed by the scenario and is not kept in checkpoints."""
    return Field("", meaning)


def scalar(unit: str, meaning: str) -> Field:
    """Declare a number, or a tuple of numbers."""
    return Field(unit, meaning)


def lattice(dtype: type[np.generic], unit: str, meaning: str, fill: int = 0) -> Field:
    """Declare an array (nz, ny, nx) with one value a site."""
    return Field(unit, meaning, dtype, SITE_AXES, fill)


def column(dtype: type[np.generic], unit: str, meaning: str, fill: int = 0) -> Field:
    """Declare a column of an `AgentTable`, one value an agent; `fill` is the value of a new agent."""
    return Field(unit, meaning, dtype, ("agent",), fill)


def array(dtype: type[np.generic], axes: tuple[str, ...], unit: str, meaning: str) -> Field:
    """Declare an array over any other axes; it starts at zero."""
    return Field(unit, meaning, dtype, axes)


def declared(kind: type) -> dict[str, Field]:
    """Return the declarations of a class of the state by name, in order; parts that are classes of the state themselves have none.

    Raises:
        TypeError: a field is neither declared nor such a part.
    """
    found = {}
    for name, hint in annotations_of(kind).items():
        if get_origin(hint) is Annotated:
            found[name] = next(note for note in get_args(hint) if isinstance(note, Field))
        elif not is_dataclass(next(iter(get_args(hint)), hint)):
            raise TypeError(f"{kind.__name__}.{name}: declare its unit and meaning, as Annotated[..., scalar(unit, meaning)]")
    return found


def annotations_of(kind: type) -> dict[str, Any]:
    """Return the annotation of each field of a class, base classes first; class variables are no fields."""
    return {name: hint for name, hint in get_type_hints(kind, include_extras=True).items() if get_origin(hint) is not ClassVar}


def allocated(kind: type, lengths: Mapping[str, int]) -> dict[str, Any]:
    """Return every declared array of a class by name, at its first value; `lengths` of the axes by name."""
    return {name: field.allocate(lengths) for name, field in declared(kind).items() if field.dtype is not None}


def table_of(kind: type) -> str:
    """Return the fields of a class as a Markdown table."""
    lines = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    for name, field in declared(kind).items():
        hint = get_args(annotations_of(kind)[name])[0]
        shown = f"{np.dtype(field.dtype).name} ({', '.join(field.axes)})" if field.dtype else _type_name(hint)
        lines.append(f"| `{name}` | {shown} | {field.unit} | {field.meaning} |")
    return "\n".join(lines)


def _type_name(hint: Any) -> str:
    """Return the name of the type of a field that is no array; of a tuple its types in brackets."""
    return f"({', '.join(map(_type_name, get_args(hint)))})" if get_origin(hint) is tuple else str(hint.__name__)

"""A section as kernels take it: its arrays by name, its numbers in one record, and what the hour brings in another.

An act is a kernel that carries out one rule in one section. Its arguments say what it reads and writes, by name:

    p            the rule's parameters; of an act for several rules: RULE_p
    now          a record: the clock's numbers, the run's key, and the numbers of `Systemic`, read only
    numbers      a record: the numbers of `Tissue` and of its tables (`t_cells_n`), tuples number by number (`window_0`)
    stream       the lesion's random stream of the step
    t_cells, ghost_contacts     columns of a table, free rows included
    any other    the array of `Tissue` with that name; if it is annotated with a named tuple, the arrays that this names

Both records follow from the declarations of the state. They hold copies for the length of a call.
"""

import inspect
from collections.abc import Callable
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple, get_args, get_origin

import numpy as np

from lesionlab.sim.layouts.t_cell_columns import Contacts, TCellColumns
from lesionlab.sim.numerics.jit import IS_COMPILED, kernel
from lesionlab.sim.numerics.lattice import Lattice
from lesionlab.sim.numerics.window import Window
from lesionlab.sim.state.agent_table import tables_in
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.declaration import annotations_of, declared
from lesionlab.sim.state.state import State, Systemic, Tissue

TABLES: dict[str, Any] = {"t_cells": TCellColumns, "ghost_contacts": Contacts}
"""The tables that an act may take, and their columns."""
OF_RULE = "_p"
"""Ending of an argument that takes the parameters of the rule named before it, for an act that carries out more than one."""
_GIVEN = ("p", "now", "numbers", "stream")
Reserve = Callable[[Tissue, Any, Clock], None]
"""Makes room in a section's tables for what an act may add in a step."""


def _numbers(kind: type) -> dict[str, type]:
    """Return the types of the declared numbers of a class by name; a tuple's is the tuple."""
    return {name: get_args(annotations_of(kind)[name])[0] for name, field in declared(kind).items() if field.unit and not field.dtype}


def _is_tuple(hint: Any) -> bool:
    return get_origin(hint) is tuple or hasattr(hint, "_fields")


def _types_in(hint: Any) -> tuple[type, ...]:
    """Return the types of a tuple's numbers."""
    return tuple(hint.__annotations__.values()) if hasattr(hint, "_fields") else get_args(hint)


_OF_TISSUE = _numbers(Tissue)
_SINGLE = tuple(name for name, hint in _OF_TISSUE.items() if not _is_tuple(hint))
_TUPLES = tuple(name for name, hint in _OF_TISSUE.items() if _is_tuple(hint))
_OF_TABLES = tuple((table, name) for table, kind in tables_in(Tissue).items() for name in _numbers(kind))
_WRITTEN = tuple(place for place, name in enumerate(_SINGLE) if _OF_TISSUE[name] in (int, float, bool))
_WINDOW = len(_SINGLE) + sum(len(_types_in(_OF_TISSUE[name])) for name in _TUPLES[: _TUPLES.index("window")])
_AFTER = len(_SINGLE) + sum(len(_types_in(_OF_TISSUE[name])) for name in _TUPLES)
_single, _tuples = attrgetter(*_SINGLE), attrgetter(*_TUPLES)
_of_tables = attrgetter(*(f"{table}.{name}" for table, name in _OF_TABLES))
NUMBERS = np.dtype([
    *((name, np.dtype(_OF_TISSUE[name])) for name in _SINGLE),
    *((f"{name}_{place}", np.dtype(kind)) for name in _TUPLES for place, kind in enumerate(_types_in(_OF_TISSUE[name]))),
    *((f"{table}_{name}", np.dtype(int)) for table, name in _OF_TABLES)])
"""The numbers of a section as a record."""

_OF_CLOCK = ("step", "burn_in_steps", "dt_h", "t_h", "minute", "n_micro_steps")
_OF_SYSTEMIC = (*_numbers(Systemic), "inhibitor_uM")
_clock, _systemic = attrgetter(*_OF_CLOCK), attrgetter(*_OF_SYSTEMIC)
NOW = np.dtype([("key0", np.uint32), ("key1", np.uint32), *((name, float if name in ("dt_h", "t_h") else int) for name in _OF_CLOCK),
                *((name, float) for name in _OF_SYSTEMIC)])
"""What a step brings to every section, as a record."""


def record_of(kind: np.dtype) -> np.ndarray:
    """Return a record of length 1; without compilation its fields are found by name only in NumPy's own kind of record."""
    record = np.zeros(1, kind)
    return record if IS_COMPILED else record.view(np.recarray)


def now_of(state: State, clock: Clock) -> np.ndarray:
    """Return what a step brings to every section, a record of length 1."""
    now = record_of(NOW)
    now[0] = (*state.key, *_clock(clock), *_systemic(state.systemic))
    return now


def numbers_of(tissue: Tissue) -> np.ndarray:
    """Return a section's numbers, a record of length 1."""
    numbers = record_of(NUMBERS)
    numbers[0] = (*_single(tissue), *chain.from_iterable(_tuples(tissue)), *_of_tables(tissue))
    return numbers


def take_back(numbers: np.ndarray, tissue: Tissue) -> None:
    """Write the numbers that a kernel may have changed back into their section: all but its place and its shape."""
    values = numbers.item()
    for place in _WRITTEN:
        setattr(tissue, _SINGLE[place], values[place])
    tissue.window = Window(*values[_WINDOW : _WINDOW + 4])
    for (table, name), value in zip(_OF_TABLES, values[_AFTER:], strict=True):
        setattr(getattr(tissue, table), name, value)


@kernel
def window_of(numbers):
    """Return the window in a section's numbers."""
    return Window(numbers.window_0, numbers.window_1, numbers.window_2, numbers.window_3)


@kernel
def set_window(numbers, window):
    """Write the window into a section's numbers."""
    numbers.window_0, numbers.window_1, numbers.window_2, numbers.window_3 = window


@kernel
def lattice_of(numbers, shape):
    """Return the lattice of a section from its numbers and the shape (nz, ny, nx) of its box."""
    return Lattice(shape, (numbers.centre_0, numbers.centre_1, numbers.centre_2))


class Argument(NamedTuple):
    """An argument of an act, the arrays of a section that it is made of, by dotted name, and the named tuple that holds them, if any."""

    name: str
    arrays: tuple[str, ...]
    kind: Any = None


@cache
def arguments_of(act: Any) -> tuple[Argument, ...]:
    """Return the arguments of an act in order. Raise TypeError where one is nothing that a section has."""
    return tuple(map(_argument, inspect.signature(getattr(act, "py_func", act), eval_str=True).parameters.values()))


def _argument(given: inspect.Parameter) -> Argument:
    name, kind = given.name, given.annotation
    if name in TABLES:
        return Argument(name, tuple(f"{name}.{column}" for column in TABLES[name]._fields), TABLES[name])
    if hasattr(kind, "_fields"):
        return Argument(name, kind._fields, kind)
    if name not in declared(Tissue) and name not in _GIVEN and not name.endswith(OF_RULE):
        raise TypeError(f"an act takes {name}, which is neither an array nor a table of a section")
    return Argument(name, (name,) if name in declared(Tissue) else ())


def carry_out(act: Any, tissue: Tissue, state: State, p: Any, clock: Clock, reserve: Reserve | None = None) -> None:
    """Call an act for one section from Python: the plain way. Not for acts of several rules."""
    if reserve is not None:
        reserve(tissue, p, clock)
    numbers = numbers_of(tissue)
    known = {"p": p, "now": now_of(state, clock)[0], "numbers": numbers[0], "stream": state.stream(tissue, clock)}
    act(*(known[argument.name] if argument.name in known else _gathered(tissue, argument) for argument in arguments_of(act)))
    take_back(numbers, tissue)


def each_section(act: Any, state: State, p: Any, clock: Clock, reserve: Reserve | None = None) -> None:
    """Call an act for every active section from Python."""
    for tissue in state.active:
        carry_out(act, tissue, state, p, clock, reserve)


def _gathered(tissue: Tissue, argument: Argument) -> Any:
    """Return an array of a section, or several in their named tuple."""
    arrays = [attrgetter(array)(tissue) for array in argument.arrays]
    return arrays[0] if argument.kind is None else argument.kind(*arrays)

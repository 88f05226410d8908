"""An hour of a section in one compiled call: what runs is written from the schedule, and calls the rules' own acts in its order.

A rule that has an act, a kernel for one section (`lesionlab.sim.layouts.section`), is called from the compiled hour; its `update` is the
plain way, for a person who looks for a mistake and for large sections, whose rows and T cells are divided among threads. Both give the same
bytes. `LESIONLAB_PLAIN=1` in the environment makes every section go the plain way.

The hour is a function of a few lines: it names the arrays, and calls the acts. It is compiled once for each order of acts and kept with
the other kernels; its name holds a hash of its text, as numba tells functions of one file apart by name and not by what they call.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter, is_
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from lesionlab.sim.layouts.section import OF_RULE, TABLES, Argument, Reserve, arguments_of, numbers_of, record_of, take_back
from lesionlab.sim.numerics import threads
from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import RandomStream
from lesionlab.sim.processes import displacement
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import Tissue

is_plain = os.environ.get("LESIONLAB_PLAIN", "") not in ("", "0")
"""Whether every section goes the plain way."""


class Act(NamedTuple):
    """An act, the name of its rule, the class of each rule's parameters by name, and what makes room for it."""

    rule: str
    function: Any
    parameters: tuple[tuple[str, type], ...]
    reserve: Reserve | None

    def taken(self) -> list[str]:
        """Return the names of what the act takes, its parameters named after their rule."""
        return [f"{self.rule}{OF_RULE}" if argument.name == "p" else self.name_of(argument) for argument in arguments_of(self.function)]

    def name_of(self, argument: Argument) -> str:
        """Return the name of an argument in the hour: that of arrays in a named tuple after their rule, as another may use it too."""
        return argument.name if argument.kind is None or argument.name in TABLES else f"{self.rule}_{argument.name}"


def is_compiled(tissue: Tissue) -> bool:
    """Return whether a section's hour is one compiled call: it is too small to be divided among threads."""
    is_small = tissue.state.size < threads.LEAST_SITES and tissue.capacity < displacement.LARGE_CELLS
    return is_small and not is_plain and not threads.is_shared(tissue.t_cells.n)


class Hour:
    """Some acts in order, compiled into one call for a section."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self.acts = tuple(acts)
        arguments = {act.name_of(argument): argument for act in acts for argument in arguments_of(act.function)}
        taken = {name for act in acts for name in act.taken()}
        self._kinds = {name: kind for act in acts for name, kind in act.parameters if f"{name}{OF_RULE}" in taken}
        self._made = {name: argument for name, argument in arguments.items() if argument.kind is not None}
        self._arrays = tuple(dict.fromkeys(array for argument in arguments.values() for array in argument.arrays))
        self._of_section = attrgetter(*self._arrays)
        self._reserves = tuple((act.reserve, act.rule) for act in acts if act.reserve is not None)
        self._record = np.dtype([("step", int), *((f"{name}_{field}", hint) for name, kind in self._kinds.items()
                                                  for field, hint in _fields(kind).items())])
        self._kept: tuple[tuple[Any, ...], np.ndarray] = ((), record_of(self._record))
        self._call = self._compiled()

    def __call__(self, tissue: Tissue, parameters: Mapping[str, Any], clock: Clock, now: np.ndarray) -> None:
        """Carry out the acts in one section."""
        for reserve, rule in self._reserves:
            reserve(tissue, parameters.get(rule), clock)
        numbers = numbers_of(tissue)
        self._call(*self._of_section(tissue), numbers, self._record_of(parameters), now)
        take_back(numbers, tissue)

    def text(self) -> str:
        """Return the source of the hour, without its name."""
        lines = ["numbers, p, now = numbers_[0], p_[0], now_[0]",
                 "stream = RandomStream(now.key0, now.key1, np.uint32(now.step), numbers.entity)"]
        for name, made in self._made.items():
            lines.append(f"{name} = {name}_Kind({', '.join(map(_plain, made.arrays))})")
        for name, kind in self._kinds.items():
            lines.append(f"{name}{OF_RULE} = {name}_Parameters({', '.join(f'p.{name}_{field}' for field in _fields(kind))})")
        lines += [f"{act.rule}_act({', '.join(act.taken())})" for act in self.acts]
        return "\n    ".join([f"({', '.join(map(_plain, self._arrays))}, numbers_, p_, now_):", *lines])

    def _record_of(self, parameters: Mapping[str, Any]) -> np.ndarray:
        """Return the parameters in one record; it is filled anew only where they are others than those of the last call."""
        # Read and written as one, so that threads with other parameters do not meet half of it.
        kept, record = self._kept
        given = tuple(parameters[name] for name in self._kinds)
        if len(given) != len(kept) or not all(map(is_, given, kept)):
            record = record_of(self._record)
            record[0] = (0, *(value for group in given for value in group))
            self._kept = (given, record)
        return record

    def _compiled(self) -> Callable[..., None]:
        """Return the compiled hour. For numba its source is this file, of which every hour is another function."""
        text = self.text()
        name = f"hour_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        names: dict[str, Any] = {"__name__": __name__, "RandomStream": RandomStream, "np": np}
        names |= {f"{name}_Kind": made.kind for name, made in self._made.items()}
        names |= {f"{rule}_Parameters": kind for rule, kind in self._kinds.items()}
        names |= {f"{act.rule}_act": act.function for act in self.acts}
        exec(compile(f"def {name}{text}", __file__, "exec"), names)
        compiled: Callable[..., None] = kernel(names[name])
        return compiled


def _plain(array: str) -> str:
    """Return the name of an array of a section as an argument."""
    return array.replace(".", "_")


@cache
def _fields(kind: type) -> dict[str, type]:
    """Return the types of the fields of a rule's parameters by name."""
    hints = get_type_hints(kind)
    return {name: hints[name] for name in kind._fields}  # type: ignore[attr-defined]

"""Tables of agents: one kind of table for T cells, their ghost contacts and any other cell that is not bound to a site."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import numpy as np

from lesionlab.sim.state.declaration import Field, annotations_of, declared, scalar


@dataclass(kw_only=True)
class AgentTable:
    """A table of agents of one section, one row an agent, one column a property; rows [0, n) are alive, the others are room for more.

    A kind of agent is a dataclass below this one, each column declared as `name: Annotated[np.ndarray, column(dtype, unit, meaning)]`,
    and one field of `Tissue` that holds it. Allocation, checkpoints and docs/state.md follow.
    """

    COLUMNS: ClassVar[dict[str, Field]] = {}
    FIRST_ROOM: ClassVar[int] = 16
    n: Annotated[int, scalar("1", "living agents")] = 0

    def __init_subclass__(cls) -> None:
        cls.COLUMNS = {name: field for name, field in declared(cls).items() if field.axes == ("agent",)}

    @classmethod
    def empty(cls) -> Self:
        """Return a table without agents."""
        columns: dict[str, Any] = {name: field.allocate({"agent": cls.FIRST_ROOM}) for name, field in cls.COLUMNS.items()}
        return cls(**columns)

    def columns(self) -> list[np.ndarray]:
        """Return the columns in declared order, with the room behind the living rows."""
        return [getattr(self, name) for name in self.COLUMNS]

    def reserve(self, capacity: int) -> None:
        """Make room for at least `capacity` agents; living rows keep their place."""
        for name in self.COLUMNS:
            old = getattr(self, name)
            if capacity > len(old):
                setattr(self, name, np.concatenate([old, np.zeros(2 * capacity - len(old), old.dtype)]))

    def add(self, number: int) -> slice:
        """Add agents behind the living ones, every column at its first value, and return their rows."""
        new = slice(self.n, self.n + number)
        self.reserve(new.stop)
        for name, field in self.COLUMNS.items():
            getattr(self, name)[new] = field.fill
        self.n = new.stop
        return new

    def take(self, rows: np.ndarray) -> None:
        """Keep these rows, in this order, and no others."""
        for column in self.columns():
            column[: len(rows)] = column[rows]
        self.n = len(rows)


def tables_in(kind: type) -> dict[str, Any]:
    """Return the tables that a class of the state holds, by name."""
    return {name: hint for name, hint in annotations_of(kind).items() if isinstance(hint, type) and issubclass(hint, AgentTable)}

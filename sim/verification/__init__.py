"""Verification: the model's own kernels and processes against exact answers, one file a law.

Each file `row_NN_<name>.py` states its law, the source of the formula, what is simulated and how it is judged, and has
`checks(effort)`, where an effort below 1 shrinks replicates. Exact answers are written independently of the model; the
simulated side is always the model's own code. Draws are fixed by seeds, so a verdict never changes by chance.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.verification.judging import Check

__all__ = ["ROWS", "Check", "number_of", "verify"]


ROWS: tuple[str, ...] = tuple(sorted(path.stem for path in Path(__file__).parent.glob("row_*.py")))
"""Names of the modules, in the order of the laws."""


def number_of(name: str) -> int:
    """Return the number of a row's law from its module's name."""
    return int(name.split("_")[1])


def verify(numbers: Sequence[int] | None = None, on_row: Callable[[str], None] | None = None) -> tuple[Check, ...]:
    """Return the checks of all rows, or of the given numbers; `on_row(name)` is called before each row.

    Raises:
        UserError: there is no row of that number.
    """
    known = {number_of(name): name for name in ROWS}
    unknown = sorted(set(numbers or ()) - set(known))
    if unknown:
        raise UserError(f"no row {', '.join(map(str, unknown))}; rows are {', '.join(map(str, known))}")
    found: list[Check] = []
    for number in known if not numbers else sorted(set(numbers)):
        if on_row is not None:
            on_row(known[number])
        found += import_module(f"lesionlab.sim.verification.{known[number]}").checks(1.0)
    return tuple(found)

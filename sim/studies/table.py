"""The table of a screen: a CSV that grows by whole patients in their order, and a file beside it that says of what.

A patient's rows are written at once. A screen that was stopped goes on behind the last whole patient; where the model, the
files or the settings have changed since, it refuses, because its rows would not belong together.
"""

import csv
import hashlib
import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.studies.screen import IsOver, Plan, Row, run_patient

TABLE, IDENTITY = "patients.csv", "screen.json"
AHEAD = 4
Tell = Callable[[int, int, int], None]
"""Called with (patients accepted, asked for, rejected) after each patient."""


class Table:
    """The table in a folder, opened to go on."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Open or begin the table of a plan; raises UserError where the folder holds another screen."""
        self.path, self.columns, self.n_arms = folder / TABLE, plan.columns(), len(plan.arm_names())
        claim(folder, plan)
        self.rows = self._kept()

    @property
    def next_patient(self) -> int:
        """Number of the first patient without rows."""
        return int(self.rows[-1]["patient"]) + 1 if self.rows else 0

    @property
    def n_accepted(self) -> int:
        """Patients accepted so far."""
        return len({row["patient"] for row in self.rows if row["is_accepted"] == "1"})

    @property
    def n_rejected(self) -> int:
        """Patients rejected so far."""
        return self.next_patient - self.n_accepted

    def append(self, rows: Iterable[Row]) -> None:
        """Write a patient's rows."""
        added = list(rows)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            file.write(_text(self.columns, added))
        self.rows += added

    def _kept(self) -> list[Row]:
        """Return the rows of whole patients and cut the file behind them."""
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        lines = text[: text.rfind("\n") + 1]
        rows = list(csv.DictReader(io.StringIO(lines)))
        # Rows of one patient are written at once, but a kill may leave only some of them: the last patient is then done again.
        last = [row for row in rows if row["patient"] == rows[-1]["patient"]] if rows else []
        is_whole = bool(last) and (last[0]["is_accepted"] == "0" or len(last) == self.n_arms)
        kept = rows if is_whole else rows[: len(rows) - len(last)]
        with self.path.open("w", newline="", encoding="utf-8") as file:
            file.write(",".join(self.columns) + "\n" + _text(self.columns, kept))
        return kept


def claim(folder: Path, plan: Plan) -> None:
    """Write into a folder of what its table is; raises UserError where it is another's already."""
    folder.mkdir(parents=True, exist_ok=True)
    identity_file, identity = folder / IDENTITY, identity_of(plan)
    if identity_file.exists() and json.loads(identity_file.read_text(encoding="utf-8")) != identity:
        raise UserError(f"{folder}: holds another screen (other files, settings or sources); choose another folder, or add --force to "
                        "begin anew")
    identity_file.write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")


def _text(columns: list[str], rows: Iterable[Row]) -> str:
    """Return rows as lines of CSV."""
    text = io.StringIO()
    csv.DictWriter(text, columns, restval="", lineterminator="\n").writerows(rows)
    return text.getvalue()


def identity_of(plan: Plan) -> dict[str, Any]:
    """Return what the rows of a plan depend on: files by hash, settings, sources."""
    here = Path(__file__).parent
    scenario, _ = plan.loaded()
    hashed = {"scenario": scenario.resolved_yaml().encode(), "population": plan.population.read_bytes(),
              "screen": b"".join((here / name).read_bytes() for name in ("screen.py", "population.py"))}
    return {"code_version": model_version(), "seed": scenario.seed, "settings": list(plan.settings), "arms": list(plan.arms),
            "until_d": plan.until_d, "is_brief": plan.is_brief,
            **{f"{name}_sha256": hashlib.sha256(content).hexdigest() for name, content in hashed.items()}}


def compute(plan: Plan, folder: Path, n_patients: int, is_over: IsOver | None = None, pool: Executor | None = None,
            tell: Tell | None = None) -> Table:
    """Run patients in their order until `n_patients` are accepted, on top of what the folder holds; return the table.

    Patients beyond the last one needed may be computed where a pool works ahead; they are thrown away, so that the table
    does not depend on the number of workers.
    """
    table = Table(folder, plan)
    if table.n_accepted >= n_patients:
        return table
    for rows in _in_order(plan, table.next_patient, is_over, pool):
        table.append(rows)
        if tell:
            tell(table.n_accepted, n_patients, table.n_rejected)
        if table.n_accepted >= n_patients:
            break
    return table


def _in_order(plan: Plan, first: int, is_over: IsOver | None, pool: Executor | None) -> Iterator[list[Row]]:
    """Yield each patient's rows in order, some computed ahead in a pool."""
    if pool is None:
        patient = first
        while True:
            yield run_patient(plan, patient, is_over)
            patient += 1
    ahead: deque[Future[list[Row]]] = deque(pool.submit(run_patient, plan, first + k, is_over) for k in range(AHEAD))
    patient = first + AHEAD
    try:
        while True:
            yield ahead.popleft().result()
            ahead.append(pool.submit(run_patient, plan, patient, is_over))
            patient += 1
    finally:
        for waiting in ahead:
            waiting.cancel()

"""The outcomes of a sweep: a row a run with its point of the design, responses, times, sizes and burdens."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lesionlab.analysis.clinical.outcome import READINGS, Outcome
from lesionlab.analysis.records.written import write_text

TABLE = "outcomes.csv"
BURDENS = ("burden_cells_first", "burden_cells_smallest", "burden_cells_last")
COLUMNS = ("days_observed_d", "is_dead", *(f"best_response_{reading}" for reading in READINGS),
           *(f"{part}_{reading}{unit}" for reading in READINGS for part, unit in (("is_progressed", ""), ("progression_or_last", "_d"))),
           "nadir_d", "nadir_sum_cm", "nadir_change", *BURDENS)


class Row(NamedTuple):
    """A run of a sweep: its name, arm, replicate, point of the design, and its outcomes by column; nan is not known."""

    run: str
    arm: str
    replicate: int
    point: Mapping[str, Any]
    outcomes: dict[str, Any]


def outcomes_of(outcome: Outcome) -> dict[str, Any]:
    """Return the outcomes of a run; a time is that of the event or, where it did not happen, the last day observed."""
    numbers, burden = outcome.numbers, outcome.record.series["burden_cells"]
    found: dict[str, Any] = {"days_observed_d": outcome.scans.end_d, "is_dead": int(outcome.scans.is_dead)}
    for reading in READINGS:
        time_d = numbers[f"time_to_progression_{reading}_d", ""]
        found[f"best_response_{reading}"] = outcome.words[f"best_response_{reading}"]
        found[f"is_progressed_{reading}"] = int(np.isfinite(time_d))
        found[f"progression_or_last_{reading}_d"] = time_d if np.isfinite(time_d) else outcome.scans.end_d
    found |= {name: numbers[name, ""] for name in ("nadir_d", "nadir_sum_cm", "nadir_change")}
    return found | dict(zip(BURDENS, (float(burden[0]), float(np.nanmin(burden)), float(burden[-1])), strict=True))


def write_outcomes(rows: Sequence[Row], varied: Iterable[str], folder: Path) -> Path:
    """Write the table into a folder and return its path; what is not known is empty."""
    paths = list(varied)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["run", "arm", "replicate", *paths, *COLUMNS])
    for row in rows:
        values = [row.outcomes[name] for name in COLUMNS]
        writer.writerow([row.run, row.arm, row.replicate, *(row.point.get(path, "") for path in paths),
                         *("" if isinstance(value, float) and np.isnan(value) else value for value in values)])
    write_text(folder / TABLE, text.getvalue())
    return folder / TABLE

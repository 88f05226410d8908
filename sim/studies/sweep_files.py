"""The files of a sweep: the index of its runs, the table of their outcomes and its figures."""

import csv
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from lesionlab.analysis.clinical.outcome import read_outcome
from lesionlab.analysis.comparison.sweep_table import Row, outcomes_of, write_outcomes
from lesionlab.analysis.figures import fates
from lesionlab.analysis.figures.standard import save
from lesionlab.analysis.figures.sweep import FIGURE, drawn_paths, sweep_figure
from lesionlab.analysis.records.record import load
from lesionlab.analysis.records.sweep_folder import INDEX
from lesionlab.analysis.records.written import write_text
from lesionlab.sim.studies.sweep import Sweep

Attempt = Callable[[str, Callable[[], Any]], Any]
"""Makes something of a name, and returns None where it cannot be made."""


def table_of(sweep: Sweep) -> list[list[str]]:
    """Return one row a run under a heading: name, arm, replicate, the values of its point, days, status."""
    heading = ["run", "arm", "replicate", *sweep.varied, "days", "status"]
    return [heading, *([run.job.run_id, run.job.scenario.arm, str(run.job.replicate),
                        *(str(run.point.get(path, "")) for path in sweep.varied), f"{run.job.days:g}", run.status]
                       for run in sweep.runs)]


def write_index(sweep: Sweep, messages: dict[str, str]) -> None:
    """Write the table of runs with each record's place and the reason of each failure."""
    heading, *rows = table_of(sweep)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*heading, "is_quick", "record", "message"])
    for run, row in zip(sweep.runs, rows, strict=True):
        writer.writerow([*row, int(run.job.is_quick), run.job.path.relative_to(sweep.folder), messages.get(run.job.run_id, "")])
    write_text(sweep.folder / INDEX, text.getvalue())


def write_results(sweep: Sweep, attempt: Attempt, size: str = "") -> list[Path]:
    """Write the outcomes of the complete runs as a table and figures, one record in memory at a time; return what was written.

    `size` are the words for small sections. A run that cannot be read is left out by `attempt`, which says so.
    """
    rows = []
    for run in (run for run in sweep.runs if run.status == "complete"):
        found = attempt(str(run.job.path), partial(lambda path: outcomes_of(read_outcome(load(path))), run.job.path))
        if found is not None:
            rows.append(Row(run.job.run_id, run.job.scenario.arm, run.job.replicate, run.point, found))
    if not rows:
        return []
    written = [write_outcomes(rows, sweep.varied, sweep.folder)]
    if drawn_paths(rows, sweep.varied):
        figure = attempt(FIGURE, lambda: sweep_figure(rows, sweep.varied, f"n = {len(rows)} runs{size}."))
        written += [save(figure, sweep.folder / FIGURE, "outcomes of a sweep")] if figure is not None else []
    if len(paths := _numbers_over(rows, sweep)) == 2:
        mapped = attempt(fates.FIGURE, lambda: fates.fates_figure(rows, paths, f"n = {len(rows)} runs{size}."))
        written += [save(mapped, sweep.folder / fates.FIGURE, "fate of the tumour over a sweep")] if mapped is not None else []
    return written


def _numbers_over(rows: list[Row], sweep: Sweep) -> list[str]:
    """Return the drawn paths whose values are all numbers."""
    values = {path: [row.point.get(path) for row in rows] for path in drawn_paths(rows, sweep.varied)}
    return [path for path, given in values.items() if all(type(value) in (int, float) for value in given)]

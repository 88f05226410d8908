"""Sweeps in Python: a design, computed where it is not complete, and its outcomes as a table."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from lesionlab.analysis.comparison.sweep_table import TABLE
from lesionlab.analysis.records.written import write_text
from lesionlab.api._words import public
from lesionlab.api.running import When, computed
from lesionlab.api.scenarios import Scenario
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.files import alone_in
from lesionlab.sim.scenario.load import typed
from lesionlab.sim.studies.sweep import expand
from lesionlab.sim.studies.sweep_files import write_index, write_results

DESIGN, SCENARIO = "design.yaml", "scenario.yaml"


@public
def run_sweep(design: str | Path | Mapping[str, Any], folder: str | Path, *, until: When | None = None, quick: bool = False,
              engine: str | None = None, workers: int | None = None, progress: bool = True) -> pd.DataFrame:
    """Compute every run of a design that is not complete, and return the outcomes: one row a run, the varied values as columns.

    The folder is that of `lesionlab sweep run`: records, index.csv, outcomes.csv, outcomes.png. The same call goes on where it was
    stopped, and computes only what a longer design adds.

    Args:
        design: a design file, or its content: `{"scenario": teaching, "grid": {"cell_cycle.cycle_time_h": [30, 36]}, "replicates": 4}`
            with a scenario, its file or its bare name; it is then written into the folder as design.yaml.
        engine, workers: as in `run_arms`.

    Raises:
        UserError: a mistake in the design, with its place; or runs failed, which are listed.
    """
    into = Path(folder)
    with alone_in(into):
        path = _written(design, into) if isinstance(design, Mapping) else Path(design)
        end = None if until is None else f"{until:%Y-%m-%d}" if isinstance(until, date) else str(until)
        sweep = expand(path, into, is_quick=quick, until=end)
        try:
            computed([run.job for run in sweep.runs if run.status != "complete"], engine, workers, progress)
        finally:
            write_index(sweep, {})
        write_results(sweep, lambda _, make: make(), " (quick: small sections)" if quick else "")
    return pd.read_csv(into / TABLE)


def _written(design: Mapping[str, Any], folder: Path) -> Path:
    """Write a design, and a scenario that it brings, into the folder; return the design's file."""
    content = dict(design)
    given = content.get("scenario")
    if isinstance(given, Scenario):
        write_text(folder / SCENARIO, given.to_yaml())
        content["scenario"] = SCENARIO
    elif isinstance(given, str | Path) and Path(given).parent != Path():
        content["scenario"] = str(Path(given).absolute())
    elif given is None:
        raise UserError("a design names its scenario: {'scenario': 'teaching', ...}")
    # JSON is YAML: the file can be edited and run by the command line.
    write_text(folder / DESIGN, "\n".join(f"{key}: {typed(value)}" for key, value in content.items()) + "\n")
    return folder / DESIGN

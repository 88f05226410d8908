"""Many runs from a design file: plan shows them, run computes what is missing, status counts, pack makes one file."""

import csv
import sys
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from functools import partial
from io import StringIO
from pathlib import Path

from lesionlab.analysis.clinical.outcome import read_outcome
from lesionlab.analysis.comparison.sweep_table import Row, outcomes_of, write_outcomes
from lesionlab.analysis.figures import fates
from lesionlab.analysis.figures.standard import save
from lesionlab.analysis.figures.sweep import FIGURE, drawn_paths, sweep_figure
from lesionlab.analysis.records.record import load
from lesionlab.analysis.records.sweep_folder import INDEX
from lesionlab.analysis.records.written import write_text
from lesionlab.analysis.report.terminal import aligned
from lesionlab.sim.cli._attempts import Attempts
from lesionlab.sim.cli._runs import add_run_arguments, announce, check_engine, list_failures, run_jobs
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.bundle import Packed, pack
from lesionlab.sim.record.files import alone_in
from lesionlab.sim.studies.sweep import Run, Sweep, expand, units_of

HELP = "plan, run, check on or pack many runs of a scenario from a design file"
BUNDLE = "sweep.h5"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("action", choices=("plan", "run", "status", "pack"), help="plan shows every run; run computes what "
                        "is not complete, from where it stopped, and writes outcomes.csv and outcomes.png; status shows "
                        "how far each is; pack copies the complete ones into one HDF5 file")
    parser.add_argument("design", type=Path, metavar="DESIGN", help="YAML with scenario, grid, list, arms, replicates; "
                        "for instance `scenario: case`, `grid: {cell_cycle.cycle_time_h: [30, 36]}`, `replicates: 4`")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the sweep")
    parser.add_argument("--force", action="store_true", help=f"let pack replace {BUNDLE}")
    add_run_arguments(parser)


def execute(options: Namespace) -> int:
    """Perform the requested action; return 1 if some runs failed."""
    if options.output.exists() and not options.output.is_dir():
        raise UserError(f"{options.output}: must be a folder")
    check_engine(options)
    sweep = expand(options.design, options.output, is_quick=options.quick, until=options.until)
    actions = {"plan": _plan, "run": _run, "status": _status, "pack": _pack}
    with alone_in(options.output) if options.action in ("run", "pack") else nullcontext():
        return actions[options.action](sweep, options)


def _table(sweep: "Sweep") -> list[list[str]]:
    """Return one row a run under a heading: name, arm, replicate, the values of its point, days, status."""
    heading = ["run", "arm", "replicate", *sweep.varied, "days", "status"]
    return [heading, *([run.job.run_id, run.job.scenario.arm, str(run.job.replicate),
                        *(str(run.point.get(path, "")) for path in sweep.varied), f"{run.job.days:g}", run.status]
                       for run in sweep.runs)]


def _plan(sweep: "Sweep", options: Namespace) -> int:
    print(aligned(_table(sweep), n_left=2))
    print(f"\n{len(sweep.runs)} runs, {sum(run.job.days for run in sweep.runs):.0f} days in all{_quick(options)}; nothing was computed")
    return 0


def _run(sweep: "Sweep", options: Namespace) -> int:
    """Compute every run that is not complete, write the index and report failures."""
    waiting = [run.job for run in sweep.runs if run.status != "complete"]
    print(f"{len(sweep.runs)} runs: {len(sweep.runs) - len(waiting)} complete already, {len(waiting)} to compute{_quick(options)}")
    announce(waiting, options)
    messages: dict[str, str] = {}
    try:
        outcomes = run_jobs(waiting, options)
        messages = {outcome.job.run_id: outcome.message for outcome in outcomes}
    finally:
        # A sweep that is stopped tells what it has too.
        _write_index(sweep, messages)
    code = list_failures(outcomes)
    print(f"{sum(not outcome.message for outcome in outcomes)} computed; see {sweep.folder / INDEX}")
    return max(code, _write_outcomes(sweep, options))


def _write_outcomes(sweep: "Sweep", options: Namespace) -> int:
    """Write the outcomes of the complete runs as a table and a figure, one record in memory at a time; return 1 if some cannot be read."""
    attempts, rows = Attempts(lambda line: print(line, file=sys.stderr)), []
    for run in (run for run in sweep.runs if run.status == "complete"):
        found = attempts.made(str(run.job.path), partial(lambda path: outcomes_of(read_outcome(load(path))), run.job.path))
        if found is not None:
            rows.append(Row(run.job.run_id, run.job.scenario.arm, run.job.replicate, run.point, found))
    if rows:
        written = [write_outcomes(rows, sweep.varied, sweep.folder)]
        note = f"n = {len(rows)} runs{_quick(options)}."
        figure = attempts.made(FIGURE, lambda: sweep_figure(rows, sweep.varied, note)) if drawn_paths(rows, sweep.varied) else None
        written += [save(figure, sweep.folder / FIGURE, "outcomes of a sweep")] if figure is not None else []
        if len(paths := _numbers_over(rows, sweep)) == 2:
            mapped = attempts.made(fates.FIGURE, lambda: fates.fates_figure(rows, paths, note))
            written += [save(mapped, sweep.folder / fates.FIGURE, "fate of the tumour over a sweep")] if mapped is not None else []
        print(f"outcomes: {', '.join(map(str, written))}")
    return 1 if attempts.n_failed else 0


def _numbers_over(rows: "list[Row]", sweep: "Sweep") -> list[str]:
    """Return the drawn paths whose values are all numbers."""
    values = {path: [row.point.get(path) for row in rows] for path in drawn_paths(rows, sweep.varied)}
    return [path for path, given in values.items() if all(type(value) in (int, float) for value in given)]


def _write_index(sweep: "Sweep", messages: dict[str, str]) -> None:
    """Write the table of runs with each record's place and the reason of each failure."""
    heading, *rows = _table(sweep)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*heading, "is_quick", "record", "message"])
    for run, row in zip(sweep.runs, rows, strict=True):
        writer.writerow([*row, int(run.job.is_quick), run.job.path.relative_to(sweep.folder), messages.get(run.job.run_id, "")])
    write_text(sweep.folder / INDEX, text.getvalue())


def _status(sweep: "Sweep", options: Namespace) -> int:
    """Print how far each run is; return 1 if some failed."""
    rows = _table(sweep)
    print(aligned(rows, n_left=2))
    statuses = [row[-1] for row in rows[1:]]
    n_complete, n_failed = statuses.count("complete"), sum(status.startswith("failed") for status in statuses)
    print(f"\n{n_complete} of {len(statuses)} complete, {n_failed} failed, {statuses.count('missing')} missing{_quick(options)}")
    return 1 if n_failed else 0


def _pack(sweep: "Sweep", options: Namespace) -> int:
    """Copy the complete runs into one file."""
    output = sweep.folder / BUNDLE
    if output.exists() and not options.force:
        raise UserError(f"{output}: exists already; add --force to replace it")
    complete: list[Run] = [run for run in sweep.runs if run.status == "complete"]
    pack([Packed(run.job.run_id, run.job.path, run.point, units_of(sweep.varied)) for run in complete], output)
    left_out = len(sweep.runs) - len(complete)
    print(f"{output}: {len(complete)} runs{f', {left_out} not complete and left out' if left_out else ''}{_quick(options)}")
    return 0


def _quick(options: Namespace) -> str:
    return " (quick: small sections)" if options.quick else ""

"""Many runs from a design file: plan shows them, run computes what is missing, status counts, pack makes one file."""

import sys
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from pathlib import Path

from lesionlab.analysis.records.sweep_folder import INDEX
from lesionlab.analysis.report.terminal import aligned
from lesionlab.sim.cli._attempts import Attempts
from lesionlab.sim.cli._runs import add_run_arguments, announce, check_engine, list_failures, run_jobs
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.bundle import Packed, pack
from lesionlab.sim.record.files import alone_in
from lesionlab.sim.studies.sweep import Run, Sweep, expand, shard_of, units_of
from lesionlab.sim.studies.sweep_files import table_of, write_index, write_results

HELP = "plan, run, check on or pack many runs of a scenario from a design file"
BUNDLE, SHARDS = "sweep.h5", "shards"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("action", choices=("plan", "run", "status", "pack"), help="plan shows every run; run computes what "
                        "is not complete, from where it stopped, and writes outcomes.csv and figures; status shows "
                        "how far each is; pack copies the complete ones into one HDF5 file")
    parser.add_argument("design", type=Path, metavar="DESIGN", help="YAML with scenario, grid, list, points, sample, arms, replicates; "
                        "for instance `scenario: case`, `grid: {cell_cycle.cycle_time_h: [30, 36]}`, `replicates: 4`")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the sweep")
    parser.add_argument("--shard", metavar="I/N", help="let run compute the I-th of N parts, as in 2/8, for the jobs of an array on a "
                        "cluster; `run` without it then writes the tables")
    parser.add_argument("--force", action="store_true", help=f"let pack replace {BUNDLE}")
    add_run_arguments(parser)


def execute(options: Namespace) -> int:
    """Perform the requested action; return 1 if some runs failed."""
    if options.output.exists() and not options.output.is_dir():
        raise UserError(f"{options.output}: must be a folder")
    check_engine(options)
    sweep = expand(options.design, options.output, is_quick=options.quick, until=options.until)
    if options.shard is not None:
        if options.action == "pack":
            raise UserError("--shard belongs to run; pack takes the whole sweep")
        sweep = shard_of(sweep, options.shard)
    actions = {"plan": _plan, "run": _run if options.shard is None else _run_shard, "status": _status, "pack": _pack}
    # Parts of a sweep are computed at one time, each by one process.
    locked = options.output if options.shard is None else options.output / SHARDS / options.shard.replace("/", "_of_")
    with alone_in(locked) if options.action in ("run", "pack") else nullcontext():
        return actions[options.action](sweep, options)


def _plan(sweep: "Sweep", options: Namespace) -> int:
    print(aligned(table_of(sweep), n_left=2))
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
        write_index(sweep, messages)
    code = list_failures(outcomes)
    print(f"{sum(not outcome.message for outcome in outcomes)} computed; see {sweep.folder / INDEX}")
    return max(code, _write_outcomes(sweep, options))


def _run_shard(sweep: "Sweep", options: Namespace) -> int:
    """Compute what is not complete of one part; tables are those of the whole sweep."""
    waiting = [run.job for run in sweep.runs if run.status != "complete"]
    print(f"part {options.shard}: {len(sweep.runs)} runs: {len(sweep.runs) - len(waiting)} complete already, {len(waiting)} to compute"
          f"{_quick(options)}")
    announce(waiting, options)
    outcomes = run_jobs(waiting, options)
    code = list_failures(outcomes)
    print(f"{sum(not outcome.message for outcome in outcomes)} computed; when all parts have ended, the same command without --shard "
          "writes the tables")
    return code


def _write_outcomes(sweep: "Sweep", options: Namespace) -> int:
    """Write the outcomes of the complete runs as a table and a figure; return 1 if some cannot be read."""
    attempts = Attempts(lambda line: print(line, file=sys.stderr))
    written = write_results(sweep, attempts.made, _quick(options))
    if written:
        print(f"outcomes: {', '.join(map(str, written))}")
    return 1 if attempts.n_failed else 0


def _status(sweep: "Sweep", options: Namespace) -> int:
    """Print how far each run is; return 1 if some failed."""
    rows = table_of(sweep)
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

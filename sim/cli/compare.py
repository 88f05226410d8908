"""Arms with common random numbers: compute scenarios, take records as they are, and write tables, figures, animation and report."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lesionlab.analysis.animation.animate import animate
from lesionlab.analysis.animation.frames import MOST_ARMS
from lesionlab.analysis.comparison.attribution import WORTHS, worth_of
from lesionlab.analysis.comparison.case_table import FILE, shown, statement
from lesionlab.analysis.comparison.comparison import compare
from lesionlab.analysis.comparison.findings import find
from lesionlab.analysis.comparison.synergy import clonogens_on
from lesionlab.analysis.figures.standard import drawable, left_out
from lesionlab.analysis.records.record import Record, by_arm, damage_notes, in_one_order
from lesionlab.analysis.records.sweep_folder import named
from lesionlab.analysis.records.written import write_text
from lesionlab.analysis.report.case_files import FIGURE, write_case
from lesionlab.analysis.report.report import Pictures, write_report
from lesionlab.analysis.report.summary import write
from lesionlab.analysis.report.terminal import aligned, text
from lesionlab.sim.cli._attempts import Attempts
from lesionlab.sim.cli._runs import add_run_arguments, announce, list_failures, run_jobs
from lesionlab.sim.page.document import alone
from lesionlab.sim.page.play import make_play
from lesionlab.sim.record.destination import typed_command
from lesionlab.sim.record.files import alone_in
from lesionlab.sim.runs.job import is_done
from lesionlab.sim.studies.attribution import distinct
from lesionlab.sim.studies.compare import DEFAULT_WALKS, Plan, make_plan, refuse_used_folder
from lesionlab.sim.studies.compare_files import read_plan, remove_old_files, remove_old_records, write_plan

PLAYER = "arms.html"
HELP = "compare arms, from scenarios or records: tables, figures, animation, report"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("sources", nargs="+", type=Path, metavar="SCENARIO|RECORD|SWEEP",
                        help="scenarios to compute, records (.h5) to take as they are, the folder of a sweep for its complete runs")
    parser.add_argument("--arms", choices=("factorial", "monotherapy", "leave-one-out"), help="make arms by taking treatments away from "
                        "each scenario: every combination; none and each alone; all but one")
    parser.add_argument("--components", choices=("modalities", "courses"), default="modalities", help="what --arms takes away: whole "
                        "modalities (default), or the courses of radiotherapy one by one and the drugs")
    parser.add_argument("--replicates", type=int, default=1, metavar="N", help="runs of each arm, each with random streams of its own "
                        "(default 1); intervals need four or more")
    parser.add_argument("--seed", type=int, metavar="N", help="another seed for every scenario")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
                        help="change a value of every scenario, as in --set lesions.neck.section_cells=5000; may be given again")
    parser.add_argument("--day", metavar="DATE|DAYS", help="the day on which clonogens are compared and attributed, stated in advance "
                        "(default: 42)")
    parser.add_argument("--attribution", action="store_true", help="with --arms factorial, which it implies: divide kill and synergy "
                        "among the couplings of the model, by runs up to the stated day with couplings turned off")
    parser.add_argument("--walks", type=int, metavar="N", help=f"random orders in which couplings join (default {DEFAULT_WALKS}); more "
                        "narrow the intervals, and keep what was computed")
    parser.add_argument("--couplings", metavar="A,B", help="divide among these mechanisms only; the others stay as they are")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for everything that is written")
    parser.add_argument("--force", action="store_true", help="replace results in DIR: complete records of the very same runs are used "
                        "again, records that an earlier comparison made of other runs are removed")
    parser.add_argument("--svg", action="store_true", help="write every figure as SVG too, beside its PNG")
    parser.add_argument("--no-animation", action="store_true", help="leave out arms.gif and arms.html")
    add_run_arguments(parser)


def execute(options: Namespace) -> int:
    """Compute what is missing, compare all arms and write the results; return 1 if some runs failed or something could not be had."""
    plan = make_plan(options)
    with alone_in(options.output):
        refuse_used_folder(options)
        return _perform(plan, options)


def _perform(plan: Plan, options: Namespace) -> int:
    jobs = {job.path: job for job in (*plan.jobs, *distinct(plan.walks))}
    waiting = [job for job in jobs.values() if not is_done(job)]
    if len(waiting) < len(jobs):
        _say(f"{len(jobs) - len(waiting)} of {len(jobs)} runs are complete in {options.output / 'records'} and used again")
    old = read_plan(options.output)
    removed = remove_old_records(options.output, old, [*plan.records, *(job.path for job in plan.jobs)])
    if removed:
        _say(f"removed what an earlier comparison made and this one does not have: {', '.join(path.name for path in removed)}")
    write_plan(options.output, plan.jobs, typed_command(), old.get("files", ()))
    announce(waiting, options)
    outcomes = run_jobs(waiting, options)
    failed = {outcome.job.path for outcome in outcomes if outcome.message}
    code = list_failures(outcomes)
    records = [*plan.records, *(job.path for job in plan.jobs if job.path not in failed)]
    return max(code, _write(records, plan, options)) if records else code


def _write(paths: Sequence[Path], plan: Plan, options: Namespace) -> int:
    """Print the tables and write everything that can be made of the records; return 1 if something is missing or damaged."""
    attempts = Attempts(_say)
    records = [named(record, plan.names.get(record.path)) for record in attempts.load(paths)]
    comparison = compare(records)
    shown = drawable(comparison.records)
    # Who has no figure is named among the notes of every table and of the report.
    comparison = replace(comparison, notes=(*comparison.notes, *left_out(comparison.records)))
    findings = find(comparison, plan.day_d, _worths(plan))
    print(text(comparison, findings))
    written = [*write(comparison, findings, options.output)]
    written += attempts.made("the table of the case", lambda: _print_case(comparison.records, options.output)) or []
    _say("drawing the figures")
    figures, plain = attempts.figures(findings, comparison.records, shown, options.output / "figures")
    sharp = attempts.figures(findings, comparison.records, shown, options.output / "figures", "svg") if options.svg else ((), ())
    animation = attempts.made("arms.gif", lambda: _animation(shown, options)) if shown else None
    player = attempts.made("arms.html", lambda: _player(shown, options)) if shown else None
    pictures = Pictures(figures, plain, animation, player)
    report = attempts.made("report.html", lambda: write_report(
        comparison.records, comparison, findings, pictures, options.output, typed_command()))
    written += [*plain, *sharp[1], *(figure.path for figure in (*figures, *sharp[0]))]
    written += [path for path in (report, animation, player) if path]
    remove_old_files(options.output, read_plan(options.output), written)
    write_plan(options.output, plan.jobs, typed_command(), [path.relative_to(options.output).as_posix() for path in written])
    print(f"\nTables, figures and report are in {options.output}; begin with {options.output / 'report.html'}")
    return 1 if attempts.n_failed or len(comparison.records) < len(paths) or damage_notes(comparison.records) else 0


def _print_case(records: Sequence["Record"], folder: Path) -> list[Path]:
    """Print report against model, write its files and return them; nothing where nothing is reported of these arms."""
    table = write_case(records, folder)
    if table is None:
        return []
    print(f"\nThe case against its report (median of the runs, [5 % to 95 %])\n{aligned(shown(table), n_left=6)}\n{statement(table)}")
    return [folder / FILE, folder / "figures" / FIGURE]


def _worths(plan: Plan) -> dict[str, list[list[tuple[str, float]]]]:
    """Return every walk as (coupling that joined, worth), by outcome; the worth is nan where a run failed or its patient had died."""
    logs = {path: clonogens_on(path, plan.day_d) for path in {
        job.path for walk in plan.walks for step in walk for job in step.runs.values()} if plan.day_d is not None}
    factors = sorted({factor for walk in plan.walks for step in walk for cell in step.runs for factor in cell})
    return {outcome: [[(step.joined, worth_of({cell: logs[job.path] for cell, job in step.runs.items()}, factors, outcome))
                       for step in walk] for walk in plan.walks] for outcome in (WORTHS if plan.walks else ())}


def _animation(records: Sequence["Record"], options: Namespace) -> Path | None:
    """Draw the animation of each arm's first replicate, unless --no-animation is given."""
    if options.no_animation:
        return None
    _say("drawing the animation")
    shown = _first_replicates(records)
    if len(shown) > MOST_ARMS:
        _say(f"  the first {MOST_ARMS} of {len(shown)} arms fit side by side")
    return animate(shown[:MOST_ARMS], options.output / "arms.gif", _tell_tenths())


def _player(records: Sequence["Record"], options: Namespace) -> Path | None:
    """Write the page on which the arms are played side by side, unless --no-animation is given."""
    if options.no_animation:
        return None
    _say("writing the page of the arms")
    names = list(by_arm(records))[:MOST_ARMS]
    chosen = in_one_order([record for record in records if record.arm in names])
    write_text(options.output / PLAYER, alone(make_play(chosen)))
    return Path(options.output / PLAYER)


def _first_replicates(records: Sequence["Record"]) -> list["Record"]:
    """Return each arm's first replicate."""
    firsts: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: record.replicate):
        firsts.setdefault(record.arm, record)
    return [firsts[arm] for arm in dict.fromkeys(record.arm for record in records)]


def _tell_tenths() -> Callable[[int, int], None]:
    """Return a progress callback that reports every tenth on stderr."""
    said = [0]

    def tell(done: int, total: int) -> None:
        if total and 10 * done // total > said[0]:
            said[0] = 10 * done // total
            _say(f"  moving picture: {10 * said[0]} %")

    return tell


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

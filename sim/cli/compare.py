"""Arms on the same luck: compute scenarios, take records as they are, and write tables, figures, animation and report."""

import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.case import print_case
from sim.cli.runs import add_run_arguments, aligned, check_engine, list_failures, run_jobs

if TYPE_CHECKING:
    from analysis.comparison import Arm, Comparison
    from analysis.record import Record
    from sim.jobs import Job

HELP = "compare arms, from scenarios or records: tables, figures, animation, report"
RECORD_SUFFIXES = (".h5", ".hdf5")
CAUSES = ("radiation", "t_cell", "hypoxia", "apoptosis", "failed_division")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("sources", nargs="+", type=Path, metavar="SCENARIO|RECORD",
                        help="scenarios to compute, records (.h5) to take as they are")
    parser.add_argument("--arms", choices=("factorial", "monotherapy", "leave-one-out"), help="make arms by taking treatments away from "
                        "each scenario: every combination; none and each alone; all but one")
    parser.add_argument("--replicates", type=int, default=1, metavar="N", help="runs of each arm, each with its own luck (default 1)")
    parser.add_argument("--seed", type=int, metavar="N", help="another seed for every scenario")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for everything that is written")
    parser.add_argument("--force", action="store_true",
                        help="replace results in DIR; complete records of the very same runs are used again")
    parser.add_argument("--no-animation", action="store_true", help="do without arms.gif")
    add_run_arguments(parser)


def execute(options: Namespace) -> int:
    """Compute what is missing, compare all arms and write the results; return 1 if some runs failed."""
    paths, jobs = _plan(options)
    from sim.jobs import is_done
    waiting = [job for job in jobs if not is_done(job)]
    if len(waiting) < len(jobs):
        _say(f"{len(jobs) - len(waiting)} of {len(jobs)} runs are complete in {options.output / 'records'} and used again")
    options.output.mkdir(parents=True, exist_ok=True)
    outcomes = run_jobs(waiting, options)
    failed = {outcome.job.path for outcome in outcomes if outcome.message}
    paths += [job.path for job in jobs if job.path not in failed]
    code = list_failures(outcomes)
    if paths:
        _write(paths, options)
    return code


def _plan(options: Namespace) -> tuple[list[Path], list["Job"]]:
    """Return the records given and the jobs of the scenarios given; every mistake is found before anything is written."""
    from analysis.record import load
    from sim.errors import UserError

    records = [path for path in options.sources if path.suffix in RECORD_SUFFIXES]
    scenarios = [path for path in options.sources if path.suffix not in RECORD_SUFFIXES]
    if options.replicates < 1:
        raise UserError(f"--replicates {options.replicates}: at least one is needed")
    wishes = {"--arms": options.arms, "--seed": options.seed, "--until": options.until, "--quick": options.quick or None,
              "--replicates": options.replicates if options.replicates > 1 else None}
    ignored = [name for name, wish in wishes.items() if wish is not None]
    if ignored and not scenarios:
        raise UserError(f"{', '.join(ignored)}: for scenarios only; records are compared as they are")
    if options.output.exists() and not options.output.is_dir():
        raise UserError(f"{options.output}: must be a folder")
    if options.output.is_dir() and any(options.output.iterdir()) and not options.force:
        raise UserError(f"{options.output}: holds files already; choose another folder or add --force")
    check_engine(options)
    taken = {str(load(path).attributes["arm"]): path for path in records}
    jobs = _jobs(scenarios, options)
    for job in jobs:
        if job.scenario.arm in taken:
            raise UserError(f"{taken[job.scenario.arm]}: is a run of the arm {job.scenario.arm} too; give the scenario another `arm:`")
    return records, jobs


def _jobs(scenarios: list[Path], options: Namespace) -> list["Job"]:
    """Return a job for every arm and replicate of the scenarios."""
    from sim.arms import named_arms
    from sim.errors import UserError
    from sim.jobs import Job, days_until
    from sim.scenario_file import load_scenario

    overrides = [] if options.seed is None else [f"seed={options.seed}"]
    arms = [arm for path in scenarios for arm in named_arms(load_scenario(path, overrides), options.arms)]
    twice = {arm.arm for arm in arms if sum(arm.arm == other.arm for other in arms) > 1}
    if twice:
        raise UserError(f"more than one arm is called {', '.join(sorted(twice))}; give them other names with `arm:`")
    folder = options.output / "records"
    return [Job(arm, replicate, folder / f"{arm.arm}_r{replicate}.h5", None if options.until is None else days_until(arm, options.until),
                options.quick) for arm in arms for replicate in range(options.replicates)]


def _write(paths: list[Path], options: Namespace) -> None:
    """Print the tables and write everything that is made of the records."""
    from analysis.animate import animate
    from analysis.comparison import compare, write
    from analysis.film import MOST_ARMS
    from analysis.plots import standard_figures
    from analysis.record import load
    from analysis.report import write_report

    records = [load(path) for path in paths]
    comparison = compare(records)
    print(text(comparison))
    write(comparison, options.output)
    print_case(records, options.output)
    _say("drawing the figures")
    figures = standard_figures(records, options.output / "figures")
    animation = None
    if not options.no_animation:
        _say("drawing the animation")
        shown = _first_replicates(records)
        if len(shown) > MOST_ARMS:
            _say(f"  the first {MOST_ARMS} of {len(shown)} arms fit side by side")
        animation = animate(shown[:MOST_ARMS], options.output / "arms.gif", _tell_tenths())
    write_report(records, comparison, figures, animation, options.output, shlex.join(["lesionlab", *sys.argv[1:]]))
    print(f"\nTables, figures and report are in {options.output}; begin with {options.output / 'report.html'}")


def _first_replicates(records: list["Record"]) -> list[Path]:
    """Return the paths of each arm's first replicate."""
    firsts: dict[str, Path] = {}
    for record in sorted(records, key=lambda record: int(record.attributes.get("replicate", 0))):
        firsts.setdefault(str(record.attributes["arm"]), record.path)
    return [firsts[arm] for arm in dict.fromkeys(str(record.attributes["arm"]) for record in records)]


def text(comparison: "Comparison") -> str:
    """Return the comparison as aligned tables: outcome, tissue and deaths of each arm, and the diameters on the scans."""
    quick = "  QUICK: small sections\n" if comparison.is_quick else ""
    notes = "".join(f"  note: {note}\n" for note in comparison.notes)
    replicates = max(arm.n for arm in comparison.arms)
    spread = f"Medians of up to {replicates} replicates, [10 % to 90 %].\n" if replicates > 1 else ""
    return (f"{quick}{notes}{spread}Outcome (RECIST 1.1; report: the case report's reading, strict: a lesion not evaluable at baseline "
            f"counts as new)\n{_outcome_table(comparison)}\n\nAt the nadir of the target sum, and deaths by cause (share of all)\n"
            f"{_tissue_table(comparison)}\n\nLongest diameter on the scans (cm)\n{_scan_table(comparison)}")


def _outcome_table(comparison: "Comparison") -> str:
    rows = [["arm", "n", "best report/strict", "progression report", "strict", "controlled at end", "end"]]
    for arm in comparison.arms:
        times = [_time(arm, f"time_to_progression_{reading}_d") for reading in ("report", "strict")]
        rows.append([arm.name, str(arm.n), f"{arm.word('best_response_report')} / {arm.word('best_response_strict')}", *times,
                     _control(arm), f"day {_number(arm, 'days_observed', 0)}, {arm.word('end_reason')}"])
    return aligned(rows)


def _control(arm: "Arm") -> str:
    """Return whether an arm was controlled at its end, or that no scan after the first could tell."""
    return "not assessed" if arm.word("best_response_report") == "NE" else _share(arm, "is_controlled_at_end_report")


def _tissue_table(comparison: "Comparison") -> str:
    rows = [["arm", "nadir cm", "on day", "T cells/mm2", "below 5 mmHg", *(cause.replace("_", " ") for cause in CAUSES)]]
    for arm in comparison.arms:
        deaths = [arm.numbers[f"deaths_{cause}", ""].median for cause in CAUSES]
        shares = [f"{100 * count / sum(deaths):.1f} %" if sum(deaths) > 0 else "-" for count in deaths]
        rows.append([arm.name, _number(arm, "nadir_sum_cm", 1), _number(arm, "nadir_d", 0), _number(arm, "t_cells_per_mm2_at_nadir", 0),
                     _number(arm, "hypoxic_fraction_below_5_mmHg_at_nadir", 2), *shares])
    return aligned(rows)


def _scan_table(comparison: "Comparison") -> str:
    days = comparison.scan_days
    rows = [["arm", "lesion", *(comparison.date(day).isoformat() for day in days)]]
    for arm in comparison.arms:
        for lesion in comparison.lesions:
            found = [arm.sizes.get((day, "longest_diameter_cm", lesion)) for day in days]
            rows.append([arm.name, lesion, *(f"{size.median:.1f}" if size and size.n else "-" for size in found)])
    return aligned(rows, n_left=2)


def _number(arm: "Arm", name: str, digits: int) -> str:
    """Return a number's median, with its quantiles where there are replicates."""
    found = arm.numbers[name, ""]
    spread = f" [{found.low:.{digits}f} to {found.high:.{digits}f}]" if arm.n > 1 and found.n > 1 else ""
    return f"{found.median:.{digits}f}{spread}" if found.n else "-"


def _time(arm: "Arm", name: str) -> str:
    """Return a time to an event, or that it was not reached."""
    found = arm.numbers[name, ""]
    return _number(arm, name, 0).replace("inf", "not reached") + (f" ({found.n_reached}/{found.n})" if arm.n > 1 else "")


def _share(arm: "Arm", name: str) -> str:
    """Return how many runs an event holds for."""
    held = sum(outcome.numbers[name, ""] for outcome in arm.outcomes)
    return ("yes" if held else "no") if arm.n == 1 else f"{held:.0f}/{arm.n}"


def _tell_tenths() -> Callable[[int, int], None]:
    """Return a progress callback that says every tenth on stderr."""
    said = [0]

    def tell(done: int, total: int) -> None:
        if total and 10 * done // total > said[0]:
            said[0] = 10 * done // total
            _say(f"  {10 * said[0]} %")

    return tell


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

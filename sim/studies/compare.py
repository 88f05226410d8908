"""The plan of a comparison from the user's options; every mistake is found before anything is written."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from lesionlab.analysis.clinical.scans import SCAN_WINDOW_D
from lesionlab.analysis.records.record import Record, load
from lesionlab.analysis.records.sweep_folder import is_sweep, listed, named
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.destination import is_record, typed_command
from lesionlab.sim.runs.job import Job, days_since, days_until
from lesionlab.sim.runs.machine import choose_engine
from lesionlab.sim.scenario.arms import named_arms
from lesionlab.sim.scenario.load import load_all
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.studies.attribution import Step, folder, plan, players, stated_day
from lesionlab.sim.studies.compare_files import read_plan

DEFAULT_WALKS = 8


class Plan(NamedTuple):
    """What a comparison is made of: records given, runs of the arms, walks over couplings, and the stated day if one is fixed.

    `names` gives the arm of each record that comes from the folder of a sweep.
    """

    records: tuple[Path, ...]
    jobs: tuple["Job", ...]
    walks: tuple[tuple["Step", ...], ...]
    day_d: float | None
    names: Mapping[Path, str | None] = MappingProxyType({})


def check_rows(scenario: Scenario, until_d: float | None) -> None:
    """Refuse, before anything is computed, a scenario whose rows come too seldom to read a size at every scan and reported day."""
    unseen = scenario.days_without_row(SCAN_WINDOW_D, until_d)
    if unseen:
        raise UserError(f"{scenario.arm}: output.scalars_every_h: rows every {scenario.output.scalars_every_h:g} h leave none within a day "
                        f"before {len(unseen)} of the days whose sizes are read, first {unseen[0]}; 24 or less serve every scan")


def make_plan(options: Namespace) -> Plan:
    """Return the records given and the runs of the scenarios given; every mistake is found before anything is written."""
    names = {run.path: run.arm for folder in options.sources if is_sweep(folder) for run in listed(folder)}
    records = (*(path for path in options.sources if is_record(path)), *names)
    scenarios = [path for path in options.sources if not is_record(path) and not is_sweep(path)]
    _check_options(options, bool(scenarios))
    choose_engine(options.engine, 1, options.workers)
    arms, whole = _arms(scenarios, options)
    taken = {path: named(load(path), names.get(path)) for path in records}
    by_arm = {record.arm: path for path, record in taken.items()}
    for arm in arms:
        if arm.arm in by_arm:
            raise UserError(f"{by_arm[arm.arm]}: is a run of the arm {arm.arm} too; give the scenario another `arm:`")
    lesions = {**{str(path): record.lesions for path, record in taken.items()}, **{arm.arm: tuple(arm.lesions) for arm in arms}}
    for arm in arms:
        check_rows(arm, None if options.until is None else days_until(arm, options.until))
    first = next(iter(lesions))
    for name, own in lesions.items():
        if set(own) != set(lesions[first]):
            raise UserError(f"{name}: its lesions ({', '.join(own)}) are not those of {first} ({', '.join(lesions[first])}); "
                            "only arms of the same patient can be compared")
    if not arms:
        return Plan(records, (), (), None if options.day is None else _recorded_day(options.day, next(iter(taken.values()))), names)
    return _with_jobs(records, arms, whole, options)._replace(names=names)


def _recorded_day(typed: str, record: "Record") -> float:
    """Return the stated day, a date or days since the start, of a comparison of records."""
    start = record.start.date()
    days = days_since(start, "--day", typed)
    if not 0 <= days <= record.time_d[-1]:
        raise UserError(f"--day {typed}: must lie within the records, from {start} to day {record.time_d[-1]:g}")
    return days


def _check_options(options: Namespace, has_scenarios: bool) -> None:
    """Refuse options that contradict one another, or that the given files cannot satisfy."""
    if options.replicates < 1:
        raise UserError(f"--replicates {options.replicates}: at least one is needed")
    if options.attribution and options.arms not in (None, "factorial"):
        raise UserError(f"--attribution needs all combinations of the treatments: --arms factorial, not {options.arms}")
    if options.attribution and options.components != "modalities":
        raise UserError("--attribution divides an outcome among modalities; leave out --components")
    if not options.attribution and (options.walks is not None or options.couplings):
        raise UserError("--walks and --couplings belong to --attribution")
    if options.walks is not None and options.walks < 1:
        raise UserError(f"--walks {options.walks}: at least one is needed")
    if options.components != "modalities" and not options.arms:
        raise UserError("--components says what --arms takes away; add --arms")
    wishes = {"--arms": options.arms, "--seed": options.seed, "--until": options.until, "--quick": options.quick or None,
              "--replicates": options.replicates if options.replicates > 1 else None, "--attribution": options.attribution or None,
              "--set": options.overrides or None}
    ignored = [name for name, wish in wishes.items() if wish is not None]
    if ignored and not has_scenarios:
        raise UserError(f"{', '.join(ignored)}: for scenarios only; records are compared as they are")
    if options.output.exists() and not options.output.is_dir():
        raise UserError(f"{options.output}: must be a folder")
    refuse_used_folder(options)


def refuse_used_folder(options: Namespace) -> None:
    """Refuse a folder that holds files already, unless it is to be used again or the same command was stopped in it."""
    old = read_plan(options.output)
    is_stopped = old.get("command") == typed_command() and not old.get("files")
    if options.output.is_dir() and any(options.output.iterdir()) and not options.force and not is_stopped:
        raise UserError(f"{options.output}: holds files already; choose another folder or add --force, "
                        "which uses complete records of the same runs again")


def _arms(paths: Sequence[Path], options: Namespace) -> tuple[list["Scenario"], list["Scenario"]]:
    """Return every arm of the scenarios given, and the scenarios themselves."""
    overrides = [*options.overrides, *([] if options.seed is None else [f"seed={options.seed}"])]
    whole = load_all(paths, overrides)
    if options.attribution and len(whole) != 1:
        raise UserError(f"--attribution takes one scenario, not {len(whole)}")
    chosen = "factorial" if options.attribution else options.arms
    arms = [arm for scenario in whole for arm in named_arms(scenario, chosen, options.components)]
    twice = {arm.arm for arm in arms if sum(arm.arm == other.arm for other in arms) > 1}
    if twice:
        raise UserError(f"more than one arm is called {', '.join(sorted(twice))}; give them other names with `arm:`")
    return arms, whole


def _with_jobs(records: tuple[Path, ...], arms: Sequence["Scenario"], whole: Sequence["Scenario"], options: Namespace) -> Plan:
    """Return the plan with a run for every arm and replicate, and the walks of an attribution."""
    jobs = tuple(Job(arm, replicate, options.output / "records" / f"{arm.arm}_r{replicate}.h5",
                     None if options.until is None else days_until(arm, options.until), options.quick)
                 for arm in arms for replicate in range(options.replicates))
    day_d = stated_day(jobs[0], options.day)
    if not options.attribution:
        return Plan(records, jobs, (), day_d)
    couplings = players(whole[0], [name.strip() for name in (options.couplings or "").split(",") if name.strip()])
    template = Job(whole[0], 0, folder(options.output), day_d, options.quick)
    known = {(job.scenario.arm, job.replicate): job for job in jobs}
    return Plan(records, jobs, plan(whole[0], couplings, options.walks or DEFAULT_WALKS, template, known), day_d)

"""Shared by the verbs that start runs: their options, their progress, and the report of failures."""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

from lesionlab.sim.numerics.jit import is_cache_kept
from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.runs.engines import Outcome, execute
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.lifecycle import Life, finish, model_of, steps
from lesionlab.sim.runs.machine import choose_engine, plan_alone, plan_local
from lesionlab.sim.runs.progress import Board

LEAST_FORECAST, TIMED_D = 8, 12.0


def add_run_arguments(parser: ArgumentParser) -> None:
    """Add the options of where and how long runs are computed."""
    parser.add_argument("--engine", metavar="ENGINE", help="serial, local (the cores of this machine; default where it helps) "
                        "or tcp://HOST:PORT (a Dask scheduler)")
    parser.add_argument("--workers", type=int, metavar="N", help="runs at a time on this machine (default: the cores it may use)")
    parser.add_argument("--quick", action="store_true", help="small sections, of about 5000 cells; every output says so")
    parser.add_argument("--until", metavar="DATE|DAYS", help="stop every run at this date, or after so many days")


def check_engine(options: Namespace) -> None:
    """Refuse an engine that is unknown or not installed before anything is written."""
    choose_engine(options.engine, 1, options.workers)


def announce(jobs: Sequence["Job"], options: Namespace) -> None:
    """Announce the number of runs and, where there are many, an estimate of their time from a few timed days of one run."""
    if not jobs:
        return
    days = sum(job.days for job in jobs)
    print(f"{len(jobs)} runs to compute, {days:.0f} simulated days if all live to the end", file=sys.stderr, flush=True)
    if len(jobs) < LEAST_FORECAST:
        return
    minutes = _forecast(jobs, options)
    if minutes is not None:
        print(f"about {minutes:.0f} minutes, by {TIMED_D:.0f} timed days of one of them; less where patients die early",
              file=sys.stderr, flush=True)


def _forecast(jobs: Sequence["Job"], options: Namespace) -> float | None:
    """Return the minutes that the jobs will take on this machine, None on a cluster or where nothing could be timed."""
    engine = choose_engine(options.engine, len(jobs), options.workers)
    if engine not in ("serial", "local"):
        return None
    job = max(jobs, key=lambda job: job.cost)
    timed = steps(model_of(replace(job, until_d=min(TIMED_D, job.days))))
    ticks = [(step.day, time.monotonic()) for step in timed if step.model.clock.is_due(24.0)]
    # The median day: some of the days include compilation.
    days = [(later - earlier) / (later_d - earlier_d) for (earlier_d, earlier), (later_d, later) in pairwise(ticks) if later_d > earlier_d]
    if not days:
        return None
    seconds_per_d = median(days) / _work(job)
    work = sum((job.days + job.scenario.burn_in_d) * _work(job) for job in jobs)
    return seconds_per_d * work / (plan_local(len(jobs), options.workers).workers if engine == "local" else 1) / 60.0


def _work(job: "Job") -> float:
    """Return the work of one day of a job: the cells of its sections."""
    return float(sum(lesion.section_cells for lesion in job.as_run.lesions.values()))


def run_jobs(jobs: Sequence["Job"], options: Namespace) -> tuple["Outcome", ...]:
    """Compute the jobs with the engine of the options; progress goes to stderr."""
    with Board(jobs) as board:
        try:
            return execute(jobs, board, engine=options.engine, workers=options.workers)
        except KeyboardInterrupt:
            board.announce("stopped; the same command goes on: what is complete is used again")
            raise


def run_one(job: Job, first: str, life: Life, threads: int | None = None) -> int:
    """Take all steps of a job, announcing `first` and then its progress; print where its record is, how it ended and its last state's hash.

    `threads` is None for one a core.
    """
    plan = plan_alone(threads)
    with Board([job]) as board, hired(plan.threads):
        board.announce(f"{first}; {plan.describe()}")
        if not is_cache_kept():
            board.announce("the rules are compiled for this run alone: no cache folder can be written (NUMBA_CACHE_DIR names another)")
        before = _state_of(job.path)
        try:
            done = finish(life, partial(board.advance, job))
        except KeyboardInterrupt:
            board.announce(f"stopped{board.reached(job)}; {_what_is_left(job, before)}")
            raise
        board.finish(Outcome(job))
    small = " (quick: small sections, for a look only)" if job.is_quick else ""
    print(f"{job.path}: {done['arm']}, {done['end_reason']} after {done['days']:g} days{small}")
    print(f"state_sha256 {done['state_sha256']}")
    return 0


def _state_of(path: Path) -> tuple[int, int] | None:
    """Return what tells one version of a file from the next, None where there is no file."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns


def _what_is_left(job: "Job", before: tuple[int, int] | None) -> str:
    """Return what a run that was stopped leaves, and how it can go on; a file that stood there before may not be its own."""
    now = _state_of(job.path)
    if now is None:
        return "nothing was written; the same command begins anew"
    try:
        outlook = read_run(job.path).outlook
    except UserError:
        return f"{job.path} stays as it was"
    return f"{job.path} stays as it was ({outlook})" if now == before else outlook


def add_threads(parser: ArgumentParser) -> None:
    """Declare the argument of the verbs that compute one run."""
    parser.add_argument("--threads", type=int, metavar="N", help="threads (default: one a core); any number gives the same bytes")


def list_failures(outcomes: Sequence["Outcome"]) -> int:
    """Print every run that failed to stderr, and return the exit code: 1 if there are any, else 0."""
    failed = [outcome for outcome in outcomes if outcome.message]
    if failed:
        print(f"{len(failed)} of {len(outcomes)} runs failed:", file=sys.stderr)
        for outcome in failed:
            print(f"  {outcome.job.scenario.arm} r{outcome.job.replicate}: {outcome.message}", file=sys.stderr)
    return 1 if failed else 0

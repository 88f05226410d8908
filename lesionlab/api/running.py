"""Runs in Python: one, its continuation, another future of it, and arms with replicates on all cores."""

import io
from atexit import register
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache, partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from lesionlab.analysis.records.record import Record, load
from lesionlab.api._words import public
from lesionlab.api.scenarios import Scenario, model_of
from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.destination import new_record
from lesionlab.sim.record.files import alone_in
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.record.schema import Attribute
from lesionlab.sim.runs.engines import Outcome, execute
from lesionlab.sim.runs.job import Job, days_until, fork_day, is_done
from lesionlab.sim.runs.lifecycle import Life, begun, finish, forked, job_of, resumed
from lesionlab.sim.runs.machine import plan_alone
from lesionlab.sim.runs.progress import Board

When = float | str | date
Show = bool | Callable[[float, float], None]
_NUMBERS = count()


@public
def run(scenario: Scenario | str | Path, path: str | Path | None = None, *, replicate: int = 0, until: When | None = None,
        quick: bool = False, threads: int | None = None, progress: Show = True, overwrite: bool = False) -> Record:
    """Simulate one arm and return its record: the same bytes as `lesionlab run`, with any number of threads.

    Args:
        scenario: a scenario, its file, or the bare name of one that comes with LesionLab.
        path: where the record is written (.h5). Without one it lies in a temporary folder until Python ends.
        replicate: arms of one seed and replicate have common random numbers.
        until: stop at this date, or after so many days.
        quick: small sections, of about 5000 cells; the record says so.
        threads: None for one a core.
        progress: False for silence, or a function that is called about once a simulated day with (day, days).
        overwrite: replace an existing record.

    Raises:
        UserError: the scenario, the path or the end cannot be had.
    """
    model = model_of(scenario)
    target = new_record(Path(path), overwrite) if path is not None else _passing(f"{model.arm}_r{replicate}")
    job = Job(model, replicate, target, None if until is None else days_until(model, _typed(until)), quick)
    return _finished(job, begun(job, is_forced=overwrite), threads, progress)


@public
def resume(record: Record | str | Path, *, until: When | None = None, threads: int | None = None, progress: Show = True) -> Record:
    """Go on with a run that was stopped, or further than it went, and return its record: as if it had never stopped.

    Raises:
        UserError: nothing is left to do, or other code made the record.
    """
    found = read_run(_path_of(record))
    until_d = None if until is None else days_until(found.scenario, _typed(until))
    job = job_of(found, found.until_d if until_d is None else until_d)
    return _finished(job, resumed(found, until_d=until_d), threads, progress)


@public
def fork(record: Record | str | Path, scenario: Scenario | str | Path, *, at: When, path: str | Path | None = None,
         until: When | None = None, threads: int | None = None, progress: Show = True, overwrite: bool = False) -> Record:
    """Give a recorded run another future from a day on, and return the new record.

    Args:
        scenario: the future: the same lesions, seed, burn-in and step; a drug that it leaves out is stopped and washes out.
        at: the date or whole day on which the future begins.

    Raises:
        UserError: the run does not reach that day, or the scenario does not fit.
    """
    found, model = read_run(_path_of(record)), model_of(scenario)
    target = new_record(Path(path), overwrite) if path is not None else _passing(f"{model.arm}_fork")
    until_d = None if until is None else days_until(model, _typed(until))
    job = Job(model, found.replicate, target, until_d, found.is_quick)
    return _finished(job, forked(found, fork_day(found.scenario, _typed(at)), job, is_forced=overwrite), threads, progress)


@public
def run_arms(arms: Scenario | str | Path | Iterable[Scenario | str | Path], *, replicates: int = 1, folder: str | Path | None = None,
             until: When | None = None, quick: bool = False, engine: str | None = None, workers: int | None = None,
             progress: bool = True) -> list[Record]:
    """Simulate every arm so many times on all cores, with common random numbers, and return the records arm by arm.

    Args:
        arms: scenarios of the same patient; `Scenario.arms` makes them from one.
        replicates: runs of each arm; intervals need four or more.
        folder: where the records go, as ARM_rN.h5. Complete records of the very same runs are used again, so that the same call goes
            on where it was stopped. Without one they lie in a temporary folder until Python ends.
        engine: `serial`, `local` (the cores of this machine) or `tcp://HOST:PORT` (a Dask scheduler); the default is what helps.
        workers: runs at a time on this machine.

    Raises:
        UserError: two arms have one name, or runs failed; the message lists them, and complete ones are kept.
    """
    given = [arms] if isinstance(arms, Scenario | str | Path) else list(arms)
    models = [model_of(arm) for arm in given]
    names = [model.arm for model in models]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"more than one arm is called {', '.join(twice)}; give them other names, as in with_(arm='slower')")
    if replicates < 1:
        raise UserError(f"replicates {replicates}: at least one is needed")
    into = Path(folder) if folder is not None else _passing("arms").with_suffix("")
    jobs = [Job(model, number, into / f"{model.arm}_r{number}.h5", None if until is None else days_until(model, _typed(until)), quick)
            for model in models for number in range(replicates)]
    with alone_in(into):
        _refuse_others(jobs)
        computed([job for job in jobs if not is_done(job)], engine, workers, progress)
    return [load(job.path) for job in jobs]


def _refuse_others(jobs: Sequence[Job]) -> None:
    """Refuse a folder in which a complete record of another run stands in a job's place."""
    for job in (job for job in jobs if job.path.exists() and not is_done(job)):
        found = read_run(job.path)
        if found.attributes[Attribute.STATUS] == "complete" and found.scenario_yaml != job.as_run.resolved_yaml():
            raise UserError(f"{job.path}: holds another run of this name; choose another folder, or remove it")


def computed(jobs: Sequence[Job], engine: str | None, workers: int | None, progress: bool) -> None:
    """Compute jobs; raises UserError that lists those that failed."""
    with Board(jobs, _stream(progress)) as board:
        outcomes = execute(jobs, board, engine=engine, workers=workers)
    failed = [f"{done.job.scenario.arm} r{done.job.replicate}: {done.message}" for done in outcomes if done.message]
    if failed:
        raise UserError("\n".join([f"{len(failed)} of {len(outcomes)} runs failed; the complete ones are kept, and the same call goes on",
                                   *failed]))


def _finished(job: Job, life: Life, threads: int | None, progress: Show) -> Record:
    """Take all steps of a job and return its record."""
    job.path.parent.mkdir(parents=True, exist_ok=True)
    plan = plan_alone(threads)
    with _shown(job, progress) as tell, hired(plan.threads):
        finish(life, tell)
    return load(job.path)


@contextmanager
def _shown(job: Job, progress: Show) -> Iterator[Callable[[float], None]]:
    """Give a function that shows the day reached, by a bar or lines on stderr, or by a function of the user's."""
    if callable(progress):
        yield lambda day: progress(day, job.days)
        return
    with Board([job], _stream(progress)) as board:
        yield partial(board.advance, job)
        board.finish(Outcome(job))


def _stream(progress: bool) -> TextIO | None:
    return None if progress else io.StringIO()


def _path_of(record: Record | str | Path) -> Path:
    return record.path if isinstance(record, Record) else Path(record)


def _typed(when: When) -> str:
    """Return a date or a number of days as the command line takes it."""
    return f"{when:%Y-%m-%d}" if isinstance(when, date) else str(when)


def _passing(name: str) -> Path:
    """Return a new path in this process's temporary folder."""
    return _folder() / f"{next(_NUMBERS)}_{name}.h5"


@cache
def _folder() -> Path:
    """Return the folder of records without a path, which goes when Python ends."""
    made = TemporaryDirectory(prefix="lesionlab-")
    register(made.cleanup)
    return Path(made.name)

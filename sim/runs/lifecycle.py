"""The life-cycle of a run: how it begins, its steps, its end.

A run begins anew (`begun`), where its record stopped (`resumed`), or as another future of a recorded run (`forked`). These differ in the
state to begin with and in what the record holds by then, in nothing else. `steps` takes the steps of all of them, burn-in included. It
is a generator: a loop over it may show any state and may stop between two steps, and whatever it does, the results are the same bytes.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lesionlab.sim.measures.series import measure
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.record.files import is_in_use, mark, reason, uninterrupted
from lesionlab.sim.record.reader import OF_FIRST_VERSION, SAME_TIME_D, Past, RecordedRun, opened, read_checkpoint, read_run
from lesionlab.sim.record.schema import Attribute, Part
from lesionlab.sim.record.writer import Header, RecordWriter, hash_arrays
from lesionlab.sim.runs.day_zero import DayZeroStates, KeepDayZero, past_of
from lesionlab.sim.runs.job import STAMP, Job, header_of, provenance
from lesionlab.sim.runs.reporters import Commits, Ending, Pictures, Progress, Reporter, Rows, report_due
from lesionlab.sim.runs.switching import refuse_another_past, with_washout
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation


class Step(NamedTuple):
    """A run between two steps: its day, negative in the burn-in, and the model, which holds the state until the next step."""

    day: float
    model: Simulation


Life = Generator[Step, None, None]
_DAY_ZERO = DayZeroStates()
"""Of the jobs that this process performs."""
Tell = Callable[[float], None]
"""Called with the days done, negative in the burn-in, about once a simulated day."""


def steps(model: Simulation, reporters: Sequence[Reporter] = ()) -> Life:
    """Step a model to its end; yield the state it begins with, and the one after each step, once it has been reported.

    Closed between two steps, it hands that state to the reporters: the run can be resumed from there.
    """
    is_whole = False
    try:
        report_due(model, reporters)
        is_whole = True
        yield Step(model.time_d, model)
        while model.running:
            is_whole = False
            # Ctrl-C lets a step end, so that nothing of the run is lost; a second one stops at once, as does any in the burn-in.
            with uninterrupted(patience=1 if model.time_d >= 0.0 else 0):
                model.step()
                report_due(model, reporters)
                is_whole = True
            yield Step(model.time_d, model)
    finally:
        with ExitStack() as leaving:
            for reporter in reversed(reporters):
                leaving.callback(reporter.close, model if is_whole else None)


def finish(life: Life, tell: Tell | None = None) -> dict[str, Any]:
    """Take all steps of a run and return how it ended: arm, replicate, end_reason, days, state_sha256."""
    progress, ending = [Progress(tell)] if tell else [], Ending()
    with closing(life):
        for step in life:
            report_due(step.model, progress)
    ending.close(step.model)
    return ending.outcome


def simulate(scenario: Scenario, path: Path | str, *, replicate: int = 0, until_d: float | None = None, is_quick: bool = False,
             is_forced: bool = False, reporters: Sequence[Reporter] = ()) -> dict[str, Any]:
    """Run one arm, a `Job`, to its end and write its record; return what `finish` returns.

    Raises UserError where the record exists, unless `is_forced`, or cannot be written.
    """
    return finish(begun(Job(scenario, replicate, Path(path), until_d, is_quick), is_forced=is_forced, reporters=reporters))


def perform(job: Job, tell: Tell | None = None) -> None:
    """Compute a job, or what is missing where its record holds the beginning, and stamp the record as complete."""
    run = _begun_by(job)
    if run is None:
        finish(begun(job, is_forced=True, shared=_DAY_ZERO), tell)
    elif run.attributes[Attribute.STATUS] != "complete" or (run.until_d != job.days
                                                            and run.attributes[Attribute.END_REASON] != "lethal burden"):
        finish(resumed(run, until_d=job.days), tell)
    try:
        mark(job.path, **{STAMP: job.identity})
    except OSError as error:
        raise UserError(f"{job.path}: cannot be written: {reason(error)}") from error


def _begun_by(job: Job) -> RecordedRun | None:
    """Return the run in a job's place if it is the job's beginning: same code, scenario, replicate and size, no later end, no fork."""
    try:
        run = read_run(job.path)
    except UserError:
        return None
    found = (run.code_version, run.scenario_yaml, run.replicate, run.is_quick, run.is_fork or bool(run.later))
    own = (model_version(), job.as_run.resolved_yaml(), job.replicate, job.is_quick, False)
    return run if found == own and run.until_d is not None and run.until_d <= job.days else None


class _Beginning(NamedTuple):
    """Everything in which runs differ as they begin: the state, the record's header, and what the record takes over from another."""

    model: Simulation
    header: Header
    past: Past | None = None


def begun(job: Job, *, is_forced: bool = False, reporters: Sequence[Reporter] = (), shared: DayZeroStates | None = None) -> Life:
    """Return the steps of a job from its burn-in on; an existing record is replaced only if `is_forced`.

    With `shared`, the burn-in is taken once for all jobs that have it in common; the others begin on day 0. The records are the same.
    """
    past = past_of(job) if shared is not None else ""
    kept = [] if shared is None else [KeepDayZero(shared, past)]
    # Looked up as the run begins, not as it is planned.
    return _recorded(lambda: _Beginning(model_of(job, shared.of(past) if shared else None), header_of(job)), job.path, is_forced,
                     (*reporters, *kept))


def resumed(run: RecordedRun, *, until_d: float | None = None, is_forced: bool = False, reporters: Sequence[Reporter] = ()) -> Life:
    """Return the steps of a recorded run from its last commit on, as if it had never stopped; from its burn-in if it has none.

    Args:
        until_d: another end than the run had, in days; a run that was complete goes further.
        is_forced: go on although other code began the run; the record says so.

    Raises:
        UserError: there is nothing to go on with, or other code made the record.
    """
    _check_resume(run, until_d, is_forced)
    job = job_of(run, run.until_d if until_d is None else until_d)
    if run.committed_d is None:
        return begun(job, is_forced=True, reporters=reporters)
    return _recorded(partial(_last_commit, run, job), run.path, True, reporters)


def forked(run: RecordedRun, at_d: float, job: Job, *, is_forced: bool = False, reporters: Sequence[Reporter] = ()) -> Life:
    """Return the steps of a job that follows a recorded run to the beginning of a day: the same past, another future.

    Where the run kept no checkpoint of that day, it is computed again from the one before, under its own scenario.

    Args:
        at_d: the day, a whole number; treatments on that day are the job's.
        job: the future: the run's replicate, size, lesions, seed, burn-in and step. A drug that it lacks and the body still
            holds is washed out: it stays in the new record's scenario without further doses.
        is_forced: replace an existing record, and go on although other code made the run.

    Raises:
        UserError: the run does not reach that day, or the scenario does not fit.
    """
    _check_fork(run, at_d, job, is_forced)
    return _recorded(partial(_another_future, run, at_d, job), job.path, is_forced, reporters)


def _recorded(begin: Callable[[], _Beginning], path: Path, is_forced: bool, reporters: Sequence[Reporter]) -> Life:
    """Yield the steps of a run while its record is written."""
    model, header, past = begin()
    is_there = (past.has_row, past.has_snapshots) if past else (False, False)
    row_d, picture_d = (model.time_d if is_taken_over else -inf for is_taken_over in is_there)
    with RecordWriter(path, header, is_forced, past) as writer:
        rows = Rows(writer.append, model.arm.output.scalars_every_h, row_d)
        pictures = Pictures(writer.snapshot, 24.0 * model.arm.output.snapshots_every_d, picture_d)
        yield from steps(model, (rows, pictures, *reporters, Commits(writer, model.arm, past)))


def model_of(job: Job, checkpoint: Mapping[str, np.ndarray] | None = None) -> Simulation:
    """Return the model of a job before its burn-in, or at a checkpoint."""
    return Simulation(job.as_run, job.replicate, job.until_d, checkpoint=checkpoint, is_at_rest=False)


def job_of(run: RecordedRun, until_d: float | None = None) -> Job:
    """Return the job that makes a recorded run, to its scenario's end or to a day."""
    return Job(run.scenario, run.replicate, run.path, until_d, run.is_quick)


def _last_commit(run: RecordedRun, job: Job) -> _Beginning:
    """Return the state of a run's last commit; if other code computes from here on, the header says so."""
    # Not bound to a name: a section of millions of cells should not be in memory twice.
    model, header = model_of(job, read_checkpoint(run.path)[1]), header_of(job)
    attributes = {name: value for name, value in run.attributes.items() if name != STAMP}
    attributes[Attribute.UNTIL] = header.attributes[Attribute.UNTIL]
    here = {str(Attribute.CODE_VERSION): model_version(), str(Attribute.PROVENANCE): provenance()}
    last = run.later[-1] if run.later else run.attributes
    if any(str(last[name]) != value for name, value in here.items()):
        attributes[Attribute.CONTINUED_WITH] = json.dumps([*run.later, {"from_day": run.committed_d, **here}])
    return _Beginning(model, replace(header, attributes=attributes), _past(run, model, is_same_run=True))


def _another_future(run: RecordedRun, at_d: float, job: Job) -> _Beginning:
    """Return a run's state at the beginning of a day, with another scenario; the header says where it comes from."""
    arrays = _state_at(run, at_d)
    job = replace(job, scenario=with_washout(job.as_run, run.scenario, arrays, at_d))
    model, header = model_of(job, arrays), header_of(job)
    name = str(run.path).encode("utf-8", "backslashreplace").decode()
    origin: dict[str, Any] = {
        Attribute.PARENT_RECORD: name, Attribute.PARENT_ARM: run.attributes[Attribute.ARM], Attribute.PARENT_SCENARIO: run.scenario_yaml,
        Attribute.PARENT_STATE_SHA256: run.attributes[Attribute.STATE_SHA256], Attribute.FORK_DAY: at_d,
        Attribute.FORK_STATE_SHA256: hash_arrays(arrays)}
    return _Beginning(model, replace(header, attributes={**header.attributes, **origin}), _past(run, model, is_same_run=False))


def _past(run: RecordedRun, model: Simulation, is_same_run: bool) -> Past:
    """Return what the record takes over: what that of an uninterrupted run would hold by the model's time."""
    output = run.scenario.output
    has_row, has_snapshots = (model.clock.is_due(every_h) for every_h in (output.scalars_every_h, 24.0 * output.snapshots_every_d))
    return Past(run.path, model.time_d, has_row, has_snapshots, is_same_run)


def _state_at(run: RecordedRun, at_d: float) -> Mapping[str, np.ndarray]:
    """Return a run's state at the beginning of a day.

    Raises:
        UserError: there is no checkpoint before it, or the repeated run differs from the record.
    """
    time_d, arrays = read_checkpoint(run.path, at_d)
    if time_d >= at_d - SAME_TIME_D:
        return arrays
    model = next(step.model for step in steps(model_of(job_of(run), arrays)) if step.day >= at_d - SAME_TIME_D)
    _compare_with_row(run, model, at_d)
    return model.checkpoint()


def _compare_with_row(run: RecordedRun, model: Simulation, at_d: float) -> None:
    """Refuse a repeated past that differs from the record, as it may on another machine; only days with a row can be compared."""
    with opened(run.path) as file:
        for index in np.flatnonzero(np.abs(file[Part.TIME][:] - at_d) < SAME_TIME_D):
            differing = [name for name, value in measure(model.state).items()
                         if name in file and not np.array_equal(file[name][index], np.array(value, float), equal_nan=True)]
            if differing:
                raise UserError(f"{run.path}: computed again to day {at_d:g}, its run comes out otherwise here, as in {differing[0]}: "
                                "other libraries or another processor; fork at a day of which it keeps the checkpoint")


def _check_resume(run: RecordedRun, until_d: float | None, is_forced: bool) -> None:
    """Refuse to go on where nothing is left to do, another run writes, or other code made the record."""
    day, calendar_d = run.committed_d, run.calendar_d
    if is_in_use(run.path):
        raise UserError(f"{run.path}: another program has it open, perhaps a run that still writes it; nothing was changed")
    if day is None and run.is_fork:
        raise UserError(f"{run.path}: nothing was committed to this fork, and its past is not in it: fork again with --force")
    if day is None:
        return
    if run.attributes[Attribute.END_REASON] == "lethal burden":
        raise UserError(f"{run.path}: is complete: the burden was lethal on day {day:g}")
    end_d = run.until_d if until_d is None else until_d
    if day >= (calendar_d if end_d is None else min(end_d, calendar_d)) - SAME_TIME_D:
        further = f"; add --until DATE or DAYS to go further, at most to day {calendar_d:g}" if day < calendar_d - SAME_TIME_D else ""
        raise UserError(f"{run.path}: is complete to day {day:g}: there is nothing to resume{further}")
    _refuse_other_code(run, is_forced)


def _check_fork(run: RecordedRun, at_d: float, job: Job, is_forced: bool) -> None:
    """Refuse a fork that is not possible."""
    if run.committed_d is None or not 0 <= at_d <= run.committed_d + SAME_TIME_D:
        reached = "nothing was committed to it" if run.committed_d is None else f"it holds days 0 to {run.committed_d:g}"
        raise UserError(f"--at {at_d:g}: {run.path}: {reached}")
    _refuse_other_code(run, is_forced)
    refuse_another_past(run, job.as_run, at_d)
    if job.until_d is not None and job.until_d <= at_d:
        raise UserError(f"--until: day {job.until_d:g} is not after the fork, day {at_d:g}")
    if job.path.exists() and job.path.samefile(run.path):
        raise UserError(f"{job.path}: is the parent itself; choose another name")


def _refuse_other_code(run: RecordedRun, is_forced: bool) -> None:
    if run.is_of_first_version:
        raise UserError(f"{run.path}: {OF_FIRST_VERSION}")
    if run.code_version != model_version() and not is_forced:
        raise UserError(f"{run.path}: was made by other code, {run.code_version}; this is {model_version()}. What follows would not be "
                        "what that code would have computed; add --force to go on all the same")

"""Continuation: `resume` a run from its last commit, `fork` another future from the same past. Neither changes a byte of the results."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lesionlab.sim.measures.series import measure
from lesionlab.sim.model import TumourModel
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.record.files import is_in_use
from lesionlab.sim.record.reader import OF_FIRST_VERSION, SAME_TIME_D, Past, RecordedRun, opened, read_checkpoint, read_run
from lesionlab.sim.record.writer import Header, RecordWriter, hash_arrays
from lesionlab.sim.runs.job import STAMP
from lesionlab.sim.runs.simulation import (
    COMMIT_EVERY_D,
    OnProgress,
    describe_run,
    has_row,
    has_snapshots,
    provenance,
    quick,
    run_to_end,
    simulate,
)
from lesionlab.sim.runs.switching import refuse_another_past, with_washout
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.state.clock import Clock

Arrays = Mapping[str, np.ndarray]


def resume(path: Path | str, *, until_d: float | None = None, is_forced: bool = False,
           on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Go on from a record's last commit to the end, as if the run had never stopped; return what `simulate` returns.

    A run that stopped before its first commit begins anew.

    Args:
        until_d: another end than the run had, in days; a run that was complete goes further.
        is_forced: go on although other code began the run; the record says so.

    Raises:
        UserError: there is nothing to go on with, other code made the record, or it cannot be read or written.
    """
    run = read_run(path)
    check_resume(run, until_d, is_forced)
    end_d = run.until_d if until_d is None else until_d
    if run.committed_d is None:
        return simulate(run.scenario, path, replicate=run.replicate, until_d=end_d, is_quick=run.is_quick, is_forced=True,
                        on_progress=on_progress)
    # Not bound to a name: a section of millions of cells should not be in memory twice.
    model = TumourModel(run.scenario, run.replicate, end_d, COMMIT_EVERY_D, checkpoint=read_checkpoint(path)[1])
    past = _past(run, model.clock, is_same_run=True)
    with RecordWriter(path, _header_to_resume(run, end_d), is_forced=True, past=past) as writer:
        return run_to_end(model, writer, on_progress, past)


def fork(parent: Path | str, at_d: float, scenario: Scenario, path: Path | str, *, until_d: float | None = None,
         is_forced: bool = False, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Give a recorded run another future from the beginning of a day on; return what `simulate` returns.

    Where the parent kept no checkpoint of that day, its run is computed again from the one before, under its own scenario.

    Args:
        at_d: the day, a whole number; treatments on that day follow the new scenario.
        scenario: the future: the parent's lesions, seed, burn-in and step. A drug that it lacks and the body still holds
            is washed out: it stays in the new record's scenario without further doses.
        is_forced: replace an existing record, and go on although other code made the parent.

    Raises:
        UserError: the parent does not reach that day, the scenario does not fit, or a record cannot be read or written.
    """
    run = read_run(parent)
    chosen = check_fork(run, at_d, scenario, until_d, is_forced)
    if Path(path).exists() and Path(path).samefile(parent):
        raise UserError(f"{path}: is the parent itself; choose another name")
    arrays = _state_at(run, at_d)
    chosen = with_washout(chosen, run.scenario, arrays, at_d)
    model = TumourModel(chosen, run.replicate, until_d, COMMIT_EVERY_D, checkpoint=arrays)
    past = _past(run, model.clock, is_same_run=False)
    with RecordWriter(path, _header_to_fork(run, chosen, until_d, at_d, hash_arrays(arrays)), is_forced, past) as writer:
        return run_to_end(model, writer, on_progress, past)


def check_resume(run: RecordedRun, until_d: float | None, is_forced: bool) -> None:
    """Refuse, with a UserError, to go on where nothing is left to do, another run writes, or other code made the record."""
    day, calendar_d = run.committed_d, run.calendar_d
    if is_in_use(run.path):
        raise UserError(f"{run.path}: another program has it open, perhaps a run that still writes it; nothing was changed")
    if day is None and run.is_fork:
        raise UserError(f"{run.path}: nothing was committed to this fork, and its past is not in it: fork again with --force")
    if day is None:
        return
    if run.attributes["end_reason"] == "lethal burden":
        raise UserError(f"{run.path}: is complete: the burden was lethal on day {day:g}")
    end_d = run.until_d if until_d is None else until_d
    if day >= (calendar_d if end_d is None else min(end_d, calendar_d)) - SAME_TIME_D:
        further = f"; add --until DATE or DAYS to go further, at most to day {calendar_d:g}" if day < calendar_d - SAME_TIME_D else ""
        raise UserError(f"{run.path}: is complete to day {day:g}: there is nothing to resume{further}")
    _refuse_other_code(run, is_forced)


def check_fork(run: RecordedRun, at_d: float, scenario: Scenario, until_d: float | None, is_forced: bool) -> Scenario:
    """Return the scenario in the size of the recorded run; refuse, with a UserError, a fork that is not possible."""
    if run.committed_d is None or not 0 <= at_d <= run.committed_d + SAME_TIME_D:
        reached = "nothing was committed to it" if run.committed_d is None else f"it holds days 0 to {run.committed_d:g}"
        raise UserError(f"--at {at_d:g}: {run.path}: {reached}")
    _refuse_other_code(run, is_forced)
    chosen = quick(scenario) if run.is_quick else scenario
    refuse_another_past(run, chosen, at_d)
    if until_d is not None and until_d <= at_d:
        raise UserError(f"--until: day {until_d:g} is not after the fork, day {at_d:g}")
    return chosen


def _past(run: RecordedRun, clock: Clock, is_same_run: bool) -> Past:
    """Return what the writer takes over at the clock's time: what the record of an uninterrupted run would hold by then."""
    return Past(run.path, clock.t_h / 24.0, has_row(run.scenario, clock), has_snapshots(run.scenario, clock), is_same_run)


def _refuse_other_code(run: RecordedRun, is_forced: bool) -> None:
    if run.is_of_first_version:
        raise UserError(f"{run.path}: {OF_FIRST_VERSION}")
    if run.code_version != model_version() and not is_forced:
        raise UserError(f"{run.path}: was made by other code, {run.code_version}; this is {model_version()}. What follows would not be "
                        "what that code would have computed; add --force to go on all the same")


def _header_to_resume(run: RecordedRun, end_d: float | None) -> Header:
    """Return the header of the record as it was; if other code computes from here on, the header says so."""
    header = describe_run(run.scenario, run.replicate, run.is_quick, end_d)
    attributes = {name: value for name, value in run.attributes.items() if name != STAMP} | {"until_d": header.attributes["until_d"]}
    here = {"code_version": model_version(), "provenance": provenance()}
    last = run.later[-1] if run.later else run.attributes
    if any(str(last[name]) != value for name, value in here.items()):
        attributes["continued_with"] = json.dumps([*run.later, {"from_day": run.committed_d, **here}])
    return replace(header, attributes=attributes)


def _header_to_fork(run: RecordedRun, scenario: Scenario, until_d: float | None, at_d: float, state_sha256: str) -> Header:
    """Return the header of a record whose first part is that of another run."""
    header = describe_run(scenario, run.replicate, run.is_quick, until_d)
    name = str(run.path).encode("utf-8", "backslashreplace").decode()
    origin = {"parent_record": name, "parent_arm": run.attributes["arm"], "parent_scenario_yaml": run.scenario_yaml,
              "parent_state_sha256": run.attributes["state_sha256"], "fork_day": at_d, "fork_state_sha256": state_sha256}
    return replace(header, attributes={**header.attributes, **origin})


def _state_at(run: RecordedRun, at_d: float) -> Arrays:
    """Return the parent's state at the beginning of a day.

    Raises:
        UserError: there is no checkpoint before it, or the repeated run differs from the record.
    """
    time_d, arrays = read_checkpoint(run.path, at_d)
    if time_d >= at_d - SAME_TIME_D:
        return arrays
    model = TumourModel(run.scenario, run.replicate, None, COMMIT_EVERY_D, checkpoint=arrays)
    while model.running and model.time_d < at_d - SAME_TIME_D:
        model.step()
    _compare_with_row(run, model, at_d)
    return model.state.arrays() | {"clock.step": np.array(model.clock.step)}


def _compare_with_row(run: RecordedRun, model: TumourModel, at_d: float) -> None:
    """Refuse a repeated past that differs from the record, as it may on another machine; only days with a row can be compared."""
    with opened(run.path) as file:
        for index in np.flatnonzero(np.abs(file["time"][:] - at_d) < SAME_TIME_D):
            differing = [name for name, value in measure(model.state).items()
                         if name in file and not np.array_equal(file[name][index], np.array(value, float), equal_nan=True)]
            if differing:
                raise UserError(f"{run.path}: computed again to day {at_d:g}, its run comes out otherwise here, as in {differing[0]}: "
                                "other libraries or another processor; fork at a day of which it keeps the checkpoint")

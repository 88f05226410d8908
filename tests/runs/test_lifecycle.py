"""The life-cycle as a generator: it runs without a record, reports to reporters of one's own, and may be left between two steps."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lesionlab.sim.model import TumourModel
from lesionlab.sim.record.reader import hash_arrays, read_run
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.lifecycle import Life, begun, finish, model_of, resumed, simulate, steps
from lesionlab.sim.runs.reporters import Ending, Pictures, Progress, Reporter, Rows
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.state.clock import Clock
from tests.same_record import differences


@pytest.fixture
def job(treated: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The tiny arm, with an empty folder as the current one."""
    monkeypatch.chdir(tmp_path)
    return Job(treated, 0, Path("run.h5"))


def test_a_run_in_memory_has_the_rows_pictures_and_last_state_that_a_record_holds(job: Job) -> None:
    rows: dict[float, dict[str, Any]] = {}
    pictures: dict[tuple[str, float], tuple[Any, ...]] = {}

    def keep(lesion: str, day: float, *, cell_state: Any, t_cells: Any, vessels: Any, **_: Any) -> None:
        pictures[lesion, day] = (cell_state.copy(), t_cells.copy(), vessels.copy())

    ending = Ending()
    life = steps(model_of(job), [Rows(rows.__setitem__, 24.0), Pictures(keep, 24.0), ending])
    days = [step.day for step in life]
    assert os.listdir() == [], "nothing was written"
    assert days == pytest.approx(np.arange(-24, 73) / 24.0)
    assert ending.outcome == simulate(job.scenario, job.path)
    with h5py.File(job.path) as record:
        assert record.attrs["state_sha256"] == ending.outcome["state_sha256"]
        assert list(rows) == record["time"][:].tolist() == [0.0, 1.0, 2.0, 3.0]
        assert list(pictures) == [("neck", day) for day in record["snapshots/neck/snapshot_time"][:]]
        for index, row in enumerate(rows.values()):
            assert all(np.array_equal(record[name][index], np.array(value, float), equal_nan=True) for name, value in row.items())
        for index, made in enumerate(pictures.values()):
            kept = [record["snapshots/neck"][name][index] for name in ("cell_state", "t_cells", "vessels")]
            assert all(np.array_equal(one, other) for one, other in zip(made, kept, strict=True))


def test_a_run_without_reporters_writes_nothing_and_ends_in_the_same_state(job: Job) -> None:
    assert finish(steps(TumourModel(job.scenario)))["state_sha256"] == finish(steps(model_of(job)))["state_sha256"]
    assert os.listdir() == []


class Diameters(Reporter):
    """A reporter of one's own."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def due(self, clock: Clock) -> bool:
        return clock.is_due(36.0)

    def report(self, model: TumourModel) -> None:
        self.seen.append(24.0 * model.time_d)


def test_a_reporter_of_ones_own_is_called_when_it_is_due_and_at_the_end(job: Job) -> None:
    """Every 36 hours from day 0 on, none of which falls into the burn-in of a day; at 60 h the run stops."""
    mine = Diameters()
    finish(begun(Job(job.scenario, 0, job.path, 2.5), reporters=[mine]))
    assert mine.seen == [0.0, 36.0, 60.0]
    simulate(job.scenario, "other.h5", until_d=2.5)
    assert differences(job.path, Path("other.h5")) == []


@pytest.mark.parametrize("hours", [24, 31, 95])
def test_a_life_that_is_closed_half_way_leaves_a_record_that_goes_on_to_the_same_bytes(hours: int, job: Job) -> None:
    """After the burn-in of 24 hours, within a day, and one step before the end."""
    life = begun(job)
    for _, step in zip(range(hours + 1), life, strict=False):
        last_d = step.day
    life.close()
    run = read_run(job.path)
    assert (run.attributes["status"], run.committed_d) == ("interrupted", last_d) and last_d == (hours - 24) / 24.0
    finish(resumed(run))
    simulate(job.scenario, "whole.h5")
    assert differences(Path("whole.h5"), job.path) == [] and sorted(os.listdir()) == ["run.h5", "whole.h5"]


def test_a_life_that_is_closed_in_its_burn_in_begins_anew(job: Job) -> None:
    life = begun(job)
    assert [next(life).day, next(life).day] == pytest.approx([-1.0, -23.0 / 24.0])
    life.close()
    run = read_run(job.path)
    assert run.attributes["status"] == "interrupted" and run.committed_d is None
    assert finish(resumed(run))["days"] == 3.0


class Fails(Reporter):
    """Fails at a time, and keeps with what state it was closed."""

    closed: list[TumourModel | None]

    def __init__(self) -> None:
        self.closed = []

    def report(self, model: TumourModel) -> None:
        if model.time_d >= 0.5:
            raise RuntimeError("cannot be shown")

    def close(self, model: TumourModel | None) -> None:
        self.closed.append(model)


def test_a_failure_within_a_step_leaves_the_last_commit_and_says_why(job: Job) -> None:
    fails, seen = Fails(), list[float]()
    with pytest.raises(RuntimeError, match="cannot be shown"):
        finish(begun(job, reporters=[fails]), seen.append)
    run = read_run(job.path)
    assert (run.attributes["status"], run.committed_d) == ("failed: RuntimeError: cannot be shown", 0.0)
    assert fails.closed == [None] and seen == [0.0]


def test_nothing_is_computed_before_the_first_step(job: Job) -> None:
    life: Life = begun(job)
    assert os.listdir() == []
    life.close()
    assert os.listdir() == []


def test_progress_leaves_out_the_state_that_a_run_begins_with(job: Job) -> None:
    seen: list[float] = []
    model = TumourModel(job.scenario, until_d=2.0)
    life = steps(model, [Progress(seen.append)])
    assert next(life).day == 0.0 and seen == []
    end = finish(life)
    assert seen == [1.0, 2.0] and end["state_sha256"] == hash_arrays(model.checkpoint())

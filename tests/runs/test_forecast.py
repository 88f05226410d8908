"""The forecast before many runs: the median of some timed days, times the days to come, over the workers."""

from argparse import Namespace
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lesionlab.sim.cli import _runs as runs
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.lifecycle import Step
from lesionlab.sim.state.clock import Clock
from tests.fake_simulation import scenario


def options(**wishes: Any) -> Namespace:
    return Namespace(**({"engine": "serial", "workers": None} | wishes))


def timed(job: Job) -> Iterator[Step]:
    """Take half a day after half a day: a minute each whole one, and ten more for compiling on the third."""
    assert job.until_d == 12.0
    for half in range(2, 25):
        yield Step(half / 2, SimpleNamespace(clock=Clock(half, 12.0, 0)))  # type: ignore[arg-type]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time in which every look at the clock comes a minute after the last, the third eleven."""
    looks = count()
    monkeypatch.setattr(runs, "model_of", lambda job: job)
    monkeypatch.setattr(runs, "steps", timed)
    monkeypatch.setattr(runs.time, "monotonic", lambda: 60.0 * ((look := next(looks)) + 10 * (look > 2)))


@pytest.mark.usefixtures("clock")
def test_days_to_come_and_burn_in_are_counted_at_the_median_day(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [Job(scenario(), number, Path(f"{number}.h5"), 100.0) for number in range(8)]
    runs.announce(jobs, options())
    said = capsys.readouterr().err
    assert "8 runs to compute, 800 simulated days" in said and f"about {8 * (100 + 30)} minutes" in said


@pytest.mark.usefixtures("clock")
def test_few_runs_and_runs_on_a_cluster_are_not_timed(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [Job(scenario(), number, Path(f"{number}.h5"), 100.0) for number in range(8)]
    runs.announce(jobs[:7], options())
    runs.announce([], options())
    assert "minutes" not in capsys.readouterr().err

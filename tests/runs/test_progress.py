"""The board: how far runs are, and how long the rest takes at the pace of late."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lesionlab.sim.cli._runs import run_one
from lesionlab.sim.runs import progress
from lesionlab.sim.runs.engines import Outcome
from lesionlab.sim.runs.job import Job
from lesionlab.sim.runs.lifecycle import Life, Step, model_of
from lesionlab.sim.scenario.scenario import Scenario


def test_the_time_left_is_shown_at_the_pace_since_day_0_not_counting_the_burn_in(
        treated: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    job = Job(treated, 0, tmp_path / "run.h5")
    shown = progress.Board([job], io.StringIO())
    assert shown.left() == ""
    for now[0], day in ((1000.0, 0.5), (1010.0, 1.0)):
        shown.advance(job, day)
    assert shown.left() == ", about 40 s left at this pace"
    now[0] = 1500.0
    assert shown.left() == ", about 33 min left at this pace"


def test_days_of_the_burn_in_count_as_days_of_the_arm(treated: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs, one in its burn-in and one ended: the remaining time is reported at the pace so far."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    one, other = (Job(treated, replicate, tmp_path / f"{replicate}.h5") for replicate in (0, 1))
    shown = progress.Board([one, other], io.StringIO())
    length = treated.burn_in_d + 3.0
    for now[0], day in ((0.0, 1.0 - treated.burn_in_d), (10.0, 2.0 - treated.burn_in_d)):
        shown.advance(one, day)
    left = f"about {10.0 * (2.0 * length - 2.0):.0f} s left at this pace"
    assert shown.line() == f"0 of 2 runs ended, 2 of {2 * length:.0f} days, burn-in included, 10 s, {left}"
    shown.finish(Outcome(one))
    now[0] = 20.0
    shown.advance(other, 1.0 - treated.burn_in_d)
    assert shown.line().startswith(f"1 of 2 runs ended, {length + 1:.0f} of {2 * length:.0f} days")


def test_days_that_got_faster_or_slower_are_shown_at_their_own_pace(
        treated: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After days of a minute come days of a second: within two minutes the slow ones are forgotten."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    long = treated.model_copy(update={"burn_in_d": 0.0, "end": treated.start + timedelta(days=1000)})
    job = Job(long, 0, tmp_path / "run.h5")
    shown = progress.Board([job], io.StringIO())
    for day in range(401):
        now[0] += 60.0 if day <= 10 else 1.0
        shown.advance(job, float(day))
    assert shown.left() == ", about 10 min left at this pace"


@pytest.mark.parametrize(("day", "where"), [(None, ""), (-1.0, " in the burn-in"), (2.0, " after day 2")])
def test_a_stopped_run_that_wrote_nothing_says_where_and_how_to_begin_anew(
        treated: Scenario, tmp_path: Path, capsys: pytest.CaptureFixture[str], day: float | None, where: str) -> None:
    job = Job(treated, 0, tmp_path / "run.h5")

    def life() -> Life:
        model = model_of(job)
        yield Step(model.time_d, model)
        if day is not None:
            model.clock = replace(model.clock, step=model.step_of(day))
            yield Step(model.time_d, model)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_one(job, "off", life())
    assert f"stopped{where}; nothing was written; the same command begins anew\n" in capsys.readouterr().err

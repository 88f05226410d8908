"""The board: how far runs are, and how long the rest takes at the pace so far."""

import io
from pathlib import Path

import pytest

from sim.cli import board
from sim.jobs import Job
from sim.scenario import Scenario


def test_the_time_left_is_told_at_the_pace_since_day_0_not_counting_the_burn_in(
        treated: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(board.time, "monotonic", lambda: now[0])
    job = Job(treated, 0, tmp_path / "run.h5")
    shown = board.Board([job], io.StringIO())
    assert shown.left() == ""
    for now[0], day in ((1000.0, 0.5), (1010.0, 1.0)):
        shown.advance(job, day)
    assert shown.left() == ", about 40 s left"
    now[0] = 1500.0
    assert shown.left() == ", about 33 min left"


def test_the_burn_in_is_told_as_days_to_come_and_counts_in_the_time_left(
        treated: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(board.time, "monotonic", lambda: now[0])
    job = Job(treated, 0, tmp_path / "run.h5")
    shown = board.Board([job], io.StringIO())
    for now[0], day in ((0.0, -6.0), (30.0, -3.0)):
        shown.advance(job, day)
    # Six days are to come, three of the burn-in and three of the arm, at ten seconds each.
    assert shown.line() == "0 of 1 runs ended, tissue at rest in 3 more days, 30 s, about 60 s left"

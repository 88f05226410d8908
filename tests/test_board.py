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

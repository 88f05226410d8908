"""Bench: every figure has a name, a unit and a spread, shares add up, targets state their bounds; no test depends on speed."""

import json
import math
from argparse import Namespace
from collections import Counter

import pytest

from lesionlab.sim import bench
from lesionlab.sim.bench.figure import Effort, Figure, at_least, at_most, figure
from lesionlab.sim.bench.profile import timed
from lesionlab.sim.cli import bench as verb
from lesionlab.sim.processes import oxygen
from tests.made_state import clock_at, state_of

TINY = Effort(cells=500, repeats=1, days=0.25, large_cells=1000, is_whole=False)


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    seen: list[str] = []
    found = bench.bench(TINY, seen.append)
    assert len(seen) == 5
    return found


def test_every_figure_says_what_it_is_and_how_it_spreads(figures: list[Figure]) -> None:
    assert {made.group for made in figures} == {"machine", "kernels", "share of time", "runs", "one lesion"}
    measured = [made for made in figures if not math.isnan(made.value)]
    assert all(made.name and made.unit and made.low <= made.value <= made.high for made in measured)
    assert [made.name for made in figures if made not in measured] == [made.name for made in figures[-6:]]
    assert len({made.name for made in figures}) == len(figures)
    assert all((made.reached is None) == (made.target == "") for made in measured)


def test_the_shares_of_the_processes_add_up(figures: list[Figure]) -> None:
    shares = {made.name: made.value for made in figures if made.group == "share of time"}
    assert sum(shares.values()) == pytest.approx(100.0)
    assert {"oxygen", "displacement", "t_cell_motion and t_cell_killing", "all else"} <= set(shares)


def test_the_watch_is_taken_off_again() -> None:
    before, spent = oxygen.update, Counter[str]()
    with timed(spent):
        oxygen.update(state_of(), oxygen.Parameters(), clock_at())
    assert oxygen.update is before and spent["oxygen"] > 0.0


def test_targets_are_judged_by_the_median() -> None:
    made = figure("runs", "a run", [1.0, 9.0, 2.0], "s")
    assert (made.value, made.low, made.high) == (2.0, 1.0, 9.0)
    judged = at_most(made, 2.0, 1.0)
    assert (judged.reached, judged.target) == (True, "at most 2 s, reach for 1")
    assert at_most(made, 1.9).reached is False
    assert (at_least(made, 2.0).reached, at_least(made, 2.1).reached) == (True, False)


def test_the_verb_prints_a_table_or_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made = [at_most(figure("runs", "a run", [1.0], "s"), 2.0), figure("machine", "copy", [10.0], "GB/s")]
    left_out = at_most(figure("runs", "a long run", [math.nan], "s"), 2.0)
    monkeypatch.setattr(verb, "bench", lambda effort, tell: [*made, left_out])
    assert verb.execute(Namespace(quick=False, full_size=False, json=False)) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == list(verb.HEADINGS) and table[1].endswith("at most 2 s  reached")
    assert table[3].endswith("at most 2 s  not measured")
    assert verb.execute(Namespace(quick=False, full_size=False, json=True)) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [Figure(**row) for row in rows[:2]] == made and rows[2]["value"] is None and rows[2]["target"] == "at most 2 s"
    assert verb.execute(Namespace(quick=True, full_size=False, json=True)) == 0
    assert not any(row["target"] or row["reached"] for row in json.loads(capsys.readouterr().out)), "no target is meant for small sections"

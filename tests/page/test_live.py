"""A run that is watched: days come in turn, a fork keeps the past and its parent keeps the future, nothing is written."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlab.analysis.figures.sections import View
from lesionlab.analysis.records.record import load, load_snapshots
from lesionlab.sim.page.layers import T_CELL_AT
from lesionlab.sim.page.live import Live, LiveArm, changed, t_cell_codes
from lesionlab.sim.page.packing import inflated
from lesionlab.sim.page.sections import pictures
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.scenario.scenario import Scenario

PATIENCE_S = 600.0
GIVE = {"arm": "tiny", "change": "radiotherapy", "lesion": "neck", "fractions": 1, "dose_gy": 8}


def _until(condition: Any) -> None:
    started_s = time.monotonic()
    while not condition():
        assert time.monotonic() - started_s < PATIENCE_S
        time.sleep(0.02)


@pytest.fixture
def live(untreated: Scenario) -> Any:
    watched = Live(untreated)
    watched.is_running = False
    watched.start()
    yield watched
    watched.close()


def _to_day(live: Live, day: float) -> None:
    while not live.arms[0].days or live.arms[0].days[-1] < day:
        n = live.arms[0].n_steps
        live.answer("step", {})
        _until(lambda n=n: live.arms[0].n_steps > n and not live.days_asked)


def test_what_is_watched_is_what_a_record_holds(untreated: Scenario, tmp_path: Path) -> None:
    simulate(untreated, tmp_path / "run.h5")
    arm = LiveArm("tiny", "Tiny", untreated)
    while arm.is_running:
        arm.advance()
    record, own = load(tmp_path / "run.h5"), arm.record()
    assert np.array_equal(own.time_d, record.time_d)
    for name in ("clonogens", "longest_diameter_cm", "t_cells_per_mm2"):
        assert np.array_equal(own.series[name], record.series[name], equal_nan=True)
    taken = load_snapshots(tmp_path / "run.h5", "neck")
    height, width = taken.cell_state.shape[2:]
    shown = np.stack([picture.planes["sites"] for picture in arm.pictures["neck"]])
    assert shown.shape == (len(taken.time_d), height, width)
    expected = pictures(taken, View(slice(0, height), slice(0, width)), "sites", 1)
    assert np.array_equal(shown & 31, expected & 31)
    assert np.array_equal(shown >> T_CELL_AT > 0, expected >> T_CELL_AT > 0)


def test_every_site_with_a_t_cell_has_a_kind(untreated: Scenario) -> None:
    arm = LiveArm("tiny", "Tiny", untreated)
    arm.advance()
    tissue = arm.model.state.tissues[0]
    assert np.array_equal(t_cell_codes(tissue) > 0, tissue.t_count > 0)


def test_a_fork_has_the_past_of_its_parent_and_a_future_of_its_own(live: Live) -> None:
    _to_day(live, 1)
    assert live.answer("fork", GIVE) == {"arm": "tiny_1"}
    live.answer("run", {})
    _until(lambda: live.data()["live"]["is_over"])
    parent, fork = live.arms
    assert fork.days == parent.days == [0, 1, 2, 3]
    assert all(np.array_equal(mine.planes["sites"], own.planes["sites"])
               for mine, own in zip(fork.pictures["neck"][:2], parent.pictures["neck"][:2], strict=True))
    left, right = (arm.record().series["clonogens"][-1, 0] for arm in (fork, parent))
    assert left < 0.5 * right
    data = live.data()
    assert [arm["label"] for arm in data["arms"]] == ["Tiny", "Tiny, day 1: + 1 × 8 Gy"]
    assert any(line["detail"].startswith("1 × 8 Gy") and line["arms"] == ["tiny_1"] for line in data["calendar"])
    shape = data["arms"][1]["sections"]["neck"]["planes"]["sites"]
    sent = inflated(live.chunk("tiny_1", "neck", "sites", 3), shape["height"], shape["width"])
    assert np.array_equal(sent[0], fork.pictures["neck"][3].planes["sites"])


def test_the_parent_is_as_if_it_had_never_been_forked(live: Live, untreated: Scenario) -> None:
    _to_day(live, 1)
    live.answer("fork", GIVE)
    live.answer("run", {})
    _until(lambda: live.data()["live"]["is_over"])
    alone = LiveArm("tiny", "Tiny", untreated)
    while alone.is_running:
        alone.advance()
    assert np.array_equal(alone.record().series["clonogens"], live.arms[0].record().series["clonogens"])


def test_commands_that_make_no_sense_are_refused(live: Live) -> None:
    _to_day(live, 0)
    for content, message in (({"arm": "tiny"}, "choose what to change"), ({"arm": "other", "change": "stop"}, "no future to change"),
                             ({**GIVE, "lesion": "toe"}, "no lesion is called 'toe'"), ({**GIVE, "dose_gy": -1}, "must be greater than 0")):
        with pytest.raises(ValueError, match=message):
            live.answer("fork", content)
    with pytest.raises(LookupError):
        live.answer("delete", {})
    assert len(live.arms) == 1


def test_every_kind_of_change_makes_another_future(treated: Scenario) -> None:
    given = changed(treated, {"change": "drug", "drug": "pembrolizumab", "dose_mg": "200", "interval_d": "21"}, 1.0)
    assert given[0] == "+ pembrolizumab" and given[1].drugs["pembrolizumab"].dose_mg == 200
    assert "toripalimab" not in changed(treated, {"change": "stop", "drug": "toripalimab"}, 1.0)[1].drugs
    assert changed(treated, {"change": "switch", "mechanism": "chemotaxis"}, 1.0)[1].mechanisms["chemotaxis"] is False
    assert len(changed(treated, GIVE, 1.0)[1].radiotherapy) == len(treated.radiotherapy) + 1
    with pytest.raises(UserError, match="chemotaxes"):
        changed(treated, {"change": "switch", "mechanism": "chemotaxes"}, 1.0)

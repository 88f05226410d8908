"""The search for defaults: points stay in their box, the distance is that of the anchors, and no combination is chosen by."""

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import scenario_folder
from lesionlab.sim.studies import choice
from lesionlab.sim.studies.choice import Anchor, Point, Search, distance, points_of, read_anchors
from lesionlab.sim.studies.population import FreeParameter
from lesionlab.sim.studies.screen import Plan
from tests.studies.tiny_screen import write

BOX = {"a.x": FreeParameter(low=0.1, high=10.0, is_log=True), "b.y": FreeParameter(low=-1.0, high=1.0)}
ANCHORS = {"pd1": Anchor(quantity="anti_pd1.response", what="responds", value=0.2, low=0.1, high=0.3, use="choose", source="made up"),
           "harm": Anchor(quantity="anlotinib.worse", what="worse", low=0.0, high=0.1, use="choose", source="made up"),
           "both": Anchor(quantity="both.response", what="responds", value=0.5, low=0.3, high=0.7, use="report", source="made up")}


def test_the_distance_is_the_mean_square_in_halves_of_the_interval() -> None:
    # (0.35 - 0.2) / 0.1 = 1.5; limits alone count from the nearer one: (0.2 - 0.1) / 0.05 = 2; both drugs do not count.
    assert distance(ANCHORS, {"anti_pd1.response": 0.35, "anlotinib.worse": 0.2}) == pytest.approx((1.5**2 + 2.0**2) / 2)
    assert distance(ANCHORS, {"anti_pd1.response": 0.2, "anlotinib.worse": 0.05, "both.response": 0.0}) == 0.0
    assert distance(ANCHORS, {"anti_pd1.response": 0.2}) == math.inf


def test_points_fill_the_box_and_are_the_same_each_time() -> None:
    points = points_of(BOX, 16, 3)
    values = [{path: float(value) for path, value in (setting.split("=") for setting in point)} for point in points]
    assert points == points_of(BOX, 16, 3) and points != points_of(BOX, 16, 4)
    assert all(0.1 <= value["a.x"] <= 10.0 and -1.0 <= value["b.y"] <= 1.0 for value in values)
    # Sixteen points of a Sobol sequence: eight in each half of each axis, the logarithmic one halved at 1.
    assert sum(value["a.x"] < 1.0 for value in values) == 8 and sum(value["b.y"] < 0.0 for value in values) == 8


def test_a_later_round_sees_the_best_of_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(self: Search, settings: tuple[str, ...], n: int, tell: object = None) -> Point:
        x = abs(math.log(float(settings[0].split("=")[1])))
        # On few patients the point farthest from x = 1 looks best; on many the truth shows.
        return Point(settings, n, {}, x if n > 4 else 9.0 - x)

    monkeypatch.setattr(Search, "judge", judge)
    found = Search(Plan(*write(tmp_path)), tmp_path, ANCHORS, lambda folder: {}, lambda sizes: False).run(BOX, ((8, 4), (3, 12)), 3)
    assert [point.n for point in found] == [12] * 3 + [4] * 5
    assert found[0].distance == min(point.distance for point in found[:3])
    assert (tmp_path / choice.RESULT).exists()


def test_a_search_runs_either_drug_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Plan] = []
    monkeypatch.setattr(choice, "compute", lambda plan, *rest: seen.append(plan))

    def simulated(folder: Path) -> Mapping[str, float]:
        return {"anti_pd1.response": 0.2, "anlotinib.worse": 0.1}

    point = Search(Plan(*write(tmp_path)), tmp_path, ANCHORS, simulated, lambda sizes: False).judge(("a.x=1",), 5)
    assert point == Point(("a.x=1",), 5, {"anti_pd1.response": 0.2, "anlotinib.worse": 0.1}, 0.0)
    assert seen[0].arms == ("anlotinib", "anti_pd1") and seen[0].is_brief and seen[0].settings == ("a.x=1",)


def test_the_anchors_that_come_with_lesionlab_choose_by_either_drug_alone() -> None:
    anchors = read_anchors(scenario_folder() / "populations" / "atc_anchors.yaml").anchors
    assert {anchor.quantity.split(".")[0] for anchor in anchors.values() if anchor.use == "choose"} == {"anti_pd1", "anlotinib"}
    # 8 of 42 and 14 of 27, exact intervals.
    assert (anchors["anti_pd1_response"].low, anchors["both_response"].high) == (0.086, 0.713)


def test_choosing_by_a_combination_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "made_anchors.yaml"
    anchor = "{quantity: both.response, what: w, value: 0.5, low: 0.3, high: 0.7, use: choose, source: s}"
    file.write_text(f"schema: 1\ntitle: made\nanchors:\n  x: {anchor}\n")
    with pytest.raises(UserError, match=r"made_anchors\.yaml:4:.*either drug alone"):
        read_anchors(file)

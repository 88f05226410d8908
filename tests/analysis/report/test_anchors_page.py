"""The page of anchors: verdicts follow the intervals, a miss stands there with its reading, the dead count as the largest."""

import math
from functools import cache
from typing import NamedTuple

import pytest

from lesionlab.analysis.comparison.screening import Value, clopper_pearson
from lesionlab.analysis.report.anchors_page import Findings, growth_rows, page, rules_rows, verdict_of
from tests.analysis.comparison.test_screening import answers


class Anchor(NamedTuple):
    quantity: str
    what: str
    value: float | None
    low: float
    high: float
    use: str
    source: str


class Grown(NamedTuple):
    lesion: str
    size_cm: float
    exponent: float
    replicate: int
    death_d: float
    diameter_d0_cm: float
    diameter_d60_cm: float


ANCHORS = {
    "inside": Anchor("anti_pd1.response", "anti-PD-1 alone: respond", 0.19, 0.086, 0.341, "choose", "made up"),
    "missed": Anchor("anlotinib.shrank", "inhibitor alone: any shrinkage", 0.82, 0.66, 0.93, "choose", "made up"),
    "absent": Anchor("anlotinib.unknown", "nothing", None, 0.0, 0.1, "report", "made up"),
}
SIZES = {0.0: (9.0, 11.0, math.nan), 0.17: (8.0, 8.5, 9.5)}
GROWTH = [*(Grown("tumour", 5.0, exponent, replicate, math.nan, 5.0, size) for exponent, sizes in SIZES.items()
            for replicate, size in enumerate(sizes)), *(Grown("node", 8.3, 0.0, replicate, 50.0, 8.3, math.nan) for replicate in range(3))]


@cache
def findings() -> Findings:
    readings = {"missed": "pruning is too weak"}
    return Findings(answers(), {"without the lock": answers()}, ANCHORS, GROWTH, "node", [], readings, "lesionlab screen", "0.0")


def test_a_verdict_follows_the_intervals() -> None:
    anchor = ANCHORS["inside"]
    values = (clopper_pearson(4, 20), clopper_pearson(0, 20), clopper_pearson(20, 20), Value(0.4, 0.3, 0.5, 9))
    assert [verdict_of(anchor, value) for value in values] == ["inside", "near", "miss", "near"]


def test_a_miss_is_shown_with_its_reading() -> None:
    text = page(findings())
    assert "| inhibitor alone: any shrinkage | 82 % [66 to 93] | 2 of 20 = 10 % [1 to 32] | choose | miss |" in text
    assert "- inhibitor alone: any shrinkage: pruning is too weak." in text
    assert "| nothing | 0 to 10 % |  | report | not simulated |" in text
    assert "Illustrative, not for clinical use" in text and "20 accepted patients of 21 drawn" in text


def test_the_screen_stands_with_and_without_the_lock() -> None:
    text = page(findings())
    for label in ("all rules", "without the lock"):
        assert f"| {label} | both | 10 of 20 = 50 % [27 to 73] |" in text
    assert text.count("paired difference +30.0 points") == 2


def test_rules_are_compared_on_the_patients_that_all_screens_share() -> None:
    whole = answers()
    few = whole.among(whole.patients[:12])
    _, one, other = rules_rows({"all rules": whole, "without the lock": few})
    assert one[1:] == other[1:] and one[1] == "12"
    assert rules_rows({"all rules": whole})[1][2:] != one[2:], "the patients make the difference"
    text = page(findings())
    assert "| without the lock | 20 |" in text
    assert "- without the lock: over independent action " in text and "With b = 0 the demand is missed." in text


def test_the_dead_count_as_the_largest() -> None:
    rows = growth_rows(GROWTH, "tumour")
    assert rows == [["size on day 0", "b = 0", "b = 0.17"], ["5 cm", "11.0 cm (9.0 to 11.0, 1 died before)", "8.5 cm (8.0 to 9.5)"]]
    assert growth_rows(GROWTH, "node") == [["size on day 0", "b = 0"], ["8.3 cm", "3 of 3 died before day 60"]]


def test_points_of_the_search_stand_on_the_page_chosen_first() -> None:
    class Point(NamedTuple):
        settings: tuple[str, ...]
        n: int
        simulated: dict[str, float]
        distance: float

    points = [Point(("vessels.pruning_per_d=0.12",), 40, {"anti_pd1.response": 0.2, "anlotinib.shrank": 0.5}, 1.25)]
    text = page(findings()._replace(points=points))
    assert "| pruning_per_d | patients | anti_pd1.response | anlotinib.shrank | distance |" in text
    assert "| 0.12 | 40 | 20 % | 50 % | 1.25 |" in text
    assert "no arm with both was run" in text and "no arm with both was run" not in page(findings())


@pytest.mark.parametrize("what", ["## Against the report", "## The screen", "## Untreated growth by size", "## The node of the case"])
def test_every_part_is_there(what: str) -> None:
    assert what in page(findings())

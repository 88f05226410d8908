"""What arms say together: the whole way from records to summary.json, figures and report, without and with a factorial."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lesionlab.analysis.comparison.comparison import Comparison, compare
from lesionlab.analysis.comparison.findings import Findings, find
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.findings import findings_figures
from lesionlab.analysis.records.record import Record, load
from lesionlab.analysis.report.report import Pictures, write_report
from lesionlab.analysis.report.summary import write
from lesionlab.analysis.report.tables import tables
from tests.made_record import make_record

PARTS = ("radiotherapy", "anti_pd1", "anlotinib")
ARMS = ("combined", "untreated", *("_".join(names) for size in (1, 2) for names in combinations(PARTS, size)))
WALKS = {outcome: [[("", 0.1), ("memory", 0.6), ("chemotaxis", 1.1)]] * 5 for outcome in ("kill", "synergy")}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """A factorial of made-up arms, five replicates each, a year and a half."""
    folder = tmp_path_factory.mktemp("factorial")
    paths = [make_record(folder / f"{arm}_r{replicate}.h5", arm, replicate=replicate, every_d=30.0, end_d=560.0, snapshot_every_d=600.0)
             for arm in ARMS for replicate in range(5)]
    return [load(path) for path in paths]


@pytest.fixture(scope="module")
def comparison(records: list[Record]) -> Comparison:
    return compare(records)


@pytest.fixture(scope="module")
def findings(comparison: Comparison) -> Findings:
    return find(comparison, walks=WALKS)


def seen(comparison: Comparison, findings: Findings, folder: Path) -> dict[str, Any]:
    write(comparison, findings, folder)
    text = (folder / "summary.json").read_text()
    result: dict[str, Any] = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    return result


def numbers(node: Any) -> list[float]:
    """Return every number of nested data."""
    if isinstance(node, dict | list):
        return [number for below in (node.values() if isinstance(node, dict) else node) for number in numbers(below)]
    return [float(node)] if isinstance(node, int | float) and not isinstance(node, bool) else []


def test_the_stated_day_is_six_weeks_unless_another_is_given(comparison: Comparison, findings: Findings) -> None:
    assert findings.day_d == 42.0 and find(comparison, 100.0).day_d == 100.0


def test_every_arm_is_set_against_the_first_and_the_untreated(findings: Findings) -> None:
    pairs = {(found.arm, found.reference) for found in findings.differences}
    assert pairs == {(arm, "combined") for arm in ARMS[1:]} | {(arm, "untreated") for arm in ARMS if arm != "untreated"}
    mirrored = {(one.quantity, one.arm): one.value.mean for one in findings.differences
                if {one.arm, one.reference} == {"combined", "untreated"}}
    assert mirrored["death", "combined"] == pytest.approx(-mirrored["death", "untreated"]) and mirrored["death", "combined"] >= 0


def test_shares_of_the_treatments_sum_to_the_kill_on_the_stated_day(findings: Findings) -> None:
    assert findings.attribution is not None and findings.attribution.treatments is not None
    shares = findings.attribution.treatments
    assert sum(share.mean for share in shares.players.values()) == pytest.approx(shares.whole.mean) and shares.whole.n == 5
    kill = next(-one.value.mean for one in findings.differences
                if (one.quantity, one.arm, one.reference) == ("log10_clonogens", "combined", "untreated"))
    assert shares.whole.mean == pytest.approx(kill)


def test_the_whole_factorial_has_all_excesses_and_contrasts(findings: Findings) -> None:
    assert findings.synergy is not None
    assert {len(key[3]) for key in findings.synergy.excesses} == {2, 3} and len(findings.synergy.delays) == 4 * 2
    assert len({chosen for _, chosen in findings.synergy.contrasts}) == 7
    assert {lesion for lesion, _ in findings.synergy.contrasts} == {"", "neck", "mediastinum", "pelvis"}


def test_the_summary_holds_every_number_that_the_tables_show(comparison: Comparison, findings: Findings, tmp_path: Path) -> None:
    known = np.array(numbers(seen(comparison, findings, tmp_path)))
    missing = []
    for table in tables(comparison, findings):
        for cell in (cell for row in table.rows for cell in row[table.n_left:]):
            for shown in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", cell.replace("< 0.001", "")):
                digits = len(shown.partition(".")[2]) if "e" not in shown else None
                is_there = np.isclose(known, float(shown), rtol=0.06, atol=0) if digits is None else (
                    np.abs(known - float(shown)) <= 0.5000001 * 10.0**-digits)
                missing += [] if is_there.any() else [(table.title, shown)]
    assert missing == []


def test_every_estimate_has_unit_n_and_interval(comparison: Comparison, findings: Findings, tmp_path: Path) -> None:
    summary = seen(comparison, findings, tmp_path)
    shares = [summary["attribution"][players]["kill"]["shares"].values() for players in ("treatments", "couplings")]
    estimates = [*summary["differences"], *summary["synergy"]["excess"], *summary["synergy"]["interactions"], *shares[0], *shares[1]]
    assert len(estimates) > 100
    assert all({"unit", "n", "mean", "low", "high"} <= set(one) for one in estimates)
    assert all(one["low"] is not None for one in estimates if one["n"] >= 4)
    assert summary["deaths"]["arms"]["combined"]["neck"]["radiation"]["n"] == 5
    assert summary["calendar"] and summary["stated_day_d"] == 42.0


def test_figures_are_slides_with_the_disclaimer_and_captions_with_n_and_seed(findings: Findings, records: list[Record],
                                                                             tmp_path: Path) -> None:
    drawn = findings_figures(findings, records, tmp_path)
    assert [figure.path.stem for figure in drawn] == ["survival", "differences", "synergy", "interactions", "attribution"]
    for figure in drawn:
        with Image.open(figure.path) as image:
            assert image.width == style.SLIDE_PIXELS[0] and image.text["Disclaimer"] == style.DISCLAIMER  # type: ignore[attr-defined]
        assert "n = 5 per arm, seed 20210706" in figure.caption


def test_the_report_shows_every_table_and_figure(comparison: Comparison, findings: Findings, records: list[Record], tmp_path: Path) -> None:
    drawn = findings_figures(findings, records, tmp_path)
    page = write_report(records, comparison, findings, Pictures(drawn, (), None), tmp_path, "lesionlab compare").read_text(encoding="utf-8")
    assert all(f"<h3>{table.title}</h3>" in page for table in tables(comparison, findings))
    assert page.count("data:image/png;base64,") == 5 and "stated before anything ran: day 42 (2021-08-17)" in page


def test_where_an_arm_had_ended_by_the_stated_day_nothing_is_made_up(comparison: Comparison, records: list[Record], tmp_path: Path) -> None:
    late = find(comparison, 500.0)
    assert late.attribution is not None and late.attribution.treatments is not None and late.attribution.treatments.whole.n == 0
    assert next(one.value.n for one in late.differences if (one.quantity, one.arm) == ("log10_clonogens", "untreated")) == 0
    shown = next(table for table in tables(comparison, late) if table.title == "Synergy on day 500")
    assert {cell for row in shown.rows if row[0].startswith("sum") for cell in row[3:]} == {"–; n 0"}
    assert len(findings_figures(late, records, tmp_path)) == 5


def test_arms_without_a_replicate_in_common_are_no_factorial(records: list[Record]) -> None:
    apart = [record for record in records if (record.attributes["arm"] == "untreated") == (record.attributes["replicate"] == 0)]
    assert find(compare(apart)).synergy is None


def test_one_replicate_or_no_factorial_leaves_out_what_cannot_be_said(records: list[Record], tmp_path: Path) -> None:
    alone = [record for record in records if record.attributes["replicate"] == 0]
    single = compare(alone)
    found = find(single)
    assert [figure.path.stem for figure in findings_figures(found, alone, tmp_path)] == ["synergy", "interactions", "attribution"]
    assert all(np.isnan(one.value.low) for one in found.differences)
    two = compare([record for record in alone if record.attributes["arm"] in ("combined", "untreated")])
    assert find(two).synergy is None and find(two).attribution is None
    assert seen(two, find(two), tmp_path)["synergy"] is None
    assert findings_figures(find(compare(alone[:1])), alone[:1], tmp_path / "one") == []
    assert tables(two, find(two))[0].title == "Time to progression and survival"

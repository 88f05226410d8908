"""Report against model on made-up runs: each quantity, each verdict, losses, and what is written."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlab.analysis.clinical.outcome import Outcome, read_outcome
from lesionlab.analysis.clinical.reported import Found, find, findings, mean_losses
from lesionlab.analysis.comparison.case_table import CaseTable, case_table, plain, reported_text, shown, statement
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, load
from lesionlab.analysis.report.case_files import case_section, write_case
from tests.made_record import LETHAL_CELLS, SCANS_D, make_record

FIRST = "2021-09-10"
ROW: dict[str, Any] = {"date": FIRST, "lesion": "neck", "bound": "about", "reading": "report", "arm": "combined", "status": "fitted"}
CALIBRATION = """radiobiology: {alpha_per_gy: 0.3}
lesions: {pelvis: {size_cm: [4.5, 3]}}
calibration: {date: 2021-01-01, trials: 40, is_quick: true, values: {
  radiobiology.alpha_per_gy: {value: 0.2, low: 0.15, high: 0.35, kind: free},
  lesions.pelvis.size_cm: {value: 4.5, low: 1, high: 6, kind: nuisance}}}
"""


def scenario(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a scenario that reports these rows; dates are dates, not text."""
    lines = "".join(f"  {name}: {json.dumps(ROW | dict(row))}\n" for name, row in rows.items())
    return "reported:\n" + re.sub(r'"(\d{4}-\d\d-\d\d)"', r"\1", lines)


def run(path: Path, rows: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, Sequence[float]] | None = None, arm: str = "combined", *,
        replicate: int = 0, end_d: float = 1333.0) -> Record:
    """Return a record with rows on the scan days, one size in cm for each; a lesion left out keeps 1 cm, the last size is repeated."""
    days = np.unique([*(day for day in SCANS_D if day <= end_d), end_d])
    table = np.ones((len(days), 4))
    for column, lesion in enumerate(("neck", "mediastinum", "pelvis", "liver")):
        given = list((sizes or {}).get(lesion, [1.0]))
        table[:, column] = (given + [given[-1]] * len(days))[:len(days)]
    make_record(path, arm, replicate=replicate, every_d=10000.0, end_d=end_d, sizes_cm=table)
    return replace(load(path), scenario_yaml=scenario(rows))


def one(path: Path, row: Mapping[str, Any], sizes: Mapping[str, Sequence[float]] | None = None, **options: Any) -> tuple[Found, Outcome]:
    outcome = read_outcome(run(path, {"it": row}, sizes, **options))
    [finding] = findings(outcome.record)
    return find(finding, outcome), outcome


@pytest.mark.parametrize(("row", "value", "misfit"), [
    ({"quantity": "longest_diameter_cm", "value": 8, "tolerance": 2}, 6.0, -1.0),
    ({"quantity": "short_axis_cm", "value": 3.6, "tolerance": 1}, 3.6, 0.0),
    ({"quantity": "longest_diameter_change_percent", "value": -36, "tolerance": 4}, -40.0, -1.0),
    ({"quantity": "longest_diameter_change_percent", "value": -50, "tolerance": 5, "bound": "at_most"}, -40.0, 2.0),
    ({"quantity": "longest_diameter_change_percent", "value": -30, "tolerance": 5, "bound": "at_most"}, -40.0, 0.0),
    ({"quantity": "longest_diameter_cm", "value": 7, "tolerance": 0.5, "bound": "at_least"}, 6.0, -2.0),
    ({"date": "2021-11-15", "quantity": "longest_diameter_change_percent", "value": 0, "tolerance": 10, "since": FIRST}, 50.0, 5.0),
    ({"quantity": "response", "value": "PR"}, "PR", 0.0),
    ({"quantity": "response", "value": "CR"}, "PR", 2.0),
    ({"date": "2021-11-15", "quantity": "response", "value": "SD"}, "PD", 2.0),
    ({"date": "2025-02-15", "quantity": "control", "value": 0.8, "bound": "at_least"}, 0.0, -3.8),
    ({"quantity": "control", "value": 0.8, "bound": "at_least"}, 1.0, 0.0),
    ({"date": "2025-02-15", "lesion": "pelvis", "quantity": "control", "value": 0.2, "bound": "at_most"}, 1.0, 2.0),
])
def test_each_quantity_is_read_from_the_record_and_its_misfit_is_in_tolerances(tmp_path: Path, row: dict[str, Any], value: float | str,
                                                                               misfit: float) -> None:
    found, _ = one(tmp_path / "a.h5", row, {"neck": [10.0, 6.0, 9.0]})
    assert found.value == (pytest.approx(value) if isinstance(value, float) else value)
    assert found.misfit == pytest.approx(misfit)


def test_progression_is_compared_in_months_and_must_come_from_the_lesion_that_was_named(tmp_path: Path) -> None:
    sizes = {"neck": [10.0, 6.0], "liver": [0.1] * 6 + [1.5]}
    row = {"date": "2025-02-15", "lesion": "liver", "quantity": "progression_months", "value": 33.3, "tolerance": 3}
    found, outcome = one(tmp_path / "a.h5", row, sizes)
    assert found.value == pytest.approx(1014 / 30.44) and found.cause == "new lesion: liver" and abs(found.misfit) < 0.01
    [finding] = findings(outcome.record)
    other = find(replace(finding, lesion="pelvis"), outcome)
    assert abs(other.misfit) == 2.0
    assert find(replace(finding, lesion="patient"), outcome).misfit == found.misfit
    never, _ = one(tmp_path / "b.h5", row, {"neck": [10.0, 6.0]})
    assert never.value == np.inf and never.misfit == pytest.approx((1333 / 30.44 - 33.3) / 3)


def test_the_strict_reading_finds_the_pelvis_in_september(tmp_path: Path) -> None:
    row = {"lesion": "pelvis", "quantity": "progression_months", "value": 2.2, "tolerance": 0.5, "reading": "strict"}
    found, _ = one(tmp_path / "a.h5", row, {"neck": [10.0, 6.0], "pelvis": [3.0, 8.5]})
    assert found.value == pytest.approx(66 / 30.44) and found.cause == "new lesion: pelvis" and abs(found.misfit) < 0.1


def test_local_control_is_of_irradiated_sites_from_the_scan_before_the_course(tmp_path: Path) -> None:
    row = {"date": "2025-02-15", "quantity": "local_control", "value": 0.8, "bound": "at_least", "lesion": "patient"}
    assert one(tmp_path / "a.h5", row, {"neck": [10.0, 6.0], "pelvis": [3.0, 8.5, 8.6]})[0].value == 1.0
    assert one(tmp_path / "b.h5", row, {"neck": [10.0, 6.0], "pelvis": [3.0, 8.5, 8.6, 11.0]})[0].value == 0.0
    assert one(tmp_path / "c.h5", row | {"lesion": "neck"}, {"neck": [10.0, 6.0], "pelvis": [3.0, 8.5, 8.6, 11.0]})[0].value == 1.0


def test_death_before_the_day_costs_the_more_the_earlier_and_a_run_that_stopped_before_says_nothing(tmp_path: Path) -> None:
    row = {"date": "2025-02-15", "quantity": "longest_diameter_cm", "value": 8, "tolerance": 2}
    lethal_cm = 1.01 * (LETHAL_CELLS / (1e8 * np.pi / 6 * 0.6)) ** (1 / 3)
    early, late = (one(tmp_path / f"{n}.h5", row, {"neck": [10.0] * n + [lethal_cm]})[0] for n in (1, 6))
    assert early.value is None and not early.is_lived and early.loss > late.loss > 9.0
    unknown, outcome = one(tmp_path / "c.h5", row, end_d=66.0)
    assert unknown.value is None and unknown.is_lived and np.isnan(unknown.misfit) and mean_losses([outcome]) == {}


def test_the_loss_is_smooth_square_up_to_three_tolerances_linear_beyond_and_finite() -> None:
    losses = [Found(1.0, misfit).loss for misfit in (0.0, -2.0, 3.0, 3.001, 5.0, np.inf)]
    assert losses == pytest.approx([0.0, 4.0, 9.0, 9.006, 21.0, 51.0])


def test_losses_are_means_over_the_runs_of_this_arm_only(tmp_path: Path) -> None:
    rows = {"mine": {"quantity": "longest_diameter_cm", "value": 8, "tolerance": 2},
            "of_others": {"quantity": "longest_diameter_cm", "value": 8, "tolerance": 2, "arm": "untreated"}}
    outcomes = [read_outcome(run(tmp_path / f"{k}.h5", rows, {"neck": [10.0, size]}, replicate=k)) for k, size in enumerate((8.0, 4.0))]
    assert mean_losses(outcomes) == {"mine": pytest.approx((0 + 4) / 2)}
    stopped = read_outcome(run(tmp_path / "stopped.h5", rows, replicate=3, end_d=30.0))
    assert mean_losses([*outcomes, stopped]) == {}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Four runs of the combined arm that differ, one untreated."""
    folder = tmp_path_factory.mktemp("case")
    rows = {
        "size": {"quantity": "longest_diameter_cm", "value": 6.5, "tolerance": 1},
        "answer": {"quantity": "response", "value": "PR"},
        "held": {"date": "2025-02-15", "quantity": "control", "value": 0.8, "bound": "at_least", "status": "predicted", "note": "well"},
        "by_liver": {"date": "2025-02-15", "lesion": "liver", "quantity": "progression_months", "value": 33.3, "tolerance": 3},
        "alone": {"quantity": "longest_diameter_cm", "value": 12, "tolerance": 1, "arm": "untreated", "status": "predicted"},
        "nobody": {"quantity": "response", "value": "PR", "arm": "radiotherapy", "lesion": "patient", "status": "predicted"}}
    sizes = ([10, 6.0], [10, 7.0], [10, 7.5, 6.0, 8.0], [10, 6.4])
    made = [run(folder / f"r{k}.h5", rows, {"neck": neck, "liver": [0.1] * 6 + [1.5]}, replicate=k) for k, neck in enumerate(sizes)]
    return [*made, run(folder / "u.h5", rows, {"neck": [10, 15]}, "untreated")]


@pytest.fixture(scope="module")
def table(records: list[Record]) -> CaseTable:
    return case_table([read_outcome(record) for record in records])


def test_a_row_holds_median_interval_and_verdict_over_the_runs_of_its_arm(table: CaseTable) -> None:
    rows = {row.finding.name: row for row in table.rows}
    size = rows["size"]
    assert (size.median, size.low, size.high, size.n, size.verdict) == (pytest.approx(6.7), 6.0, 7.5, 4, "inside")
    assert (rows["answer"].shown, rows["answer"].median, rows["answer"].verdict) == ("PR 3/4, SD 1/4", 0.75, "inside")
    assert (rows["held"].shown, rows["held"].verdict) == ("3 of 4 runs", "outside")
    assert rows["by_liver"].verdict == "inside" and "new lesion: liver" in rows["by_liver"].shown
    assert (rows["alone"].median, rows["alone"].n, rows["alone"].verdict) == (15.0, 1, "outside") and np.isnan(rows["alone"].low)
    assert (rows["nobody"].verdict, rows["nobody"].n) == ("not run", 0)


def test_the_statement_says_what_was_fitted_and_counts_fitted_and_predicted_apart(records: list[Record], table: CaseTable) -> None:
    counted = "3 of 3 rows to fit are inside, 0 of 2 rows predicted are inside; 1 to 4 runs an arm. Nothing was fitted"
    assert statement(table).startswith(counted)
    fitted = case_table([read_outcome(replace(record, scenario_yaml=record.scenario_yaml + CALIBRATION)) for record in records])
    assert "2 values fitted to the case on 2021-01-01 in 40 trials, small sections" in statement(fitted).lower()
    assert "lesions.pelvis.size_cm 4.5 (nuisance); changed since: radiobiology.alpha_per_gy." in statement(fitted)
    assert [row[-2] for row in shown(fitted)[1:]] == ["fitted", "fitted", "predicted", "fitted", "predicted", "predicted"]
    assert [row[-2] for row in shown(table)[1:]].count("to fit") == 3
    mixed = [read_outcome(replace(records[0], scenario_yaml=records[0].scenario_yaml + CALIBRATION)), read_outcome(records[4])]
    assert "fitted in different ways" in statement(case_table(mixed))


def test_what_was_reported_reads_as_words(table: CaseTable) -> None:
    assert [reported_text(row.finding) for row in table.rows] == [
        "6.5 +- 1 cm", "PR", "at least 0.8 of runs", "33.3 +- 3 months", "12 +- 1 cm", "PR"]


def test_records_that_report_different_things_under_one_name_are_refused(records: list[Record]) -> None:
    other = replace(records[4], scenario_yaml=scenario({"size": {"quantity": "longest_diameter_cm", "value": 1, "tolerance": 1}}))
    with pytest.raises(RecordError, match=r"u\.h5: reports size otherwise than .*r0\.h5"):
        case_table([read_outcome(record) for record in (records[0], other)])


def test_nothing_is_written_where_nothing_is_reported_of_an_arm_that_was_run(records: list[Record], tmp_path: Path) -> None:
    bare = replace(records[0], scenario_yaml="schema: 1\n")
    assert write_case([bare], tmp_path) is None and case_section([bare]) == "" and list(tmp_path.iterdir()) == []


def test_files_summary_figure_and_section_hold_every_row(records: list[Record], tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"seeds": [1]}')
    write_case(records, tmp_path)
    with (tmp_path / "case_table.csv").open(encoding="utf-8") as file:
        rows = {row["finding"]: row for row in csv.DictReader(file)}
    assert rows["size"]["median"] == "6.7" and rows["size"]["is_inside"] == "1" and rows["held"]["note"] == "well"
    assert rows["nobody"]["median"] == "" and rows["nobody"]["is_inside"] == "" and rows["size"]["lowest"] == "5.5"
    seen = json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert seen["seeds"] == [1] and [row["finding"] for row in seen["case"]["rows"]] == list(rows)
    assert (tmp_path / "figures/case.png").read_bytes().startswith(b"\x89PNG")
    section = str(case_section(records))
    assert section.count("<tr>") == 7 and "data:image/png;base64," in section and "Fitted rows were used to choose values" in section
    assert "+-" in section and "<script" not in section


def test_plain_data_tells_what_was_not_reached_as_null(tmp_path: Path) -> None:
    row = {"date": "2025-02-15", "lesion": "liver", "quantity": "progression_months", "value": 33.3, "tolerance": 3}
    [only] = plain(case_table([read_outcome(run(tmp_path / "a.h5", {"it": row}, {"neck": [10, 6]}))]))["rows"]
    assert only["median"] is None and only["shown"].startswith("not reached") and only["is_inside"] is False

"""Arms side by side: medians over replicates, times not reached, the nadir, and the tables that are written."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lesionlab.analysis.clinical.outcome import QUANTITIES, read_outcome
from lesionlab.analysis.comparison.comparison import compare, summarise
from lesionlab.analysis.comparison.findings import find
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, load
from lesionlab.analysis.report.summary import summary, write
from tests.made_record import LESIONS, make_record, row_times_d
from tests.resealed import resealed


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two replicates of two arms; the untreated ones die early."""
    folder = tmp_path_factory.mktemp("records")
    return [make_record(folder / f"{arm}_r{replicate}.h5", arm, replicate=replicate, every_d=30.0, snapshot_every_d=400.0)
            for arm in ("combined", "untreated") for replicate in (0, 1)]


def written(records: list[Record], folder: Path) -> list[str]:
    """Write the tables of a comparison and return their names."""
    comparison = compare(records)
    return [path.name for path in write(comparison, find(comparison), folder)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_arms_keep_their_order_and_gather_their_replicates(paths: list[Path]) -> None:
    comparison = compare([load(path) for path in (paths[3], paths[0], paths[2], paths[1])])
    assert [(arm.name, [outcome.replicate for outcome in arm.outcomes]) for arm in comparison.arms] == [
        ("untreated", [0, 1]), ("combined", [0, 1])]
    assert comparison.lesions == tuple(LESIONS) and comparison.is_quick and comparison.notes == ()


def test_the_nadir_is_the_smallest_sum_of_targets_with_a_nodes_short_axis(tmp_path: Path) -> None:
    times = row_times_d(30.0, 300.0)
    sizes = np.full((len(times), 4), 5.0)
    sizes[:, 0] = 4 + np.abs(times - 90) / 30
    sizes[:, 2] = 5 - times / 100
    numbers = read_outcome(load(make_record(tmp_path / "a.h5", every_d=30.0, end_d=300.0, sizes_cm=sizes))).numbers
    assert numbers["nadir_d", ""] == 90.0
    assert numbers["nadir_sum_cm", ""] == pytest.approx(4.0 + 0.6 * 5.0)
    assert numbers["nadir_change", ""] == pytest.approx(7.0 / 10.0 - 1)
    assert numbers["t_cells_per_mm2_at_nadir", "neck"] == numbers["t_cells_per_mm2_at_nadir", ""]


def test_deaths_are_those_of_the_last_row_by_lesion_and_in_all(paths: list[Path]) -> None:
    record = load(paths[0])
    numbers = read_outcome(record).numbers
    assert numbers["deaths_radiation", ""] == pytest.approx(record.series["deaths_radiation"][-1].sum())
    assert numbers["deaths_hypoxia", "liver"] == record.series["deaths_hypoxia"][-1, 3]


def test_local_control_is_that_of_irradiated_lesions_and_lethal_burden_has_its_day(paths: list[Path]) -> None:
    combined, untreated = (read_outcome(load(path)).numbers for path in (paths[0], paths[2]))
    assert [np.isnan(combined["time_to_local_progression_d", lesion]) for lesion in LESIONS] == [False, False, False, True]
    times = [combined["time_to_local_progression_d", lesion] for lesion in list(LESIONS)[:3]]
    assert combined["time_to_local_progression_d", ""] == min(times)
    assert combined["time_to_lethal_burden_d", ""] == np.inf and np.isnan(untreated["time_to_local_progression_d", ""])
    assert untreated["time_to_lethal_burden_d", ""] == untreated["days_observed", ""]


def test_an_arm_that_died_says_when_and_why(paths: list[Path]) -> None:
    outcome = read_outcome(load(paths[2]))
    assert outcome.words["end_reason"] == "lethal burden" and outcome.numbers["is_alive_at_end", ""] == 0
    assert outcome.numbers["days_observed", ""] < 1333 and np.isfinite(outcome.numbers["time_to_progression_strict_d", ""])


@pytest.mark.parametrize(("values", "expected"), [
    ([3.0], (1, 3.0, np.nan, np.nan, 1)),
    ([1.0, 2.0, 3.0], (3, 2.0, 1.2, 2.8, 3)),
    ([1.0, np.nan, 3.0], (2, 2.0, 1.2, 2.8, 2)),
    ([10.0, np.inf, np.inf], (3, np.inf, np.inf, np.inf, 1)),
    ([10.0, 20.0, np.inf], (3, 20.0, 12.0, np.inf, 2)),
    ([np.nan], (0, np.nan, np.nan, np.nan, 0)),
])
def test_median_and_quantiles_count_what_was_not_reached_as_longest(values: list[float], expected: tuple[float, ...]) -> None:
    np.testing.assert_allclose(summarise(values)[:5], expected)


def test_mean_and_sd_stand_beside_the_median_and_a_time_not_reached_has_neither() -> None:
    found = summarise([1.0, 2.0, 6.0])
    assert (found.mean, found.sd) == (3.0, pytest.approx(np.sqrt(7.0)))
    assert summarise([1.0, np.inf])[5:] == pytest.approx((np.inf, np.nan), nan_ok=True)


def test_the_tables_hold_every_arm_scan_and_series(paths: list[Path], tmp_path: Path) -> None:
    assert written([load(path) for path in paths], tmp_path) == [
        "arms.csv", "scans.csv", "series.csv", "deaths.csv", "survival.csv", "synergy.csv", "summary.json"]
    arms = {row["arm"]: row for row in rows(tmp_path / "arms.csv")}
    assert list(arms) == ["combined", "untreated"] and arms["untreated"]["n_replicates"] == "2"
    low, median, high = (float(arms["untreated"][f"days_observed{suffix}"]) for suffix in ("_q10", "", "_q90"))
    assert low <= median <= high < 1333
    assert (float(arms["untreated"]["days_observed_mean"]), float(arms["untreated"]["days_observed_sd"])) == (240.0, 0.0)
    scans = rows(tmp_path / "scans.csv")
    assert {row["date"] for row in scans if row["arm"] == "combined"} >= {"2021-07-06", "2025-02-15"}
    assert max(row["date"] for row in scans if row["arm"] == "untreated") < "2025-02-15"
    liver = [row for row in scans if row["lesion"] == "liver" and row["time_d"] == "0"]
    assert {row["is_visible"] for row in liver} == {"0"} and {row["overall_response_strict"] for row in liver} == {"baseline"}
    series = [row for row in rows(tmp_path / "series.csv") if row["quantity"] == "longest_diameter_cm" and row["lesion"] == "neck"]
    assert {row["unit"] for row in series} == {"cm"} and float(series[0]["value"]) == 10.0


def test_series_stand_a_week_apart_and_on_the_last_day(tmp_path: Path) -> None:
    written([load(make_record(tmp_path / "a.h5", every_d=1.0, end_d=30.0, snapshot_every_d=40.0))], tmp_path)
    days = {float(row["time_d"]) for row in rows(tmp_path / "series.csv") if row["quantity"] == "burden_cells"}
    assert days == {0, 7, 14, 21, 28, 30}


def test_every_number_of_the_summary_has_unit_and_n(paths: list[Path], tmp_path: Path) -> None:
    written([load(path) for path in paths], tmp_path)
    seen = json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert seen["disclaimer"] == "Illustrative, not for clinical use" and seen["is_quick"] is True
    assert seen["seeds"] == [20210706] and seen["code_versions"] == ["0.0.0"]
    arm = seen["arms"]["combined"]
    assert set(arm["patient"]) == set(QUANTITIES) == set(seen["meanings"]) - {"longest_diameter_cm", "short_axis_cm"}
    numbers = [*arm["patient"].values(), *arm["lesions"]["neck"].values(), *(
        number for scan in arm["scans"] for lesion in scan["lesions"].values() for number in lesion.values())]
    assert all(number["unit"] and number["n"] == 2 for number in numbers)
    assert arm["patient"]["time_to_progression_report_d"]["n_reached"] <= 2
    assert sum(arm["words"]["best_response_report"].values()) == 2


def test_one_replicate_has_no_quantiles(paths: list[Path], tmp_path: Path) -> None:
    written([load(paths[0])], tmp_path)
    assert not [name for name in rows(tmp_path / "arms.csv")[0] if name.endswith("_q10")]
    alone = compare([load(paths[0])])
    assert summary(alone, find(alone))["arms"]["combined"]["patient"]["nadir_d"]["low"] is None


def test_replicates_that_differ_are_shown_with_their_shares(paths: list[Path]) -> None:
    [arm] = compare([load(path) for path in paths[:2]]).arms
    arm.words["best_response_report"].clear()
    arm.words["best_response_report"].update({"PR": 1, "SD": 1})
    assert arm.word("best_response_report") == "PR 1/2, SD 1/2"


def test_records_that_cannot_stand_side_by_side_are_refused_or_noted(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no record"):
        compare([])
    with pytest.raises(RecordError, match="both are replicate 0 of the arm combined"):
        compare([load(paths[0]), load(paths[0])])
    other = make_record(tmp_path / "other.h5", "anlotinib", every_d=60.0, is_finished=False)
    with resealed(other) as file:
        file.attrs["seed"] = 1
    notes = compare([load(paths[0]), load(other)]).notes
    assert notes == ("the records have different seeds (no common random numbers)", f"{other} is not complete: interrupted")

"""A screen read back: exact intervals, RECIST of two scans, paired differences, the excess over independent action, perfusion."""

import json
from pathlib import Path

import numpy as np
import pytest

from lesionlab.analysis.comparison.screen_summary import as_json, quantities, sentences
from lesionlab.analysis.comparison.screening import (
    Cohort,
    Share,
    Value,
    bootstrap,
    clopper_pearson,
    excess_over_independence,
    is_settled,
    is_worse,
    mean_difference,
    perfusion_up,
    read_cohort,
    read_response,
)
from lesionlab.analysis.records.errors import RecordError

DAYS = (*(float(day) for day in range(0, 120, 7)), 120.0)
SCANS = (0.0, 56.0, 112.0)


def cohort_of(sizes_cm: dict[str, list[dict[float, float]]], perfused: dict[str, list[dict[float, float]]] | None = None) -> Cohort:
    """Return patients whose diameters (cm) and perfused vessels are 5 and 60 unless said otherwise by day; a nan is death from then on."""
    columns = {}
    for arm, patients in sizes_cm.items():
        vessels = (perfused or {}).get(arm, [{}] * len(patients))
        given = {"longest_diameter_cm": (5.0, patients), "perfused_vessels_per_mm2": (60.0, vessels)}
        for series in ("longest_diameter_cm", "perfused_vessels_per_mm2", "t_cells_per_mm2", "hypoxic_fraction_below_5_mmHg"):
            usual, stated = given.get(series, (1.0, [{}] * len(patients)))
            for day in DAYS:
                columns[arm, f"{series}_d{day:g}"] = np.array([one.get(day, usual) for one in stated])
        died = np.array([next((day for day in DAYS if np.isnan(one.get(day, 0.0))), np.nan) for one in patients])
        columns[arm, "death_d"], columns[arm, "end_d"] = died, np.where(np.isnan(died), 120.0, died)
        for row, day in enumerate(died):
            for later in (later for later in DAYS if later >= day):
                columns[arm, f"longest_diameter_cm_d{later:g}"][row] = np.nan
    return Cohort(SCANS, tuple(range(len(patients))), 1, columns)


@pytest.mark.parametrize(("count", "n", "low", "high"), [
    (8, 42, 0.086, 0.341), (14, 27, 0.319, 0.713), (28, 34, 0.655, 0.932), (0, 4, 0.0, 0.602), (4, 4, 0.398, 1.0), (1, 34, 0.001, 0.153)])
def test_the_interval_of_a_share_is_exact(count: int, n: int, low: float, high: float) -> None:
    """Published for 8 of 42 and 14 of 27; for none of n the upper limit is 1 - 0.025^(1/n)."""
    found = clopper_pearson(count, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))
    assert found.value == count / n
    assert np.isnan(clopper_pearson(0, 0).value)


@pytest.mark.parametrize(("sizes", "is_dead", "best"), [
    ((5.0, 3.4, 3.4), False, "PR"), ((5.0, 5.5, 3.0), False, "PR"), ((5.0, 6.1, 3.0), False, "PD"), ((5.0, 0.1, 0.1), False, "CR"),
    ((5.0, 5.9, 7.2), False, "SD"), ((5.0, np.nan, np.nan), True, "PD"), ((5.0, 3.6, np.nan), True, "SD")])
def test_the_best_response_is_that_of_two_scans(sizes: tuple[float, ...], is_dead: bool, best: str) -> None:
    assert read_response(SCANS, sizes, 100.0, is_dead) == best


def test_a_course_is_over_once_it_has_progressed_or_no_scan_is_left() -> None:
    courses = ([5.0], [5.0, 5.9], [5.0, 6.1], [5.0, 3.0, 3.65], [5.0, 3.0, 3.4], [5.0, 5.0, 5.0, 5.0])
    assert [is_settled(sizes, (*SCANS, 168.0)) for sizes in courses] == [False, False, True, True, False, True]


def test_both_are_compared_with_the_better_drug_on_pairs_and_with_independence() -> None:
    first, second, both = (np.arange(10) < n for n in (2, 3, 6))
    # 0.6 - (1 - 0.8 x 0.7) = 0.16; 0.6 - 0.3.
    assert bootstrap([both, first, second], excess_over_independence).value == pytest.approx(0.16)
    gain = bootstrap([both, second], mean_difference)
    assert gain.value == pytest.approx(0.3) and gain.low > 0.0
    # The control: the same answers in other patients give a wider interval, since pairs are drawn whole.
    apart = bootstrap([both, second[::-1]], mean_difference)
    assert apart.value == pytest.approx(0.3) and apart.high - apart.low > gain.high - gain.low


def test_worse_is_five_per_cent_larger_on_day_56_or_on_the_last_day_that_both_saw() -> None:
    untreated = [{56.0: 8.0}, {56.0: 8.0}, {42.0: 7.0, 56.0: 9.0}, {56.0: 8.0, 63.0: 9.0}]
    treated = [{56.0: 8.3}, {56.0: 8.5}, {42.0: 7.5, 49.0: np.nan}, {56.0: 8.0, 63.0: 19.0}]
    found = is_worse(cohort_of({"untreated": untreated, "anlotinib": treated}), "anlotinib")
    assert found.tolist() == [False, True, True, False]


def test_perfusion_is_up_where_it_stays_up_for_four_weeks() -> None:
    def stays(first: int, last: int, level: float) -> dict[float, float]:
        return dict.fromkeys([float(day) for day in range(first, last + 1, 7)], level)

    perfused = [stays(14, 42, 70.0), stays(14, 35, 70.0), stays(14, 70, 64.0), {**stays(14, 49, 70.0), 28.0: 60.0}]
    cohort = cohort_of({"anlotinib": [{}] * 4}, {"anlotinib": perfused})
    assert perfusion_up(cohort, "anlotinib").tolist() == [True, False, False, False]


def answers(n: int = 20) -> Cohort:
    """Return patients of whom 4 respond to anti-PD-1, 2 others to anlotinib, these 6 and 4 more to both; untreated all grow."""
    pr, pd = {56.0: 3.0, 112.0: 3.0}, {56.0: 8.0, 112.0: 12.0}
    by_arm = {"untreated": [], "anti_pd1": range(4), "anlotinib": range(4, 6), "both": range(10)}
    return cohort_of({arm: [pr if patient in responders else pd for patient in range(n)] for arm, responders in by_arm.items()})


def test_the_summary_holds_every_share_and_what_both_add(tmp_path: Path) -> None:
    cohort = answers()
    found = quantities(cohort)
    assert found["anti_pd1.response"] == clopper_pearson(4, 20) and found["both.response"] == clopper_pearson(10, 20)
    assert found["anlotinib.shrank"] == clopper_pearson(2, 20) and isinstance(found["both.worse_than_untreated"], Share)
    gain, excess = found["both.over_better"], found["both.over_independence"]
    assert isinstance(gain, Value) and isinstance(excess, Value)
    assert gain.value == pytest.approx(0.3) and excess.value == pytest.approx(0.5 - (1 - 0.8 * 0.9))
    said = as_json(cohort)
    assert json.loads(json.dumps(said))["better_single"] == "anti_pd1" and said["rejected"] == 1
    assert "2.50 times the share of anti_pd1" in "\n".join(sentences(cohort))


def test_rejected_patients_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "patients.csv"
    path.write_text("patient,arm,is_accepted,death_d,end_d,longest_diameter_cm_d0\n"
                    "0,untreated,1,,120,5\n1,untreated,0,,56,5\n2,untreated,1,80,80,5\n")
    cohort = read_cohort(path, SCANS)
    assert (cohort.patients, cohort.n_rejected) == ((0, 2), 1)
    assert np.isnan(cohort.of("untreated", "death_d")[0]) and cohort.of("untreated", "death_d")[1] == 80.0
    with pytest.raises(RecordError, match="no end of the arm both"):
        cohort.of("both", "end")
    path.write_text("patient,arm,is_accepted\n1,untreated,0\n")
    with pytest.raises(RecordError, match="no patient was accepted"):
        read_cohort(path, SCANS)

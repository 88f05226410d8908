"""Times to an event: Kaplan and Meier by hand, censored runs, restricted days, the log-rank test of a textbook, pairs."""

import numpy as np
import pytest

from lesionlab.analysis.clinical.outcome import read_outcome
from lesionlab.analysis.records.record import load
from lesionlab.analysis.statistics.survival import EVENTS, Times, difference, horizon, kaplan_meier, log_rank, survival, times
from tests.made_record import make_record, row_times_d

# Freireich et al. 1963, remission in weeks, as in every textbook: 6-mercaptopurine and placebo; log-rank chi2 = 16.79 (Collett 2003).
DRUG = ([6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
PLACEBO = ([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], [])


def made(events: list[float], censored: list[float]) -> Times:
    days = np.array([*events, *censored], dtype=float)
    return Times(tuple(range(len(days))), days, np.arange(len(days)) < len(events))


def test_the_curve_is_that_worked_out_by_hand() -> None:
    curve = kaplan_meier(made([3, 5], [4, 9]))
    np.testing.assert_allclose(curve.time_d, [0, 3, 4, 5, 9, 9])
    np.testing.assert_allclose(curve.share, [1, 0.75, 0.75, 0.375, 0.375, 0.375])
    np.testing.assert_allclose(curve.censored_d, [4, 9])
    assert np.isnan(curve.low[0]) and curve.low[1] < 0.75 < curve.high[1]


def test_a_textbook_curve_median_and_log_rank() -> None:
    drug, placebo = made(*DRUG), made(*PLACEBO)
    curve = kaplan_meier(drug)
    shares = dict(zip(curve.time_d, curve.share, strict=True))
    weeks = (6, 7, 10, 13, 16, 22, 23)
    assert [shares[week] for week in weeks] == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)
    assert survival(drug, 35).median_d == 23 and survival(placebo, 35).median_d == 8
    assert log_rank(drug, placebo) == pytest.approx(4.17e-5, rel=0.01)


def test_arms_without_any_event_or_all_alike_have_no_p() -> None:
    assert np.isnan(log_rank(made([], [9, 9]), made([], [9])))
    assert np.isnan(log_rank(made([3, 3], []), made([3, 3], [])))


def test_a_median_that_was_not_reached_is_infinite_and_there_is_no_band_without_an_event() -> None:
    found = survival(made([], [10, 10]), 10)
    assert np.isinf(found.median_d) and found.n_events == 0 and found.restricted_mean_d.mean == 10
    assert np.isnan(found.curve.low).all() and list(found.curve.share) == [1, 1]


def test_days_are_restricted_to_the_horizon_and_unknown_where_a_run_was_cut_before_it() -> None:
    found = made([3, 12], [5, 10])
    np.testing.assert_allclose(found.restricted(10), [3, 10, np.nan, 10])


def test_differences_pair_by_replicate_and_not_by_order() -> None:
    one = Times((0, 1, 2), np.array([5.0, 6.0, 9.0]), np.array([True, True, False]))
    other = Times((2, 0, 7), np.array([4.0, 4.0, 1.0]), np.array([True, True, True]))
    found = difference(one, other, 9.0)
    assert (found.n, found.mean) == (2, 3.0)


def test_an_event_is_the_first_scan_with_progression_or_lethal_burden_and_the_end_censors(tmp_path) -> None:  # type: ignore[no-untyped-def]
    days = row_times_d(30.0, 400.0)
    sizes = np.full((len(days), 4), 2.0)
    sizes[days > 200, 0] = 3.0
    grown = read_outcome(load(make_record(tmp_path / "a.h5", every_d=30.0, end_d=400.0, sizes_cm=sizes)))
    still = read_outcome(load(make_record(tmp_path / "b.h5", every_d=30.0, end_d=400.0, sizes_cm=np.full_like(sizes, 2.0), replicate=1)))
    sizes[days > 150] = 60.0
    dead = read_outcome(load(make_record(tmp_path / "c.h5", every_d=30.0, end_d=400.0, sizes_cm=sizes, replicate=2)))
    progression, death = (times([grown, still, dead], event) for event in ("progression_report", "death"))
    np.testing.assert_array_equal(progression.is_event, [True, False, True])
    np.testing.assert_allclose(progression.time_d, [283, 400, 180])
    np.testing.assert_array_equal(death.is_event, [False, False, True])
    np.testing.assert_allclose(death.time_d, [400, 400, 180])
    assert horizon({"a": [grown, still], "b": [dead]}) == 400 and horizon({"b": [dead]}) == 180 and set(EVENTS) >= {"death"}

"""Numbers over paired replicates: what is summed up, where there is no interval, and how often intervals hold the truth."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from lesionlab.analysis.statistics.paired import LEAST_PAIRS, RESAMPLES, estimate, interval, mean_of, nothing_known, over_time


def test_an_estimate_holds_mean_sd_median_and_quantiles() -> None:
    found = estimate([1.0, 2.0, 3.0, 6.0])
    assert (found.n, found.mean, found.median) == (4, 3.0, 2.5)
    assert found.sd == pytest.approx(np.sqrt(14 / 3))
    assert (found.q10, found.q90) == pytest.approx((1.3, 5.1))
    assert 1.0 <= found.low < found.mean < found.high <= 6.0


def test_below_four_replicates_there_is_no_interval() -> None:
    for n in range(1, LEAST_PAIRS):
        found = estimate(np.arange(n, dtype=float))
        assert found.n == n and np.isnan(found.low) and np.isnan(found.high) and not found.is_apart_from_zero
    assert np.isfinite(estimate([0.0, 1.0, 2.0, 3.0]).low)


def test_what_is_not_known_does_not_count() -> None:
    assert estimate([np.nan, np.nan]).n == 0 and np.isnan(estimate([]).mean)
    assert estimate([1.0, np.nan, 3.0]).mean == 2.0
    assert nothing_known(3).n == 3


def test_equal_values_have_an_interval_of_no_width_and_the_same_records_give_the_same_interval() -> None:
    same = estimate([2.0] * 5)
    assert (same.low, same.high, same.sd) == (2.0, 2.0, 0.0) and same.is_apart_from_zero
    values = np.random.default_rng(1).normal(size=8)
    assert estimate(values) == estimate(values)


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(2).normal(1, 2, size=(9, 1))
    expected = bootstrap((values,), np.mean, axis=0, method="percentile", n_resamples=RESAMPLES, batch=500,
                       rng=np.random.default_rng(20210706)).confidence_interval
    low, high = interval([values])
    assert (low[0], high[0]) == (expected.low[0], expected.high[0])


@pytest.mark.parametrize(("n", "share"), [(4, 0.80), (8, 0.88), (16, 0.92)])
def test_intervals_hold_the_true_mean_as_often_as_is_said(n: int, share: float) -> None:
    """Within 3 standard errors of 1500 samples, 0.031 at most, and, for few replicates, not at the 95 % of their name."""
    low, high = interval([np.random.default_rng(n).normal(size=(n, 1500))])
    held = float(((low < 0) & (high > 0)).mean())
    assert held == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 1500))
    assert n > 8 or held < 0.95 - 0.017


def test_an_arm_that_ended_takes_its_replicate_out_and_nothing_is_carried_forward() -> None:
    days = np.array([0.0, 1.0, 2.0])
    first, second = np.array([[1.0, 2.0, 3.0], [3.0, 4.0, np.nan]]), np.array([[0.0, 0.0, np.nan], [1.0, 1.0, 1.0]])
    course = over_time(days, [first, second], lambda a, b, axis: mean_of(a, axis=axis) - mean_of(b, axis=axis))
    np.testing.assert_array_equal(course.n, [2, 2, 0])
    np.testing.assert_allclose(course.value, [1.5, 2.5, np.nan])


def test_over_time_each_day_has_the_interval_of_its_own_replicates() -> None:
    values = np.random.default_rng(3).normal(size=(7, 3))
    values[6, 2] = np.nan
    course = over_time(np.arange(3.0), [values])
    for day, kept in ((0, 7), (2, 6)):
        low, high = interval([values[:kept, day:day + 1]])
        assert course.n[day] == kept
        assert (course.low[day], course.high[day]) == pytest.approx((low[0], high[0]), abs=0.05)

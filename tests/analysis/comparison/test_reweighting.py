"""Another median by weights: what patients already run say of it, and how many of them it rests on."""

import math

import numpy as np
import pytest

from lesionlab.analysis.comparison.reweighting import weighed, weights
from tests.analysis.comparison.test_screening import answers

PATH = "t_cell_entry.entry_per_vessel_per_d"
LOG_SD = math.log(2.5)


def test_weights_turn_draws_of_one_median_into_draws_of_another() -> None:
    """Of even quantiles of a log-normal the weighted mean logarithm is that of the other median; the effective number is n exp(-d^2)."""
    from scipy.stats import norm

    n = 20_000
    drawn = 0.4 * np.exp(LOG_SD * norm.ppf((np.arange(n) + 0.5) / n))
    w = weights(drawn, 0.4, 0.25, LOG_SD)
    assert w.sum() == pytest.approx(1.0) and math.exp((w * np.log(drawn)).sum()) == pytest.approx(0.25, rel=0.01)
    assert 1.0 / (w**2).sum() == pytest.approx(n * math.exp(-(math.log(0.4 / 0.25) / LOG_SD) ** 2), rel=0.02)


def test_a_lower_entry_has_fewer_responders_where_they_are_those_of_high_entry() -> None:
    cohort = answers()
    entry = np.linspace(0.9, 0.1, 20)
    columns = {**cohort.columns, **{(arm, PATH): entry for arm in cohort.arms}}
    cohort = type(cohort)(cohort.scans_d, cohort.patients, cohort.n_rejected, columns)
    same, lower = (weighed(cohort, PATH, 0.4, other, LOG_SD) for other in (0.4, 0.2))
    # Four of twenty respond, the first four, whose entry is the highest.
    assert same.n_effective == pytest.approx(20.0) and same.simulated["anti_pd1.response"] == pytest.approx(0.2)
    assert lower.n_effective < 20.0 and lower.simulated["anti_pd1.response"] < 0.12
    assert not any(name.startswith("both") for name in lower.simulated)

"""Time to progression and survival over an arm's replicates: Kaplan-Meier curves, restricted means, log-rank tests.

Events:

* Progression (`report`, `strict`): the first scan that reads PD (RECIST 1.1, `response.py`), or lethal burden before it. It is
  known to the scan, not to the day: the true time lies between that scan and the one before.
* Death: the day on which the patient's cells reach the lethal burden. There is no other death in the model.
* A run that ends without the event, at the end of its calendar or where it was stopped, is censored on the right on its last day.

Curves are Kaplan and Meier's (1958) with pointwise log-log intervals at 95 % (`scipy.stats.ecdf`). The log-rank test
(`scipy.stats.logrank`) takes arms as independent samples; arms with common random numbers are alike, so its p is too large rather than
too small. A p over simulated replicates says whether they were enough to tell two arms apart; more replicates make it as small as one
likes, and it says nothing about patients.
Times not reached have no mean: the mean is restricted to a horizon (days without the event up to it), the same for all arms.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf, logrank

from lesionlab.analysis.clinical.outcome import Outcome
from lesionlab.analysis.clinical.response import time_to_progression
from lesionlab.analysis.records.record import Record, ended_on_day
from lesionlab.analysis.statistics.paired import LEVEL, Estimate, estimate

EVENTS = {"progression_report": "progression or death, read as the case report did",
          "progression_strict": "progression or death, a lesion not evaluable at baseline counted as new",
          "death": "lethal burden"}


@dataclass(frozen=True)
class Times:
    """One arm's times to one event.

    Attributes:
        replicates: (n,) their numbers.
        time_d: (n,) day of the event, or the last day observed.
        is_event: (n,) whether it happened.
    """

    replicates: tuple[int, ...]
    time_d: NDArray[np.float64]
    is_event: NDArray[np.bool_]

    def restricted(self, horizon_d: float) -> NDArray[np.float64]:
        """Return the days without the event up to the horizon; nan where a run was censored before it."""
        days = np.minimum(self.time_d, horizon_d)
        return np.where(self.is_event | (self.time_d >= horizon_d), days, np.nan)

    @property
    def data(self) -> CensoredData:
        """The times as scipy takes them."""
        return CensoredData(uncensored=self.time_d[self.is_event], right=self.time_d[~self.is_event])


class Curve(NamedTuple):
    """A Kaplan-Meier curve as steps: days, share without the event from that day on, its interval, censored days."""

    time_d: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    censored_d: NDArray[np.float64]


class Survival(NamedTuple):
    """One arm and event: runs and events, median (inf if not reached), restricted mean, and the curve."""

    n: int
    n_events: int
    median_d: float
    restricted_mean_d: Estimate
    curve: Curve
    times: Times

    def at_risk(self, day: float) -> int:
        """Return how many runs are still observed, and without the event, just before a day."""
        return int((self.times.time_d >= day).sum())


def times(outcomes: Sequence[Outcome], event: str) -> Times:
    """Return the times of an event of `EVENTS` over the replicates of an arm."""
    if event == "death":
        return deaths([outcome.record for outcome in outcomes])
    found = [time_to_progression(outcome.scans, "report" if event == "progression_report" else "strict")[:2] for outcome in outcomes]
    return Times(tuple(outcome.replicate for outcome in outcomes), np.array([time_d for time_d, _ in found], dtype=np.float64),
                 np.array([is_event for _, is_event in found], dtype=np.bool_))


def deaths(replicates: Sequence[Record]) -> Times:
    """Return the day of death of each replicate of an arm, or the last day committed: what tables, legends and curves all rest on."""
    ends = [ended_on_day(record) for record in replicates]
    days = [record.committed_d if end is None else end for record, end in zip(replicates, ends, strict=True)]
    is_event = np.array([end is not None for end in ends], dtype=np.bool_)
    return Times(tuple(record.replicate for record in replicates), np.array(days, dtype=np.float64), is_event)


def horizon(arms: Mapping[str, Sequence[Outcome]]) -> float:
    """Return the last day up to which every run that its patient survived was observed; if none did, the last day of any."""
    outcomes = [outcome for replicates in arms.values() for outcome in replicates]
    alive = [outcome.scans.end_d for outcome in outcomes if not outcome.scans.is_dead]
    return min(alive) if alive else max(outcome.scans.end_d for outcome in outcomes)


def survival(found: Times, horizon_d: float) -> Survival:
    """Return the curve and its numbers of one arm."""
    curve = kaplan_meier(found)
    return Survival(len(found.time_d), int(found.is_event.sum()), median_day(curve), estimate(found.restricted(horizon_d)), curve, found)


def median_day(curve: Curve) -> float:
    """Return the day on which a curve falls below one half, inf if it never does.

    Where it rests on one half exactly, this is the middle of that step, which without censoring is the ordinary median.
    """
    half, below = np.flatnonzero(curve.share <= 0.5 + 1e-12), np.flatnonzero(curve.share < 0.5 - 1e-12)
    return float(curve.time_d[half[0]] + curve.time_d[below[0]]) / 2 if len(below) else np.inf


def kaplan_meier(found: Times) -> Curve:
    """Return the curve from day 0 to the last day observed; where no event has happened yet there is no interval (nan)."""
    last_d = found.time_d.max()
    censored_d = np.sort(found.time_d[~found.is_event])
    if not found.is_event.any():
        return Curve(np.array([0.0, last_d]), np.ones(2), np.full(2, np.nan), np.full(2, np.nan), censored_d)
    sf = ecdf(found.data).sf
    band = _quiet_interval(sf)
    days = np.concatenate([[0.0], sf.quantiles, [last_d]])
    share, low, high = (np.concatenate([[first], values, values[-1:]]) for first, values in (
        (1.0, sf.probabilities), (np.nan, band[0]), (np.nan, band[1])))
    return Curve(days, share, low, high, censored_d)


def _quiet_interval(sf: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the band of a curve, nan at a share of 0 or 1, where it does not exist; scipy would warn about each."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = sf.confidence_interval(LEVEL, method="log-log")
    return found.low.probabilities, found.high.probabilities


def log_rank(one: Times, other: Times) -> float:
    """Return the p of the log-rank test of two arms; nan where neither has an event."""
    if not (one.is_event.any() or other.is_event.any()):
        return float("nan")
    with np.errstate(all="ignore"):
        return float(logrank(one.data, other.data).pvalue)


def difference(one: Times, other: Times, horizon_d: float) -> Estimate:
    """Return the days without the event up to the horizon that `one` has more than `other`, paired by replicate."""
    own, others = (dict(zip(arm.replicates, arm.restricted(horizon_d), strict=True)) for arm in (one, other))
    return estimate([own[replicate] - others[replicate] for replicate in own if replicate in others])

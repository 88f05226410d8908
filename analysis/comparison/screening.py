"""A screen of drawn patients read from its table: responses, shares with exact intervals, paired differences, perfusion, T cells.

Response is the best RECIST 1.1 response on the scans (`response`), unconfirmed; a death before a scan is a progression. A
share of patients has its exact interval (Clopper and Pearson 1934). Differences between arms are paired: every patient is
under every arm, so patients are drawn whole in a bootstrap of 4,999 resamples (`paired`). Which single drug is the better one
is read from the same patients, which favours it a little. Independent action (Palmer and Sorger): 1 - (1 - a)(1 - b) of the
shares a and b that respond to either drug alone; the excess of both over it has a bootstrap interval over patients.
"""

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from lesionlab.analysis.clinical.response import assess, best_overall_response
from lesionlab.analysis.clinical.scans import ScanTable
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.statistics import paired

UNTREATED, INHIBITOR, ANTI_PD1, BOTH = "untreated", "anlotinib", "anti_pd1", "both"
RESPONDS, CONTROLLED = ("CR", "PR"), ("CR", "PR", "SD")
WORSE_BY, WORSE_DAY = 1.05, 56.0
UP_BY, UP_FOR_D = 1.10, 28.0
"""Perfusion counts as up where it stands 10 % above the patient's own day 0 (assumed: a section's own noise is some per cent) on
every reading of 28 days or more."""

Numbers = NDArray[np.float64]


class Share(NamedTuple):
    """A share of patients: how many of how many, with its exact 95 % interval."""

    n_events: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself; nan without patients."""
        return self.n_events / self.n if self.n else float("nan")


class Value(NamedTuple):
    """A number over patients with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    n: int


def clopper_pearson(count: int, n: int) -> Share:
    """Return a share with its exact 95 % interval; without patients it is nan."""
    if not n:
        return Share(0, 0, float("nan"), float("nan"))
    found = binomtest(count, n).proportion_ci(confidence_level=paired.LEVEL, method="exact")
    return Share(count, n, float(found.low), float(found.high))


def share_of(is_so: NDArray[np.bool_]) -> Share:
    """Return the share of patients of whom something is so."""
    return clopper_pearson(int(np.count_nonzero(is_so)), len(is_so))


def read_response(days: Sequence[float], diameters_cm: Sequence[float], end_d: float, is_dead: bool) -> str:
    """Return the best RECIST response of one lesion that is a target, from its diameters on the scans (nan: after death)."""
    return best_overall_response(_scan_table(days, diameters_cm, end_d, is_dead))


def is_settled(diameters_cm: Sequence[float], days: Sequence[float]) -> bool:
    """Tell whether the scans so far, of those on `days`, settle the best response: they hold a progression, or none is left."""
    seen = list(days)[: len(diameters_cm)]
    return len(seen) == len(days) or any(visit.overall == "PD" for visit in assess(_scan_table(seen, diameters_cm, seen[-1], False)))


def _scan_table(days: Sequence[float], diameters_cm: Sequence[float], end_d: float, is_dead: bool) -> ScanTable:
    taken = np.isfinite(diameters_cm)
    sizes = np.asarray(diameters_cm, dtype=np.float64)[taken, np.newaxis]
    return ScanTable(time_d=np.asarray(days, dtype=np.float64)[taken], lesions=("tumour",), longest_cm=sizes, short_cm=sizes,
                     roles=("target",), nodal=np.array([False]), occult=np.array([False]),
                     irradiated_from_d=np.array([np.nan]), end_d=end_d, is_dead=is_dead)


@dataclass(frozen=True, eq=False)
class Cohort:
    """The accepted patients of a screen; a cohort is only itself, so that what was worked out of it can be kept.

    Attributes:
        scans_d: days of the scans.
        patients: their numbers, rising.
        n_rejected: patients whose untreated lesion did not grow.
        columns: (arm, column of the table) -> (patient,) numbers, nan where the table is empty.
    """

    scans_d: tuple[float, ...]
    patients: tuple[int, ...]
    n_rejected: int
    columns: Mapping[tuple[str, str], Numbers]

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """The arms that were run."""
        return tuple(dict.fromkeys(arm for arm, _ in self.columns))

    @cached_property
    def days(self) -> tuple[float, ...]:
        """The days on which courses were read."""
        stem = "longest_diameter_cm_d"
        return tuple(sorted({float(name.removeprefix(stem)) for _, name in self.columns if name.startswith(stem)}))

    def of(self, arm: str, name: str) -> Numbers:
        """Return a column of one arm; raises RecordError if the table has none."""
        if (arm, name) not in self.columns:
            raise RecordError(f"the screen has no {name} of the arm {arm}; its arms are {', '.join(self.arms)}")
        return self.columns[arm, name]

    def among(self, patients: Collection[int]) -> "Cohort":
        """Return the cohort of those of its patients that are among the given ones."""
        is_kept = np.isin(self.patients, list(patients))
        kept = tuple(patient for patient, is_in in zip(self.patients, is_kept, strict=True) if is_in)
        return Cohort(self.scans_d, kept, 0, {key: column[is_kept] for key, column in self.columns.items()})

    def course(self, arm: str, series: str) -> Numbers:
        """Return a series of one arm (patient, day)."""
        return np.stack([self.of(arm, f"{series}_d{day:g}") for day in self.days], axis=1)

    def best(self, arm: str) -> NDArray[np.str_]:
        """Return each patient's best response under an arm."""
        scans = [day for day in self.scans_d if day in self.days]
        sizes = np.stack([self.of(arm, f"longest_diameter_cm_d{day:g}") for day in scans], axis=1)
        deaths, ends = self.of(arm, "death_d"), self.of(arm, "end_d")
        return np.array([read_response(scans, row, end_d, bool(np.isfinite(death_d)))
                         for row, death_d, end_d in zip(sizes, deaths, ends, strict=True)])

    def responds(self, arm: str) -> NDArray[np.bool_]:
        """Return whether each patient responds, CR or PR."""
        return np.isin(self.best(arm), RESPONDS)


def read_cohort(path: Path, scans_d: Sequence[float]) -> Cohort:
    """Read the table of a screen; raises RecordError if it holds no patient."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from None
    kept = [row for row in rows if row["is_accepted"] == "1"]
    if not kept:
        raise RecordError(f"{path}: no patient was accepted")
    patients = sorted({int(row["patient"]) for row in kept})
    place = {patient: index for index, patient in enumerate(patients)}
    names = [name for name in kept[0] if name not in ("patient", "arm", "is_accepted")]
    columns = {(arm, name): np.full(len(patients), np.nan) for arm in dict.fromkeys(row["arm"] for row in kept) for name in names}
    for row in kept:
        for name in names:
            columns[row["arm"], name][place[int(row["patient"])]] = float(row[name] or "nan")
    return Cohort(tuple(scans_d), tuple(patients), len({row["patient"] for row in rows}) - len(patients), columns)


def bootstrap(samples: Sequence[NDArray], statistic: Callable[..., Numbers]) -> Value:
    """Return a statistic of paired samples (patient,) and its interval; `statistic(*samples, axis)` reduces an axis."""
    given = [np.asarray(sample, dtype=np.float64)[:, np.newaxis] for sample in samples]
    low, high = paired.interval(given, statistic)
    return Value(float(statistic(*given, axis=0)[0]), float(low[0]), float(high[0]), len(given[0]))


def mean_difference(one: Numbers, other: Numbers, axis: int = 0) -> Numbers:
    """Return the mean of one sample less that of another."""
    result: Numbers = one.mean(axis=axis) - other.mean(axis=axis)
    return result


def excess_over_independence(both: Numbers, first: Numbers, second: Numbers, axis: int = 0) -> Numbers:
    """Return the share that responds to both drugs less what independent action of either would give."""
    alone = 1.0 - (1.0 - first.mean(axis=axis)) * (1.0 - second.mean(axis=axis))
    result: Numbers = both.mean(axis=axis) - alone
    return result


def median_of(sample: Numbers, axis: int = 0) -> Numbers:
    """Return the median of a sample."""
    result: Numbers = np.median(sample, axis=axis)
    return result


def ratio_to_day_zero(cohort: Cohort, arm: str, series: str) -> Numbers:
    """Return a series relative to each patient's own day 0 (patient, day); nan where day 0 has none."""
    course = cohort.course(arm, series)
    start = course[:, :1]
    return np.divide(course, start, out=np.full_like(course, np.nan), where=start > 0)


def is_worse(cohort: Cohort, arm: str) -> NDArray[np.bool_]:
    """Return whether each patient's lesion is more than 5 % larger than untreated on day 56, or at death if that is earlier.

    Where either arm died before, both are compared on the last day on which both were read.
    """
    chosen = [day for day in cohort.days if day <= WORSE_DAY]
    one, other = (np.stack([cohort.of(name, f"longest_diameter_cm_d{day:g}") for day in chosen], axis=1) for name in (arm, UNTREATED))
    is_both = np.isfinite(one) & np.isfinite(other)
    last = is_both.shape[1] - 1 - is_both[:, ::-1].argmax(axis=1)
    rows = np.arange(len(one))
    result: NDArray[np.bool_] = one[rows, last] > WORSE_BY * other[rows, last]
    return result


def perfusion_up(cohort: Cohort, arm: str) -> NDArray[np.bool_]:
    """Return whether each patient's perfused density stays up, as `UP_BY` and `UP_FOR_D` say."""
    ratio, days = ratio_to_day_zero(cohort, arm, "perfused_vessels_per_mm2"), np.array(cohort.days)
    is_up = np.zeros(len(ratio), np.bool_)
    for first in range(1, len(days)):
        inside = (days >= days[first]) & (days <= days[first] + UP_FOR_D)
        if days[-1] - days[first] >= UP_FOR_D:
            is_up |= (ratio[:, inside] > UP_BY).all(axis=1)
    return is_up


def has_shrunk(cohort: Cohort, arm: str) -> NDArray[np.bool_]:
    """Return whether each patient's lesion was smaller than on day 0 on any scan."""
    scans = [day for day in cohort.scans_d if day > 0 and day in cohort.days]
    smallest = np.fmin.reduce([cohort.of(arm, f"longest_diameter_cm_d{day:g}") for day in scans])
    result: NDArray[np.bool_] = smallest < cohort.of(arm, "longest_diameter_cm_d0")
    return result


def at_day(cohort: Cohort, arm: str, series: str, day: float) -> Value:
    """Return the median of a series over the patients alive on a day."""
    known = cohort.of(arm, f"{series}_d{day:g}")
    known = known[np.isfinite(known)]
    return bootstrap([known], median_of)


def change_since_start(cohort: Cohort, arm: str, series: str, day: float) -> Value:
    """Return the mean change of a series since day 0, as a share, over the patients alive on a day."""
    change = ratio_to_day_zero(cohort, arm, series)[:, cohort.days.index(day)] - 1.0
    return bootstrap([change[np.isfinite(change)]], paired.mean_of)

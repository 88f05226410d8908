"""The ledger of deaths: what killed the tumour cells of each lesion, arm by arm.

Cells die from the start to an arm's end, and arms end on different days; counts are compared up to the last day on which every run of
every arm was still observed. The ledger states causes of death, not the worth of a treatment: cells that survive one treatment and die
later of another cause are counted under that cause. For the worth of treatments see `attribution.py`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.comparison.comparison import Comparison
from lesionlab.analysis.records.record import DEATHS, Record, values
from lesionlab.analysis.statistics.paired import Estimate, estimate


def last_common_day(comparison: Comparison) -> float:
    """Return the last day on which every run of every arm was observed."""
    return min(float(outcome.record.time_d[-1]) for arm in comparison.arms for outcome in arm.outcomes)


def _counts(record: Record, lesion: str, until_d: float) -> NDArray[np.float64]:
    """Return the cells of a lesion that died by each cause (n_causes,) up to a day, between rows by linear interpolation."""
    series = np.array([values(record, name, lesion) for name in DEATHS])
    seen = np.isfinite(series).all(axis=0)
    if not seen.any():
        return np.zeros(len(DEATHS))
    counts: NDArray[np.float64] = np.array([np.interp(until_d, record.time_d[seen], one[seen]) for one in series])
    return counts


def deaths_by_cause(replicates: Sequence[Record], lesion: str, until_d: float = np.inf) -> NDArray[np.float64]:
    """Return the cells of a lesion that died by each cause (n_causes,) up to a day or the end of the arm, mean over replicates."""
    mean: NDArray[np.float64] = np.mean([_counts(record, lesion, until_d) for record in replicates], axis=0)
    return mean


def ledger(replicates: Sequence[Record], until_d: float = np.inf) -> dict[tuple[str, str], Estimate]:
    """Return the deaths of an arm by (lesion, cause) up to a day or its end, over its replicates."""
    names = [name.removeprefix("deaths_") for name in DEATHS]
    return {(lesion, cause): estimate(column) for lesion in replicates[0].lesions for cause, column in zip(
        names, np.array([_counts(record, lesion, until_d) for record in replicates]).T, strict=True)}

"""How each arm ends: who died when, and which lesion held the tumour cells on the last day."""

from typing import NamedTuple

import numpy as np

from lesionlab.analysis.comparison.comparison import Arm, Comparison
from lesionlab.analysis.comparison.findings import Findings

CELLS = "lesion_cells"


class Ending(NamedTuple):
    """The end of one arm.

    `days` holds each replicate's last day and whether its patient died on it. `median_d` is Kaplan and Meier's median day of death (inf
    if not reached), `low_d` and `high_d` the 10 % and 90 % quantile (nan with one replicate). `shares` are each lesion's
    share of all tumour cells on the last day, mean over replicates.
    """

    arm: str
    days: tuple[tuple[float, bool], ...]
    median_d: float
    low_d: float
    high_d: float
    shares: dict[str, float]

    @property
    def n(self) -> int:
        """The number of replicates."""
        return len(self.days)

    @property
    def n_dead(self) -> int:
        """The number of replicates that reached the lethal burden."""
        return sum(is_dead for _, is_dead in self.days)

    @property
    def last_d(self) -> float:
        """The last day on which a replicate was observed."""
        return max(day for day, _ in self.days)

    @property
    def lesion(self) -> str:
        """The lesion that holds most tumour cells at the end, "" where there are none."""
        return max(self.shares, key=lambda name: self.shares[name], default="")


def endings(comparison: Comparison, findings: Findings) -> list[Ending]:
    """Return the end of every arm, the shortest life first."""
    found = [_ending(arm, findings) for arm in comparison.arms]
    return sorted(found, key=lambda one: (one.median_d, one.last_d))


def _ending(arm: Arm, findings: Findings) -> Ending:
    spread = arm.numbers["time_to_lethal_burden_d", ""]
    days = tuple((float(outcome.scans.end_d), bool(outcome.scans.is_dead)) for outcome in arm.outcomes)
    return Ending(arm.name, days, findings.survival["death", arm.name].median_d, spread.low, spread.high, _shares(arm))


def _shares(arm: Arm) -> dict[str, float]:
    """Return each lesion's share of the cells on the last day; a replicate without any tumour cell counts in none."""
    shares: dict[str, list[float]] = {}
    for outcome in arm.outcomes:
        cells = np.nan_to_num(outcome.record.series[CELLS][-1])
        for lesion, share in zip(outcome.record.lesions, cells / cells.sum() if cells.sum() > 0 else (), strict=False):
            shares.setdefault(lesion, []).append(float(share))
    return {lesion: float(np.mean(found)) for lesion, found in shares.items()}

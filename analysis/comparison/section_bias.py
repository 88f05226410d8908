"""What a smaller section does to outcomes: mean paired difference from the largest, beside the spread between patients.

Every patient is cut into all sizes, so differences are paired; their interval is 95 %, of Student's t. A size may be trusted for an
outcome where its mean difference is smaller than one standard deviation between patients at the largest size. That deviation holds
chance as well as patients.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

OUTCOMES: Mapping[str, tuple[str, int]] = {
    "longest_diameter_cm_d56": ("longest diameter on day 56, cm", 2),
    "log10_clonogens_d56": ("log10 clonogens on day 56", 2),
    "is_cleared_d112": ("share cleared by day 112", 2),
    "hypoxic_share_d28": ("hypoxic share (below 5 mmHg) on day 28", 3),
    "t_cells_per_mm2_d28": ("T cells on day 28, per mm2", 1),
    "perfused_vessels_per_mm2_d28": ("perfused vessels on day 28, per mm2", 1),
}
"""What is compared: words and decimals."""


class Difference(NamedTuple):
    """A smaller section's mean difference from the largest, half its 95 % interval, and the patients that have both."""

    mean: float
    half_width: float
    n: int


@dataclass(frozen=True)
class Bias:
    """One outcome of one arm: its mean and standard deviation between patients at the largest size, and each size's difference."""

    arm: str
    outcome: str
    mean: float
    spread: float
    differences: Mapping[int, Difference]

    def is_within(self, size: int) -> bool:
        """Tell whether a size's bias is smaller than the spread between patients; where patients do not differ, whether there is none."""
        return abs(self.differences[size].mean) < self.spread or self.differences[size].mean == 0.0


def biases(cuts: Iterable[Any]) -> list[Bias]:
    """Return the bias of every outcome of every arm.

    Args:
        cuts: rows with `patient`, `arm`, `section_cells` and the outcomes; nan where the patient had died.
    """
    cuts = list(cuts)
    sizes = sorted({cut.section_cells for cut in cuts})
    arms = dict.fromkeys(cut.arm for cut in cuts)
    found = []
    for arm in arms:
        for outcome in OUTCOMES:
            at = {size: {cut.patient: getattr(cut, outcome) for cut in cuts if (cut.arm, cut.section_cells) == (arm, size)}
                  for size in sizes}
            whole = np.array([value for value in at[sizes[-1]].values() if not np.isnan(value)])
            if len(whole) > 1:
                found.append(Bias(arm, outcome, float(whole.mean()), float(whole.std(ddof=1)),
                                  {size: _difference(at[size], at[sizes[-1]]) for size in sizes[:-1]}))
    return found


def _difference(small: Mapping[int, float], large: Mapping[int, float]) -> Difference:
    paired = np.array([small[patient] - large[patient] for patient in small])
    paired = paired[~np.isnan(paired)]
    n = len(paired)
    half_width = float(stats.t.ppf(0.975, n - 1) * paired.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Difference(float(paired.mean()) if n else float("nan"), half_width, n)


def trusted_size(found: Sequence[Bias]) -> int | None:
    """Return the smallest size from which on no outcome's bias reaches the spread between patients; None if every size's does."""
    trusted = None
    for size in sorted(found[0].differences, reverse=True):
        if not all(bias.is_within(size) for bias in found):
            break
        trusted = size
    return trusted


def rows(found: Sequence[Bias]) -> list[list[str]]:
    """Return the table: a line an outcome of an arm, a column a size; a star marks a bias that reaches the spread."""
    sizes = sorted(found[0].differences)
    table = [["arm", "outcome", "mean and sd between patients, largest section", *(f"{size} cells" for size in sizes)]]
    for bias in found:
        words, digits = OUTCOMES[bias.outcome]
        cells = [f"{d.mean:+.{digits}f} ± {d.half_width:.{digits}f}{'' if bias.is_within(size) else ' *'}"
                 for size, d in sorted(bias.differences.items())]
        table.append([bias.arm, words, f"{bias.mean:.{digits}f}, {bias.spread:.{digits}f}", *cells])
    return table

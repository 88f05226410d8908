"""Another median of a quantity that varies between patients, judged on patients already run: importance weights, no new run.

A patient drawn from a log-normal with median m stands for one of median m' with the weight f(x; m') / f(x; m). How far that
carries is the effective number of patients, (sum w)^2 / sum w^2. Only arms of one drug are read.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.comparison.screening import (
    ANTI_PD1,
    CONTROLLED,
    INHIBITOR,
    Cohort,
    has_shrunk,
    is_worse,
    perfusion_up,
    ratio_to_day_zero,
)


class Weighed(NamedTuple):
    """What a screen would give at another median: the effective number of patients and the simulated quantities by name."""

    median: float
    n_effective: float
    simulated: dict[str, float]


def weights(values: NDArray[np.float64], median: float, other: float, log_sd: float) -> NDArray[np.float64]:
    """Return weights that add up to 1 and turn draws of one median into draws of another."""
    log_ratio = (np.log(values / median) ** 2 - np.log(values / other) ** 2) / (2.0 * log_sd**2)
    raw = np.exp(log_ratio - log_ratio.max())
    result: NDArray[np.float64] = raw / raw.sum()
    return result


def weighed(cohort: Cohort, path: str, median: float, other: float, log_sd: float) -> Weighed:
    """Return the quantities of either drug alone with the patients weighted to another median of what stands at a path."""
    w = weights(cohort.of(ANTI_PD1, path), median, other, log_sd)
    perfusion = ratio_to_day_zero(cohort, INHIBITOR, "perfused_vessels_per_mm2") - 1.0
    of_inhibitor = {"response": cohort.responds(INHIBITOR), "control": np.isin(cohort.best(INHIBITOR), CONTROLLED),
                    "shrank": has_shrunk(cohort, INHIBITOR), "worse_than_untreated": is_worse(cohort, INHIBITOR),
                    "perfusion_up": perfusion_up(cohort, INHIBITOR),
                    **{f"perfusion_change_d{day:g}": perfusion[:, cohort.days.index(day)] for day in (14.0, 42.0) if day in cohort.days}}
    simulated = {f"{ANTI_PD1}.response": _mean(w, cohort.responds(ANTI_PD1)),
                 **{f"{INHIBITOR}.{name}": _mean(w, values) for name, values in of_inhibitor.items()}}
    return Weighed(other, float(1.0 / (w**2).sum()), simulated)


def _mean(w: NDArray[np.float64], values: NDArray) -> float:
    """Return a weighted mean over the patients of whom a value is known."""
    known = np.isfinite(np.asarray(values, dtype=np.float64))
    return float((w[known] * values[known]).sum() / w[known].sum())

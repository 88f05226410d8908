"""The summary of a screen: one set of numbers as JSON, one table as text."""

from functools import lru_cache
from typing import Any

import numpy as np

from lesionlab.analysis.comparison.screening import (
    ANTI_PD1,
    BOTH,
    CONTROLLED,
    INHIBITOR,
    UNTREATED,
    WORSE_DAY,
    Cohort,
    Share,
    Value,
    at_day,
    bootstrap,
    change_since_start,
    excess_over_independence,
    has_shrunk,
    is_worse,
    mean_difference,
    perfusion_up,
    share_of,
)
from lesionlab.analysis.statistics import paired

Found = dict[str, Share | Value]
"""Simulated quantities by name, such as `anlotinib.response`."""
_TREATED = (ANTI_PD1, INHIBITOR, BOTH)


@lru_cache(maxsize=8)
def quantities(cohort: Cohort) -> Found:
    """Return everything that a screen says of its arms, by `arm.quantity`; what an arm lacks is left out."""
    found: Found = {}
    for arm in (arm for arm in (UNTREATED, *_TREATED) if arm in cohort.arms):
        found |= _of_arm(cohort, arm)
    if all(arm in cohort.arms for arm in _TREATED):
        found |= _together(cohort)
    return found


def _of_arm(cohort: Cohort, arm: str) -> Found:
    best = cohort.best(arm)
    found: Found = {"response": share_of(cohort.responds(arm)), "control": share_of(np.isin(best, CONTROLLED)),
                    "shrank": share_of(has_shrunk(cohort, arm)), "died_d56": share_of(cohort.of(arm, "death_d") <= WORSE_DAY),
                    "perfusion_up": share_of(perfusion_up(cohort, arm))}
    if arm != UNTREATED and UNTREATED in cohort.arms:
        found["worse_than_untreated"] = share_of(is_worse(cohort, arm))
    for day in (day for day in (14.0, 42.0) if day in cohort.days):
        found[f"perfusion_change_d{day:g}"] = change_since_start(cohort, arm, "perfused_vessels_per_mm2", day)
    for day in (day for day in (0.0, 28.0, 56.0) if day in cohort.days):
        found[f"t_cells_d{day:g}"] = at_day(cohort, arm, "t_cells_per_mm2", day)
        found[f"hypoxic_d{day:g}"] = at_day(cohort, arm, "hypoxic_fraction_below_5_mmHg", day)
    return {f"{arm}.{name}": value for name, value in found.items()}


def _together(cohort: Cohort) -> Found:
    """Return how both drugs compare with the better one alone and with independent action."""
    responds = {arm: cohort.responds(arm) for arm in _TREATED}
    better = better_single(cohort)
    return {"both.over_better": bootstrap([responds[BOTH], responds[better]], mean_difference),
            "both.over_independence": bootstrap([responds[BOTH], responds[ANTI_PD1], responds[INHIBITOR]], excess_over_independence)}


def better_single(cohort: Cohort) -> str:
    """Return the single drug to which more patients respond; anti-PD-1 where as many do."""
    return max((ANTI_PD1, INHIBITOR), key=lambda arm: int(cohort.responds(arm).sum()))


def as_json(cohort: Cohort) -> dict[str, Any]:
    """Return the summary as plain data: counts, and every quantity with its interval."""
    found = {name: {"value": value.value, "low": value.low, "high": value.high, "n": value.n,
                    **({"count": value.n_events} if isinstance(value, Share) else {})} for name, value in quantities(cohort).items()}
    plain = {name: {key: None if isinstance(number, float) and np.isnan(number) else number for key, number in entry.items()}
             for name, entry in found.items()}
    better = better_single(cohort) if all(arm in cohort.arms for arm in _TREATED) else None
    return {"patients": len(cohort.patients), "rejected": cohort.n_rejected, "better_single": better, "level": paired.LEVEL,
            "quantities": plain}


def percent(value: Share | Value, with_count: bool = True) -> str:
    """Return a share or a difference of shares as text, in per cent with its interval."""
    interval = f"[{100 * value.low:.0f} to {100 * value.high:.0f}]" if np.isfinite(value.low) else "[no interval]"
    if isinstance(value, Share) and with_count:
        return f"{value.n_events} of {value.n} = {100 * value.value:.0f} % {interval}"
    return f"{100 * value.value:.0f} % {interval}"


def points(value: Value) -> str:
    """Return a difference of shares as text, in percentage points."""
    return f"{100 * value.value:+.1f} points [{100 * value.low:+.1f} to {100 * value.high:+.1f}]"


def table(cohort: Cohort) -> list[list[str]]:
    """Return the summary as rows of text under a heading, one row an arm."""
    found = quantities(cohort)
    names = (("response", "respond"), ("control", "disease control"), ("shrank", "shrank"),
             ("worse_than_untreated", "worse than untreated"), ("died_d56", "died by day 56"), ("perfusion_up", "perfusion up a month"))
    heading = ["arm", *(words for _, words in names)]
    return [heading, *([arm, *(percent(found[f"{arm}.{name}"]) if f"{arm}.{name}" in found else "" for name, _ in names)]
                       for arm in cohort.arms)]


def sentences(cohort: Cohort) -> list[str]:
    """Return what the table does not say: rejections, both against the better drug and against independence."""
    n = len(cohort.patients)
    lines = [f"{n} patients; besides them {cohort.n_rejected} drawn and rejected: the untreated lesion did not grow by the first scan"]
    found = quantities(cohort)
    if "both.over_better" in found:
        better, gain, excess = better_single(cohort), found["both.over_better"], found["both.over_independence"]
        assert isinstance(gain, Value) and isinstance(excess, Value)
        alone, both = found[f"{better}.response"].value, found[f"{BOTH}.response"].value
        times = f"{both / alone:.2f} times" if alone else "more than"
        lines += [f"both drugs: {times} the share of {better}, the better drug alone; paired difference {points(gain)}",
                  f"over independent action (1 - (1 - a)(1 - b)): {points(excess)}"]
    return lines

"""When things happened to an arm, in words: one median of each event, wherever it is printed."""

import numpy as np

from lesionlab.analysis.comparison.comparison import Arm, Summary
from lesionlab.analysis.comparison.findings import Findings

TIMES = {"progression_report": "time_to_progression_report_d", "progression_strict": "time_to_progression_strict_d",
         "death": "time_to_lethal_burden_d"}
"""The time of each event among an arm's numbers."""


def event_day(arm: Arm, event: str, findings: Findings) -> str:
    """Return the median day of an event, the one that survival has, with the quantiles over the runs."""
    return number(arm.numbers[TIMES[event], ""]._replace(median=findings.survival[event, arm.name].median_d), 0, "day ")


def end_words(arm: Arm, findings: Findings) -> str:
    """Return how an arm ended: the median day of death, or the last day on which it was observed."""
    found = findings.survival["death", arm.name]
    died = f"{found.n_events} of {found.n} died" if 0 < found.n_events < found.n else arm.word("end_reason")
    if np.isfinite(found.median_d):
        return f"{event_day(arm, 'death', findings)}, {died}"
    return f"alive on day {max(outcome.scans.end_d for outcome in arm.outcomes):.0f}, {died}"


def number(found: Summary | None, digits: int, prefix: str = "") -> str:
    """Return a median as text, with its quantiles where there are replicates; a time never reached is labelled as such."""
    if found is None or not found.n or np.isnan(found.median):
        return "–"
    def text(value: float) -> str:
        return f"{value:.{digits}f}" if np.isfinite(value) else "not reached"
    is_spread = found.n > 1 and not np.isnan(found.low) and not np.isinf(found.low)
    spread = f" [{text(found.low)} to {text(found.high)}]" if is_spread else ""
    return f"{prefix if np.isfinite(found.median) else ''}{text(found.median)}{spread}"

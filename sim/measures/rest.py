"""Whether blood and tissue have come to rest: what the end of a burn-in must show where nothing is set on day 0.

    drift = |ln(mean of the last ten days / mean of the ten before)| / 10 d

of the specific effectors in blood and of the T cells in the lesions. A section counts whole T cells, so its drift is judged
beyond two standard errors, with 1 / sqrt(T cells) as that of the logarithm.
"""

from math import log, sqrt

from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import State

WINDOW_D = 10
MOST_DRIFT_PER_D = 0.01


class Rest:
    """What each day of a burn-in showed."""

    def __init__(self) -> None:
        self.blood: list[float] = []
        self.tissue: list[float] = []
        self.counted: list[int] = []

    def note(self, state: State, clock: Clock) -> None:
        """Note the pools at the start of a day."""
        if not clock.is_due(24.0):
            return
        self.blood.append(state.systemic.specific_blood)
        self.tissue.append(sum(tissue.t_cells.n * tissue.volume_weight for tissue in state.tissues))
        self.counted.append(sum(tissue.t_cells.n for tissue in state.tissues))

    def unrest(self) -> str:
        """Return what is not at rest, in words; empty if all is."""
        if len(self.blood) < 2 * WINDOW_D:
            return f"a burn-in of {2 * WINDOW_D} days is the least that shows rest"
        n = sum(self.counted[-WINDOW_D:]) / WINDOW_D
        tolerances = {"blood": MOST_DRIFT_PER_D, "lesions": MOST_DRIFT_PER_D + 2.0 / sqrt(max(n, 1.0)) / WINDOW_D}
        drifts = {"blood": drift_per_d(self.blood), "lesions": drift_per_d(self.tissue)}
        return ", ".join(f"T cells in {where} drift by {100.0 * drifts[where]:+.2g} % a day" for where in drifts
                         if not abs(drifts[where]) <= tolerances[where])


def drift_per_d(values: list[float]) -> float:
    """Return the drift of daily values per day: the logarithm of the ratio of the last two windows' means over a window's length."""
    last, before = sum(values[-WINDOW_D:]), sum(values[-2 * WINDOW_D:-WINDOW_D])
    if last <= 0.0 or before <= 0.0:
        return 0.0 if last == before else float("inf")
    return log(last / before) / WINDOW_D

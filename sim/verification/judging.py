"""Ways to judge a number: relative closeness, and closeness in standard errors. Controls pass by failing."""

from typing import NamedTuple

import numpy as np


class Check(NamedTuple):
    """One judged number.

    Attributes:
        row: number of the law; law: its name; quantity: what was measured; value, expected: in `unit`.
        tolerance: how it was judged, in words; "tabulated" where the number is only shown.
        passed: the verdict; is_control: a negative control, which passes by FAILING the law as it must.
        half_width: half of the value's 95 % interval where replicates give one, else None.
    """

    row: int
    law: str
    quantity: str
    value: float
    expected: float
    tolerance: str
    unit: str
    passed: bool
    is_control: bool = False
    half_width: float | None = None


class Law(NamedTuple):
    """The row whose numbers are judged."""

    row: int
    name: str

    def close(self, quantity: str, value: float, expected: float, relative: float, unit: str = "1", is_control: bool = False) -> Check:
        """Judge by a relative tolerance."""
        holds = abs(value - expected) <= relative * abs(expected)
        return self._check(quantity, value, expected, f"within {100.0 * relative:.3g} %", unit, holds, is_control)

    def within(self, quantity: str, value: float, expected: float, error: float, unit: str = "1", is_control: bool = False) -> Check:
        """Judge by three standard errors of the value."""
        holds = abs(value - expected) <= 3.0 * error
        return self._check(quantity, value, expected, f"3 SE of {error:.2g}", unit, holds, is_control)

    def bounded(self, quantity: str, value: float, expected: float, bound: float, unit: str = "1", is_control: bool = False) -> Check:
        """Judge by an absolute bound on the difference."""
        holds = abs(value - expected) <= bound
        return self._check(quantity, value, expected, f"+- {bound:.3g}", unit, holds, is_control)

    def at_least(self, quantity: str, value: float, least: float, unit: str = "1", is_control: bool = False) -> Check:
        """Judge by a lower bound."""
        return self._check(quantity, value, least, f"at least {least:.3g}", unit, value >= least, is_control)

    def tabulated(self, quantity: str, value: float, expected: float, unit: str = "1", half_width: float | None = None) -> Check:
        """Show a number without judging it, with half of its 95 % interval if known."""
        return self._check(quantity, value, expected, "tabulated", unit, True, False)._replace(half_width=half_width)

    def _check(self, quantity: str, value: float, expected: float, tolerance: str, unit: str, *verdict: bool) -> Check:
        holds, is_control = verdict
        return Check(self.row, self.name, quantity, float(value), float(expected), tolerance, unit, bool(holds) != is_control, is_control)


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of independent values and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)


def variance_and_error(values: np.ndarray) -> tuple[float, float]:
    """Return the variance of independent values and its standard error, from their fourth moment."""
    deviation = values - values.mean()
    variance = float(values.var(ddof=1))
    return variance, float(np.sqrt(max((deviation**4).mean() - variance**2, 0.0) / len(values)))

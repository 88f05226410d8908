"""One measured figure, its target, and how much is measured."""

from collections.abc import Callable, Sequence
from math import isnan
from statistics import median
from time import perf_counter
from typing import NamedTuple


class Effort(NamedTuple):
    """How much is measured.

    cells: of each section of the case; repeats: of kernels and short runs; days: of the case's profile; large_cells: of the
    section that threads share. is_whole: the whole case, five arms and a cold start too. is_full_size: the neck lesion's whole
    section too.
    """

    cells: int = 30_000
    repeats: int = 5
    days: float = 60.0
    large_cells: int = 500_000
    is_whole: bool = True
    is_full_size: bool = False


FULL_SIZE_CELLS = 15_700_000
"""Cells of a section as large as the case's neck lesion, 10 x 8 cm."""
FULL_SIZE_COURSE = 6000.0
"""Steps on a fresh mass that take as long as its whole course, burn-in included: from its phases, see docs/performance.md."""


class Figure(NamedTuple):
    """One figure: median, least and largest of its repeats in a unit, its target, and whether the target was reached."""

    group: str
    name: str
    value: float
    low: float
    high: float
    unit: str
    target: str = ""
    reached: bool | None = None


def figure(group: str, name: str, samples: Sequence[float], unit: str) -> Figure:
    """Return the figure of some repeats."""
    return Figure(group, name, float(median(samples)), float(min(samples)), float(max(samples)), unit)


def judged(made: Figure, is_reached: bool, target: str, reach: float | None) -> Figure:
    """Return a figure with its target and, where it was measured, whether the target was reached."""
    wish = f", reach for {reach:g}" if reach is not None else ""
    return made._replace(target=target + wish, reached=None if isnan(made.value) else is_reached)


def at_most(made: Figure, limit: float, reach: float | None = None) -> Figure:
    """Return a figure whose target is an upper bound, with the more ambitious value to aim for."""
    return judged(made, made.value <= limit, f"at most {limit:g} {made.unit}", reach)


def at_least(made: Figure, limit: float, reach: float | None = None) -> Figure:
    """Return a figure whose target is a lower bound, with the more ambitious value to aim for."""
    return judged(made, made.value >= limit, f"at least {limit:g} {made.unit}", reach)


def seconds(work: Callable[[], object], repeats: int, calls: int = 1) -> list[float]:
    """Return the seconds of one call of `work` in each repeat, after one warm-up call."""
    work()
    samples = []
    for _ in range(repeats):
        started = perf_counter()
        for _ in range(calls):
            work()
        samples.append((perf_counter() - started) / calls)
    return samples

"""Bench: what kernels and runs take on this machine beside what the machine could do, all measured in one run.

Figures of another run or machine are not comparable; shares and ratios are. A figure is the median of its repeats with
the least and the largest; a target is what the project asks of a machine with two cores, reached or not.
"""

from collections.abc import Callable, Sequence
from math import isnan, nan, prod
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
    """One figure: median, least and largest of its repeats in a unit; what is asked of it, and whether it was reached."""

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
    """Return a figure with its target and, where it was measured, whether that was reached."""
    wish = f", reach for {reach:g}" if reach is not None else ""
    return made._replace(target=target + wish, reached=None if isnan(made.value) else is_reached)


def at_most(made: Figure, limit: float, reach: float | None = None) -> Figure:
    """Return a figure with its target: a largest value, and the one to reach for."""
    return judged(made, made.value <= limit, f"at most {limit:g} {made.unit}", reach)


def at_least(made: Figure, limit: float, reach: float | None = None) -> Figure:
    """Return a figure with its target: a least value, and the one to reach for."""
    return judged(made, made.value >= limit, f"at least {limit:g} {made.unit}", reach)


def seconds(work: Callable[[], object], repeats: int, calls: int = 1) -> list[float]:
    """Return the seconds of one call of `work` in each repeat, after one that is not counted."""
    work()
    samples = []
    for _ in range(repeats):
        started = perf_counter()
        for _ in range(calls):
            work()
        samples.append((perf_counter() - started) / calls)
    return samples


def bench(effort: Effort, tell: Callable[[str], None]) -> list[Figure]:
    """Measure everything the effort asks for; what it leaves out stands there unmeasured. `tell` is given what begins."""
    from lesionlab.sim.bench import kernels, machine, profile, runs
    from lesionlab.sim.runs.simulation import warm_kernels

    tell("compiling the rules, if they are not yet")
    warm_kernels()
    tell(f"the case, {effort.cells} cells a section: share of each process over {effort.days:g} days")
    model, shares = profile.profile_case(effort)
    state = model.state
    tell("what the machine could do, and what the kernels do on the state reached")
    limits = machine.limits(max((tissue.state.shape for tissue in state.tissues), key=prod), effort.repeats)
    found = [*limits, *kernels.kernels(model, limits, effort.repeats), *shares]
    tell("recording, empty tissue, threads")
    found += [*runs.recording(effort), runs.empty_tissue(effort), *runs.two_threads(effort)]
    if effort.is_whole:
        found += runs.whole_runs(effort, tell)
    return found + (runs.full_size(tell) if effort.is_full_size else runs.full_size_figures([nan], [nan], [nan], [nan]))

"""Bench: times of kernels and runs beside the limits of this machine, all measured in one run.

Figures of another run or machine are not comparable; shares and ratios are. A figure is the median of its repeats with
the least and the largest; a target is what the project expects of a machine with two cores.
"""

from collections.abc import Callable
from math import nan, prod

from lesionlab.sim.bench import kernels, lesions, machine, profile, runs
from lesionlab.sim.bench.figure import Effort, Figure
from lesionlab.sim.runs.engines import warm_kernels

__all__ = ["Effort", "Figure", "bench"]


def bench(effort: Effort, tell: Callable[[str], None]) -> list[Figure]:
    """Measure everything that the effort includes; other figures are listed as unmeasured. `tell` is given the name of each part."""
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
    tell("one small lesion")
    found += lesions.small(effort)
    if effort.is_whole:
        found += runs.whole_runs(effort, tell)
    if not effort.is_full_size:
        return [*found, *lesions.published_figures(), *runs.full_size_figures([nan], [nan], [nan], [nan])]
    return [*found, *lesions.published_size(tell), *runs.full_size(tell)]

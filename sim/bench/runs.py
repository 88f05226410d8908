"""What whole runs take: recording, empty tissue, threads; start-up, the teaching scenario, the case and its arms."""

import math
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from sim.bench import FULL_SIZE_CELLS, Effort, Figure, at_least, at_most, figure
from sim.bench.profile import case
from sim.errors import UserError
from sim.model import TumourModel
from sim.numerics.crew import hired
from sim.scenario import Scenario
from sim.scenario_file import load_scenario
from sim.simulation import COMMIT_EVERY_D, simulate

GROUP = "runs"
_LARGE_STEPS = 8
_PROGRAM = "import sys; from sim.cli import main; sys.exit(main(sys.argv[1:]))"
_WARM = "from sim.simulation import warm_kernels; warm_kernels()"


def _finish(scenario: Scenario, until_d: float) -> float:
    """Return the seconds from day 0 to the end of a run without a record."""
    model = TumourModel(scenario, until_d=until_d, collect_every_d=COMMIT_EVERY_D)
    started = perf_counter()
    while model.running:
        model.step()
    return perf_counter() - started


def recording(effort: Effort) -> Figure:
    """Return what a record adds to a run of the teaching scenario."""
    scenario, shares, days = load_scenario("teaching", []), [], 4.0 * effort.days
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(effort.repeats):
            started = perf_counter()
            TumourModel(scenario, until_d=1e-3)
            rest = perf_counter() - started
            bare = _finish(scenario, days)
            started = perf_counter()
            simulate(scenario, Path(folder) / "run.h5", until_d=days, is_forced=True)
            shares.append(100.0 * ((perf_counter() - started - rest) / bare - 1.0))
    return at_most(figure(GROUP, "record, added to the teaching scenario", shares, "%"), 5.0)


def empty_tissue(effort: Effort) -> Figure:
    """Return what a doubled area of host tissue around the mass adds to a run."""
    narrow = load_scenario("teaching", [f"lesions.neck.section_cells={effort.cells}"])
    margin = narrow.parameters("tissue").margin_sites
    lesion = narrow.lesions["neck"].section
    ny, nx = lesion.shape(margin)[1:]
    mass = math.pi * lesion.half_axes[1] * lesion.half_axes[2]
    while math.prod(lesion.shape(margin)) - mass < 2.0 * (ny * nx - mass):
        margin += 1
    wide = load_scenario("teaching", [f"lesions.neck.section_cells={effort.cells}", f"tissue.margin_sites={margin}"])
    days = min(effort.days, 14.0)
    added = [100.0 * (_finish(wide, days) / _finish(narrow, days) - 1.0) for _ in range(max(effort.repeats // 2, 1))]
    return at_most(figure(GROUP, "empty tissue around a mass doubled, added", added, "%"), 15.0)


def _as_large_as_the_neck(cells: int) -> Scenario:
    """Return one lesion of 10 x 8 cm with a section of so many cells, without a burn-in."""
    return load_scenario("teaching", [f"lesions.neck.section_cells={cells}", "lesions.neck.size_cm=[10, 8]", "burn_in_d=0"])


def two_threads(effort: Effort) -> list[Figure]:
    """Return how much faster two threads are on one large section and on the case's small ones, as wall times in turn."""
    large = _as_large_as_the_neck(effort.large_cells)
    days = _LARGE_STEPS / 24.0
    gains = {"two threads on a large section": [_gain(large, days) for _ in range(max(effort.repeats // 2, 1))],
             "two threads on the case, lesions side by side": [_gain(case(effort.cells), min(effort.days, 10.0))]}
    name, other = gains
    shared = figure(GROUP, f"{name}, {effort.large_cells:.3g} cells", gains[name], "x")
    return [at_least(shared, 1.6), figure(GROUP, other, gains[other], "x")]


def _gain(scenario: Scenario, days: float) -> float:
    one = _finish(scenario, days)
    with hired(2):
        return one / _finish(scenario, days)


def _process(arguments: Sequence[str], environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Run Python with some arguments; return (seconds, GB of the largest process so far). Raises UserError if it fails."""
    started = perf_counter()
    settings = {**os.environ, **(environment or {})}
    done = subprocess.run([sys.executable, *arguments], env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"bench: {' '.join(arguments[2:])}: {done.stderr.strip().splitlines()[-1]}")
    return perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9


def whole_runs(effort: Effort, tell: Callable[[str], None]) -> list[Figure]:
    """Return start-up cold and warm, the teaching scenario, the case and its five arms, each as a user runs it."""
    with tempfile.TemporaryDirectory() as folder:
        tell("start-up, with and without compiled kernels")
        path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        cold = _process(["-c", _WARM], {**path, "NUMBA_CACHE_DIR": f"{folder}/cache", "LESIONLAB_NUMBA_CACHE": ""})[0]
        warm = [_process(["-c", _WARM], path)[0] for _ in range(effort.repeats)]
        found = [at_most(figure(GROUP, "start-up, first compile", [cold], "s"), 60.0),
                 at_most(figure(GROUP, "start-up, warm", warm, "s"), 3.0)]
        tell("the teaching scenario")
        taught = [_process(["-c", _PROGRAM, "run", "teaching", "--force", "-o", f"{folder}/teaching.h5"], path)[0] for _ in range(3)]
        found.append(at_most(figure(GROUP, "teaching scenario", taught, "s"), 5.0, 2.0))
        tell(f"the whole case, {effort.cells} cells a section")
        sizes = [word for name in case(effort.cells).lesions for word in ("--set", f"lesions.{name}.section_cells={effort.cells}")]
        took, memory = _process(["-c", _PROGRAM, "run", "case", *sizes, "-o", f"{folder}/case.h5"], path)
        found += [at_most(figure(GROUP, f"whole case, {effort.cells} cells a section", [took], "s"), 60.0, 30.0),
                  figure(GROUP, "peak memory of the case", [memory], "GB")]
        tell("five arms by compare, default sections")
        arms = _process(["-c", _PROGRAM, "compare", "case", "--arms", "monotherapy", "-o", f"{folder}/arms"], path)[0]
        found.append(at_most(figure(GROUP, "five arms by compare", [arms / 60.0], "min"), 4.0, 2.0))
    return found


def full_size(tell: Callable[[str], None]) -> list[Figure]:
    """Return time per step and peak memory of a section as large as the case's neck lesion."""
    tell(f"one section of {FULL_SIZE_CELLS:.3g} cells: a few steps on one and on two threads")
    large = _as_large_as_the_neck(FULL_SIZE_CELLS)
    steps = 2
    one = _finish(large, steps / 24.0)
    with hired(2):
        two = _finish(large, steps / 24.0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return [figure(GROUP, "full-size section, a step", [one / steps], "s"),
            at_least(figure(GROUP, "full-size section, two threads", [one / two], "x"), 1.6),
            at_most(figure(GROUP, "full-size section, peak memory", [memory], "GB"), 4.0)]

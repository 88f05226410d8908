"""Times of whole runs: recording, empty tissue, threads; start-up, the teaching scenario, the case and its arms."""

import gc
import math
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from lesionlab.sim.bench.figure import FULL_SIZE_CELLS, FULL_SIZE_COURSE, Effort, Figure, at_least, at_most, figure
from lesionlab.sim.bench.profile import case, watching
from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.runs.lifecycle import finish, simulate, steps
from lesionlab.sim.runs.reporters import Commits, Pictures, Rows
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation

GROUP = "runs"
_RECORDING = ((Rows, "take", "rows"), (Pictures, "take", "pictures"), (Commits, "report", "commits"))
_LARGE_STEPS = 24
_PROGRAM = "import sys; from lesionlab.sim.cli import main; sys.exit(main(sys.argv[1:]))"
_WARM = "from lesionlab.sim.runs.engines import warm_kernels; warm_kernels()"


def _finish(scenario: Scenario, until_d: float) -> float:
    """Return the seconds from day 0 to the end of a run without a record."""
    model = Simulation(scenario, until_d=until_d)
    started = perf_counter()
    finish(steps(model))
    return perf_counter() - started


def recording(effort: Effort) -> list[Figure]:
    """Return the share of a run's time that its record takes: by default, and with a row every hour."""
    found = []
    for rows, every_h in (("daily", 24), ("hourly", 1)):
        scenario = case(effort.cells)
        output = scenario.output.model_copy(update={"scalars_every_h": float(every_h), "snapshots_every_d": 7.0})
        shares = [_recorded_share(scenario.model_copy(update={"output": output}), effort.days) for _ in range(max(effort.repeats // 2, 1))]
        found.append(at_most(figure(GROUP, f"record of the case, rows {rows}, pictures weekly: share of a run", shares, "%"), 5.0, 2.0))
    return found


def _recorded_share(scenario: Scenario, days: float) -> float:
    """Return the share (%) of a run's time that goes into rows, pictures and commits."""
    spent: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, watching(_RECORDING, spent):
        started = perf_counter()
        simulate(scenario, Path(folder) / "run.h5", until_d=days)
        return 100.0 * sum(spent.values()) / (perf_counter() - started)


def empty_tissue(effort: Effort) -> Figure:
    """Return the time that a doubled area of host tissue around the mass adds to a run."""
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
    return [at_least(shared, 1.6, 1.8), figure(GROUP, other, gains[other], "x")]


def _gain(scenario: Scenario, days: float) -> float:
    one = _finish(scenario, days)
    with hired(2):
        return one / _finish(scenario, days)


def _process(arguments: Sequence[str], environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Run Python with some arguments; return (seconds, GB at its peak). Raises UserError if it fails."""
    started = perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen([sys.executable, *arguments], env={**os.environ, **(environment or {})}, stdout=said, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().split("\n")
    if child.returncode:
        reason = next((line for line in reversed(lines) if line.strip()), f"ended with {child.returncode}")
        raise UserError(f"bench: {' '.join(arguments[2:])}: {reason}")
    return perf_counter() - started, used.ru_maxrss * 1024 / 1e9


def whole_runs(effort: Effort, tell: Callable[[str], None]) -> list[Figure]:
    """Return start-up cold and warm, the teaching scenario, the case and its five arms, each as a user runs it."""
    with tempfile.TemporaryDirectory() as folder:
        tell("start-up, with and without compiled kernels")
        path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        cold = _process(["-c", _WARM], {**path, "NUMBA_CACHE_DIR": f"{folder}/cache", "LESIONLAB_NUMBA_CACHE": ""})[0]
        warm = [_process(["-c", _WARM], path)[0] for _ in range(effort.repeats)]
        found = [at_most(figure(GROUP, "start-up, first compile", [cold], "s"), 45.0, 25.0),
                 at_most(figure(GROUP, "start-up, warm", warm, "s"), 1.0, 0.7)]
        tell("the teaching scenario")
        taught = [_process(["-c", _PROGRAM, "run", "teaching", "--force", "-o", f"{folder}/teaching.h5"], path)[0] for _ in range(3)]
        found.append(at_most(figure(GROUP, "teaching scenario", taught, "s"), 2.5, 1.5))
        tell(f"the whole case, {effort.cells} cells a section")
        sizes = [word for name in case(effort.cells).lesions for word in ("--set", f"lesions.{name}.section_cells={effort.cells}")]
        took, memory = _process(["-c", _PROGRAM, "run", "case", *sizes, "-o", f"{folder}/case.h5"], path)
        found += [at_most(figure(GROUP, f"whole case, {effort.cells} cells a section", [took], "s"), 30.0, 15.0),
                  figure(GROUP, "peak memory of the case", [memory], "GB")]
        tell("a slab of 50 layers, three hours")
        slab = ["run", "neck_slab", "--set", "burn_in_d=0", "--until", "0.125", "-o", f"{folder}/slab.h5"]
        _, memory = _process(["-c", _PROGRAM, *slab], path)
        found += [figure(GROUP, "slab of 50 layers, peak memory", [memory], "GB"),
                  figure(GROUP, "slab of 50 layers, a step", _steps(load_scenario("neck_slab", ["burn_in_d=0"]), 12), "s")]
        tell("five arms by compare, default sections")
        arms = _process(["-c", _PROGRAM, "compare", "case", "--arms", "monotherapy", "-o", f"{folder}/arms"], path)[0]
        found.append(at_most(figure(GROUP, "five arms by compare", [arms / 60.0], "min"), 4.0, 2.0))
    return found


def _steps(scenario: Scenario, n: int) -> list[float]:
    """Return the seconds of each of n steps after the first; the first step also computes all fields and vessels anew."""
    model, took = Simulation(scenario), []
    for _ in range(n + 1):
        started = perf_counter()
        model.step()
        took.append(perf_counter() - started)
    # Reference cycles would keep this model alive and double the memory of the next one.
    del model
    gc.collect()
    return took[1:]


def full_size(tell: Callable[[str], None]) -> list[Figure]:
    """Return time per step, its gain by threads and peak memory of the case's neck lesion at full size, half a day of it."""
    scenario, n = load_scenario("neck_full_size", ["burn_in_d=0"]), 12
    tell(f"one section of {FULL_SIZE_CELLS:.3g} cells: {n} steps on one and on two threads")
    one = _steps(scenario, n)
    # Peak memory of one model: the second one is allocated in the fragmented memory of the first.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    with hired(2):
        two = _steps(scenario, n)
    course = sum(min(one, two, key=sum)) / n * FULL_SIZE_COURSE / 60.0
    return full_size_figures(one, [sum(one) / sum(two)], [course], [memory])


def full_size_figures(step: list[float], gain: list[float], course: list[float], memory: list[float]) -> list[Figure]:
    """Return the figures of the full-size section: seconds of a step, gain by two threads, minutes of the course, GB."""
    return [figure(GROUP, "full-size section, a step before treatment", step, "s"),
            at_least(figure(GROUP, "full-size section, two threads", gain, "x"), 1.6, 1.8),
            at_most(figure(GROUP, "full-size section, whole course (from its steps)", course, "min"), 45.0, 30.0),
            at_most(figure(GROUP, "full-size section, peak memory", memory, "GB"), 4.0)]

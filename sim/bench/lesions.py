"""Times of one lesion: small ones, as a cohort has by the thousand, and a lattice as large as those that others publish."""

from collections.abc import Callable
from math import nan, pi
from time import perf_counter, process_time

from lesionlab.sim.bench.figure import Effort, Figure, at_most, figure
from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation

GROUP = "one lesion"
TARGETS_S = {1000: (0.4, 0.2), 3000: (1.0, 0.5)}
"""CPU seconds of one lesion for 150 days, burn-in included, by its cells: the target, and what to reach for."""
SIDE, STEPS = 1024, 3600
"""Sites along the side of a published lattice, and its steps of one hour."""


def small(effort: Effort) -> list[Figure]:
    """Return the CPU seconds of a lesion under both drugs in steps of an hour, by its cells: for 120 days after a burn-in of 30."""
    found, burn_in_d, until_d = [], 30.0 if effort.is_whole else 0.0, 120.0 if effort.is_whole else effort.days
    for cells, (limit, reach) in TARGETS_S.items():
        scenario = load_scenario("screen", [f"lesions.tumour.section_cells={cells}", "time_step_h=1", f"burn_in_d={burn_in_d:g}"])
        took = [_cpu_s(scenario, until_d) for _ in range(effort.repeats)]
        name = f"{cells} cells, {burn_in_d + until_d:g} days, T cells and two drugs, CPU"
        found.append(at_most(figure(GROUP, name, took, "s"), limit, reach))
    return found


def _cpu_s(scenario: Scenario, until_d: float) -> float:
    started = process_time()
    model = Simulation(scenario, until_d=until_d)
    while model.running:
        model.step()
    return process_time() - started


def as_wide_as_published(*settings: str) -> Scenario:
    """Return a round lesion on a lattice of about 1024 x 1024 sites, for 3,600 steps of an hour without a burn-in or treatment."""
    margin = load_scenario("teaching").parameters("tissue").margin_sites
    cells = int(pi / 4.0 * (SIDE - 2 * margin - 2) ** 2)
    # Of two centimetres: a section as wide as the lesion itself, which does not become lethal within the course.
    lesion = f"lesions={{neck: {{size_cm: [2, 2], measured: 2021-07-05, section_cells: {cells}}}}}"
    return load_scenario("untreated", [lesion, "burn_in_d=0", "scans=null", "reported=null", *settings])


def published_size(tell: Callable[[str], None]) -> list[Figure]:
    """Return the seconds that 3,600 hours of such a lattice take on two threads, with and without T cells."""
    taken = []
    for name, settings in (("with T cells", ()), ("without T cells", ("t_cell_entry.entry_per_vessel_per_d=0",))):
        tell(f"1,024 x 1,024 sites, 3,600 hours, {name}")
        model = Simulation(as_wide_as_published(*settings), until_d=STEPS / 24.0)
        started = perf_counter()
        with hired(2):
            while model.running:
                model.step()
        taken.append(perf_counter() - started)
    return published_figures(*taken)


def published_figures(with_t_cells: float = nan, without: float = nan) -> list[Figure]:
    """Return the figures of a lattice of published size from their seconds."""
    return [at_most(figure(GROUP, f"1,024 x 1,024 sites, 3,600 h, {name}", [took], "s"), 120.0, 60.0)
            for name, took in (("with T cells", with_t_cells), ("without T cells", without))]

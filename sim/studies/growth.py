"""Untreated growth by size, at several exponents of perfusion in size: what the anchors' page shows beside the report.

One lesion of the screen's kind at each size, and the node of the case in the case's own untreated arm.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

from lesionlab.sim.measures.lesion_size import diameters_cm
from lesionlab.sim.runs.job import quick
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.studies.data_file import write_rows
from lesionlab.sim.studies.population import default_of

EXPONENT = "vessels.perfusion_size_exponent"
SIZES_CM = (3.0, 5.0, 8.3)
EXPONENTS = (0.0, 0.17, 0.33)
NODE = "mediastinum"
READ_D = (0.0, 30.0, 60.0)
FILE = "growth.csv"


class Growth(NamedTuple):
    """One untreated course: what grew, from which size, at which exponent, its longest diameter on the days of READ_D (nan after death)."""

    lesion: str
    size_cm: float
    exponent: float
    replicate: int
    death_d: float
    diameter_d0_cm: float
    diameter_d30_cm: float
    diameter_d60_cm: float


def grown(scenario: Scenario, lesion: str, exponent: float, replicate: int) -> Growth:
    """Run one untreated course for 60 days and read it."""
    model = Simulation(scenario, replicate, READ_D[-1])
    tissue = next(tissue for tissue in model.state.tissues if tissue.name == lesion)
    sizes = dict.fromkeys(READ_D, nan) | {0.0: diameters_cm(tissue)[0]}
    while model.running:
        model.step()
        if model.time_d in sizes and model.end_reason != "lethal burden":
            sizes[model.time_d] = diameters_cm(tissue)[0]
    death_d = model.time_d if model.end_reason == "lethal burden" else nan
    return Growth(lesion, scenario.lesions[lesion].size_cm[0], exponent, replicate, death_d, *sizes.values())


def _by_size(scenario: Path, size_cm: float, exponent: float, replicate: int) -> Growth:
    overrides = [f"lesions.tumour.size_cm=[{size_cm}, {size_cm}]", f"{EXPONENT}={exponent}", "drugs=null"]
    return grown(load_scenario(scenario, overrides), "tumour", exponent, replicate)


def _of_node(scenario: Path, exponent: float, replicate: int) -> Growth:
    return grown(quick(load_scenario(scenario, [f"{EXPONENT}={exponent}"])), NODE, exponent, replicate)


def growth_table(folder: Path, scenario: Path, untreated: Path, n_replicates: int, pool: Executor,
                 tell: Callable[[int, int], None] | None = None, exponents: Sequence[float] = EXPONENTS) -> list[Growth]:
    """Return every course, computed in a pool unless the folder holds the table already.

    Args:
        scenario: of one lesion called tumour, at `SIZES_CM`; `untreated`: the case's untreated arm, whose node is read.
    """
    path = folder / FILE
    if path.exists():
        return list(read_growth(path))
    work = [(_by_size, scenario, size_cm, exponent) for size_cm in SIZES_CM for exponent in exponents]
    jobs: list[tuple[Any, ...]] = [(*job, replicate) for job in work for replicate in range(n_replicates)]
    started = [pool.submit(run, *given) for run, *given in jobs]
    # The node at the exponent as it is, and without.
    own = sorted({0.0, default_of(load_scenario(untreated), EXPONENT)})
    started += [pool.submit(_of_node, untreated, exponent, replicate) for exponent in own for replicate in range(n_replicates)]
    done = []
    for future in started:
        done.append(future.result())
        if tell:
            tell(len(done), len(started))
    write_rows(path, Growth._fields, done)
    return done


def read_growth(path: Path) -> Iterator[Growth]:
    """Yield the courses of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            numbers = [float(row[name] or "nan") for name in Growth._fields[1:]]
            yield Growth(row["lesion"], numbers[0], numbers[1], int(numbers[2]), *numbers[3:])

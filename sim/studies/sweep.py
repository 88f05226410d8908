"""A sweep: a design file states the scenario, the values to vary and the number of replicates; every run has a name of its own.

    scenario: ../scenarios/case.yaml       # beside the design file
    arms: monotherapy                      # optional: factorial, monotherapy or leave-one-out
    grid:                                  # every combination of these values
      hypoxia.necrosis_per_h: [0.02, 0.04]
    list:                                  # optional: each entry is combined with the whole grid
      - {lesions.neck.section_cells: 5000, seed: 7}
    replicates: 3

A run's name contains a hash of everything that its result depends on. So a stopped sweep continues where it was,
and a changed scenario or model is never mistaken for the old one.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.messages import Mistake, unit_at
from lesionlab.sim.parameters.messages import Path as KeyPath
from lesionlab.sim.parameters.quantities import Strict
from lesionlab.sim.runs.job import Job, days_until, is_done, progress_of
from lesionlab.sim.scenario.arms import named_arms
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import Scenario, scenario_model
from lesionlab.sim.scenario.yaml_document import Document
from lesionlab.sim.studies.data_file import read_as

NAME_UNITS = {"_gy": "Gy", "_mg": "mg", "_cm": "cm", "_um": "um", "_mmHg": "mmHg", "_per_h": "1/h", "_per_d": "1/d", "_h": "h", "_d": "d"}
"""Units by the ends of names, as everywhere in a scenario."""


class Design(Strict):
    """What a design file may say."""

    scenario: str = Field(description="the scenario file, relative to the design file")
    arms: Literal["factorial", "monotherapy", "leave-one-out"] | None = Field(default=None, description="arms made of each scenario")
    grid: dict[str, tuple[Any, ...]] = Field(default_factory=dict, description="dotted path to the values it takes")
    entries: tuple[dict[str, Any], ...] = Field(default=(), alias="list", description="sets of values, dotted path to value")
    replicates: int = Field(default=1, ge=1, le=100_000, description="runs of each arm, with random streams of their own")


@dataclass(frozen=True)
class Run:
    """One run of a sweep: its job and its point in the design, dotted path to value."""

    job: Job
    point: Mapping[str, Any]

    @property
    def status(self) -> str:
        """`complete`, or what the record says of itself with the day it has reached, or `missing`."""
        if is_done(self.job):
            return "complete"
        status, day = progress_of(self.job.path)
        # A complete record without this run's stamp: the process was stopped before it wrote the stamp.
        return status if status == "missing" else f"{'unfinished' if status == 'complete' else status} (day {day:g})"


@dataclass(frozen=True)
class Sweep:
    """A design spelt out: every run, in the order arm, point, replicate of the design."""

    folder: Path
    runs: tuple[Run, ...] = field(repr=False)

    @property
    def varied(self) -> tuple[str, ...]:
        """The dotted paths that the design varies."""
        return tuple(dict.fromkeys(path for run in self.runs for path in run.point))


def read_design(path: Path) -> tuple[Design, Document]:
    """Read a design file; raises UserError with every mistake as `file:line:col: path: message`."""
    return read_as(path, Design)


def expand(path: Path, folder: Path, *, is_quick: bool = False, until: str | None = None) -> Sweep:
    """Spell out a design file; records go to `folder`/records. Raises UserError with every mistake and its place."""
    design, document = read_design(path)
    beside = path.parent / design.scenario
    # A bare name may also be one of the scenarios that come with LesionLab.
    scenario = beside if os.path.exists(beside) or Path(design.scenario).parent != Path() else Path(design.scenario)
    _check_values(design, document, scenario)
    runs = []
    whole = [(_load(scenario, point), point) for point in _points(design)]
    if len({found.model_dump_json() for found, _ in whole}) < len(whole):
        raise UserError(f"{path}: two points of the design are the same run; take one of them away")
    for found, point in whole:
        for arm in named_arms(found, design.arms):
            until_d = None if until is None else days_until(arm, until)
            for replicate in range(design.replicates):
                job = Job(arm, replicate, folder, until_d, is_quick)
                runs.append(Run(replace(job, path=folder / "records" / f"{job.run_id}.h5"), point))
    return Sweep(folder, tuple(_each_once(runs)))


def _each_once(runs: Sequence[Run]) -> Iterator[Run]:
    """Yield every run once. An arm from which the treatment that varies is taken away is one run, whose point lacks that value."""
    alike: dict[str, list[Run]] = {}
    for run in runs:
        alike.setdefault(run.job.run_id, []).append(run)
    for first, *others in alike.values():
        yield replace(first, point={path: value for path, value in first.point.items()
                                    if all(path in other.point and other.point[path] == value for other in others)})


def units_of(paths: Sequence[str]) -> dict[str, str]:
    """Return the unit of each varied value as the schema of scenarios declares it, or else as the end of its name says."""
    found = {}
    for path in paths:
        name = path.rsplit(".", 1)[-1]
        of_name = next((unit for end, unit in NAME_UNITS.items() if name.endswith(end)), "1")
        found[path] = unit_at(scenario_model(), path) or of_name
    return found


def _points(design: Design) -> Iterator[dict[str, Any]]:
    """Yield every point: each entry of the list with each combination of the grid, whose values it does not override."""
    for entry in design.entries or ({},):
        for values in product(*design.grid.values()):
            yield dict(zip(design.grid, values, strict=True)) | entry


def _typed(value: Any) -> str:
    """Return a value as --set takes it."""
    return json.dumps(value, ensure_ascii=False)


def _load(scenario: Path, point: Mapping[str, Any]) -> Scenario:
    return load_scenario(scenario, [f"{path}={_typed(value)}" for path, value in point.items()])


def _check_values(design: Design, document: Document, scenario: Path) -> None:
    """Refuse every value that the scenario does not take on its own, with its place in the design file."""
    try:
        load_scenario(scenario)
    except UserError as error:
        place = document.places[("scenario",)][1]
        raise UserError("\n".join(f"{place}: scenario: {line}" for line in str(error).splitlines())) from None
    given: list[tuple[KeyPath, str, Any]] = [
        (("grid", path, number), path, value) for path, values in design.grid.items() for number, value in enumerate(values)]
    given += [(("list", number, path), path, value) for number, entry in enumerate(design.entries) for path, value in entry.items()]
    for empty in (path for path, values in design.grid.items() if not values):
        document.report(Mistake(("grid", empty), "needs at least one value"))
    for keys, path, value in given:
        try:
            _load(scenario, {path: value})
        except UserError as error:
            for line in str(error).splitlines():
                said = line.removeprefix(f"--set {path}={_typed(value)}: ").removeprefix(f"{path}: ")
                document.report(Mistake(keys, said))
    if document.mistakes:
        raise UserError("\n".join(document.mistakes))

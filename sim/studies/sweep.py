"""A sweep: a design file states the scenario, the values to vary and the number of replicates; every run has a name of its own.

    scenario: ../scenarios/case.yaml       # beside the design file
    arms: monotherapy                      # optional: factorial, monotherapy or leave-one-out
    grid:                                  # every combination of these values
      hypoxia.necrosis_per_h: [0.02, 0.04]
    list:                                  # optional: each entry is combined with the whole grid
      - {lesions.neck.section_cells: 5000, seed: 7}
    points: points.csv                     # optional: further entries of the list, a column a path, a row a point
    sample:                                # optional: points that fill a space, combined with the grid and the list
      method: sobol                        # or latin_hypercube
      points: 64
      values:
        radiobiology.alpha_per_gy: {low: 0.1, high: 0.4, is_log: true}
    replicates: 3

A run's name contains a hash of everything that its result depends on. So a stopped sweep continues where it was,
and a changed scenario or model is never mistaken for the old one.
"""

import os
import re
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
from lesionlab.sim.scenario.load import Source, read_source, typed
from lesionlab.sim.scenario.scenario import Scenario, scenario_model
from lesionlab.sim.scenario.yaml_document import Document
from lesionlab.sim.studies.data_file import read_as
from lesionlab.sim.studies.sample import Sample, drawn, listed_in

NAME_UNITS = {"_gy": "Gy", "_mg": "mg", "_cm": "cm", "_um": "um", "_mmHg": "mmHg", "_per_h": "1/h", "_per_d": "1/d", "_h": "h", "_d": "d"}
"""Units by the ends of names, as everywhere in a scenario."""


class Design(Strict):
    """What a design file may say."""

    scenario: str = Field(description="the scenario file, relative to the design file")
    arms: Literal["factorial", "monotherapy", "leave-one-out"] | None = Field(default=None, description="arms made of each scenario")
    grid: dict[str, tuple[Any, ...]] = Field(default_factory=dict, description="dotted path to the values it takes")
    entries: tuple[dict[str, Any], ...] = Field(default=(), alias="list", description="sets of values, dotted path to value")
    points: str | None = Field(default=None, description="a CSV of further sets, relative to the design file")
    sample: Sample | None = Field(default=None, description="points that fill a space")
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
    source = _source(scenario, document)
    rows = list(listed_in(path.parent / design.points)) if design.points is not None else []
    sampled = drawn(design.sample, source.scenario(), document) if design.sample is not None else [{}]
    _check_values(design, document, source, sampled)
    _check_rows(path.parent / (design.points or ""), rows, source)
    runs = []
    whole = [(_load(source, point), point) for point in _points(design, [row for _, row in rows], sampled)]
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


def shard_of(sweep: Sweep, shard: str) -> Sweep:
    """Return the part of a sweep that one of several machines computes: `2/8` is the second of eight, every eighth run.

    The parts of one design never share a run, and together they are all of it.

    Raises:
        UserError: not of the form i/n with 1 <= i <= n.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", shard)
    if not found or int(found[1]) > int(found[2]):
        raise UserError(f"--shard {shard}: must be i/n, such as 2/8 for the second of eight parts")
    return replace(sweep, runs=sweep.runs[int(found[1]) - 1::int(found[2])])


def units_of(paths: Sequence[str]) -> dict[str, str]:
    """Return the unit of each varied value as the schema of scenarios declares it, or else as the end of its name says."""
    found = {}
    for path in paths:
        name = path.rsplit(".", 1)[-1]
        of_name = next((unit for end, unit in NAME_UNITS.items() if name.endswith(end)), "1")
        found[path] = unit_at(scenario_model(), path) or of_name
    return found


def _points(design: Design, rows: Sequence[Mapping[str, Any]], sampled: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every point: each entry of list and table with each sampled point and each combination of the grid, which it overrides."""
    for entry in (*design.entries, *rows) or ({},):
        for one in sampled:
            for values in product(*design.grid.values()):
                yield {**dict(zip(design.grid, values, strict=True)), **one, **entry}


def _load(source: Source, point: Mapping[str, Any]) -> Scenario:
    return source.scenario([f"{path}={typed(value)}" for path, value in point.items()])


def _source(scenario: Path, document: Document) -> Source:
    """Return what the design's scenario says; mistakes in it are given their place in the design."""
    try:
        source = read_source(scenario)
        source.scenario()
    except UserError as error:
        place = document.places[("scenario",)][1]
        raise UserError("\n".join(f"{place}: scenario: {line}" for line in str(error).splitlines())) from None
    return source


def _check_values(design: Design, document: Document, source: Source, sampled: Sequence[Mapping[str, Any]]) -> None:
    """Refuse every value that the scenario does not take on its own, with its place in the design file; of a sample the extremes."""
    given: list[tuple[KeyPath, str, Any]] = [
        (("grid", path, number), path, value) for path, values in design.grid.items() for number, value in enumerate(values)]
    given += [(("list", number, path), path, value) for number, entry in enumerate(design.entries) for path, value in entry.items()]
    for path in sampled[0] if sampled else ():
        values = [point[path] for point in sampled]
        given += [(("sample", "values", path), path, extreme) for extreme in (min(values), max(values))]
    for empty in (path for path, values in design.grid.items() if not values):
        document.report(Mistake(("grid", empty), "needs at least one value"))
    for keys, path, value in given:
        for said in _refusals(source, path, value):
            document.report(Mistake(keys, said))
    if document.mistakes:
        raise UserError("\n".join(document.mistakes))


def _check_rows(table: Path, rows: Sequence[tuple[int, Mapping[str, Any]]], source: Source) -> None:
    """Refuse every cell of a table of points that the scenario does not take; a value that comes again is said once."""
    known: set[str] = set()
    mistakes = []
    for line, row in rows:
        for path, value in row.items():
            if (assignment := f"{path}={typed(value)}") not in known:
                known.add(assignment)
                mistakes += [f"{table}:{line}: {path}: {said}" for said in _refusals(source, path, value)]
    if mistakes:
        raise UserError("\n".join(dict.fromkeys(mistakes)))


def _refusals(source: Source, path: str, value: Any) -> list[str]:
    """Return what is wrong with one value of the scenario, without its place; nothing where it takes it."""
    try:
        _load(source, {path: value})
    except UserError as error:
        return [line.removeprefix(f"--set {path}={typed(value)}: ").removeprefix(f"{path}: ") for line in str(error).splitlines()]
    return []

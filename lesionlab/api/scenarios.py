"""Scenarios in Python: load, change, write, take treatments away."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd

from lesionlab.analysis.records.written import created
from lesionlab.api._words import public
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.parameters.quantities import describe_group
from lesionlab.sim.scenario.arms import named_arms
from lesionlab.sim.scenario.load import Source, assignments, bundled, read_source, source_of_text
from lesionlab.sim.scenario.scenario import Scenario as Model
from lesionlab.sim.scenario.summary import summary
from lesionlab.sim.schedule import PARAMETERS

Parts = Literal["modalities", "courses"]
ArmSet = Literal["factorial", "monotherapy", "leave-one-out"]


class Scenario:
    """One patient and one arm: lesions, treatments, calendar and every parameter. It never changes; `with_` returns another one.

    Blocks are those of a scenario file, units in the names:

        lesionlab.Scenario(start="2024-01-01", end="2024-06-30",
                           lesions={"lung": {"size_cm": [3, 2], "measured": "2024-01-01", "section_cells": 3000}})

    `print(scenario)` shows doses, EQD2, doses of drugs and what differs from the defaults, as `lesionlab check` does.

    Raises:
        UserError: with all mistakes, one a line, each with the nearest name.
    """

    @public
    def __init__(self, **blocks: Any) -> None:
        self._take(source_of_text("schema: 1"), tuple(assignments(blocks)))

    def _take(self, source: Source, changes: tuple[str, ...], model: Model | None = None) -> Self:
        self._source, self._changes = source, changes
        self._model = source.scenario(changes) if model is None else model
        return self

    @classmethod
    @public
    def from_yaml(cls, text: str) -> Self:
        """Return the scenario that a YAML text describes, as a file would; without `extends`."""
        return cls.__new__(cls)._take(source_of_text(text), ())

    @public
    def with_(self, changes: Mapping[str, Any] | None = None, /, **blocks: Any) -> "Scenario":
        """Return this scenario with changes: by dotted path, `with_({"cell_cycle.cycle_time_h": 36})`, or by block.

        Blocks merge, as in a file that extends another: `with_(cell_cycle={"cycle_time_h": 36})` keeps the rest of the block. Lists
        replace, an empty block `{}` empties, and None takes a key away: `with_(radiotherapy=None)`.

        Raises:
            UserError: an unknown name, a value out of range, or whatever else the change makes impossible.
        """
        made = Scenario.__new__(Scenario)
        return made._take(self._source, (*self._changes, *assignments(changes or {}), *assignments(blocks)))

    @public
    def arms(self, which: ArmSet, by: Parts = "modalities") -> list["Scenario"]:
        """Return this arm and those made by taking treatments away, all with common random numbers.

        `factorial`: every combination; `monotherapy`: none, and each alone; `leave-one-out`: all but one. `by` says what is taken
        away: whole modalities, or the courses of radiotherapy one by one and the drugs.
        """
        return [self if made is self._model else _of(made) for made in named_arms(self._model, which, by)]

    @property
    def arm(self) -> str:
        """Name of the arm."""
        return self._model.arm

    @property
    def title(self) -> str:
        """The question that this arm answers; "" if none is stated."""
        return self._model.title or ""

    @property
    def start(self) -> date:
        """First day."""
        return self._model.start

    @property
    def end(self) -> date:
        """Last day."""
        return self._model.end

    @property
    def seed(self) -> int:
        """Number from which every random draw follows."""
        return self._model.seed

    @property
    def lesions(self) -> Mapping[str, Any]:
        """Lesions by name, with `size_cm`, `role`, `nodal`, `section_cells` and the other keys of a file."""
        return self._model.lesions

    @property
    def radiotherapy(self) -> tuple[Any, ...]:
        """Courses of radiotherapy, with `lesion`, `start`, `fractions`, `volumes`."""
        return self._model.radiotherapy

    @property
    def drugs(self) -> Mapping[str, Any]:
        """Drugs by name, with `drug_class`, `dose_mg`, `start`, `interval_d`, `until`."""
        return self._model.drugs

    @property
    def scans(self) -> tuple[date, ...]:
        """Dates of the scans."""
        return self._model.scans

    def parameter(self, name: str) -> float:
        """Return a parameter by its dotted name, as `cell_cycle.cycle_time_h`; `lesionlab.parameters()` lists all."""
        known = [f"{section}.{one.name}" for section, group in PARAMETERS.items() for one in describe_group(group)]
        if name not in known:
            raise UserError(f"{name}: no such parameter{did_you_mean(name, known)}")
        section, _, field = name.partition(".")
        return float(getattr(self._model.parameters(section), field))

    def to_yaml(self) -> str:
        """Return the whole scenario as YAML, defaults filled in; reading it gives the same scenario."""
        return self._model.resolved_yaml()

    @public
    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the scenario as YAML, and return the path; raises RecordError where a file stands already."""
        with created(Path(path), overwrite) as unfinished:
            unfinished.write_text(self.to_yaml(), encoding="utf-8")
        return Path(path)

    def __str__(self) -> str:
        return f"{self.arm}\n{summary(self._model)}"

    def __repr__(self) -> str:
        given = [*(["radiotherapy"] if self.radiotherapy else []), *self.drugs]
        return f"<Scenario {self.arm}: {', '.join(self.lesions)}; {' + '.join(given) or 'untreated'}; {self.start} to {self.end}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self._model == other._model

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _of, (self._model,)


def _of(model: Model) -> Scenario:
    """Return a validated scenario as one of the Python door."""
    return Scenario.__new__(Scenario)._take(source_of_text(model.resolved_yaml()), (), model)


def model_of(scenario: Scenario | str | Path) -> Model:
    """Return the validated scenario behind one of the Python door, a file or a bare name."""
    return (scenario if isinstance(scenario, Scenario) else load_scenario(scenario))._model


@public
def load_scenario(name: str | Path, changes: Mapping[str, Any] | None = None, /, **blocks: Any) -> Scenario:
    """Read a scenario from a file, or by its bare name if it comes with LesionLab, and change it as `Scenario.with_` does.

        lesionlab.load_scenario("teaching", seed=7, lesions={"neck": {"section_cells": 1000}})

    Raises:
        UserError: with all mistakes, one a line: `file:line:col: path: message`.
    """
    return Scenario.__new__(Scenario)._take(read_source(name), (*assignments(changes or {}), *assignments(blocks)))


def list_scenarios() -> dict[str, str]:
    """Return the scenarios that come with LesionLab by name, each with the question that it answers."""
    return bundled()


@public
def parameters(scenario: Scenario | str | Path | None = None) -> pd.DataFrame:
    """Return every parameter of the rules as a table by dotted name: value, default, unit, meaning, range, prior, evidence, source.

    `value` is the scenario's, or the default where none is given.
    """
    model = None if scenario is None else model_of(scenario)
    rows = [{"parameter": f"{section}.{known.name}",
             "value": known.default if model is None else getattr(model.parameters(section), known.name), **known._asdict()}
            for section, group in PARAMETERS.items() for known in describe_group(group)]
    return pd.DataFrame(rows).drop(columns="name").set_index("parameter")

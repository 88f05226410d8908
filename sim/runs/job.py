"""One run as data: what it computes, where its record goes and what heads it, and how a finished record is recognised later."""

import hashlib
import json
import platform
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any

from lesionlab.sim.measures.series import MEASURES
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.processes.pharmacokinetics import level_unit
from lesionlab.sim.record.reader import root_attributes
from lesionlab.sim.record.schema import Attribute, Part
from lesionlab.sim.record.writer import DrugHeader, Header, LesionHeader, Series
from lesionlab.sim.scenario.scenario import Scenario, scenario_model
from lesionlab.sim.state.clock import not_whole
from lesionlab.sim.state.state import SITE_UM
from lesionlab.sim.treatment.drug_library import classes_as_json

STAMP = str(Attribute.RUN_IDENTITY)
QUICK_CELLS = 5000
_RECORDED_WITH = ("numpy", "numba", "scipy", "mesa", "h5py")


@dataclass(frozen=True, eq=False)
class Job:
    """One run: a scenario, a replicate, the record to write; `until_d` (d) ends it sooner, `is_quick` shrinks its sections."""

    scenario: Scenario
    replicate: int
    path: Path
    until_d: float | None = None
    is_quick: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a worker as text: the scenario's class is made at run time, so it cannot be pickled by name."""
        return _arrive, (self.scenario.model_dump_json(by_alias=True), self.replicate, self.path, self.until_d, self.is_quick)

    @cached_property
    def identity(self) -> str:
        """The hash of everything the result depends on: resolved scenario, replicate, length, size and model sources."""
        parts = (self.scenario.model_dump_json(by_alias=True), model_version(), self.replicate, self.until_d, self.is_quick)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def as_run(self) -> Scenario:
        """The scenario in the size in which it is run."""
        return quick(self.scenario) if self.is_quick else self.scenario

    @property
    def run_id(self) -> str:
        """The run's name: arm, replicate and the first 12 digits of its identity."""
        return f"{self.scenario.arm}_r{self.replicate}_{self.identity[:12]}"

    @property
    def days(self) -> float:
        """The days the run simulates if the patient lives to see them."""
        calendar = float((self.scenario.end - self.scenario.start).days)
        return calendar if self.until_d is None else min(calendar, float(self.until_d))

    @property
    def cost(self) -> float:
        """The work expected, in cell days; a treated patient is likelier to live through the calendar, so the estimate is higher."""
        is_treated = bool(self.scenario.radiotherapy) or bool(self.scenario.drugs)
        return self.days * sum(lesion.section_cells for lesion in self.scenario.lesions.values()) * (2 if is_treated else 1)


def _arrive(text: str, replicate: int, path: Path, until_d: float | None, is_quick: bool) -> Job:
    """Return the job that `Job.__reduce__` took apart."""
    return Job(scenario_model().model_validate_json(text), replicate, path, until_d, is_quick)


def quick(scenario: Scenario) -> Scenario:
    """Return the scenario with sections of at most 5000 cells: for a first look, not for a result."""
    lesions = {name: lesion.model_copy(update={"section_cells": min(lesion.section_cells, QUICK_CELLS)})
               for name, lesion in scenario.lesions.items()}
    return scenario.model_copy(update={"lesions": lesions})


def header_of(job: Job) -> Header:
    """Return the header of a job's record as it begins anew."""
    scenario = job.as_run
    attributes = {
        Attribute.ARM: scenario.arm, Attribute.TITLE: scenario.title or "", Attribute.SEED: scenario.seed,
        Attribute.PATIENT: scenario.patient, Attribute.REPLICATE: job.replicate, Attribute.IS_QUICK: int(job.is_quick),
        Attribute.START_DATE: scenario.start.isoformat(), Attribute.END_DATE: scenario.end.isoformat(), Attribute.UNTIL: job.days,
        Attribute.CODE_VERSION: model_version(), Attribute.PROVENANCE: provenance(),
        Attribute.DRUG_CLASSES: classes_as_json(scenario.drugs),
        Attribute.DETECTION_LIMIT: scenario.parameters("clinic").detection_limit_cm}
    margin = scenario.parameters("tissue").margin_sites
    lesions = tuple(LesionHeader(name, own.role, own.nodal, own.is_occult, own.size_cm[0], own.section.shape(margin), SITE_UM)
                    for name, own in scenario.lesions.items())
    drugs = tuple(DrugHeader(name, drug.drug_class, level_unit(drug.pharmacokinetics)) for name, drug in scenario.drugs.items())
    series = tuple(Series(m.name, m.unit, m.long_name, (Part.TIME, m.dimension) if m.dimension else (Part.TIME,)) for m in MEASURES)
    return Header({str(name): value for name, value in attributes.items()}, scenario.resolved_yaml(), lesions, drugs, series)


def provenance() -> str:
    """Return, as JSON, the versions of the software that computes here."""
    libraries = {name: version(name) for name in _RECORDED_WITH}
    return json.dumps({"python": platform.python_version(), "platform": platform.platform(), **libraries})


def days_until(scenario: Scenario, until: str) -> float:
    """Return a date or a number of days, as typed, in days since the scenario's start; raises UserError outside its calendar."""
    days = days_since(scenario.start, "--until", until)
    if not 0 < days <= scenario.day(scenario.end):
        raise UserError(f"--until {until}: must lie after the start, {scenario.start}, and not after the end, {scenario.end}")
    if wrong := not_whole(24.0 * days, scenario.time_step_h, is_in_days=True):
        raise UserError(f"--until {until}: {wrong}")
    return days


def fork_day(scenario: Scenario, at: str) -> float:
    """Return the day of a fork, a date or a whole number as typed, in days since the start; raises UserError outside the calendar."""
    days = days_since(scenario.start, "--at", at)
    if not 0 <= days < scenario.day(scenario.end) or days != round(days):
        raise UserError(f"--at {at}: must be a whole day from the start, {scenario.start}, on and before the end, {scenario.end}")
    return days


def days_since(start: date, option: str, typed: str) -> float:
    """Return a date or a number of days, as typed, in days since the start; raises UserError naming the option."""
    try:
        return float(typed)
    except ValueError:
        try:
            return float((date.fromisoformat(typed) - start).days)
        except ValueError:
            raise UserError(f"{option} {typed}: must be a date such as {start} or a number of days") from None


def is_done(job: Job) -> bool:
    """Return whether the job's record exists, is undamaged, and belongs to this very job."""
    return bool(root_attributes(job.path).get(STAMP) == job.identity)


def progress_of(path: Path) -> tuple[str, float]:
    """Return the status and the last committed day of a record; ("missing", 0) where none can be read, or it is damaged."""
    attributes = root_attributes(path)
    if not attributes:
        return "missing", 0.0
    day = attributes.get(Attribute.COMMITTED_TIME, 0.0)
    return str(attributes.get(Attribute.STATUS, "unknown")), float(day) if isinstance(day, float) and isfinite(day) else 0.0

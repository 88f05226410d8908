"""A screen: drawn patients, each under every arm on the same random streams, outcomes only, one table.

A patient is a scenario with her own values (`population`) and her own streams (seed, patient). Her doubling time is met first:
a burn-in measures division, apoptosis and necrosis of her lesion on day 0, and the share of failed divisions follows from

    ln 2 / T = b (1 - 2 p_fail) - losses,   b the mean rate of divisions, kills by T cells left out

clipped to the range of p_fail. A second burn-in with that share gives day 0, and all her arms start from it: no course acts
before day 0, so it is what each arm's own burn-in would give. She is rejected, and counted, if her untreated lesion is
not larger on the first scan than on day 0: such a patient would not have come with this disease.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan, log, nan
from pathlib import Path

import numpy as np

from lesionlab.sim.measures.lesion_size import diameters_cm
from lesionlab.sim.measures.series import measure_tissue
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.arms import UNTREATED, named_arms
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import Scenario, scenario_model
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import Tissue
from lesionlab.sim.studies.population import DOUBLING_TIME, FAILED_DIVISIONS, Population, default_of, limits_of, read_population, values_of

READ_EVERY_D = 7.0
MEASURED_AFTER_D = 10
"""Days of the burn-in in which division and loss are measured: vessels and oxygen have come to rest."""
SERIES = ("longest_diameter_cm", "short_axis_cm", "clonogens", "perfused_vessels_per_mm2", "vessel_maturity",
          "hypoxic_fraction_below_5_mmHg", "t_cells_per_mm2")
KEYS = ("patient", "arm", "is_accepted", "death_d", "end_d", "last_diameter_cm", "failed_division_share")
Row = dict[str, str]
IsOver = Callable[[Sequence[float]], bool]
"""Tells from the diameters (cm) on the scans so far, day 0 first, whether the rest of a course adds nothing."""


@dataclass(frozen=True)
class Plan:
    """What a screen runs.

    Attributes:
        scenario, population: the files; `settings` are `path=value` of the scenario, the population's medians among them.
        arms: names of the arms of the factorial set to run; empty for all. The untreated one always is.
        seed: None for the scenario's.
        until_d: None for the scenario's end.
        is_brief: the untreated arm stops at the first scan, the others where `is_over` says that the rest adds nothing.
    """

    scenario: Path
    population: Path
    settings: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    seed: int | None = None
    until_d: float | None = None
    is_brief: bool = False

    def loaded(self) -> tuple[Scenario, Population]:
        """Return the scenario with its settings and the population; raises UserError with every mistake."""
        return _loaded(self)

    def days(self) -> list[float]:
        """Return the days on which a course is read: weekly, the scans and the end."""
        scenario, _ = self.loaded()
        end_d = scenario.day(scenario.end) if self.until_d is None else self.until_d
        weekly = np.arange(0.0, end_d, READ_EVERY_D).tolist()
        return sorted({*weekly, *(day for day in self.scans() if day <= end_d), end_d})

    def scans(self) -> list[float]:
        """Return the days of the scans."""
        scenario, _ = self.loaded()
        return [scenario.day(day) for day in scenario.scans]

    def arm_names(self) -> list[str]:
        """Return the names of the arms, the untreated one first."""
        return [arm.arm for arm in _arms(self.loaded()[0]) if not self.arms or arm.arm in (UNTREATED, *self.arms)]

    def columns(self) -> list[str]:
        """Return the columns of the table."""
        _, population = self.loaded()
        return [*KEYS, *population.varies, *(f"{name}_d{day:g}" for name in SERIES for day in self.days())]


@lru_cache(maxsize=8)
def _loaded(plan: Plan) -> tuple[Scenario, Population]:
    overrides = [*plan.settings, *([] if plan.seed is None else [f"seed={plan.seed}"])]
    scenario = load_scenario(plan.scenario, overrides)
    if len(scenario.lesions) != 1 or len(scenario.scans) < 2:
        raise UserError(f"{plan.scenario}: a screen needs one lesion and at least two scans, the first on day 0")
    return scenario, read_population(plan.population, scenario)


def with_values(scenario: Scenario, values: Mapping[str, float], patient: int) -> Scenario:
    """Return the scenario of one patient; raises UserError where a value is not allowed."""
    content = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    content["patient"] = patient
    for path, value in values.items():
        *parts, last = path.split(".")
        block = content
        for part in parts:
            block = block[part]
        block[last] = value
    try:
        return scenario_model().model_validate_json(json.dumps(content))
    except ValueError as error:
        raise UserError(f"patient {patient}: {error}") from None


def failed_share(scenario: Scenario, doubling_time_d: float) -> float:
    """Return the share of failed divisions at which the untreated lesion of a scenario has the given doubling time on day 0."""
    model = Simulation(scenario.model_copy(update={"burn_in_d": min(scenario.burn_in_d, MEASURED_AFTER_D)}))
    tissue = model.state.tissues[0]
    # Of the last step; a site whose cell has died keeps what that cell had.
    is_viable = (tissue.state == CellState.PROLIFERATING) | (tissue.state == CellState.QUIESCENT)
    per_d = tissue.hazard[:, is_viable].mean(axis=1, dtype=np.float64) * 24.0 / model.clock.dt_h
    divisions = per_d[Hazard.DIVISION] + per_d[Hazard.FAILED_DIVISION]
    needed = log(2.0) / doubling_time_d + per_d[Hazard.APOPTOSIS] + per_d[Hazard.HYPOXIA]
    low, high = limits_of(FAILED_DIVISIONS) or (0.0, 0.5)
    return float(f"{min(max(0.5 * (1.0 - needed / max(divisions, 1e-9)), low), high):.6g}")


def day_zero(scenario: Scenario) -> dict[str, np.ndarray]:
    """Return a copy of every array and counter at the end of a scenario's burn-in, as `Simulation` takes them up."""
    model = Simulation(scenario)
    return {name: array.copy() for name, array in model.checkpoint().items()}


def patient_of(plan: Plan, patient: int) -> tuple[tuple[Scenario, ...], dict[str, float]]:
    """Return the arms of one patient, untreated first, and her values by path, the share of failed divisions last."""
    scenario, population = plan.loaded()
    values = values_of(population, scenario, scenario.seed, patient)
    own = {path: value for path, value in values.items() if path != DOUBLING_TIME}
    if DOUBLING_TIME in values:
        untreated = _arms(with_values(scenario, own, patient))[0]
        own[FAILED_DIVISIONS] = failed_share(untreated, values[DOUBLING_TIME])
    arms = _arms(with_values(scenario, own, patient))
    share = own.get(FAILED_DIVISIONS, default_of(scenario, FAILED_DIVISIONS))
    return tuple(arm for arm in arms if arm.arm in plan.arm_names()), values | {FAILED_DIVISIONS: share}


def _arms(scenario: Scenario) -> list[Scenario]:
    """Return the factorial arms, the untreated one first."""
    return sorted(named_arms(scenario, "factorial"), key=lambda arm: (len(arm.drugs), arm.arm))


def run_patient(plan: Plan, patient: int, is_over: IsOver | None = None) -> list[Row]:
    """Run one patient under every arm of the plan and return her rows; a rejected patient has one, the untreated arm's."""
    arms, values = patient_of(plan, patient)
    start, first_scan_d = day_zero(arms[0]), plan.scans()[1]
    common = {"patient": str(patient), "failed_division_share": f"{values[FAILED_DIVISIONS]:.6g}",
            **{path: f"{value:.6g}" for path, value in values.items() if path != FAILED_DIVISIONS}}
    is_over = is_over if plan.is_brief else None
    untreated = _Course(plan, arms[0], start, is_over, until_d=first_scan_d if plan.is_brief else None)
    is_accepted = untreated.has_grown(first_scan_d)
    courses = [untreated, *(_Course(plan, arm, start, is_over) for arm in arms[1:] if is_accepted)]
    return [common | {"is_accepted": str(int(is_accepted))} | course.row() for course in courses]


class _Course:
    """One arm from day 0 to its end, read on the plan's days."""

    def __init__(self, plan: Plan, scenario: Scenario, start: Mapping[str, np.ndarray], is_over: IsOver | None,
                 until_d: float | None = None) -> None:
        self.arm, self.readings = scenario.arm, dict[float, dict[str, float]]()
        model = Simulation(scenario, until_d=plan.until_d if until_d is None else until_d, checkpoint=start)
        tissue, scans = model.state.tissues[0], plan.scans()
        days = {round((day * 24.0) / model.clock.dt_h): day for day in plan.days()}
        taken, measured = 0, [self._read(0.0, tissue)]
        while model.running:
            model.step()
            taken += 1
            if taken not in days or model.end_reason == "lethal burden":
                continue
            diameter_cm = self._read(days[taken], tissue)
            if days[taken] in scans:
                measured.append(diameter_cm)
                if is_over is not None and is_over(measured):
                    break
        self.end_d = model.time_d
        self.death_d = model.time_d if model.end_reason == "lethal burden" else nan
        self.last_diameter_cm = diameters_cm(tissue)[0]

    def _read(self, day: float, tissue: Tissue) -> float:
        values = measure_tissue(tissue)
        self.readings[day] = {name: values[name] for name in SERIES}
        return values["longest_diameter_cm"]

    def has_grown(self, day: float) -> bool:
        """Tell whether the lesion was larger on a day, or at death before it, than on day 0."""
        later = self.readings.get(day, {"longest_diameter_cm": self.last_diameter_cm})
        return later["longest_diameter_cm"] > self.readings[0.0]["longest_diameter_cm"]

    def row(self) -> Row:
        """Return what the table keeps of the course; empty where nothing was read."""
        numbers = {"death_d": self.death_d, "end_d": self.end_d, "last_diameter_cm": self.last_diameter_cm,
                   **{f"{name}_d{day:g}": value for day, reading in self.readings.items() for name, value in reading.items()}}
        return {"arm": self.arm, **{name: "" if isnan(value) else f"{value:.6g}" for name, value in numbers.items()}}

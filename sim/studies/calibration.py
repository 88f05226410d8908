"""Calibration: the fitted parameters, their priors, the findings they are fitted to, and the values file that scenarios extend.

Six free model parameters are fitted to the findings marked fitted, together with nuisance values: facts about the patient that
were not reported. Priors are uniform (log-uniform for rates) over the prior range declared in the parameter's own file, which may
be narrower than the range that a scenario may set. Trials are run by `sim/studies/search.py`.

Findings that inform each value (in the case, where all lesions receive the same systemic therapy):

    failed_division_share   net growth everywhere: the pelvis under drugs alone, regrowth of neck and mediastinum
    alpha_per_gy            shrinkage of neck and mediastinum by September 2021, of the pelvis afterwards
    entry_per_vessel_per_d  durability at all sites. The two act nearly as a product: the findings constrain the product, but
    hit_rate_per_h          cannot separate the two factors (no CD8 density is reported)
    pruning_ratio           none before August 2021; then vessels, hence pelvic growth and durability: weakly constrained
    low_dose_gain           the mediastinum alone (only its fractions are of 2 Gy); constrained only given alpha from the neck
    pelvic size on day 0    its size in September 2021, which this value alone can match: no evidence for growth rates
    liver's waking day      its size in April 2024, which this value alone can match, and the reported date of progression

The findings thus constrain three combinations: radiation kill, entry x kill, and net growth given the first pelvic size. The
remaining values are constrained by their priors alone.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.quantities import describe_group
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.record.files import draft, reason, through_links
from lesionlab.sim.scenario.load import files_of, load_scenario
from lesionlab.sim.scenario.reported import SIZES, Calibration, Fitted
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import PARAMETERS

FREE = (("cell_cycle.failed_division_share", False), ("radiobiology.alpha_per_gy", False), ("t_cell_entry.entry_per_vessel_per_d", True),
        ("t_cell_killing.hit_rate_per_h", True), ("vegf_blockade.pruning_ratio", True), ("t_cell_entry.low_dose_gain", False))
UNKNOWN_SIZE_CM = (1.0, 6.0)
WAKES_BEFORE_SEEN_D = (30, 450)
EARLY_SHARE = 0.15
HEADING = """\
# Written by `lesionlab calibrate`, by the command below. Do not edit: calibrate again. Values fitted to one case; illustrative, not
# for clinical use. Which findings were fitted and which are predicted stands in the scenario's block `reported`.
"""


@dataclass(frozen=True)
class FreeParameter:
    """One fitted parameter: its path in the scenario, its prior bounds, its starting value and its kind."""

    path: str
    low: float
    high: float
    start: float
    is_log: bool = False
    kind: Literal["free", "nuisance"] = "free"
    is_day: bool = False


@dataclass(frozen=True)
class Task:
    """The settings of a calibration; findings after `until_d` are left out."""

    scenario: Path
    budget_min: float
    replicates: int = 1
    is_quick: bool = False
    until_d: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Best:
    """The best trial: its values by path, its loss by finding, and the number of trials it was chosen from."""

    values: Mapping[str, float]
    losses: Mapping[str, float]
    trials: int

    @property
    def loss(self) -> float:
        """The sum of the losses."""
        return math.fsum(self.losses.values())


def free_parameters(scenario: Scenario, until_d: float | None = None) -> tuple[FreeParameter, ...]:
    """Return the fitted parameters: six free ones, the sizes of lesions not evaluable at the start, and waking days of deposits.

    A waking day is fitted only if the deposit was seen by `until_d`: no other finding informs it.
    """
    known = {f"{process}.{about.name}": about for process, group in PARAMETERS.items() for about in describe_group(group)}
    free = [FreeParameter(path, known[path].prior_low, known[path].prior_high, _current(scenario, path), is_log) for path, is_log in FREE]
    sizes = [FreeParameter(f"lesions.{name}.size_cm", *UNKNOWN_SIZE_CM, lesion.size_cm[0], kind="nuisance")
             for name, lesion in scenario.lesions.items() if lesion.role == "not_evaluable"]
    return (*free, *sizes, *_wakings(scenario, until_d))


def _current(scenario: Scenario, path: str) -> float:
    section, name = path.split(".")
    return float(getattr(getattr(scenario, section), name))


def _wakings(scenario: Scenario, until_d: float | None) -> Iterator[FreeParameter]:
    """Yield the waking day of each dormant deposit that is seen in a later finding."""
    for name, lesion in scenario.lesions.items():
        seen = [finding.date for finding in scenario.reported.values() if finding.lesion == name and finding.quantity in SIZES]
        if lesion.dormant_until is not None and seen and (until_d is None or scenario.day(min(seen)) <= until_d):
            low, high = (max(scenario.day(min(seen)) - before, 1.0) for before in reversed(WAKES_BEFORE_SEEN_D))
            yield FreeParameter(f"lesions.{name}.dormant_until", low, high, scenario.day(lesion.dormant_until), kind="nuisance",
                                is_day=True)


def plain_value(scenario: Scenario, parameter: FreeParameter, value: float) -> Any:
    """Return a value in the form used in a scenario: a date, the diameters in the lesion's proportions, or the number."""
    if parameter.is_day:
        return scenario.start + timedelta(days=round(value))
    if parameter.path.endswith(".size_cm"):
        sizes = scenario.lesions[parameter.path.split(".")[1]].size_cm
        return [round(value * size / sizes[0], 3) for size in sizes]
    return float(f"{value:.4g}")


def with_values(task: Task, scenario: Scenario, values: Mapping[str, float], *extra: str) -> Scenario:
    """Return the task's scenario with its values replaced by those of a trial."""
    stated = {parameter.path: plain_value(scenario, parameter, values[parameter.path])
              for parameter in free_parameters(scenario, task.until_d)}
    return load_scenario(task.scenario, [f"{path}={json.dumps(value, default=str)}" for path, value in stated.items()] + list(extra))


def fitted_names(scenario: Scenario, until_d: float | None = None) -> tuple[str, ...]:
    """Return the names of the findings that a calibration of this arm uses; raises UserError if there are none."""
    mine = {name: finding for name, finding in scenario.reported.items() if finding.arm == scenario.arm and finding.status == "fitted"}
    if not mine:
        raise UserError(f"nothing to fit to: the scenario's block `reported` has no finding of the arm {scenario.arm} with status fitted")
    used = tuple(name for name, finding in mine.items() if until_d is None or scenario.day(finding.date) <= until_d)
    if not used:
        raise UserError(f"nothing to fit to: all findings marked fitted are after day {until_d:g}")
    return used


def early_day(scenario: Scenario, until_d: float | None) -> float | None:
    """Return the day to which each trial is run first: that of the last finding in the early part of the calendar, if any."""
    end_d = scenario.day(scenario.end) if until_d is None else until_d
    days = [scenario.day(scenario.reported[name].date) for name in fitted_names(scenario, until_d)]
    early = [day for day in days if 0 < day <= EARLY_SHARE * scenario.day(scenario.end)]
    return max(early) if early and max(early) < min(max(days), end_d) else None


def study_name(task: Task, scenario: Scenario, score_version: str) -> str:
    """Return the hash of everything but the fitted values that a trial's loss depends on; the scenario's current values do not enter."""
    values = {parameter.path: (parameter.low + parameter.high) / 2 for parameter in free_parameters(scenario, task.until_d)}
    same = with_values(task, scenario, values).model_copy(update={"calibration": None})
    bounds = [(parameter.path, parameter.low, parameter.high, parameter.is_log) for parameter in free_parameters(scenario, task.until_d)]
    parts = (same.model_dump_json(by_alias=True), bounds, model_version(), score_version, task.replicates, task.is_quick, task.until_d)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def provenance(task: Task, scenario: Scenario, best: Best, command: str) -> Calibration:
    """Return the block that states in every record how its values were fitted."""
    values = {}
    for parameter in free_parameters(scenario, task.until_d):
        shown = [plain_value(scenario, parameter, number) for number in (best.values[parameter.path], parameter.low, parameter.high)]
        number, low, high = (entry[0] if isinstance(entry, list) else entry for entry in shown)
        values[parameter.path] = Fitted(value=number, low=low, high=high, kind=parameter.kind)
    until = None if task.until_d is None else scenario.start + timedelta(days=math.floor(task.until_d))
    return Calibration(to="case", command=command, date=date.today(), code_version=model_version(), seed=task.seed,
                       budget_min=task.budget_min, trials=best.trials, replicates=task.replicates, is_quick=task.is_quick, until=until,
                       loss=round(best.loss, 4), losses={name: round(loss, 4) for name, loss in best.losses.items()}, values=values)


def write_values(path: Path, task: Task, scenario: Scenario, best: Best, command: str, is_forced: bool = True) -> None:
    """Write the fitted values as a scenario file, atomically.

    If the scenario extends this file, the file holds only the values. Otherwise it extends the scenario and is the same arm with
    other values.

    Raises:
        UserError: the file cannot be written, or it exists by now and `is_forced` is not set.
    """
    content: dict[str, Any] = {}
    if path.resolve() not in {below.resolve() for below in files_of(task.scenario)}:
        above = os.path.relpath(task.scenario, path.parent) if task.scenario.is_file() else task.scenario.stem
        content = {"extends": above, "arm": scenario.arm} | ({"title": scenario.title} if scenario.title else {})
    # The extended file also sets the order of the lesions.
    content["lesions"] = {name: {} for name in scenario.lesions}
    for parameter in free_parameters(scenario, task.until_d):
        *blocks, name = parameter.path.split(".")
        block = content
        for key in blocks:
            block = block.setdefault(key, {})
        block[name] = plain_value(scenario, parameter, best.values[parameter.path])
        if parameter.kind == "free":
            block.setdefault("evidence", {})[name] = "assumed"
            block["note"] = "fitted to the case: see calibration"
    content["calibration"] = provenance(task, scenario, best, command).model_dump(by_alias=True, exclude_none=True)
    text = StringIO()
    yaml = YAML()
    yaml.width = 140
    yaml.dump(content, text)
    try:
        with draft(through_links(path)) as made:
            os.write(made.descriptor, f"{HEADING}{text.getvalue()}".encode())
            made.place(is_new=not is_forced)
    except FileExistsError as error:
        raise UserError(f"{path}: another program has written it meanwhile; choose another name or add --force") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {reason(error)}") from error

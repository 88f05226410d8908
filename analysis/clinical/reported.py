"""Reported findings of the patient from a record's scenario, and the value that one run gives for each.

The misfit of a finding is in units of its tolerance: (simulated - reported) / tolerance; beyond a limit, what exceeds it; one
rank of response counts as two; loss of control, and death before the day of a finding, count more the earlier they come.
Its loss is the square up to three and continues linearly (Huber), so that no arm, however short, makes it infinite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lesionlab.analysis.clinical.outcome import Outcome
from lesionlab.analysis.clinical.response import TimeToEvent, assess, lesion_control, lesion_response, local_control, time_to_progression
from lesionlab.analysis.clinical.scans import ROUNDING, SCAN_WINDOW_D
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record

PATIENT = "patient"
RESPONSES = ("CR", "PR", "SD", "PD")
EVENT_MONTHS = ("progression_months", "lethal_burden_months")
UNITS = {"longest_diameter_cm": "cm", "short_axis_cm": "cm", "longest_diameter_change_percent": "%", "short_axis_change_percent": "%",
         "response": "", "control": "1", "local_control": "1", "progression_months": "months", "lethal_burden_months": "months"}
RANK_MISFIT, LOST_MISFIT, NOT_LIVED_MISFIT, WORST_MISFIT, LINEAR_FROM = 2.0, 2.0, 3.0, 10.0, 3.0


@dataclass(frozen=True)
class Finding:
    """One finding of the scenario's block `reported`; days count from the start, fields as in the scenario."""

    name: str
    day: float
    date: date
    lesion: str
    quantity: str
    value: float | str
    bound: str
    tolerance: float
    since_d: float
    reading: str
    arm: str
    status: str
    note: str

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest number that agrees."""
        middle, width = float(self.value), self.tolerance if self.bound == "about" else 0.0
        return (-np.inf if self.bound == "at_most" else middle - width, np.inf if self.bound == "at_least" else middle + width)

    def agrees(self, number: float) -> bool:
        """Return whether a number lies within the limits."""
        low, high = self.limits
        return bool(low - ROUNDING <= number <= high + ROUNDING)


@dataclass(frozen=True)
class Found:
    """The result of one run for a finding: a number or response, which lesion progressed first, and the misfit.

    `value` is None where the run stopped before; `is_lived` then states whether the patient was still alive.
    """

    value: float | str | None
    misfit: float
    cause: str = ""
    is_lived: bool = True

    @property
    def loss(self) -> float:
        """The loss, 0 for agreement: misfit squared, linear beyond three; finite always."""
        size = min(abs(self.misfit), WORST_MISFIT)
        return size**2 if size <= LINEAR_FROM else LINEAR_FROM * (2 * size - LINEAR_FROM)


def scenario_of(record: Record) -> dict[str, Any]:
    """Return the record's resolved scenario as plain data; raises RecordError where it is not readable."""
    try:
        content = YAML(typ="safe", pure=True).load(StringIO(record.scenario_yaml))
    except YAMLError as error:
        raise RecordError(f"{record.path}: its scenario is not readable as YAML") from error
    return content if isinstance(content, dict) else {}


def how_fitted(scenario: dict[str, Any]) -> str:
    """Return how a scenario's values were fitted, and which of them it has changed since; "" if they were not."""
    block = scenario.get("calibration")
    if not block:
        return ""
    names = ", ".join(f"{path} {fitted['value']}" + (" (nuisance)" if fitted["kind"] == "nuisance" else "")
                      for path, fitted in block["values"].items())
    changed = [path for path, fitted in block["values"].items() if _stated(scenario, path) != fitted["value"]]
    since = f"; changed since: {', '.join(changed)}" if changed else ""
    small = ", small sections" if block["is_quick"] else ""
    return f"{len(block['values'])} values fitted to the case on {block['date']} in {block['trials']} trials{small}: {names}{since}"


def _stated(scenario: dict[str, Any], path: str) -> Any:
    """Return what a scenario states at a path; of a lesion's size the longest diameter."""
    node: Any = scenario
    for key in path.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    return node[0] if isinstance(node, list) else node


def findings(record: Record) -> tuple[Finding, ...]:
    """Return everything that the record's scenario reports, of whatever arm, in its order."""
    start = record.start.date()
    reported = scenario_of(record).get("reported") or {}
    return tuple(Finding(
        name=name, day=float((row["date"] - start).days), date=row["date"], lesion=row["lesion"], quantity=row["quantity"],
        value=row["value"], bound=row["bound"], tolerance=float(row.get("tolerance") or 0.0),
        since_d=float((row["since"] - start).days) if "since" in row else 0.0, reading=row["reading"], arm=row["arm"],
        status=row["status"], note=str(row.get("note", ""))) for name, row in reported.items())


def find(finding: Finding, outcome: Outcome) -> Found:
    """Return the result of a run for a finding."""
    scans = outcome.scans
    if finding.quantity in EVENT_MONTHS:
        return _event(finding, outcome)
    if finding.quantity in ("control", "local_control"):
        return _control(finding, outcome)
    value = _response(finding, outcome) if finding.quantity == "response" else _size(finding, outcome)
    if value is None:
        is_lost = scans.is_dead and finding.day > scans.end_d
        return Found(None, _early(NOT_LIVED_MISFIT, scans.end_d, finding.day) if is_lost else np.nan, is_lived=not is_lost)
    if isinstance(value, str):
        return Found(value, RANK_MISFIT * (RESPONSES.index(value) - RESPONSES.index(str(finding.value))))
    return Found(value, _distance(finding, value))


def mean_losses(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the loss of each finding of the runs' arm by name, the mean over the runs; without findings that some run does not reach."""
    mine = [finding for finding in findings(outcomes[0].record) if finding.arm == outcomes[0].arm]
    found = {finding.name: [find(finding, outcome) for outcome in outcomes] for finding in mine}
    return {name: float(np.mean([one.loss for one in several])) for name, several in found.items()
            if not any(np.isnan(one.misfit) for one in several)}


def _early(misfit: float, lost_d: float, day: float) -> float:
    """Return a misfit that doubles towards the start: the earlier the loss, the larger."""
    return misfit * (2 - min(max(lost_d, 0.0) / day, 1.0)) if day > 0 else 2 * misfit


def _distance(finding: Finding, number: float) -> float:
    """Return the distance of a number from the reported value in tolerances; beside a limit only the excess over it."""
    away = min(max((number - float(finding.value)) / finding.tolerance, -WORST_MISFIT), WORST_MISFIT)
    return {"about": away, "at_most": max(away, 0.0), "at_least": min(away, 0.0)}[finding.bound]


def _size(finding: Finding, outcome: Outcome) -> float | None:
    """Return a size on a day, or its change in percent since another; None where the record has no row within a day before."""
    is_longest = finding.quantity.startswith("longest")
    sizes = outcome.record.of_lesion("longest_diameter_cm" if is_longest else "short_axis_cm", finding.lesion)

    def on(day: float) -> float:
        row = int(np.searchsorted(outcome.record.time_d, day + ROUNDING, side="right")) - 1
        is_there = row >= 0 and day - outcome.record.time_d[row] <= SCAN_WINDOW_D + ROUNDING and day <= outcome.scans.end_d + ROUNDING
        return float(sizes[row]) if is_there else np.nan

    size_cm, since_cm = on(finding.day), on(finding.since_d)
    if finding.quantity.endswith("_cm"):
        return None if np.isnan(size_cm) else size_cm
    return None if np.isnan(size_cm) or not since_cm > 0 else 100 * (size_cm / since_cm - 1)


def _response(finding: Finding, outcome: Outcome) -> str | None:
    """Return the response on the scan of the day, of one lesion read alone or of the patient; None without a scan or reading."""
    if finding.lesion != PATIENT:
        word = lesion_response(outcome.scans, finding.lesion, finding.day)
    else:
        visits = assess(outcome.scans, "strict" if finding.reading == "strict" else "report")
        word = next((visit.overall for visit in visits if abs(visit.time_d - finding.day) < ROUNDING), "")
    return word if word in RESPONSES else None


def _progression(finding: Finding, outcome: Outcome) -> TimeToEvent:
    """Return the progression to which a finding refers."""
    if finding.quantity == "local_control":
        controls = local_control(outcome.scans)
        chosen = controls.values() if finding.lesion == PATIENT else [controls[finding.lesion]] if finding.lesion in controls else []
        return min(chosen, key=lambda event: (not event.is_event, event.time_d), default=TimeToEvent(outcome.scans.end_d, False, ""))
    if finding.quantity == "control" and finding.lesion != PATIENT:
        return lesion_control(outcome.scans, finding.lesion)
    return time_to_progression(outcome.scans, "strict" if finding.reading == "strict" else "report")


def _control(finding: Finding, outcome: Outcome) -> Found:
    """Return 1 for control up to the day, 0 for progression or death before it."""
    event, scans = _progression(finding, outcome), outcome.scans
    lost_d = event.time_d if event.is_event and event.time_d <= finding.day else scans.end_d if scans.is_dead else np.inf
    if lost_d > finding.day and scans.end_d < finding.day:
        return Found(None, np.nan)
    is_controlled = lost_d > finding.day
    if finding.bound == "at_most":
        return Found(float(is_controlled), LOST_MISFIT * is_controlled)
    return Found(float(is_controlled), 0.0 if is_controlled else -_early(LOST_MISFIT, lost_d, finding.day), event.cause)


def _event(finding: Finding, outcome: Outcome) -> Found:
    """Return the months to progression or death, infinite if it had not come by the run's end or the finding's day."""
    scans = outcome.scans
    is_death = finding.quantity == "lethal_burden_months"
    event = TimeToEvent(scans.end_d, scans.is_dead, "lethal burden") if is_death else _progression(finding, outcome)
    # An event that has not come lies at least beyond the last day observed.
    misfit = _distance(finding, event.months)
    if not event.is_event:
        return Found(None, np.nan) if scans.end_d < finding.day else Found(np.inf, misfit)
    is_other = finding.lesion not in (PATIENT, *event.cause.removeprefix("new lesion: ").split(", "))
    if is_other:
        misfit = np.copysign(max(abs(misfit), LOST_MISFIT), misfit)
    return Found(event.months, float(misfit), event.cause)

"""From one scenario to another in the middle of a run: which values must agree, and how earlier drugs wash out."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
from pydantic import BaseModel

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.reader import RecordedRun
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.treatment.courses import Drug, Period

PAST = ("start", "seed", "patient", "time_step_h", "burn_in_d", "tissue")
"""Keys of a scenario that describe the past: a fork cannot change them."""


def refuse_another_past(run: RecordedRun, scenario: Scenario, at_d: float) -> None:
    """Refuse a scenario that describes another patient than the recorded one, or ends before the fork.

    Raises:
        UserError: one line for each difference, with both values.
    """
    own: Scenario = run.scenario
    found = _differences("", {key: getattr(scenario, key) for key in PAST}, {key: getattr(own, key) for key in PAST})
    if list(scenario.lesions) != list(own.lesions):
        found.append(f"lesions are {', '.join(scenario.lesions)}; there {', '.join(own.lesions)}")
    for name in own.lesions.keys() & scenario.lesions.keys():
        found += _differences(f"lesions.{name}", scenario.lesions[name], own.lesions[name])
    for name in own.drugs.keys() & scenario.drugs.keys():
        here, there = ({"class": drug.drug_class, "pharmacokinetics": drug.pharmacokinetics}
                       for drug in (scenario.drugs[name], own.drugs[name]))
        found += _differences(f"drugs.{name}", here, there)
    if scenario.day(scenario.end) <= at_d:
        found.append(f"it ends on day {scenario.day(scenario.end):g}, not after the fork on day {at_d:g}")
    if found:
        raise UserError("\n".join(f"{scenario.arm} cannot go on from {run.path}: {one}" for one in found))


def _differences(path: str, here: Any, there: Any) -> list[str]:
    """Return the values in which two nested parts of scenarios differ, one line each; notes and evidence do not count."""
    here, there = (dict(part) if isinstance(part, BaseModel) else part for part in (here, there))
    if isinstance(here, dict) and isinstance(there, dict):
        keys = [key for key in {**there, **here} if key not in ("evidence", "note")]
        return [line for key in keys for line in _differences(f"{path}.{key}".lstrip("."), here.get(key), there.get(key))]
    return [] if here == there else [f"{path} is {here}, there {there}"]


def with_washout(scenario: Scenario, parent: Scenario, arrays: Mapping[str, np.ndarray], at_d: float) -> Scenario:
    """Return the scenario with every drug that it lacks and the body still holds, without doses from the fork on."""
    last = parent.start + timedelta(days=at_d - 1)
    stopped = {name: _stopped(drug, last, any(day < at_d and not _is_past(parent, day, at_d) for day in drug.dose_days(parent.start)))
               for name, drug in parent.drugs.items()
               if name not in scenario.drugs and np.any(arrays[f"systemic.drugs.{name}.compartments"])}
    return scenario.model_copy(update={"drugs": scenario.drugs | stopped}) if stopped else scenario


def _stopped(drug: Drug, last: date, is_last_taken_later: bool) -> Drug:
    """Return a drug that ends with a day; a dose due then, but between two steps, of which the later begins the fork, is missed."""
    missed = tuple(one for one in drug.missed if one.start <= last)
    more = (Period(start=last, until=last),) if is_last_taken_later else ()
    return drug.model_copy(update={"until": last, "missed": missed + more})


def _is_past(scenario: Scenario, day: float, at_d: float) -> bool:
    """Tell whether what is planned for a time is done in a step before a day begins."""
    clock = Clock(0, scenario.time_step_h, 0)
    return clock.step_at(day) < clock.step_at(at_d)


def not_given(scenario: Scenario, parent: Scenario, at_d: float) -> list[str]:
    """Return treatments that the scenario plans before the fork and the past does not contain, one line a kind: they were not given."""
    lines = []
    for kind, plan in (("fractions", _fractions), ("doses", _doses)):
        n = (plan(scenario, at_d) - plan(parent, at_d)).total()
        if n:
            lines.append(f"{n} {kind} that {scenario.arm} plans before day {at_d:g} are not given: the past stands as it is")
    return lines


def _fractions(scenario: Scenario, at_d: float) -> Counter[tuple[object, ...]]:
    return Counter((course.lesion, course.volumes, day) for course in scenario.radiotherapy
                   for day in course.fraction_days(scenario.start) if _is_past(scenario, day, at_d))


def _doses(scenario: Scenario, at_d: float) -> Counter[tuple[object, ...]]:
    return Counter((name, drug.dose_mg, day) for name, drug in scenario.drugs.items() for day in drug.dose_days(scenario.start)
                   if _is_past(scenario, day, at_d))

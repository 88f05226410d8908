"""From one scenario to another in the middle of a run: what must be the same, and what becomes of the drugs."""

from datetime import timedelta

import numpy as np

from sim.errors import UserError
from sim.record_past import RecordedRun
from sim.scenario import Scenario

PAST = ("start", "seed", "patient", "time_step_h", "burn_in_d", "tissue")
"""What a scenario says of the past: a future cannot change it."""


def refuse_another_past(run: RecordedRun, scenario: Scenario, at_d: float) -> None:
    """Refuse a scenario that tells of another patient than the recorded one, or ends before the fork.

    Raises:
        UserError: one line for each difference, with both values.
    """
    own: Scenario = run.scenario
    found = [f"{key} is {getattr(scenario, key)}, there {getattr(own, key)}" for key in PAST if getattr(scenario, key) != getattr(own, key)]
    if list(scenario.lesions) != list(own.lesions):
        found.append(f"lesions are {', '.join(scenario.lesions)}; there {', '.join(own.lesions)}")
    for name in own.lesions.keys() & scenario.lesions.keys():
        here, there = scenario.lesions[name].model_dump(), own.lesions[name].model_dump()
        found += [f"lesions.{name}.{key} is {here[key]}, there {there[key]}" for key in there if here[key] != there[key]]
    for name in own.drugs.keys() & scenario.drugs.keys():
        found += [f"drugs.{name}.{key} differs" for key in ("drug_class", "pharmacokinetics")
                  if getattr(own.drugs[name], key) != getattr(scenario.drugs[name], key)]
    if scenario.day(scenario.end) <= at_d:
        found.append(f"it ends on day {scenario.day(scenario.end):g}, not after the fork on day {at_d:g}")
    if found:
        raise UserError("\n".join(f"{scenario.arm} cannot go on from {run.path}: {one}" for one in found))


def with_washout(scenario: Scenario, parent: Scenario, arrays: dict[str, np.ndarray], at_d: float) -> Scenario:
    """Return the scenario with every drug that it lacks and the body still holds, without doses from the fork on."""
    stopped = {name: drug.model_copy(update={"until": parent.start + timedelta(days=at_d - 1)})
               for name, drug in parent.drugs.items()
               if name not in scenario.drugs and np.any(arrays[f"systemic.drugs.{name}.compartments"])}
    return scenario.model_copy(update={"drugs": scenario.drugs | stopped}) if stopped else scenario

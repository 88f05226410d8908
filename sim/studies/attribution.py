"""Which runs an attribution to couplings needs: mechanism switches crossed with arms, with common random numbers.

Each walk uses the random streams of one replicate and a random order of the couplings. It starts with all of them off and turns them
on one by one; after each step the untreated arm, each treatment alone and the full regimen are run. A run's file is named after all
that its result depends on, so walks share runs, and a second call computes only what is missing. A coupling on which an arm's
treatments cannot act is left on there: the run would be the same, byte for byte (tested), and is not computed twice.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.runs.job import Job, days_until
from lesionlab.sim.scenario.arms import components, keep
from lesionlab.sim.scenario.couplings import MECHANISMS, apply
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES

OF_RADIOTHERAPY = ("oxygen_effect", "radiation_to_antigen", "radiation_to_vessels", "radiation_loss_of_t_cells", "low_dose_to_entry")
DEFAULT_DAY_D = 42.0


class Step(NamedTuple):
    """One step of a walk: the coupling that joined ("" at the start), and the run of each arm by its treatments."""

    joined: str
    runs: dict[frozenset[str], Job]


def players(scenario: Scenario, named: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the couplings among which an outcome is divided: those named, or all, that the scenario has not turned off itself.

    A coupling whose parameters stand where it vanishes, such as the antigen gate by default, is left out unless it is named.
    Raises UserError for a name that is unknown or turned off.
    """
    off = {name for name, is_on in scenario.mechanisms.items() if not is_on}
    for name in named:
        if name not in MECHANISMS:
            raise UserError(f"--couplings {name}: no such mechanism{did_you_mean(name, MECHANISMS)}; see lesionlab describe")
        if name in off:
            raise UserError(f"--couplings {name}: the scenario turns this mechanism off")
    given = scenario.all_parameters()
    acting = (name for name in MECHANISMS if apply(given, (name,)) != given)
    return tuple(name for name in dict.fromkeys(named or acting) if name not in off)


def arms(scenario: Scenario) -> dict[frozenset[str], Scenario]:
    """Return the arms that worths need: untreated, each treatment alone, and the whole regimen."""
    names = [component.name for component in components(scenario)]
    if len(names) < 2:
        raise UserError(f"{scenario.arm}: --attribution needs a scenario with two or more treatments")
    return {frozenset(kept): keep(scenario, kept) for kept in ((), *((name,) for name in names), names)}


Known = Mapping[tuple[str, int], Job]
"""Runs with every coupling on, by arm and replicate, that the comparison computes anyway, over the same days."""


def plan(scenario: Scenario, couplings: Sequence[str], n_walks: int, template: Job, known: Known) -> tuple[tuple[Step, ...], ...]:
    """Return all walks, cycling through the known replicates; `template` gives the folder, length and size of every run.

    The orders depend on the scenario's seed only, so more walks keep those that were computed.
    """
    orders = random.Random(scenario.seed)
    replicates = sorted({replicate for _, replicate in known})
    return tuple(tuple(_walk(scenario, orders.sample(couplings, len(couplings)),
                             replace(template, replicate=replicates[number % len(replicates)]), known)) for number in range(n_walks))


def _walk(scenario: Scenario, order: Sequence[str], template: Job, known: Known) -> Iterator[Step]:
    for n_on in range(len(order) + 1):
        runs = {kept: _job(arm, order[n_on:], template, known) for kept, arm in arms(scenario).items()}
        yield Step(order[n_on - 1] if n_on else "", runs)


def _job(arm: Scenario, off: Sequence[str], template: Job, known: Known) -> Job:
    """Return the run of an arm with some couplings off, except those that are idle in it."""
    acting = sorted(set(off) - set(idle(arm)))
    if not acting and (arm.arm, template.replicate) in known:
        return known[arm.arm, template.replicate]
    job = replace(template, scenario=arm.model_copy(update={"mechanisms": arm.mechanisms | dict.fromkeys(acting, False)}))
    return replace(job, path=template.path / f"{job.run_id}.h5")


def idle(arm: Scenario) -> tuple[str, ...]:
    """Return the couplings that change nothing in an arm because their treatment is not given."""
    given = {drug.drug_class for drug in arm.drugs.values()}
    acting = {name for row in DRUG_CLASSES if row.name in given for name in row.couplings}
    of_absent = dict.fromkeys(name for row in DRUG_CLASSES if row.name not in given for name in row.couplings)
    return (() if arm.radiotherapy else OF_RADIOTHERAPY) + tuple(name for name in of_absent if name not in acting)


def stated_day(job: Job, wish: str | None) -> float:
    """Return the day on which cells are compared: as given, else day 42 (six weeks, RECIST's least for stable disease), within the run.

    Raises UserError for a day that the run does not reach.
    """
    if wish is None:
        return min(DEFAULT_DAY_D, job.days)
    try:
        day_d = days_until(job.scenario, wish)
    except UserError as error:
        raise UserError(str(error).replace("--until", "--day")) from None
    if day_d > job.days:
        raise UserError(f"--day {wish}: the runs end before it, on day {job.days:g}")
    return day_d


def distinct(walks: Sequence[Sequence[Step]]) -> tuple[Job, ...]:
    """Return each run of some walks once."""
    return tuple({job.path: job for walk in walks for step in walk for job in step.runs.values()}.values())


def folder(output: Path) -> Path:
    """Return where the records of an attribution lie."""
    return output / "records" / "attribution"

"""Findings of a comparison beyond single arms: survival, differences with common random numbers, synergy, interactions, attribution.

The stated day is fixed before anything runs: `--day`, else day 42 (six weeks: what RECIST asks of stable disease), or the last day that
every run was planned for if that is sooner. Cells are those of the target lesions, or of each known lesion on its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lesionlab.analysis.clinical.outcome import Outcome
from lesionlab.analysis.clinical.response import STABLE_FROM_D
from lesionlab.analysis.comparison.attribution import Shares, of_couplings, of_treatments
from lesionlab.analysis.comparison.comparison import Comparison
from lesionlab.analysis.comparison.regimen import Factorial, factorial
from lesionlab.analysis.comparison.synergy import (
    QUANTITIES,
    TARGETS,
    Bound,
    bliss,
    contrasts,
    days_of,
    delays,
    highest_single,
    log_cells,
    logs_of,
    shared_replicates,
)
from lesionlab.analysis.records.treatments import Part, parts_of
from lesionlab.analysis.statistics.paired import Course, Estimate, Table, estimate
from lesionlab.analysis.statistics.survival import EVENTS, Survival, Times, difference, horizon, log_rank, survival, times

Walks = Sequence[Sequence[tuple[str, float]]]
DIFFERENCES = {
    "progression_report": ("d", "days without progression or death, read as the case report did, up to day {horizon:.0f}"),
    "progression_strict": ("d", "days without progression or death, strict reading, up to day {horizon:.0f}"),
    "death": ("d", "days alive, up to day {horizon:.0f}"),
    "nadir_change": ("1", "smallest sum of target diameters, as a share of the first"),
    "log10_clonogens": ("decades", "log10 clonogens of the target lesions on day {day:.0f}"),
}
DELAYS = {"growth": "growth to twice the cells of day 0", "progression_report": "progression, read as the case report did"}


class Difference(NamedTuple):
    """A difference of an arm from its reference, paired by replicate."""

    quantity: str
    arm: str
    reference: str
    value: Estimate


@dataclass(frozen=True)
class Synergy:
    """Excess of every combination: over time in decades by (kind, quantity, lesion, combination), in days by (combination, event).

    `contrasts` are those of log10 clonogens by (lesion, set of factors), empty unless the factorial is complete.
    """

    design: Factorial
    excesses: dict[tuple[str, str, str, frozenset[str]], Course]
    contrasts: dict[tuple[str, frozenset[str]], Course]
    delays: dict[tuple[frozenset[str], str], tuple[Bound, Bound]]


@dataclass(frozen=True)
class Attribution:
    """Shares of the treatments in the kill, and of the couplings in kill and synergy, with the number of walks behind them."""

    treatments: Shares | None
    couplings: dict[str, Shares]
    n_walks: int


@dataclass(frozen=True)
class Findings:
    """Everything found; `synergy` is None where the arms hold no factorial, `attribution` where there is nothing to divide.

    `parts` are those of the regimens, after which arms and factors are named.
    """

    day_d: float
    horizon_d: float
    parts: tuple[Part, ...]
    survival: dict[tuple[str, str], Survival]
    log_rank: dict[tuple[str, str, str], float]
    differences: tuple[Difference, ...]
    synergy: Synergy | None
    attribution: Attribution | None


def find(comparison: Comparison, day_d: float | None = None, walks: Mapping[str, Walks] | None = None) -> Findings:
    """Return the findings of a comparison; `walks` are those of the couplings, by outcome of `WORTHS`."""
    arms = {arm.name: arm.outcomes for arm in comparison.arms}
    horizon_d = horizon(arms)
    day_d = min(STABLE_FROM_D, horizon_d) if day_d is None else day_d
    all_times = {(event, name): times(outcomes, event) for event in EVENTS for name, outcomes in arms.items()}
    design = factorial({name: outcomes[0].record for name, outcomes in arms.items()})
    if design is not None and not shared_replicates(arms, list(design.arms.values())):
        design = None
    pairs = _pairs(tuple(arms), design)
    days = np.array([day_d, *comparison.scan_days])
    return Findings(
        day_d, horizon_d, parts_of(record.classes for record in comparison.records),
        {key: survival(found, horizon_d) for key, found in all_times.items()},
        {(event, arm, reference): log_rank(all_times[event, arm], all_times[event, reference])
         for event in EVENTS for arm, reference in pairs},
        tuple(_differences(arms, pairs, all_times, horizon_d, day_d)),
        None if design is None else synergy(arms, design, days), attribution(arms, design, day_d, walks or {}))


def _pairs(names: Sequence[str], design: Factorial | None) -> list[tuple[str, str]]:
    """Return (arm, reference): every arm against the first, and against the untreated one where there is one."""
    untreated = design.untreated if design else "untreated"
    references = [names[0]] + [untreated] * (untreated in names[1:])
    return [(arm, reference) for reference in references for arm in names if arm != reference]


def differences(comparison: Comparison, findings: Findings, pairs: Sequence[tuple[str, str]]) -> tuple[Difference, ...]:
    """Return the differences of any pairs (arm, reference), on the stated day and up to the horizon of the findings."""
    all_times = {key: found.times for key, found in findings.survival.items()}
    return tuple(_differences({arm.name: arm.outcomes for arm in comparison.arms}, pairs, all_times, findings.horizon_d, findings.day_d))


def _differences(arms: Mapping[str, Sequence[Outcome]], pairs: Sequence[tuple[str, str]], all_times: Mapping[tuple[str, str], Times],
                 horizon_d: float, day_d: float) -> Iterator[Difference]:
    logs = {name: {outcome.replicate: float(log_cells(outcome.record, "clonogens", TARGETS, np.array([day_d]))[0])
                   for outcome in outcomes} for name, outcomes in arms.items()}
    nadirs = {name: {outcome.replicate: outcome.numbers["nadir_change", ""] for outcome in outcomes} for name, outcomes in arms.items()}
    for arm, reference in pairs:
        for event in EVENTS:
            yield Difference(event, arm, reference, difference(all_times[event, arm], all_times[event, reference], horizon_d))
        for quantity, known in (("nadir_change", nadirs), ("log10_clonogens", logs)):
            own, other = known[arm], known[reference]
            yield Difference(quantity, arm, reference, estimate([own[number] - other[number] for number in own if number in other]))


def synergy(arms: Mapping[str, Sequence[Outcome]], design: Factorial, extra_days: Table) -> Synergy:
    """Return the excess of every combination of a factorial, for the target lesions together and for each lesion that was known."""
    record = arms[design.full][0].record
    lesions = [TARGETS, *(name for name, is_occult in zip(record.lesions, record.occult, strict=True) if not is_occult)]
    days = np.unique(np.concatenate([days_of(arms, design), extra_days]))
    excesses: dict[tuple[str, str, str, frozenset[str]], Course] = {}
    of_factors: dict[tuple[str, frozenset[str]], Course] = {}
    for quantity in QUANTITIES:
        for lesion in lesions:
            logs = logs_of(arms, design, quantity, lesion, days)
            for combination in design.combinations:
                excesses["bliss", quantity, lesion, combination] = bliss(logs, combination, days)
                excesses["hsa", quantity, lesion, combination] = highest_single(logs, combination, days)
            if quantity == "clonogens" and design.is_complete:
                of_factors |= {(lesion, factors): course for factors, course in contrasts(logs, design.factors, days).items()}
    late = {(combination, event): delays(arms, design, combination, event) for combination in design.combinations for event in DELAYS}
    return Synergy(design, excesses, of_factors, late)


def attribution(arms: Mapping[str, Sequence[Outcome]], design: Factorial | None, day_d: float,
                walks: Mapping[str, Walks]) -> Attribution | None:
    """Return the shares of treatments (of a complete factorial) and of couplings (of walks), None if there are neither."""
    treatments = None
    if design is not None and design.is_complete:
        logs = logs_of(arms, design, "clonogens", TARGETS, np.array([day_d]))
        treatments = of_treatments({cell: table[:, 0] for cell, table in logs.items()}, design.factors)
    couplings = {outcome: of_couplings(found) for outcome, found in walks.items()}
    n_walks = max((len(found) for found in walks.values()), default=0)
    return Attribution(treatments, couplings, n_walks) if treatments or couplings else None


def at(course: Course, day_d: float) -> tuple[float, float, float, int]:
    """Return value, interval and n of a course on one of its days."""
    place = int(np.searchsorted(course.time_d, day_d))
    return float(course.value[place]), float(course.low[place]), float(course.high[place]), int(course.n[place])

"""Synergy with its uncertainty: the effect of a combination beyond its parts, over time, from replicates paired by common random numbers.

Effects are decades of kill, E_S(t) = log10 max(N_untreated(t), 1) - log10 max(N_S(t), 1), for N the clonogens or the tumour cells
(volume: dead cells not yet cleared included) of a lesion, or of all target lesions together. Positive excess is more kill:

* Bliss (1939, Annals of Applied Biology 26:585): parts that act independently multiply surviving fractions, so their decades add;
  excess = E_S - sum of E_i over the parts i of S. It is minus the interaction of `lesionlab verify`, row 11.
* Highest single agent (Gaddum 1940; Berenbaum 1989, Pharmacological Reviews 41:93): excess = E_S - max E_i, the best part being the
  one with the largest mean at that time; each resample of the bootstrap chooses its own best.
* Interaction contrasts of the whole factorial: for a set S of factors the |S|-fold difference of log10 N, averaged over all settings of the
  other factors (Fisher 1935): main effects, two-way, three-way. Negative is fewer cells; where logs add, every interaction is 0.
* Times (growth delay: first day on which the target lesions hold twice their cells of day 0; time to progression): excess = delay of S less
  the sum of the delays of its parts (0 for equal growth rates and multiplying survival, since delay = kill / growth rate), and less the
  longest of them. A time not reached by the end is censored: the excess is then a bound, `at least` or `at most`, or neither.

An arm that has ended takes its replicate out of every later day; nothing is carried forward, and `n` is the number left.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.clinical.outcome import Outcome
from lesionlab.analysis.comparison.regimen import Factorial
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, load, values
from lesionlab.analysis.statistics.paired import Course, Estimate, Table, estimate, over_time
from lesionlab.analysis.statistics.survival import Times, times

QUANTITIES = {"clonogens": "clonogens", "lesion_cells": "tumour cells (volume)"}
TARGETS = ""
GROWN = 2.0
MOST_POINTS = 90

Logs = Mapping[frozenset[str], Table]
"""log10 cells (replicate, time) of the arm of each subset of the factors."""


class Bound(NamedTuple):
    """An excess in days: its estimate over paired replicates, and `exact`, `at least`, `at most` or `unknown`."""

    value: Estimate
    kind: str


def target_lesions(record: Record) -> tuple[str, ...]:
    """Return the target lesions; without any, all that were known at the start."""
    targets = tuple(name for name, role in zip(record.lesions, record.roles, strict=True) if role == "target")
    return targets or tuple(name for name, is_occult in zip(record.lesions, record.occult, strict=True) if not is_occult)


def log_cells(record: Record, quantity: str, lesion: str, days: Table) -> Table:
    """Return log10 max(N, 1) of a lesion, or of the target lesions together (""), on some days; nan after the last row."""
    lesions = (lesion,) if lesion else target_lesions(record)
    cells = np.sum([values(record, quantity, name) for name in lesions], axis=0)
    logs: Table = np.interp(days, record.time_d, np.log10(np.maximum(cells, 1.0)), left=np.nan, right=np.nan)
    return logs


def clonogens_on(path: Path, day_d: float) -> float:
    """Return log10 clonogens of the target lesions of a record on a day; nan where it cannot be read or had ended."""
    try:
        return float(log_cells(load(path), "clonogens", TARGETS, np.array([day_d]))[0])
    except RecordError:
        return float("nan")


def shared_replicates(arms: Mapping[str, Sequence[Outcome]], names: Sequence[str]) -> tuple[int, ...]:
    """Return the replicates that all the named arms have."""
    sets = [{outcome.replicate for outcome in arms[name]} for name in names]
    return tuple(sorted(set.intersection(*sets)))


def days_of(arms: Mapping[str, Sequence[Outcome]], design: Factorial) -> Table:
    """Return the days on which synergy is computed: rows of the untreated arm and of the full one, thinned to some ninety."""
    first = np.concatenate([np.linspace(0, max(outcome.scans.end_d for outcome in arms[name]), MOST_POINTS // 2)
                            for name in (design.untreated, design.full)])
    return np.unique(np.round(first))


def logs_of(arms: Mapping[str, Sequence[Outcome]], design: Factorial, quantity: str, lesion: str, days: Table) -> Logs:
    """Return the logs of every arm of the design over the replicates that all of them have."""
    shared = shared_replicates(arms, list(design.arms.values()))
    table = {}
    for cell, name in design.arms.items():
        by_replicate = {outcome.replicate: outcome.record for outcome in arms[name]}
        rows = [log_cells(by_replicate[replicate], quantity, lesion, days) for replicate in shared]
        table[cell] = np.array(rows).reshape(-1, len(days))
    return table


def bliss(logs: Logs, combination: frozenset[str], days: Table) -> Course:
    """Return Bliss's excess of a combination over time, in decades of kill."""
    parts = [logs[frozenset([part])] for part in sorted(combination)]
    excess = sum(parts) - logs[combination] - (len(parts) - 1) * logs[frozenset()]
    return over_time(days, [np.asarray(excess)])


def highest_single(logs: Logs, combination: frozenset[str], days: Table) -> Course:
    """Return the excess over the best single part over time, in decades of kill; the untreated arm is not needed."""
    parts = [logs[frozenset([part])] for part in sorted(combination)]
    return over_time(days, [logs[combination], *parts], _beyond_best)


def _beyond_best(whole: Table, *parts: Table, axis: int = 0) -> Table:
    best: Table = np.min([part.mean(axis=axis) for part in parts], axis=0) - whole.mean(axis=axis)
    return best


def contrasts(logs: Logs, factors: Sequence[str], days: Table) -> dict[frozenset[str], Course]:
    """Return the contrast of every non-empty set of factors over time; the factorial must be complete."""
    found = {}
    cells = [frozenset(factor for factor, is_in in zip(factors, setting, strict=True) if is_in)
             for setting in product((False, True), repeat=len(factors))]
    for chosen in sorted((cell for cell in cells if cell), key=lambda cell: (len(cell), sorted(map(factors.index, cell)))):
        # Each cell counts with the sign of its missing chosen factors, averaged over the settings of the others.
        sums = sum((-1.0) ** len(chosen - cell) * logs[cell] for cell in cells) / 2 ** (len(factors) - len(chosen))
        found[chosen] = over_time(days, [np.asarray(sums)])
    return found


def growth_times(outcomes: Sequence[Outcome]) -> Times:
    """Return the first day on which the target lesions hold twice their cells of day 0, between rows by log-linear interpolation."""
    found = [_doubling(outcome.record) for outcome in outcomes]
    return Times(tuple(outcome.replicate for outcome in outcomes), np.array([day for day, _ in found]),
                 np.array([is_event for _, is_event in found]))


def _doubling(record: Record) -> tuple[float, bool]:
    days = record.time_d
    logs = log_cells(record, "lesion_cells", TARGETS, days)
    grown = np.flatnonzero(logs >= logs[0] + np.log10(GROWN))
    if not grown.size:
        return float(days[-1]), False
    after = grown[0]
    return float(np.interp(logs[0] + np.log10(GROWN), logs[after - 1:after + 1], days[after - 1:after + 1])), True


def delays(arms: Mapping[str, Sequence[Outcome]], design: Factorial, combination: frozenset[str],
           event: str) -> tuple[Bound, Bound]:
    """Return the excess in days over the sum of the parts' delays and over the longest of them; event `growth` or one of `EVENTS`."""
    cells = [combination, frozenset[str](), *(frozenset([part]) for part in sorted(combination))]
    names = [design.arms[cell] for cell in cells]
    shared = shared_replicates(arms, names)
    found = [growth_times(arms[name]) if event == "growth" else times(arms[name], event) for name in names]
    places = [[one.replicates.index(replicate) for replicate in shared] for one in found]
    days = np.array([one.time_d[place] for one, place in zip(found, places, strict=True)])
    open_ended = np.array([~one.is_event[place] for one, place in zip(found, places, strict=True)])
    whole, untreated, parts = days[0], days[1], days[2:]
    additive = whole - parts.sum(axis=0) + (len(parts) - 1) * untreated
    longest = whole - parts.max(axis=0)
    return (Bound(estimate(additive), _kind(open_ended[:2], open_ended[2:])),
            Bound(estimate(longest), _kind(open_ended[:1], open_ended[2:])))


def _kind(raising: NDArray[np.bool_], lowering: NDArray[np.bool_]) -> str:
    """Return the kind of an excess with censored times: those added make it a lower bound, those subtracted an upper one."""
    kinds = {(False, False): "exact", (True, False): "at least", (False, True): "at most", (True, True): "unknown"}
    return kinds[bool(raising.any()), bool(lowering.any())]

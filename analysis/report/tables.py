"""The findings as tables: each number with its interval and n, and a note that explains it."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lesionlab.analysis.comparison.attribution import WORTHS, Shares
from lesionlab.analysis.comparison.comparison import Comparison
from lesionlab.analysis.comparison.deaths import last_common_day, ledger
from lesionlab.analysis.comparison.findings import DELAYS, DIFFERENCES, Findings, Synergy, at
from lesionlab.analysis.comparison.findings_data import meaning
from lesionlab.analysis.comparison.synergy import Bound
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.synergy import name_of
from lesionlab.analysis.statistics.paired import LEAST_PAIRS, Estimate

INTERVALS = ("In brackets: 95 % bootstrap interval of the mean over replicates with common random numbers; there is none below "
             f"{LEAST_PAIRS} replicates, and with few it is too narrow (with 8, it holds the true mean in 88 % of cases, not 95 %).")
KIND_WORDS = {"bliss": "sum of the parts (Bliss)", "hsa": "best part (HSA)"}
EVENT_WORDS = {"progression_report": "progression (report)", "progression_strict": "progression (strict)", "death": "death"}


class Table(NamedTuple):
    """A table to print: title, headings, rows of text (the first `n_left` columns are words), a note below."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str
    n_left: int = 1


def tables(comparison: Comparison, findings: Findings) -> list[Table]:
    """Return every table of the findings that is not empty."""
    found = [_survival(findings)]
    if findings.differences and max(arm.n for arm in comparison.arms) > 1:
        found.append(_differences(findings))
    if findings.synergy is not None:
        found += [_excesses(findings, findings.synergy), _delays(findings, findings.synergy)]
        if findings.synergy.contrasts:
            found.append(_contrasts(findings, findings.synergy))
    if findings.attribution is not None:
        found.append(_shares(findings))
    return [*found, _deaths(comparison, findings)]


def estimated(found: Estimate, digits: int) -> str:
    """Return a mean with its interval, a dash where nothing is known."""
    return spread(found.mean, found.low, found.high, digits)


def spread(mean: float, low: float, high: float, digits: int) -> str:
    """Return a number and, where there is one, its interval."""
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" [{low:.{digits}f} to {high:.{digits}f}]" if np.isfinite(low) else "")


def _label(arm: str, findings: Findings) -> str:
    return style.arm_styles([arm], findings.parts)[arm].label


def _survival(findings: Findings) -> Table:
    rows = []
    for (event, arm), found in findings.survival.items():
        median = f"{found.median_d:.0f}" if np.isfinite(found.median_d) else "not reached"
        tests = [_p(findings.log_rank.get((event, arm, reference))) for reference in _references(findings)]
        mean = estimated(found.restricted_mean_d, 0)
        rows.append([EVENT_WORDS[event], _label(arm, findings), f"{found.n_events} of {found.n}", median, mean, *tests])
    headings = ["event", "arm", "events", "median (d)", f"mean days without it, up to day {findings.horizon_d:.0f}",
                *(f"log-rank p against {_label(reference, findings).lower()}" for reference in _references(findings))]
    return Table("Time to progression and survival", headings, rows, (
        "Progression is the first scan that reads PD (by the case report's reading, or the strict one), or lethal burden before "
        "it; it is known to the scan, not to the day. Death is the day of the lethal burden, the only death in the model. A run "
        "that ends without the event is censored on its last day. Medians are Kaplan and Meier's. The log-rank test takes arms as "
        "independent, though they share random numbers; its p shows whether the replicates suffice to separate two arms and says nothing "
        "about patients."), 2)


def _references(findings: Findings) -> list[str]:
    return list(dict.fromkeys(reference for _, _, reference in findings.log_rank))


def _p(value: float | None) -> str:
    if value is None or np.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _differences(findings: Findings) -> Table:
    rows = []
    for reference in dict.fromkeys(found.reference for found in findings.differences):
        for arm in dict.fromkeys(found.arm for found in findings.differences if found.reference == reference):
            values = {found.quantity: found.value for found in findings.differences if (found.arm, found.reference) == (arm, reference)}
            cells = [f"{estimated(values[quantity], 0 if unit == 'd' else 2)}; n {values[quantity].n}"
                     for quantity, (unit, _) in DIFFERENCES.items()]
            rows.append([_label(arm, findings), _label(reference, findings), *cells])
    headings = ["arm", "less", *(f"{meaning(quantity, findings)} ({unit})" for quantity, (unit, _) in DIFFERENCES.items())]
    return Table("Differences with common random numbers", headings, rows, (
        "Arm less reference, replicate by replicate, mean over n replicates. Of the sums of diameters a share of 0.1 "
        "is 10 % of the first sum. A replicate whose arm had ended before the day counts in neither."), 2)


def _excesses(findings: Findings, synergy: Synergy) -> Table:
    rows = []
    for kind in KIND_WORDS:
        for quantity, lesion in dict.fromkeys((of, where) for of_kind, of, where, _ in synergy.excesses if of_kind == kind):
            cells = []
            for combination in synergy.design.combinations:
                value, low, high, n = at(synergy.excesses[kind, quantity, lesion, combination], findings.day_d)
                cells.append(f"{spread(value, low, high, 2)}; n {n}")
            rows.append([KIND_WORDS[kind], "clonogens" if quantity == "clonogens" else "volume", lesion or "target lesions", *cells])
    names = [_label(synergy.design.arms[combination], findings) for combination in synergy.design.combinations]
    return Table(f"Synergy on day {findings.day_d:.0f}", ["beyond", "cells", "lesion", *names], rows, (
        "Decades of kill against the untreated arm with common random numbers; positive is more kill, and one decade is ten times fewer "
        "cells. Bliss (1939): parts that act independently multiply survival, so their decades add and the excess is 0. Highest "
        "single agent: beyond the part with the largest mean kill. Volume counts all tumour cells of the lesion, dead ones not yet "
        "cleared included. An arm that had ended takes its replicate out (n)."), 3)


def _delays(findings: Findings, synergy: Synergy) -> Table:
    rows = [[name_of(combination, synergy.design.factors, findings.parts), DELAYS[event], *(_bound(bound) for bound in bounds)]
            for (combination, event), bounds in synergy.delays.items()]
    headings = ["combination", "delay of", "beyond the sum of its parts (d)", "beyond the longest of them (d)"]
    return Table("Synergy in days", headings, rows, (
        "Delays are against the untreated arm with common random numbers. The sum of the parts' delays is what independent parts give "
        "where all grow equally fast. Days beyond the end of a run are unknown (to day "
        f"{findings.horizon_d:.0f} every survivor was observed): the excess is then a bound, or unknown. "
        "Volume is that of the target lesions."), 2)


def _bound(bound: Bound) -> str:
    if bound.kind == "unknown" or not bound.value.n:
        return "unknown"
    words = "" if bound.kind == "exact" else f"{bound.kind} "
    return f"{words}{estimated(bound.value, 0)}; n {bound.value.n}"


def _contrasts(findings: Findings, synergy: Synergy) -> Table:
    lesions = list(dict.fromkeys(lesion for lesion, _ in synergy.contrasts))
    rows = []
    for chosen in dict.fromkeys(chosen for _, chosen in synergy.contrasts):
        found = [at(synergy.contrasts[lesion, chosen], findings.day_d) for lesion in lesions]
        rows.append([name_of(chosen, synergy.design.factors, findings.parts),
                     *(f"{spread(mean, low, high, 2)}; n {n}" for mean, low, high, n in found)])
    return Table(f"Main effects and interactions on log10 clonogens, day {findings.day_d:.0f}",
                 ["effect", *(lesion or "target lesions" for lesion in lesions)], rows, (
        "Decades; negative is fewer cells. Main effect: with the treatment less without it, averaged over all settings of the "
        "others. Two-way: how much one changes the effect of the other, likewise averaged. Three-way: how much the third changes "
        "that."))


def _shares(findings: Findings) -> Table:
    found = findings.attribution
    rows: list[list[str]] = []
    if found is not None and found.treatments is not None:
        rows += _share_rows(found.treatments, "kill", "treatment", lambda name: style.factor_label(name, findings.parts))
    for outcome, shares in (found.couplings if found is not None else {}).items():
        rows += _share_rows(shares, outcome, "coupling", style.coupling_label)
    return Table(f"What it is made of: Shapley shares, day {findings.day_d:.0f}", ["of", "what", "share (decades)", "n"], rows, (
        "A share is what a treatment or coupling adds on joining, averaged over all orders of joining; shares and what is there "
        "without any sum to the whole. Treatments: exact over the factorial, n replicates. Couplings: n walks in random order, "
        "each with the random streams of one replicate, so the interval includes chance and the choice of orders. Couplings can be "
        "turned off in the model only."), 2)


def _share_rows(shares: Shares, outcome: str, player: str, label: Callable[[str], str]) -> Iterator[list[str]]:
    of = WORTHS[outcome]
    for name, found in sorted(shares.players.items(), key=lambda item: -abs(item[1].mean)):
        yield [of, label(name), estimated(found, 2), str(found.n)]
    yield [of, f"without any {player}", estimated(shares.nothing, 2), str(shares.nothing.n)]
    yield [of, "whole", estimated(shares.whole, 2), str(shares.whole.n)]


def _deaths(comparison: Comparison, findings: Findings) -> Table:
    day_d = last_common_day(comparison)
    rows = []
    for arm in comparison.arms:
        found = ledger([outcome.record for outcome in arm.outcomes], day_d)
        for lesion in comparison.lesions:
            counts = [found[lesion, name.removeprefix("deaths_")] for name in style.DEATH_CAUSES]
            if sum(count.mean for count in counts) > 0:
                rows.append([_label(arm.name, findings), lesion, *(_cells(count) for count in counts)])
    headings = ["arm", "lesion", *(label for label, _ in style.DEATH_CAUSES.values())]
    return Table(f"Ledger of deaths up to day {day_d:.0f}", headings, rows, (
        "Tumour cells of the lesion that died by each cause up to the last day on which every run of every arm was observed; mean "
        "over replicates. The ledger says of what cells died, not what a treatment is worth: cells that live on can die of "
        "something else later."), 2)


def _cells(found: Estimate) -> str:
    interval = f" [{found.low:.2g} to {found.high:.2g}]" if np.isfinite(found.low) and found.high > found.low else ""
    return f"{found.mean:.2g}{interval}"

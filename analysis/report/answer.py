"""The answer of a comparison in a few sentences, made from its numbers: what the report begins with."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lesionlab.analysis.comparison.attribution import Shares
from lesionlab.analysis.comparison.comparison import Comparison
from lesionlab.analysis.comparison.endings import Ending, endings
from lesionlab.analysis.comparison.findings import Findings, at
from lesionlab.analysis.comparison.synergy import TARGETS
from lesionlab.analysis.figures import style
from lesionlab.analysis.report.tables import estimated, spread
from lesionlab.analysis.statistics.paired import LEAST_PAIRS, Estimate

MOST_ARMS, MOST_COUPLINGS, LEAST_SHARE = 6, 3, 0.005
TURNOVER = ("deaths_apoptosis", "deaths_failed_division")


class Sentence(NamedTuple):
    """One part of the answer: the question in a few words, and what the numbers say to it."""

    question: str
    text: str


def answer(comparison: Comparison, findings: Findings) -> list[Sentence]:
    """Return who lives how long, which lesion decides, what each part adds, what carries it, and how sure that is."""
    found = endings(comparison, findings)
    labels = {name: look.label for name, look in style.looks_of(
        {arm.name: [outcome.record for outcome in arm.outcomes] for arm in comparison.arms}).items()}
    parts = [Sentence("Who lives how long.", _lives(found, labels)), Sentence("Which lesion decides.", _deciding(found, labels)),
             Sentence("What the treatments add.", _added(findings, labels)),
             Sentence("What carries it.", _carried(comparison, findings, labels)), Sentence("How sure that is.", _certainty(comparison))]
    return [part for part in parts if part.text]


def _lives(found: Sequence[Ending], labels: dict[str, str]) -> str:
    """Say when each arm's patient died, and who was alive at the end."""
    dead = [one for one in found if np.isfinite(one.median_d)]
    alive = [one for one in found if not np.isfinite(one.median_d)]
    said = []
    if dead:
        shown = dead if len(dead) <= MOST_ARMS else [dead[0], dead[-1]]
        days = "; ".join(f"{labels[one.arm]}: dead on day {_day(one)}" for one in shown)
        between = ("" if len(shown) == len(dead) else
                   f"; the other {len(dead) - 2} arms lie between (day {dead[1].median_d:.0f} to {dead[-2].median_d:.0f})")
        kind = "" if all(one.n == 1 for one in dead) else "; days are medians over the runs of an arm"
        said.append(f"{days}{between} (death: all lesions together reach the lethal burden{kind}).")
    if alive:
        who = "; ".join(f"{labels[one.arm]} (day {one.last_d:.0f}{_some_died(one)})" for one in alive)
        said.append(f"Alive when the run ended: {who}.")
    return " ".join(said)


def _day(one: Ending) -> str:
    is_spread = np.isfinite(one.high_d) and one.high_d > one.low_d
    return spread(one.median_d, one.low_d, one.high_d, 0) if is_spread else f"{one.median_d:.0f}"


def _some_died(one: Ending) -> str:
    return f"; {one.n_dead} of {one.n} runs died before" if one.n_dead else ""


def _deciding(found: Sequence[Ending], labels: dict[str, str]) -> str:
    """Say which lesion holds most tumour cells at the end of each arm."""
    groups: dict[str, list[Ending]] = {}
    for one in found:
        if one.lesion:
            groups.setdefault(one.lesion, []).append(one)
    if not groups:
        return ""
    if len(groups) == 1 and len(found) > 1:
        [(lesion, members)] = groups.items()
        return f"The {lesion}, in every arm: at the end it holds {_percent(members)} of all tumour cells."
    held = "; ".join(f"the {lesion} under {_listed([labels[one.arm] for one in members])} ({_percent(members)})"
                     for lesion, members in groups.items())
    return f"At the end most tumour cells are in {held}."


def _percent(members: Sequence[Ending]) -> str:
    shares = sorted(100 * one.shares[one.lesion] for one in members)
    low, high = f"{shares[0]:.0f}", f"{shares[-1]:.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


def _listed(names: Sequence[str]) -> str:
    """Return names as a list in words, "" for none."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _added(findings: Findings, labels: dict[str, str]) -> str:
    """Say what the full regimen kills and what each part adds to it; without a factorial, what the best arm adds in days."""
    treatments = findings.attribution.treatments if findings.attribution is not None else None
    if treatments is not None and np.isfinite(treatments.whole.mean):
        shares = _listed([f"{style.factor_label(name, findings.parts)} {estimated(share, 1)}" for name, share in _largest(treatments)])
        return (f"On day {findings.day_d:.0f}, stated beforehand, the full regimen leaves {estimated(treatments.whole, 1)} decades fewer "
                f"clonogens in the target lesions than no treatment (one decade: ten times fewer): {shares}. "
                f"{_beyond(findings)}").rstrip()
    days = [found for found in findings.differences if found.quantity == "death" and np.isfinite(found.value.mean)]
    if not days:
        return ""
    most = max(days, key=lambda found: abs(found.value.mean))
    if abs(most.value.mean) < 0.5:
        return f"No arm differs from {labels[most.reference]} in days alive up to day {findings.horizon_d:.0f}."
    longer, shorter = (most.arm, most.reference) if most.value.mean > 0 else (most.reference, most.arm)
    low, high = (most.value.low, most.value.high) if most.value.mean > 0 else (-most.value.high, -most.value.low)
    return (f"{labels[longer]} keeps the patient alive {spread(abs(most.value.mean), low, high, 0)} days longer than {labels[shorter]}, "
            f"counted up to day {findings.horizon_d:.0f}. {_most_beyond(findings, labels)}").rstrip()


def _most_beyond(findings: Findings, labels: dict[str, str]) -> str:
    """Say by how much the combination with the largest excess kills more than the sum of its parts."""
    found = findings.synergy
    if found is None:
        return ""
    excesses = {chosen: at(found.excesses["bliss", "clonogens", TARGETS, chosen], findings.day_d) for chosen in found.design.combinations}
    known = {chosen: values for chosen, values in excesses.items() if np.isfinite(values[0])}
    if not known:
        return ""
    chosen = max(known, key=lambda one: known[one][0])
    mean, low, high, n = known[chosen]
    few = f", in {n} {'run' if n == 1 else 'runs'} an arm" if not np.isfinite(low) else ""
    return (f"By day {findings.day_d:.0f}, stated beforehand, {labels[found.design.arms[chosen]]} has killed "
            f"{spread(mean, low, high, 1)} decades of clonogens in the targets beyond the sum of its parts (one decade: ten times "
            f"fewer){few}.")


def _beyond(findings: Findings) -> str:
    """Say whether the full regimen does more than the sum of its parts."""
    found = findings.synergy
    if found is None or not found.design.combinations:
        return ""
    mean, low, high, n = at(found.excesses["bliss", "clonogens", TARGETS, frozenset(found.design.factors)], findings.day_d)
    if not np.isfinite(mean):
        return ""
    least, most = sorted((abs(low), abs(high)))
    amount = spread(abs(mean), least, most, 1) if low * high > 0 else f"{abs(mean):.1f}"
    side = "more" if mean > 0 else "less"
    if not np.isfinite(low):
        return f"That is {amount} decades {side} than the sum of its parts, in {n} {'run' if n == 1 else 'runs'} an arm: too few to judge."
    if low * high <= 0:
        return f"That is not distinguishable from the sum of its parts (difference {spread(mean, low, high, 1)} decades)."
    return f"That is {amount} decades {side} than the sum of its parts."


def _largest(shares: Shares) -> list[tuple[str, Estimate]]:
    return sorted(shares.players.items(), key=lambda item: -item[1].mean)


def _carried(comparison: Comparison, findings: Findings, labels: dict[str, str]) -> str:
    """Say which couplings of the model carry the kill; where they were not turned off, of what the tumour cells died."""
    couplings = (findings.attribution.couplings if findings.attribution is not None else {}).get("kill")
    if couplings is not None:
        top = _listed([f"“{style.coupling_label(name)}” ({estimated(share, 1)} decades)"
                       for name, share in _largest(couplings)[:MOST_COUPLINGS] if share.mean > 0])
        return f"Of the couplings that were turned off in turn, most of the kill rests on {top}." if top else ""
    arm = comparison.arms[0]
    counts = {name: arm.numbers[name, ""].median for name in style.DEATH_CAUSES if (name, "") in arm.numbers}
    total, killed = sum(counts.values()), {name: count for name, count in counts.items() if name not in TURNOVER and count > 0}
    if not killed:
        return ""
    of_killed = sum(killed.values())
    causes = _listed([f"{style.DEATH_CAUSES[name][0]} {_small(count / of_killed)}"
                      for name, count in sorted(killed.items(), key=lambda item: -item[1])])
    return (f"Under {labels[arm.name]}, {_small(1.0 - of_killed / total)} of the tumour cells that died did so by turnover, which any "
            f"growing tumour has (apoptosis, failed divisions). Of the others: {causes}. This says of what cells died, not what a "
            "treatment is worth; “lesionlab compare --arms factorial --attribution” measures that.")


def _small(share: float) -> str:
    return "below 1 %" if share < LEAST_SHARE else f"{100 * share:.0f} %"


def _certainty(comparison: Comparison) -> str:
    """Say how many runs stand behind the numbers, and what their spread does not hold."""
    counts = sorted({arm.n for arm in comparison.arms})
    if counts[-1] == 1:
        return ("One run an arm: there is no spread, no interval and no test, and a small difference may be chance. "
                "The option --replicates 8 gives them.")
    n = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    few = f"; below {LEAST_PAIRS} runs there is no interval of a mean" if counts[0] < LEAST_PAIRS else ""
    return (f"n = {n} runs an arm with common random numbers. Brackets after a day: 10 % to 90 % of the runs; after decades and days "
            f"gained: 95 % interval of the mean{few}. They show chance in one described patient, not what patients differ by nor "
            "what is wrong in the parameters.")

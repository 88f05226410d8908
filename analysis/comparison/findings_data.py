"""The findings as plain data for `summary.json`, and their curves as tidy tables; every number with unit, n and interval."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lesionlab.analysis.comparison.attribution import WORTHS, Shares
from lesionlab.analysis.comparison.findings import DELAYS, DIFFERENCES, Findings, at
from lesionlab.analysis.comparison.synergy import QUANTITIES, Bound
from lesionlab.analysis.statistics.paired import LEVEL, Course, Estimate, nothing_known
from lesionlab.analysis.statistics.survival import EVENTS, Survival

KINDS = {"bliss": "kill beyond the sum of the parts (Bliss)", "hsa": "kill beyond the best part (highest single agent)"}


def number(value: float) -> float | None:
    """Return a finite number, None for one that is unknown or not reached."""
    return float(value) if np.isfinite(value) else None


def of_estimate(found: Estimate, unit: str) -> dict[str, Any]:
    """Return an estimate with its unit; `low` and `high` bound the mean at 95 %."""
    return {"unit": unit, "n": found.n, **{name: number(getattr(found, name)) for name in found._fields if name != "n"}}


def joined(combination: frozenset[str], factors: Sequence[str]) -> str:
    """Return the factors of a combination in their order, joined by +."""
    return "+".join(factor for factor in factors if factor in combination)


def data(findings: Findings, scan_days: Sequence[float]) -> dict[str, Any]:
    """Return everything found; synergy and interactions on the stated day and on the scan days."""
    days = sorted({findings.day_d, *scan_days})
    return {
        "stated_day_d": findings.day_d, "horizon_d": findings.horizon_d, "confidence_level": LEVEL,
        "survival": {event: {"event": meaning, "censored": "end of the calendar or of the run", "arms": {
            arm: _survival(found) for (of, arm), found in findings.survival.items() if of == event}} for event, meaning in EVENTS.items()},
        "log_rank": [{"event": event, "arm": arm, "reference": reference, "p": number(p)}
                     for (event, arm, reference), p in findings.log_rank.items()],
        "differences": [{"quantity": found.quantity, "arm": found.arm, "reference": found.reference,
                         "meaning": meaning(found.quantity, findings), **of_estimate(found.value, DIFFERENCES[found.quantity][0])}
                        for found in findings.differences],
        "synergy": _synergy(findings, days), "attribution": _attribution(findings),
    }


def meaning(quantity: str, findings: Findings) -> str:
    """Return the meaning of a paired difference, with its day or horizon."""
    return DIFFERENCES[quantity][1].format(horizon=findings.horizon_d, day=findings.day_d)


def _survival(found: Survival) -> dict[str, Any]:
    return {"n": found.n, "n_events": found.n_events, "median": {"unit": "d", "n": found.n, "value": number(found.median_d)},
            "restricted_mean": of_estimate(found.restricted_mean_d, "d")}


def _synergy(findings: Findings, days: Sequence[float]) -> dict[str, Any] | None:
    synergy = findings.synergy
    if synergy is None:
        return None
    factors = synergy.design.factors
    return {
        "factors": factors, "arms": {joined(cell, factors) or "untreated": arm for cell, arm in synergy.design.arms.items()},
        "kinds": KINDS, "quantities": QUANTITIES, "sign": "positive: more kill than expected; contrasts negative: fewer cells",
        "excess": [{"kind": kind, "quantity": quantity, "lesion": lesion or "target lesions", "combination": joined(combination, factors),
                    **row} for (kind, quantity, lesion, combination), course in synergy.excesses.items() for row in _on(course, days)],
        "interactions": [{"quantity": "clonogens", "lesion": lesion or "target lesions", "factors": joined(chosen, factors), **row}
                         for (lesion, chosen), course in synergy.contrasts.items() for row in _on(course, days)],
        "delays": [{"combination": joined(combination, factors), "event": DELAYS[event], **{
            name: {"bound": bound.kind, **of_estimate(_shown(bound), "d")}
            for name, bound in (("beyond_sum", additive), ("beyond_longest", longest))}}
            for (combination, event), (additive, longest) in synergy.delays.items()],
    }


def _shown(bound: Bound) -> Estimate:
    """Return a bound's estimate; of an unknown one only its n."""
    return bound.value if bound.kind != "unknown" else nothing_known(bound.value.n)


def _on(course: Course, days: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Yield a course on the days on which any replicate is left."""
    for day in days:
        value, low, high, n = at(course, day)
        if n:
            yield {"time_d": day, "unit": "decades", "n": n, "mean": number(value), "low": number(low), "high": number(high)}


def _attribution(findings: Findings) -> dict[str, Any] | None:
    found = findings.attribution
    if found is None:
        return None
    return {"day_d": findings.day_d, "outcomes": WORTHS, "n_walks": found.n_walks,
            "treatments": None if found.treatments is None else {"kill": _shares(found.treatments)},
            "couplings": {outcome: _shares(shares) for outcome, shares in found.couplings.items()}}


def _shares(shares: Shares) -> dict[str, Any]:
    return {"whole": of_estimate(shares.whole, "decades"), "nothing": of_estimate(shares.nothing, "decades"),
            "shares": {player: of_estimate(found, "decades") for player, found in shares.players.items()}}


def synergy_rows(findings: Findings) -> Iterator[list[Any]]:
    """Yield every excess and interaction over time in tidy form, a row a day on which any replicate is left."""
    yield ["kind", "quantity", "lesion", "combination", "time_d", "unit", "n", "mean", "low", "high"]
    synergy = findings.synergy
    if synergy is None:
        return
    courses = {**synergy.excesses, **{("interaction", "clonogens", lesion, chosen): course
                                      for (lesion, chosen), course in synergy.contrasts.items()}}
    for (kind, quantity, lesion, combination), course in courses.items():
        name = joined(combination, synergy.design.factors)
        for row in np.flatnonzero(course.n):
            yield [kind, quantity, lesion or "target lesions", name, f"{course.time_d[row]:g}", "decades", course.n[row],
                   *(cell(float(values[row])) for values in (course.value, course.low, course.high))]


def survival_rows(findings: Findings) -> Iterator[list[Any]]:
    """Yield the steps of every Kaplan-Meier curve in tidy form."""
    yield ["event", "arm", "time_d", "share_without_event", "low", "high", "n"]
    for (event, arm), found in findings.survival.items():
        curve = found.curve
        for time_d, *values in zip(curve.time_d, curve.share, curve.low, curve.high, strict=True):
            yield [event, arm, f"{time_d:g}", *(cell(float(value)) for value in values), found.n]


def cell(value: float) -> str:
    """Return a number for a table; empty where it is unknown or not reached."""
    return f"{value:.6g}" if np.isfinite(value) else ""

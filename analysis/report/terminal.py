"""A comparison as aligned text: outcome, tissue and deaths of each arm, diameters on the scans, and the findings of the comparison."""

from collections.abc import Callable, Sequence
from math import isnan

from lesionlab.analysis.comparison.attribution import Shares
from lesionlab.analysis.comparison.comparison import Arm, Comparison
from lesionlab.analysis.comparison.findings import Findings, at
from lesionlab.analysis.comparison.synergy import TARGETS
from lesionlab.analysis.figures.style import coupling_label, factor_label
from lesionlab.analysis.figures.synergy import name_of
from lesionlab.analysis.report.event_words import end_words, event_day
from lesionlab.analysis.report.tables import estimated, spread

CAUSES = ("radiation", "t_cell", "hypoxia", "apoptosis", "failed_division")


def text(comparison: Comparison, findings: Findings) -> str:
    """Return the comparison as aligned tables: outcome, tissue and deaths of each arm, diameters on the scans, synergy and shares."""
    quick = "  QUICK: small sections\n" if comparison.is_quick else ""
    notes = "".join(f"  note: {note}\n" for note in comparison.notes)
    replicates = max(arm.n for arm in comparison.arms)
    spread = f"Medians of up to {replicates} replicates, [10 % to 90 %].\n" if replicates > 1 else ""
    return (f"{quick}{notes}{spread}Outcome (RECIST 1.1; report: the case report's reading, strict: a lesion not evaluable at baseline "
            f"counts as new)\n{_outcome_table(comparison, findings)}\n\nAt the nadir of the target sum, and deaths by cause (share of all)"
            f"\n{_tissue_table(comparison)}\n\nLongest diameter on the scans (cm)\n{_scan_table(comparison)}{_found(findings)}")


def _found(findings: Findings) -> str:
    """Return synergy on the stated day and the shares, where the arms hold them."""
    said = ""
    if findings.synergy is not None:
        rows = [["combination", "beyond the sum of its parts (Bliss)", "beyond its best part (HSA)", "n"]]
        for combination in findings.synergy.design.combinations:
            values = [at(findings.synergy.excesses[kind, "clonogens", TARGETS, combination], findings.day_d) for kind in ("bliss", "hsa")]
            rows.append([name_of(combination, findings.synergy.design.factors, findings.parts),
                         *(spread(*value[:3], 2) for value in values), "/".join(str(value[3]) for value in values)])
        said += f"\n\nKill of the target lesions' clonogens on day {findings.day_d:.0f} (decades, [95 %])\n{aligned(rows)}"
    if findings.attribution is not None:
        rows = [["what", "of", "share", "n"]]
        if findings.attribution.treatments is not None:
            rows += _share_rows(findings.attribution.treatments, "kill", lambda name: factor_label(name, findings.parts))
        for outcome, shares in findings.attribution.couplings.items():
            rows += _share_rows(shares, outcome, coupling_label)
        said += f"\n\nShares on day {findings.day_d:.0f} (Shapley; decades, [95 %])\n{aligned(rows, n_left=2)}"
    return said


def _share_rows(shares: Shares, outcome: str, label: Callable[[str], str]) -> list[list[str]]:
    """Return a row a player, the largest share first."""
    return [[label(name), outcome, estimated(share, 2), str(share.n)]
            for name, share in sorted(shares.players.items(), key=lambda item: -abs(item[1].mean))]


def _outcome_table(comparison: Comparison, findings: Findings) -> str:
    rows = [["arm", "n", "best report/strict", "progression report", "strict", "controlled at end", "end"]]
    for arm in comparison.arms:
        times = [_time(arm, f"progression_{reading}", findings) for reading in ("report", "strict")]
        rows.append([arm.name, str(arm.n), f"{arm.word('best_response_report')} / {arm.word('best_response_strict')}", *times,
                     _share(arm, "is_controlled_at_end_report"), end_words(arm, findings)])
    return aligned(rows)


def _tissue_table(comparison: Comparison) -> str:
    rows = [["arm", "nadir cm", "on day", "T cells/mm2", "below 5 mmHg", *(cause.replace("_", " ") for cause in CAUSES)]]
    for arm in comparison.arms:
        deaths = [arm.numbers[f"deaths_{cause}", ""].median for cause in CAUSES]
        shares = [f"{100 * count / sum(deaths):.1f} %" if sum(deaths) > 0 else "-" for count in deaths]
        rows.append([arm.name, _number(arm, "nadir_sum_cm", 1), _number(arm, "nadir_d", 0), _number(arm, "t_cells_per_mm2_at_nadir", 0),
                     _number(arm, "hypoxic_fraction_below_5_mmHg_at_nadir", 2), *shares])
    return aligned(rows)


def _scan_table(comparison: Comparison) -> str:
    days = comparison.scan_days
    rows = [["arm", "lesion", *(comparison.date(day).isoformat() for day in days)]]
    for arm in comparison.arms:
        for lesion in comparison.lesions:
            found = [arm.sizes.get((day, "longest_diameter_cm", lesion)) for day in days]
            rows.append([arm.name, lesion, *(f"{size.median:.1f}" if size and size.n else "-" for size in found)])
    return aligned(rows, n_left=2)


def _number(arm: Arm, name: str, digits: int) -> str:
    """Return a number's median, with its quantiles where there are replicates."""
    found = arm.numbers[name, ""]
    is_spread = arm.n > 1 and found.n > 1 and found.low < float("inf")
    spread = f" [{found.low:.{digits}f} to {found.high:.{digits}f}]" if is_spread else ""
    return f"{found.median:.{digits}f}{spread}" if found.n else "-"


def _time(arm: Arm, event: str, findings: Findings) -> str:
    """Return the median day of an event, with how many runs reached it."""
    found = findings.survival[event, arm.name]
    return event_day(arm, event, findings).removeprefix("day ") + (f" ({found.n_events}/{found.n})" if arm.n > 1 else "")


def _share(arm: Arm, name: str) -> str:
    """Return for how many of the runs in which it is known an event holds."""
    known = [number for outcome in arm.outcomes if not isnan(number := outcome.numbers[name, ""])]
    if not known:
        return "not assessed"
    return ("yes" if sum(known) else "no") if arm.n == 1 else f"{sum(known):.0f}/{len(known)}"


def aligned(rows: Sequence[Sequence[str]], n_left: int = 1) -> str:
    """Return rows of text as columns, the first row as heading; the first `n_left` columns are aligned left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) if index < n_left else cell.rjust(width)
                       for index, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

"""The case against the model: every reported finding of an arm beside the results of its runs, fitted and predicted apart.

A row is inside where the median of the runs lies within what was reported; of responses and control where enough runs agree
(responses: at least half; progression: at least half by the lesion that was named).
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from lesionlab.analysis.clinical.outcome import Outcome
from lesionlab.analysis.clinical.reported import EVENT_MONTHS, PATIENT, UNITS, Finding, Found, find, findings, how_fitted, scenario_of
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.treatments import Part, parts_of
from lesionlab.analysis.records.written import write_text

INTERVAL = (0.05, 0.95)
HALF = 0.5
FILE = "case_table.csv"
COLUMNS = ("finding", "arm", "date", "lesion", "quantity", "unit", "reported", "lowest", "highest", "median", "low_5_percent",
           "high_95_percent", "shown", "n", "n_not_observed", "status", "is_inside", "note", "is_quick")
WORDS = {
    "longest_diameter_cm": "longest diameter", "short_axis_cm": "short axis", "longest_diameter_change_percent": "longest diameter, change",
    "short_axis_change_percent": "short axis, change", "response": "response", "control": "no progression until then",
    "local_control": "irradiated sites controlled", "progression_months": "time to progression",
    "lethal_burden_months": "time to lethal burden",
}
UNKNOWN_ARM = "not run"


@dataclass(frozen=True)
class Row:
    """One finding against the runs of its arm: numbers are shares of runs for responses and control, else in the finding's unit.

    `is_inside` is None where no run has a result; `n` counts the runs that have one.
    """

    finding: Finding
    median: float
    low: float
    high: float
    shown: str
    n: int
    n_not_observed: int
    is_inside: bool | None

    @property
    def limits(self) -> tuple[float, float]:
        """The range that agrees, on the scale of `median`: for a response the share of runs that must show it."""
        return (HALF, 1.0) if self.finding.quantity == "response" else self.finding.limits

    @property
    def verdict(self) -> str:
        """`inside`, `outside`, or that no run has a result."""
        return {True: "inside", False: "outside", None: "not observed" if self.n_not_observed else UNKNOWN_ARM}[self.is_inside]


@dataclass(frozen=True)
class CaseTable:
    """All rows in the scenario's order, whether sections were small, how values were fitted ("" if they were not), parts of the arms."""

    rows: tuple[Row, ...]
    is_quick: bool
    calibration: str
    parts: tuple[Part, ...]


def case_table(outcomes: Sequence[Outcome]) -> CaseTable:
    """Compare the findings of the records' scenario with their runs; no rows where nothing is reported of any arm that was run.

    Raises:
        RecordError: two records report different things under one name.
    """
    reported: dict[str, Finding] = {}
    for outcome in outcomes:
        for finding in findings(outcome.record):
            if reported.setdefault(finding.name, finding) != finding:
                raise RecordError(f"{outcome.record.path}: reports {finding.name} otherwise than {outcomes[0].record.path}")
    rows = tuple(_row(finding, [outcome for outcome in outcomes if outcome.arm == finding.arm]) for finding in reported.values())
    is_quick = any(outcome.record.is_quick for outcome in outcomes)
    has_run = any(row.n or row.n_not_observed for row in rows)
    return CaseTable(rows if has_run else (), is_quick, _calibrated(outcomes) if has_run else "",
                     parts_of(outcome.record.classes for outcome in outcomes))


def _calibrated(outcomes: Sequence[Outcome]) -> str:
    """Return how values of the scenarios were fitted, or a statement that they were fitted in different ways."""
    ways = {how_fitted(scenario_of(outcome.record)) for outcome in outcomes}
    return next(iter(ways)) if len(ways) == 1 else "the records' values were fitted in different ways"


def _row(finding: Finding, outcomes: Sequence[Outcome]) -> Row:
    """Compare one finding with the runs of its arm."""
    found = [find(finding, outcome) for outcome in outcomes]
    seen = [one for one in found if one.value is not None or not one.is_lived]
    n, n_missing = len(seen), len(found) - len(seen)
    if not seen:
        return Row(finding, np.nan, np.nan, np.nan, "-", 0, n_missing, None)
    if finding.quantity == "response":
        counts = Counter("died" if one.value is None else str(one.value) for one in seen)
        share = counts[str(finding.value)] / n
        return Row(finding, share, np.nan, np.nan, _counted(counts), n, n_missing, share >= HALF)
    numbers = np.sort([float(one.value) for one in seen if one.value is not None])
    if finding.quantity in ("control", "local_control"):
        share = float(numbers.mean())
        return Row(finding, share, np.nan, np.nan, f"{numbers.sum():.0f} of {n} runs", n, n_missing, finding.agrees(share))
    if not len(numbers):
        return Row(finding, np.nan, np.nan, np.nan, f"died before in {n} of {n} runs", n, n_missing, False)
    low, median, high = (float(np.quantile(numbers, share, method="nearest")) if share != HALF else float(_median(numbers))
                         for share in (INTERVAL[0], HALF, INTERVAL[1]))
    spread = f" [{_text(low)} to {_text(high)}]" if len(numbers) > 1 else ""
    died = f", died before in {n - len(numbers)} of {n}" if n > len(numbers) else ""
    is_inside = finding.agrees(median) and n == len(numbers) and _is_by_lesion(finding, seen)
    if len(numbers) == 1:
        low = high = np.nan
    return Row(finding, median, low, high, f"{_text(median)}{spread}{_causes(finding, seen)}{died}", n, n_missing, is_inside)


def _median(numbers: Any) -> float:
    """Return the median of sorted numbers; between a number and infinity it is infinite."""
    middle = numbers[(len(numbers) - 1) // 2], numbers[len(numbers) // 2]
    return float(np.inf if np.isinf(middle[1]) else sum(middle) / 2)


def _is_by_lesion(finding: Finding, seen: Iterable[Found]) -> bool:
    """Return whether at least half of the runs progress by the named lesion."""
    if finding.quantity != "progression_months" or finding.lesion == PATIENT:
        return True
    causes = [finding.lesion in one.cause.removeprefix("new lesion: ").split(", ") for one in seen]
    return sum(causes) >= HALF * len(causes)


def _causes(finding: Finding, seen: Sequence[Found]) -> str:
    """Return what showed progression, counted where runs differ."""
    counts = Counter(one.cause for one in seen if one.cause)
    return f" ({_counted(counts)})" if finding.quantity in EVENT_MONTHS and counts else ""


def _counted(counts: Counter[str]) -> str:
    n = sum(counts.values())
    return next(iter(counts)) if len(counts) == 1 else ", ".join(f"{word} {count}/{n}" for word, count in counts.most_common())


def _text(number: float) -> str:
    return "not reached" if np.isinf(number) else f"{number:.0f}" if abs(number) >= 10 else f"{number:.1f}"


def reported_text(finding: Finding) -> str:
    """Return the reported value in words: `-36 +- 10 %`, `at least 0.8 of runs`, `PR`."""
    if isinstance(finding.value, str):
        return finding.value
    words = {"about": "", "at_most": "at most ", "at_least": "at least "}[finding.bound]
    unit = {"1": "of runs"}.get(UNITS[finding.quantity], UNITS[finding.quantity])
    width = f" +- {finding.tolerance:g}" if finding.bound == "about" else ""
    return f"{words}{finding.value:g}{width} {unit}"


def shown(table: CaseTable) -> list[list[str]]:
    """Return the table as rows of text under a heading, for a terminal or a page."""
    heading = ["date", "arm", "lesion", "what", "reported", "simulated", "n", "status", "verdict"]
    return [heading, *([row.finding.date.isoformat(), row.finding.arm, row.finding.lesion, _what(row.finding), reported_text(row.finding),
                        row.shown, str(row.n), status_text(row, table), row.verdict] for row in table.rows)]


def status_text(row: Row, table: CaseTable) -> str:
    """Return `predicted`, `fitted`, or `to fit` where no value was fitted yet."""
    return "to fit" if row.finding.status == "fitted" and not table.calibration else row.finding.status


def short_text(row: Row) -> str:
    """Return the result of the runs in few characters, for a figure: the median, the share of runs, or the responses."""
    if row.is_inside is None:
        return "-"
    if np.isnan(row.median):
        return "died before"
    if row.finding.quantity == "response":
        return row.shown
    return f"{100 * row.median:.0f} %" if UNITS[row.finding.quantity] == "1" else _text(row.median)


def _what(finding: Finding) -> str:
    strictly = " (strict)" if finding.reading == "strict" else ""
    return WORDS[finding.quantity] + strictly


def statement(table: CaseTable) -> str:
    """Return a summary of the rows in a few sentences: what was fitted, how many rows agree, how many runs."""
    fitted = table.calibration or ("nothing was fitted: values are defaults or assumed, and rows to fit are those that a calibration "
                                   "would use")
    counts = {status: [row for row in table.rows if row.finding.status == status and row.is_inside is not None]
              for status in ("fitted", "predicted")}
    names = {"fitted": "fitted" if table.calibration else "to fit", "predicted": "predicted"}
    inside = ", ".join(f"{sum(bool(row.is_inside) for row in rows)} of {len(rows)} rows {names[status]} are inside"
                       for status, rows in counts.items())
    n = sorted({row.n for row in table.rows if row.n})
    runs = f"{n[0]} to {n[-1]} runs an arm" if len(n) > 1 else f"{n[0] if n else 0} run{'' if n == [1] else 's'} an arm"
    single = "; one run has no interval" if n == [1] else ""
    return f"{inside}; {runs}{single}. {fitted[0].upper()}{fitted[1:]}."


def write_case_table(table: CaseTable, folder: Path) -> Path:
    """Write case_table.csv, a row a finding; unknown or unreached values are left empty."""
    path = folder / FILE
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in plain_row(row, table).values()] for row in table.rows)
    write_text(path, text.getvalue())
    return path


def _cell(value: Any) -> Any:
    return "" if value is None else int(value) if isinstance(value, bool) else f"{value:.6g}" if isinstance(value, float) else value


def plain_row(row: Row, table: CaseTable) -> dict[str, Any]:
    """Return one row as plain data by the names of `COLUMNS`; None stands for unknown or not reached."""
    finding = row.finding
    numbers = [float(number) if np.isfinite(number) else None for number in (*row.limits, row.median, row.low, row.high)]
    return dict(zip(COLUMNS, (
        finding.name, finding.arm, finding.date.isoformat(), finding.lesion, finding.quantity, UNITS[finding.quantity] or "1",
        reported_text(finding), *numbers, row.shown, row.n, row.n_not_observed, finding.status, row.is_inside, finding.note,
        table.is_quick), strict=True))


def plain(table: CaseTable) -> dict[str, Any]:
    """Return the table as plain data for summary.json."""
    return {"statement": statement(table), "calibration": table.calibration, "interval": list(INTERVAL),
            "rows": [plain_row(row, table) for row in table.rows]}

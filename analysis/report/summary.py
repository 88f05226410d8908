"""The tables of a comparison: arms, scans and series as CSV, and `summary.json` with every number that the report shows."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from lesionlab.analysis.clinical.outcome import QUANTITIES, READINGS, SCAN_QUANTITIES, Quantity, responses
from lesionlab.analysis.comparison.comparison import Comparison, Summary
from lesionlab.analysis.comparison.deaths import last_common_day, ledger
from lesionlab.analysis.comparison.findings import Findings
from lesionlab.analysis.comparison.findings_data import cell, data, number, of_estimate, survival_rows, synergy_rows
from lesionlab.analysis.figures.style import DISCLAIMER
from lesionlab.analysis.records.export import columns
from lesionlab.analysis.records.written import write_text
from lesionlab.analysis.report.report import given
from lesionlab.analysis.statistics.paired import QUANTILES

SERIES_EVERY_D = 7.0


def write(comparison: Comparison, findings: Findings, folder: Path) -> list[Path]:
    """Write arms, scans, series, deaths, survival and synergy as CSV and summary.json into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    tables = {"arms.csv": _arm_rows(comparison), "scans.csv": _scan_rows(comparison), "series.csv": _series_rows(comparison),
              "deaths.csv": _death_rows(comparison), "survival.csv": survival_rows(findings), "synergy.csv": synergy_rows(findings)}
    for name, rows in tables.items():
        written.append(folder / name)
        text = StringIO(newline="")
        csv.writer(text).writerows(rows)
        write_text(written[-1], text.getvalue())
    written.append(folder / "summary.json")
    write_text(written[-1], json.dumps(summary(comparison, findings), indent=1) + "\n")
    return written


def _arm_rows(comparison: Comparison) -> Iterator[list[Any]]:
    """Yield a row an arm: words, then each number's median, with replicates also quantiles, mean and sd; empty: unknown or not reached."""
    keys = dict.fromkeys(key for arm in comparison.arms for key in arm.numbers)
    has_replicates = any(arm.n > 1 for arm in comparison.arms)
    suffixes = ("", *(f"_q{share * 100:.0f}" for share in QUANTILES), "_mean", "_sd") if has_replicates else ("",)
    words = list(comparison.arms[0].words)
    names = [f"{name}_{lesion}" if lesion else name for name, lesion in keys]
    yield ["arm", "n_replicates", "is_quick", *words, *(name + suffix for name in names for suffix in suffixes)]
    for arm in comparison.arms:
        cells: list[Any] = [arm.name, arm.n, int(comparison.is_quick), *(arm.word(word) for word in words)]
        for key in keys:
            found = arm.numbers.get(key)
            values = (found.median, found.low, found.high, found.mean, found.sd) if found else (np.nan,) * 5
            cells += [cell(value) for value in values[:len(suffixes)]]
        yield cells


def _scan_rows(comparison: Comparison) -> Iterator[list[Any]]:
    """Yield a row a run, scan and lesion."""
    yield ["arm", "replicate", "date", "time_d", "lesion", "role", *SCAN_QUANTITIES, "is_visible", "is_quick",
           *(f"overall_response_{reading}" for reading in READINGS)]
    for outcome in (outcome for arm in comparison.arms for outcome in arm.outcomes):
        scans, read = outcome.scans, responses(outcome)
        for row, day in enumerate(scans.time_d):
            for column, lesion in enumerate(scans.lesions):
                longest_cm = scans.longest_cm[row, column]
                yield [outcome.arm, outcome.replicate, comparison.date(day), f"{day:g}", lesion, scans.roles[column], cell(longest_cm),
                       cell(scans.short_cm[row, column]), int(longest_cm >= scans.detection_limit_cm), int(comparison.is_quick),
                       *(read[reading][row] for reading in READINGS)]


def _series_rows(comparison: Comparison) -> Iterator[list[Any]]:
    """Yield every series in tidy form, a row a value, a week apart and on the last day (the records hold every row)."""
    yield ["arm", "replicate", "time_d", "lesion", "quantity", "unit", "value"]
    for record in (outcome.record for arm in comparison.arms for outcome in arm.outcomes):
        weeks = np.searchsorted(record.time_d, np.arange(0.0, record.time_d[-1], SERIES_EVERY_D))
        shown = np.unique(np.append(weeks, len(record.time_d) - 1))
        for lesion, quantity, unit, values in columns(record):
            for row in shown[np.isfinite(values[shown])]:
                yield [record.arm, record.replicate, f"{record.time_d[row]:g}", lesion, quantity, unit, f"{values[row]:.6g}"]


def _death_rows(comparison: Comparison) -> Iterator[list[Any]]:
    """Yield the ledger: a row an arm, lesion, cause and day; counted to the last day all arms were observed, and to each arm's end."""
    yield ["arm", "lesion", "cause", "until", "time_d", "unit", "n", "mean", "sd", "median", "q10", "q90", "low", "high"]
    common_d = last_common_day(comparison)
    for arm in comparison.arms:
        for until, day in (("common day", common_d), ("end of the arm", np.inf)):
            for (lesion, cause), found in ledger([outcome.record for outcome in arm.outcomes], day).items():
                yield [arm.name, lesion, cause, until, cell(day), "cells", found.n, *(cell(value) for value in found[1:])]


def summary(comparison: Comparison, findings: Findings) -> dict[str, Any]:
    """Return the comparison as plain data: every number with unit and n; null stands for unknown or not reached."""
    lesions, records = comparison.lesions, [outcome.record for arm in comparison.arms for outcome in arm.outcomes]
    return {
        "disclaimer": DISCLAIMER, "is_quick": comparison.is_quick, "start_date": comparison.start.isoformat(), "notes": comparison.notes,
        "seeds": sorted({record.seed for record in records}), "code_versions": sorted({record.code_version for record in records}),
        **data(findings, comparison.scan_days), "deaths": _deaths(comparison),
        "calendar": [line._asdict() for line in given(records, comparison)],
        "quantiles": QUANTILES, "meanings": {name: quantity.meaning for name, quantity in (QUANTITIES | SCAN_QUANTITIES).items()},
        "arms": {arm.name: {
            "title": arm.title, "n_replicates": arm.n, "words": {word: dict(counts) for word, counts in arm.words.items()},
            "patient": {name: _number(arm.numbers[name, ""], QUANTITIES[name]) for name in QUANTITIES if (name, "") in arm.numbers},
            "lesions": {lesion: {name: _number(arm.numbers[name, lesion], QUANTITIES[name]) for name in QUANTITIES
                                 if (name, lesion) in arm.numbers} for lesion in lesions},
            "scans": [{"date": comparison.date(day).isoformat(), "time_d": day, "lesions": {
                lesion: {name: _number(arm.sizes[day, name, lesion], quantity) for name, quantity in SCAN_QUANTITIES.items()
                         if (day, name, lesion) in arm.sizes} for lesion in lesions}}
                for day in sorted({day for day, _, _ in arm.sizes})],
        } for arm in comparison.arms},
    }


def _deaths(comparison: Comparison) -> dict[str, Any]:
    """Return the ledger to the last day all arms were observed: arm, lesion, cause."""
    common_d = last_common_day(comparison)
    return {"until_d": common_d, "arms": {arm.name: {lesion: {cause: of_estimate(found, "cells") for (of, cause), found in ledger(
        [outcome.record for outcome in arm.outcomes], common_d).items() if of == lesion} for lesion in comparison.lesions}
        for arm in comparison.arms}}


def _number(found: Summary, quantity: Quantity) -> dict[str, Any]:
    """Return one number as plain data, `low` and `high` its quantiles; of a time to an event also how many runs reached it."""
    values = {"median": found.median, "low": found.low, "high": found.high, "mean": found.mean, "sd": found.sd}
    plain: dict[str, Any] = {"unit": quantity.unit, "n": found.n, **{name: number(value) for name, value in values.items()}}
    return plain | {"n_reached": found.n_reached} if quantity.is_time_to_event else plain

"""Arms side by side: each arm's runs read and summed up by median and quantiles, written as tables with units and n."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.errors import RecordError
from analysis.outcome import QUANTITIES, READINGS, SCAN_QUANTITIES, Outcome, Quantity, read_outcome, responses
from analysis.record import Record, refuse_twins

DISCLAIMER = "Illustrative, not for clinical use"
QUANTILES = (0.1, 0.9)
TIDY = ("longest_diameter_cm", "lesion_cells", "clonogens", "hypoxic_fraction_below_5_mmHg", "mean_oxygen_mmHg",
        "perfused_vessels_per_mm2", "t_cells_per_mm2", "specific_t_cells_per_mm2", "pd_l1_positive_fraction", "exhausted_fraction",
        "effector_t_cells", "memory_t_cells", "pd1_occupancy", "vegfr_inhibition", "burden_cells")


class Summary(NamedTuple):
    """A number over an arm's replicates; infinite where a time was not reached, `low` and `high` nan with one replicate."""

    n: int
    median: float
    low: float
    high: float
    n_reached: int


@dataclass(frozen=True)
class Arm:
    """One arm: its runs, numbers by (quantity, lesion; "" for the patient), words counted, sizes by (day, quantity, lesion)."""

    name: str
    title: str
    outcomes: tuple[Outcome, ...]
    numbers: dict[tuple[str, str], Summary]
    words: dict[str, Counter[str]]
    sizes: dict[tuple[float, str, str], Summary]

    @property
    def n(self) -> int:
        """The number of replicates."""
        return len(self.outcomes)

    def word(self, name: str) -> str:
        """Return a word as text; where replicates differ, each with its share: `PR 2/3, SD 1/3`."""
        counts = self.words[name].most_common()
        return counts[0][0] if len(counts) == 1 else ", ".join(f"{word} {count}/{self.n}" for word, count in counts)


@dataclass(frozen=True)
class Comparison:
    """All arms in the order in which they were given; `notes` say what keeps them from being comparable."""

    arms: tuple[Arm, ...]
    is_quick: bool
    start: date
    notes: tuple[str, ...]

    @property
    def lesions(self) -> tuple[str, ...]:
        """The lesions of all arms."""
        return tuple(dict.fromkeys(name for arm in self.arms for outcome in arm.outcomes for name in outcome.record.lesions))

    @property
    def scan_days(self) -> tuple[float, ...]:
        """The days of all scans that took place in any arm."""
        return tuple(sorted({day for arm in self.arms for day, _, _ in arm.sizes}))

    def date(self, day: float) -> date:
        """Return the date of a day since the start."""
        return self.start + timedelta(days=int(day))


def compare(records: Sequence[Record]) -> Comparison:
    """Read all records and sum up each arm's replicates.

    Raises:
        RecordError: there is no record, two are the same replicate of an arm, or one cannot be read.
    """
    if not records:
        raise RecordError("there is no record to compare")
    refuse_twins(records)
    arms: dict[str, dict[int, Outcome]] = {}
    for outcome in map(read_outcome, records):
        arms.setdefault(outcome.arm, {})[outcome.replicate] = outcome
    first = records[0].attributes
    is_quick = any(int(record.attributes.get("is_quick", 0)) for record in records)
    return Comparison(tuple(_summed_up(name, tuple(dict(sorted(found.items())).values())) for name, found in arms.items()),
                      is_quick, date.fromisoformat(first["start_date"]), tuple(_notes(records)))


def _notes(records: Sequence[Record]) -> Iterator[str]:
    """Yield what the reader of a comparison must know."""
    for name, meaning in (("start_date", "start dates"), ("seed", "seeds (the arms do not share their luck)"), ("patient", "patients"),
                          ("code_version", "model versions"), ("is_quick", "section sizes (some quick, some not)")):
        if len(set(map(str, (record.attributes.get(name) for record in records)))) > 1:
            yield f"the records have different {meaning}"
    for record in records:
        if record.attributes.get("status") != "complete":
            yield f"{record.path} is not complete: {record.attributes.get('status')}"


def _summed_up(name: str, outcomes: tuple[Outcome, ...]) -> Arm:
    """Sum up one arm's replicates."""
    keys = dict.fromkeys(key for outcome in outcomes for key in outcome.numbers)
    numbers = {key: summarise([outcome.numbers.get(key, np.nan) for outcome in outcomes]) for key in keys}
    words = {word: Counter(outcome.words[word] for outcome in outcomes) for word in outcomes[0].words}
    sizes: dict[tuple[float, str, str], list[float]] = {}
    for outcome in outcomes:
        for row, day in enumerate(outcome.scans.time_d):
            for quantity, table in zip(SCAN_QUANTITIES, (outcome.scans.longest_cm, outcome.scans.short_cm), strict=True):
                for lesion, size_cm in zip(outcome.scans.lesions, table[row], strict=True):
                    sizes.setdefault((float(day), quantity, lesion), []).append(float(size_cm))
    title = str(outcomes[0].record.attributes.get("title", ""))
    return Arm(name, title, outcomes, numbers, words, {key: summarise(values) for key, values in sizes.items()})


def summarise(values: Sequence[float]) -> Summary:
    """Return median and quantiles of what is known; a time not reached counts as longer than any other."""
    known = np.sort([value for value in values if not np.isnan(value)])
    if not len(known):
        return Summary(0, np.nan, np.nan, np.nan, 0)
    low, high = (_quantile(known, share) for share in QUANTILES) if len(known) > 1 else (np.nan, np.nan)
    return Summary(len(known), _quantile(known, 0.5), low, high, int(np.isfinite(known).sum()))


def _quantile(known: np.ndarray[Any, Any], share: float) -> float:
    """Return a quantile of sorted numbers by linear interpolation; anything towards infinity is infinite."""
    place = share * (len(known) - 1)
    below, above = known[int(np.floor(place))], known[int(np.ceil(place))]
    return float(above) if np.isinf(above) else float(below + (place - np.floor(place)) * (above - below))


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Write arms.csv, scans.csv, series.csv and summary.json into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    tables = {"arms.csv": _arm_rows(comparison), "scans.csv": _scan_rows(comparison), "series.csv": _series_rows(comparison)}
    for name, rows in tables.items():
        written.append(folder / name)
        with written[-1].open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    written.append(folder / "summary.json")
    written[-1].write_text(json.dumps(summary(comparison), indent=1) + "\n", encoding="utf-8")
    return written


def _arm_rows(comparison: Comparison) -> Iterator[list[Any]]:
    """Yield a row an arm: words, then each number's median and, with replicates, its quantiles; empty is not known or not reached."""
    keys = dict.fromkeys(key for arm in comparison.arms for key in arm.numbers)
    has_replicates = any(arm.n > 1 for arm in comparison.arms)
    suffixes = ("", *(f"_q{share * 100:.0f}" for share in QUANTILES)) if has_replicates else ("",)
    words = list(comparison.arms[0].words)
    names = [f"{name}_{lesion}" if lesion else name for name, lesion in keys]
    yield ["arm", "n_replicates", "is_quick", *words, *(name + suffix for name in names for suffix in suffixes)]
    for arm in comparison.arms:
        cells: list[Any] = [arm.name, arm.n, int(comparison.is_quick), *(arm.word(word) for word in words)]
        for key in keys:
            found = arm.numbers.get(key)
            values = (found.median, found.low, found.high) if found else (np.nan,) * 3
            cells += [_cell(value) for value in values[:len(suffixes)]]
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
                yield [outcome.arm, outcome.replicate, comparison.date(day), f"{day:g}", lesion, scans.roles[column], _cell(longest_cm),
                       _cell(scans.short_cm[row, column]), int(longest_cm >= scans.detection_limit_cm), int(comparison.is_quick),
                       *(read[reading][row] for reading in READINGS)]


def _series_rows(comparison: Comparison) -> Iterator[list[Any]]:
    """Yield the chosen time series in tidy form, a row a value; values never written are left out."""
    yield ["arm", "replicate", "time_d", "lesion", "quantity", "unit", "value"]
    for record in (outcome.record for arm in comparison.arms for outcome in arm.outcomes):
        run = (record.attributes["arm"], record.attributes.get("replicate", 0))
        for name in (name for name in TIDY if name in record.series):
            lesions = record.lesions if record.series[name].ndim == 2 else ("",)
            table = record.series[name].reshape(len(record.time_d), -1)
            for row, column in np.argwhere(np.isfinite(table)):
                yield [*run, f"{record.time_d[row]:g}", lesions[column], name, record.units[name], f"{table[row, column]:.6g}"]


def _cell(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""


def summary(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data: every number with unit and n; null is not known or not reached."""
    lesions, records = comparison.lesions, [outcome.record for arm in comparison.arms for outcome in arm.outcomes]
    same = {name: sorted({record.attributes[name] for record in records if name in record.attributes}) for name in ("seed", "code_version")}
    return {
        "disclaimer": DISCLAIMER, "is_quick": comparison.is_quick, "start_date": comparison.start.isoformat(), "notes": comparison.notes,
        "seeds": same["seed"], "code_versions": same["code_version"],
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


def _number(found: Summary, quantity: Quantity) -> dict[str, Any]:
    """Return one number as plain data; of a time to an event also how many runs reached it."""
    values = {"median": found.median, "low": found.low, "high": found.high}
    plain: dict[str, Any] = {"unit": quantity.unit, "n": found.n, **{name: float(value) if np.isfinite(value) else None
                                                                     for name, value in values.items()}}
    return plain | {"n_reached": found.n_reached} if quantity.is_time_to_event else plain

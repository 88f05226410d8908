"""Arms side by side: each arm's runs read and summed up by mean, median and quantiles."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from lesionlab.analysis.clinical.outcome import SCAN_QUANTITIES, Outcome, read_outcome
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, damage_notes, in_one_order, refuse_twins
from lesionlab.analysis.statistics.paired import QUANTILES
from lesionlab.sim.record.schema import Attribute


class Summary(NamedTuple):
    """A number over an arm's replicates: median, 10 % and 90 % quantile, mean, standard deviation.

    A time that was not reached is infinite, and so is then the mean; `low`, `high` and `sd` are nan with one replicate.
    """

    n: int
    median: float
    low: float
    high: float
    n_reached: int
    mean: float = np.nan
    sd: float = np.nan


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
    """All arms in the order in which they were given; `notes` list what makes them hard to compare."""

    arms: tuple[Arm, ...]
    is_quick: bool
    start: date
    notes: tuple[str, ...]

    @property
    def lesions(self) -> tuple[str, ...]:
        """The lesions of all arms."""
        return tuple(dict.fromkeys(name for arm in self.arms for outcome in arm.outcomes for name in outcome.record.lesions))

    @property
    def records(self) -> list[Record]:
        """The records of all runs that are compared, arm by arm."""
        return [outcome.record for arm in self.arms for outcome in arm.outcomes]

    @property
    def scan_days(self) -> tuple[float, ...]:
        """The days of all scans that took place in any arm."""
        return tuple(sorted({day for arm in self.arms for day, _, _ in arm.sizes}))

    def date(self, day: float) -> date:
        """Return the date of a day since the start."""
        return self.start + timedelta(days=int(day))


def compare(records: Sequence[Record]) -> Comparison:
    """Read all records and sum up each arm's replicates.

    A run of which no outcome can be read is left out, and a note says why.

    Raises:
        RecordError: there is no record, two are the same replicate of an arm, or none can be read.
    """
    if not records:
        raise RecordError("there is no record to compare")
    refuse_twins(records)
    arms: dict[str, dict[int, Outcome]] = {}
    left_out = []
    for record in in_one_order(records):
        try:
            outcome = read_outcome(record)
        except RecordError as error:
            left_out.append(f"left out: {error}")
            continue
        arms.setdefault(outcome.arm, {})[outcome.replicate] = outcome
    if not arms:
        raise RecordError(left_out[0].removeprefix("left out: "))
    is_quick = any(record.is_quick for record in records)
    return Comparison(tuple(_summed_up(name, tuple(dict(sorted(found.items())).values())) for name, found in arms.items()),
                      is_quick, records[0].start.date(), (*left_out, *_notes(records)))


def _notes(records: Sequence[Record]) -> Iterator[str]:
    """Yield what limits the comparison."""
    for name, meaning in ((Attribute.START_DATE, "start dates"), (Attribute.SEED, "seeds (no common random numbers)"),
                          (Attribute.PATIENT, "patients"), (Attribute.CODE_VERSION, "model versions"),
                          (Attribute.IS_QUICK, "section sizes (some quick, some not)")):
        if len(set(map(str, (record.attributes.get(name) for record in records)))) > 1:
            yield f"the records have different {meaning}"
    yield from damage_notes(records)
    for record in records:
        if record.status != "complete":
            yield f"{record.path} is not complete: {record.status}"


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
    title = outcomes[0].record.title
    return Arm(name, title, outcomes, numbers, words, {key: summarise(values) for key, values in sizes.items()})


def summarise(values: Sequence[float]) -> Summary:
    """Return median, quantiles, mean and sd of the known values; a time not reached counts as longer than any other."""
    known = np.sort([value for value in values if not np.isnan(value)])
    if not len(known):
        return Summary(0, np.nan, np.nan, np.nan, 0)
    low, high = (_quantile(known, share) for share in QUANTILES) if len(known) > 1 else (np.nan, np.nan)
    is_spread = len(known) > 1 and np.isfinite(known).all()
    return Summary(len(known), _quantile(known, 0.5), low, high, int(np.isfinite(known).sum()), float(known.mean()),
                   float(known.std(ddof=1)) if is_spread else np.nan)


def _quantile(known: np.ndarray[Any, Any], share: float) -> float:
    """Return a quantile of sorted numbers by linear interpolation; anything towards infinity is infinite."""
    place = share * (len(known) - 1)
    below, above = known[int(np.floor(place))], known[int(np.ceil(place))]
    return float(above) if np.isinf(above) else float(below + (place - np.floor(place)) * (above - below))

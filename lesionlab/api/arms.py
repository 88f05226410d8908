"""Arms side by side in Python: intervals of paired differences, survival, synergy, as tables."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from lesionlab.analysis.comparison import comparison as side_by_side
from lesionlab.analysis.comparison.findings import DIFFERENCES, Findings, differences, find
from lesionlab.analysis.comparison.findings_data import joined, meaning, survival_rows, synergy_rows
from lesionlab.analysis.figures.standard import drawable, left_out
from lesionlab.analysis.records.record import Record
from lesionlab.analysis.report.summary import write
from lesionlab.analysis.report.terminal import text
from lesionlab.analysis.statistics.survival import EVENTS, log_rank
from lesionlab.api._words import public
from lesionlab.api.reading import outcomes, read_folder
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.runs.job import days_since

Event = Literal["progression_report", "progression_strict", "death"]


class Comparison:
    """Arms side by side, as `compare` makes it: every number that `lesionlab compare` reports, as tables.

    `print(comparison)` shows the tables of the command line. Intervals are 95 % bootstrap intervals of the mean over replicates with
    common random numbers; below four replicates there are none (nan), and with few they are too narrow.
    """

    def __init__(self, comparison: side_by_side.Comparison, findings: Findings) -> None:
        self.comparison, self.findings = comparison, findings

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, in the order of the records."""
        return tuple(arm.name for arm in self.comparison.arms)

    @property
    def records(self) -> list[Record]:
        """The records that are compared, arm by arm."""
        return self.comparison.records

    @property
    def day_d(self) -> float:
        """The stated day, on which clonogens are compared."""
        return self.findings.day_d

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the comparison: other seeds, versions or sizes, runs left out, damage."""
        return self.comparison.notes

    def outcomes(self) -> pd.DataFrame:
        """Return one row a run, as `lesionlab.outcomes`."""
        return outcomes(self.records)

    def summary(self) -> pd.DataFrame:
        """Return each outcome over an arm's replicates: n, mean, sd, median, q10, q90; a time that was not reached is inf."""
        rows = [{"arm": arm.name, "quantity": name, "n": found.n, "n_reached": found.n_reached, "mean": found.mean, "sd": found.sd,
                 "median": found.median, "q10": found.low, "q90": found.high}
                for arm in self.comparison.arms for (name, lesion), found in arm.numbers.items() if not lesion]
        return pd.DataFrame(rows)

    @public
    def differences(self, arm: str | None = None, reference: str | None = None) -> pd.DataFrame:
        """Return differences paired by replicate, arm less reference: mean, interval `low` to `high`, sd, median, quantiles, n.

        Quantities: days without progression (two readings) and alive up to a common day, change of the sum of diameters at its nadir,
        log10 clonogens of the targets on the stated day. Without names every pair of arms stands there, with one name every arm against
        it. `is_apart_from_zero`: the interval leaves out 0. Many pairs are many looks: one in twenty leaves it out by chance.
        """
        for name in (arm, reference):
            if name is not None and name not in self.arms:
                raise UserError(f"{name}: no such arm{did_you_mean(name, self.arms)}")
        pairs = [(later, earlier) for earlier, later in combinations(self.arms, 2)]
        if arm is not None and reference is not None:
            pairs = [(arm, reference)]
        elif reference is not None:
            pairs = [(other, reference) for other in self.arms if other != reference]
        elif arm is not None:
            pairs = [(arm, other) for other in self.arms if other != arm]
        rows = [{"arm": found.arm, "reference": found.reference, "quantity": found.quantity, "unit": DIFFERENCES[found.quantity][0],
                 **found.value._asdict(), "is_apart_from_zero": found.value.is_apart_from_zero,
                 "meaning": meaning(found.quantity, self.findings)} for found in differences(self.comparison, self.findings, pairs)]
        return pd.DataFrame(rows)

    def survival(self) -> pd.DataFrame:
        """Return events and times of each arm: n, n_events, median_d (inf if not reached), mean days without the event up to horizon_d."""
        rows = [{"event": event, "arm": arm, "n": found.n, "n_events": found.n_events, "median_d": found.median_d,
                 "restricted_mean_d": found.restricted_mean_d.mean, "low_d": found.restricted_mean_d.low,
                 "high_d": found.restricted_mean_d.high, "horizon_d": self.findings.horizon_d}
                for (event, arm), found in self.findings.survival.items()]
        return pd.DataFrame(rows)

    def survival_curves(self) -> pd.DataFrame:
        """Return the steps of every Kaplan-Meier curve: event, arm, time_d, share_without_event, low, high, n."""
        return _numbers(survival_rows(self.findings), ("event", "arm"))

    @public
    def log_rank(self, event: Event, arm: str, reference: str) -> float:
        """Return the p of the log-rank test of two arms, nan where neither has an event.

        It takes arms as independent, and says whether the replicates suffice to separate two arms; of patients it says nothing.
        """
        for known, name in ((tuple(EVENTS), event), (self.arms, arm), (self.arms, reference)):
            if name not in known:
                raise UserError(f"{name}: unknown{did_you_mean(name, known)}")
        return log_rank(self.findings.survival[event, arm].times, self.findings.survival[event, reference].times)

    def synergy(self, day: float | None = None) -> pd.DataFrame:
        """Return the kill beyond what the parts give, in decades, with intervals: Bliss (`bliss`), highest single agent (`hsa`).

        `interaction` are contrasts of the whole factorial on log10 cells, negative for fewer. Rows run over time, or stand on one day of
        the table. Empty where the arms hold no factorial: the untreated arm, each treatment alone, and all together.
        """
        table = _numbers(synergy_rows(self.findings), ("kind", "quantity", "lesion", "combination", "unit"))
        if day is None or table.empty:
            return table
        days = table["time_d"].unique()
        return table[table["time_d"] == min(days, key=lambda one: abs(one - day))].reset_index(drop=True)

    def delays(self) -> pd.DataFrame:
        """Return synergy in days: the delay of growth or progression beyond the parts' sum and beyond the longest; `bound` says how."""
        synergy = self.findings.synergy
        rows = [{"combination": joined(combination, synergy.design.factors), "event": event, "beyond": beyond, "bound": bound.kind,
                 **bound.value._asdict()}
                for (combination, event), both in ({} if synergy is None else synergy.delays).items() if synergy is not None
                for beyond, bound in zip(("sum", "longest"), both, strict=True)]
        return pd.DataFrame(rows)

    @public
    def write(self, folder: str | Path) -> list[Path]:
        """Write the tables of `lesionlab compare` (arms.csv, scans.csv, ... summary.json) into a folder and return their paths."""
        return write(self.comparison, self.findings, Path(folder))

    def __str__(self) -> str:
        return text(self.comparison, self.findings)

    def __repr__(self) -> str:
        return f"<Comparison: {', '.join(f'{arm.name} (n = {arm.n})' for arm in self.comparison.arms)}>"


@public
def compare(records: Sequence[Record] | str | Path, *, day: float | str | date | None = None) -> Comparison:
    """Compare arms: records of one patient, or the folder in which they lie. Records of one arm are its replicates.

    Args:
        day: the day on which clonogens are compared, a date or days since the start, best stated before anything runs; default 42.

    Raises:
        RecordError: there is no record, or two are the same replicate of an arm.
    """
    given = read_folder(records) if isinstance(records, str | Path) else list(records)
    found = side_by_side.compare(given)
    found = replace(found, notes=(*found.notes, *left_out(found.records)))
    return Comparison(found, find(found, None if day is None else _stated(day, found)))


def _stated(day: float | str | date, found: side_by_side.Comparison) -> float:
    """Return the stated day in days since the start; raises UserError where no record reaches it."""
    last_d = max(float(record.time_d[-1]) for record in drawable(found.records) or found.records)
    days = days_since(found.start, "--day", f"{day:%Y-%m-%d}" if isinstance(day, date) else str(day))
    if not 0 <= days <= last_d:
        raise UserError(f"--day {day}: must lie within the records, from {found.start} to day {last_d:g}")
    return days


def _numbers(rows: Any, words: Sequence[str]) -> pd.DataFrame:
    """Return rows under a heading as a table, everything but words as numbers."""
    heading, *below = rows
    table = pd.DataFrame(below, columns=heading)
    for name in heading:
        if name not in words:
            table[name] = pd.to_numeric(table[name])
    return table

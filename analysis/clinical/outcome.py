"""The outcome of one run, as numbers with units and a few words: response, progression, nadir, control, deaths by cause."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.clinical.response import Reading, assess, best_overall_response, local_control, time_to_progression
from lesionlab.analysis.clinical.scans import ScanTable, read_scans
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record

READINGS: tuple[Reading, ...] = ("report", "strict")
CAUSES = ("radiation", "t_cell", "hypoxia", "apoptosis", "failed_division")
AT_NADIR = {"t_cells_per_mm2": ("mm-2", "T cells per mm2"),
            "hypoxic_fraction_below_5_mmHg": ("1", "fraction of viable cells below 5 mmHg")}


class Quantity(NamedTuple):
    """A number of a run: unit, what it is, and whether infinity stands for "not reached by the last day observed"."""

    unit: str
    meaning: str
    is_time_to_event: bool = False


QUANTITIES: dict[str, Quantity] = {
    "days_observed": Quantity("d", "last day observed"),
    "is_alive_at_end": Quantity("1", "share of runs that did not reach the lethal burden"),
    **{f"is_controlled_at_end_{reading}": Quantity("1", f"share of assessed runs without progression on the last day, reading '{reading}'")
       for reading in READINGS},
    **{f"time_to_progression_{reading}_d": Quantity("d", f"first scan that shows progression, or death, reading '{reading}'", True)
       for reading in READINGS},
    "time_to_lethal_burden_d": Quantity("d", "day on which all lesions together reached the lethal burden", True),
    "time_to_local_progression_d": Quantity("d", "first scan that shows progression of an irradiated lesion since the scan before its "
                                            "first fraction", True),
    "nadir_d": Quantity("d", "day of the smallest sum of target diameters"),
    "nadir_sum_cm": Quantity("cm", "smallest sum of target diameters (of a node the short axis)"),
    "nadir_change": Quantity("1", "change of that sum from the first day"),
    **{f"{name}_at_nadir": Quantity(unit, f"{meaning} on the day of the nadir; for the patient the mean of the targets")
       for name, (unit, meaning) in AT_NADIR.items()},
    **{f"deaths_{cause}": Quantity("1", f"tumour cells of the lesions that died by {cause.replace('_', ' ')}") for cause in CAUSES},
}
SCAN_QUANTITIES = {"longest_diameter_cm": Quantity("cm", "longest diameter on the scan"),
                   "short_axis_cm": Quantity("cm", "short axis on the scan")}


@dataclass(frozen=True)
class Outcome:
    """One run read: numbers by (quantity, lesion; "" for the patient), words by name, and its scans."""

    record: Record
    scans: ScanTable
    numbers: dict[tuple[str, str], float]
    words: dict[str, str]

    @property
    def arm(self) -> str:
        """The run's arm."""
        return self.record.arm

    @property
    def replicate(self) -> int:
        """The run's replicate."""
        return self.record.replicate


def read_outcome(record: Record) -> Outcome:
    """Read one record; raises RecordError where it holds no row."""
    scans = read_scans(record)
    numbers: dict[tuple[str, str], float] = {("days_observed", ""): scans.end_d, ("is_alive_at_end", ""): float(not scans.is_dead)}
    numbers["time_to_lethal_burden_d", ""] = scans.end_d if scans.is_dead else np.inf
    words = {"end_reason": _end_reason(record)}
    for reading in READINGS:
        event, best = time_to_progression(scans, reading), best_overall_response(scans, reading)
        numbers[f"time_to_progression_{reading}_d", ""] = event.time_d if event.is_event else np.inf
        # A patient who was never assessed counts neither as controlled nor as uncontrolled.
        numbers[f"is_controlled_at_end_{reading}", ""] = float(not event.is_event) if event.is_event or best != "NE" else np.nan
        words[f"best_response_{reading}"] = best
        words[f"progression_cause_{reading}"] = event.cause if event.is_event else "none seen"
    return Outcome(record, scans, numbers | _local_progression(scans) | dict(_nadir(record)) | dict(_deaths(record)), words)


def _local_progression(scans: ScanTable) -> dict[tuple[str, str], float]:
    """Return when each irradiated lesion progressed, and the first of them; nan for what was never irradiated."""
    times = {lesion: event.time_d if event.is_event else np.inf for lesion, event in local_control(scans).items()}
    everything = {"": min(times.values(), default=np.nan)} | {lesion: times.get(lesion, np.nan) for lesion in scans.lesions}
    return {("time_to_local_progression_d", lesion): time_d for lesion, time_d in everything.items()}


def _end_reason(record: Record) -> str:
    """Return why the run ended; of one that is not complete, its status."""
    return record.end_reason or record.status if record.status == "complete" else record.status


def target_sum_cm(record: Record) -> NDArray[np.float64]:
    """Return the sum (time,) of target diameters in cm, of a node its short axis; without targets, of all lesions known at the start."""
    sizes_cm = np.where(record.nodal, record.series["short_axis_cm"], record.series["longest_diameter_cm"])
    sums_cm: NDArray[np.float64] = sizes_cm[:, _targets(record)].sum(axis=1)
    return sums_cm


def _targets(record: Record) -> NDArray[np.bool_]:
    is_target = np.array([role == "target" for role in record.roles])
    return is_target if is_target.any() else ~np.array(record.occult, dtype=bool)


def _nadir(record: Record) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the nadir and the state of the tissue on its day."""
    sums_cm, targets = target_sum_cm(record), _targets(record)
    if np.isnan(sums_cm).all():
        raise RecordError(f"{record.path}: no diameter of a target lesion is known, so there is no nadir")
    row = int(np.nanargmin(sums_cm))
    yield ("nadir_d", ""), float(record.time_d[row])
    yield ("nadir_sum_cm", ""), float(sums_cm[row])
    yield ("nadir_change", ""), float(sums_cm[row] / sums_cm[0] - 1) if sums_cm[0] > 0 else np.nan
    for name in AT_NADIR:
        values = record.series[name][row]
        measured = values[targets & np.isfinite(values)]
        yield (f"{name}_at_nadir", ""), float(measured.mean()) if measured.size else np.nan
        for lesion, value in zip(record.lesions, values, strict=True):
            yield (f"{name}_at_nadir", lesion), float(value)


def _deaths(record: Record) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the deaths by cause up to the last row, of each lesion and of all."""
    for cause in CAUSES:
        last = record.series[f"deaths_{cause}"][-1]
        yield (f"deaths_{cause}", ""), float(np.nansum(last))
        for lesion, value in zip(record.lesions, last, strict=True):
            yield (f"deaths_{cause}", lesion), float(value)


def responses(outcome: Outcome) -> dict[Reading, tuple[str, ...]]:
    """Return the overall response at each scan, for each reading."""
    return {reading: tuple(visit.overall for visit in assess(outcome.scans, reading)) for reading in READINGS}

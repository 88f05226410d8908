"""Reading run records: everything that analysis knows about a run comes from here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.records.errors import RecordError
from lesionlab.sim.record.schema import DECLARED
from lesionlab.sim.record.seal import check_once, examine, open_to_read

SCHEMA, MAJOR_VERSION = "lesionlab-run", "1"
EVENT_COLUMNS = ("event_time_d", "event_kind", "event_lesion", "event_label", "event_value", "event_value_core")
SNAPSHOT_FIELDS = ("cell_state", "oxygen", "t_cells", "vessels")
TIME_TOLERANCE_D = 1e-6
DEATHS = ("deaths_radiation", "deaths_t_cell", "deaths_hypoxia", "deaths_apoptosis", "deaths_failed_division")
"""The series of deaths by cause, in the order in which they are drawn."""
EXPECTED = {**dict.fromkeys(("clonogens", "lesion_cells", "hypoxic_fraction_below_5_mmHg", *DEATHS), "1"),
            **dict.fromkeys(("longest_diameter_cm", "short_axis_cm"), "cm"), "t_cells_per_mm2": "mm-2"}
"""Series of lesions that every comparison reads, with their units: one that cannot be read is all nan, and counts as damage."""


class Event(NamedTuple):
    """One event: kind fraction (value Gy to the mass, value_core Gy), dose (value mg), scan or lethal_burden."""

    time_d: float
    kind: str
    lesion: str
    label: str
    value: float
    value_core: float


@dataclass(frozen=True)
class Record:
    """One run up to its last commit.

    Attributes:
        attributes: root attributes as plain Python values (arm, seed, replicate, status, start_date ...).
        time_d: (time,) days since the start.
        series: name -> (time,), (time, lesion) or (time, drug); nan where a value was never written.
        units, long_names: of the series; "1" is dimensionless, the unit of a `drug_level` stands in `drug_level_units`.
        roles, nodal, occult, baseline_cm: one entry a lesion, in the order of `lesions`.
        damage: what is wrong with the file, in a few words each; what could not be read of it is nan.
    """

    path: Path
    attributes: dict[str, Any]
    scenario_yaml: str
    time_d: NDArray[np.float64]
    lesions: tuple[str, ...]
    roles: tuple[str, ...]
    nodal: tuple[bool, ...]
    occult: tuple[bool, ...]
    baseline_cm: NDArray[np.float64]
    drugs: tuple[str, ...]
    drug_classes: tuple[str, ...]
    drug_level_units: tuple[str, ...]
    series: dict[str, NDArray[np.float64]]
    units: dict[str, str]
    long_names: dict[str, str]
    events: list[Event]
    damage: tuple[str, ...] = ()

    def of_lesion(self, name: str, lesion: str) -> NDArray[np.float64]:
        """Return one lesion's column (time,) of a (time, lesion) series.

        Raises:
            RecordError: the record has no such series or lesion.
        """
        if name not in self.series or lesion not in self.lesions:
            raise RecordError(f"{self.path}: no series {name} of lesion {lesion}; lesions: {', '.join(self.lesions)}")
        column: NDArray[np.float64] = self.series[name][:, self.lesions.index(lesion)]
        return column


@dataclass(frozen=True)
class Snapshots:
    """One lesion's sections: fields (time, z, y, x), oxygen in mmHg; `scale` is clinical length per section length."""

    time_d: NDArray[np.float64]
    x_um: NDArray[np.float64]
    y_um: NDArray[np.float64]
    z_um: NDArray[np.float64]
    cell_state: NDArray[np.uint8]
    oxygen: NDArray[np.float32]
    t_cells: NDArray[np.uint8]
    vessels: NDArray[np.uint8]
    scale: NDArray[np.float64]


def load(path: Path | str) -> Record:
    """Read a record without its snapshots and checkpoint; a record still being written is read up to its last commit.

    Raises:
        RecordError: the file is missing, no LesionLab record, or damaged so that not even its times can be read.
    """
    with _opened(path) as (file, damage):
        attributes = {name: _plain(value) for name, value in file.attrs.items()}
        committed_d = attributes["committed_time_d"] + TIME_TOLERANCE_D
        n_rows = _count_until(file["time"], committed_d)
        lesions, drugs = _texts(file["lesion"]), _texts(file["drug"])
        series, damaged = _series(file, n_rows, {"lesion": len(lesions), "drug": len(drugs)})
        columns = [_texts(file[name]) if h5py.check_string_dtype(file[name].dtype) else file[name][:].tolist()
                   for name in EVENT_COLUMNS]
        return Record(
            path=Path(path), attributes=attributes, scenario_yaml=file["scenario_yaml"].asstr()[()],
            time_d=file["time"][:n_rows], lesions=lesions, roles=_texts(file["lesion_role"]),
            nodal=tuple(file["lesion_is_nodal"][:].astype(bool).tolist()),
            occult=tuple(file["lesion_is_occult"][:].astype(bool).tolist()), baseline_cm=file["lesion_baseline_cm"][:],
            drugs=drugs, drug_classes=_texts(file["drug_class"]), drug_level_units=_texts(file["drug_level_unit"]),
            series=series, units={name: _word(file, name, "units") or EXPECTED.get(name, "1") for name in series},
            long_names={name: _word(file, name, "long_name") or name for name in series},
            events=[event for event in map(Event, *columns) if event.time_d <= committed_d],
            damage=tuple(dict.fromkeys((*damage, *damaged))))


def _series(file: h5py.File, n_rows: int, lengths: Mapping[str, int]) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Return every series (n_rows, ...), and what is wrong with them; one that cannot be read is nan."""
    n_times, damage = len(file["time"]), []
    series = {}
    for name in [name for name, item in file.items() if _is_series(item)]:
        shape = file[name].shape
        # The one series of drugs has an axis of drugs, all others of lesions.
        below = () if len(shape) == 1 else (lengths["drug" if name == "drug_level" else "lesion"],)
        if shape != (n_times, *below) or file[name].dtype.kind not in "fiu":
            damage.append(f"{name} has another shape or type")
            continue
        try:
            series[name] = file[name][:n_rows].astype(np.float64)
        except (OSError, RuntimeError):
            series[name] = np.full((n_rows, *shape[1:]), np.nan)
            damage.append(f"{name} cannot be read")
    for name in EXPECTED:
        if name not in series or series[name].ndim != 2:
            series[name] = np.full((n_rows, lengths["lesion"]), np.nan)
            damage.append(f"{name} is not there")
    return series, damage


def _word(file: h5py.File, name: str, attribute: str) -> str:
    """Return an attribute of a series as text, "" where it has none."""
    return str(file[name].attrs.get(attribute, "")) if name in file else ""


def damage_notes(records: Sequence[Record]) -> list[str]:
    """Return what is damaged in some records, one line each: what every output made of them must say."""
    return [f"{record.path} is damaged: {'; '.join(record.damage)}" for record in records if record.damage]


def in_one_order(records: Sequence[Record]) -> list[Record]:
    """Return the records with their lesions in the order of the first; one with other lesions stays as it is."""
    return [_in_order(record, records[0].lesions) for record in records]


def _in_order(record: Record, lesions: tuple[str, ...]) -> Record:
    if record.lesions == lesions or set(record.lesions) != set(lesions):
        return record
    places = [record.lesions.index(lesion) for lesion in lesions]
    series = {name: values if values.ndim == 1 or name == "drug_level" else values[:, places] for name, values in record.series.items()}
    return replace(record, lesions=lesions, series=series, roles=tuple(record.roles[place] for place in places),
                   nodal=tuple(record.nodal[place] for place in places), occult=tuple(record.occult[place] for place in places),
                   baseline_cm=record.baseline_cm[places])


def refuse_twins(records: Sequence[Record]) -> None:
    """Refuse two records of the same replicate of an arm: such records are not replicates of each other, and one would hide the other.

    Raises:
        RecordError: naming both files.
    """
    seen: dict[tuple[str, int], Record] = {}
    for record in records:
        name = str(record.attributes["arm"]), int(record.attributes.get("replicate", 0))
        if name in seen:
            raise RecordError(f"{record.path} and {seen[name].path}: both are replicate {name[1]} of the arm {name[0]}; "
                              f"give one run another arm, as in --set arm=slower")
        seen[name] = record


def load_snapshots(path: Path | str, lesion: str, at: Sequence[int] | None = None) -> Snapshots:
    """Read the snapshots of one lesion up to the last commit: all, or those `at` some places, in increasing order.

    Raises:
        RecordError: as `load`, or the record has no such lesion.
    """
    with _opened(path) as (file, _):
        if lesion not in (lesions := _texts(file["lesion"])):
            raise RecordError(f"{path}: no lesion {lesion}; lesions: {', '.join(lesions)}")
        group = file["snapshots"][lesion]
        n = _count_until(group["snapshot_time"], file.attrs["committed_time_d"] + TIME_TOLERANCE_D)
        rows = slice(n) if at is None else [place for place in at if place < n]
        fields = {name: group[name][rows] for name in SNAPSHOT_FIELDS}
        return Snapshots(time_d=group["snapshot_time"][rows], x_um=group["x"][:], y_um=group["y"][:], z_um=group["z"][:],
                         scale=group["scale"][rows], **fields)


def snapshot_times(path: Path | str, lesion: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the days of a lesion's snapshots and their scale, without the pictures; raises RecordError as `load_snapshots`."""
    with _opened(path) as (file, _):
        if lesion not in (lesions := _texts(file["lesion"])):
            raise RecordError(f"{path}: no lesion {lesion}; lesions: {', '.join(lesions)}")
        group = file["snapshots"][lesion]
        n = _count_until(group["snapshot_time"], file.attrs["committed_time_d"] + TIME_TOLERANCE_D)
        return group["snapshot_time"][:n], group["scale"][:n]


def dates(record: Record, times_d: Sequence[float] | NDArray[np.float64] | None = None) -> list[datetime]:
    """Return the calendar instants of times in days since the start (default: the record's rows)."""
    start = datetime.fromisoformat(record.attributes["start_date"])
    return [start + timedelta(days=float(time_d)) for time_d in (record.time_d if times_d is None else times_d)]


@contextmanager
def _opened(path: Path | str) -> Iterator[tuple[h5py.File, tuple[str, ...]]]:
    """Open a record for reading, with a list of its damaged parts; every defect of a file becomes one message."""
    try:
        damage = examine(path).damage
        with open_to_read(path) as file:
            if file.attrs.get("schema") != SCHEMA:
                raise RecordError(f"{path}: an HDF5 file, but no LesionLab record")
            version = str(file.attrs["schema_version"])
            if version.split(".")[0] != MAJOR_VERSION:
                raise RecordError(f"{path}: record of schema version {version}; this program reads version {MAJOR_VERSION}")
            check_once(path, file, DECLARED)
            yield file, damage
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        what = "" if str(error).startswith(("no such file", "no regular file", "damaged")) else "damaged or no HDF5 file: "
        raise RecordError(f"{path}: {what}{' '.join(str(error).split())}") from error


def _count_until(times: h5py.Dataset, committed_d: float) -> int:
    """Return how many leading rows were committed; nan (nothing committed yet) counts none."""
    return int(np.count_nonzero(times[:] <= committed_d))


def _is_series(item: h5py.Dataset | h5py.Group) -> bool:
    """Return whether a dataset's first axis is the root's time."""
    is_plain = isinstance(item, h5py.Dataset) and item.ndim > 0 and not item.is_scale
    return is_plain and "time" in item.dims[0]


def _texts(dataset: h5py.Dataset) -> tuple[str, ...]:
    return tuple(dataset.asstr()[:].tolist())


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def by_arm(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records of each arm, arms in the order in which they first come."""
    arms: dict[str, list[Record]] = {}
    for record in records:
        arms.setdefault(str(record.attributes["arm"]), []).append(record)
    return arms


def values(record: Record, name: str, lesion: str) -> NDArray[np.float64]:
    """Return a series (n_times,) of one lesion, or of the patient if it has no lesion axis; all nan if the record lacks it."""
    series = record.series.get(name)
    if series is None or (series.ndim > 1 and lesion not in record.lesions):
        return np.full(len(record.time_d), np.nan)
    return series[:, record.lesions.index(lesion)] if series.ndim > 1 else series

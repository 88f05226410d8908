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
from lesionlab.analysis.records.treatments import DrugClass, read_classes
from lesionlab.sim.record.schema import DECLARED, EVENT_COLUMNS, SCHEMA, SCHEMA_VERSION, SNAPSHOT_FIELDS, Attribute, Part
from lesionlab.sim.record.seal import check_once, examine, open_to_read

MAJOR_VERSION = SCHEMA_VERSION.split(".")[0]
TIME_TOLERANCE_D = 1e-6
DETECTION_LIMIT_CM = 0.2
DEATHS = ("deaths_radiation", "deaths_t_cell", "deaths_hypoxia", "deaths_apoptosis", "deaths_failed_division")
"""The series of deaths by cause, in the order in which they are drawn."""
EXPECTED = {**dict.fromkeys(("clonogens", "lesion_cells", "hypoxic_fraction_below_5_mmHg", *DEATHS), "1"),
            **dict.fromkeys(("longest_diameter_cm", "short_axis_cm"), "cm"), "t_cells_per_mm2": "1/mm2"}
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
        classes: all classes of drugs in their order, each with the drugs of this record.
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
    classes: tuple[DrugClass, ...]
    series: dict[str, NDArray[np.float64]]
    units: dict[str, str]
    long_names: dict[str, str]
    events: list[Event]
    damage: tuple[str, ...] = ()

    @property
    def arm(self) -> str:
        """Name of the arm."""
        return str(self.attributes[Attribute.ARM])

    @property
    def title(self) -> str:
        """Title of the arm, "" if its scenario has none."""
        return str(self.attributes.get(Attribute.TITLE) or "")

    @property
    def seed(self) -> int:
        """Seed of the random numbers."""
        return int(self.attributes[Attribute.SEED])

    @property
    def replicate(self) -> int:
        """Number of the replicate."""
        return int(self.attributes[Attribute.REPLICATE])

    @property
    def is_quick(self) -> bool:
        """Whether the run had reduced sections."""
        return bool(self.attributes[Attribute.IS_QUICK])

    @property
    def status(self) -> str:
        """`complete`, `running`, `interrupted` or `failed: reason`."""
        return str(self.attributes[Attribute.STATUS])

    @property
    def end_reason(self) -> str:
        """Why a complete run ended; "" before."""
        return str(self.attributes[Attribute.END_REASON])

    @property
    def start(self) -> datetime:
        """The instant of day 0."""
        return datetime.fromisoformat(str(self.attributes[Attribute.START_DATE]))

    @property
    def committed_d(self) -> float:
        """Day of the last commit, nan before the first."""
        return float(self.attributes[Attribute.COMMITTED_TIME])

    @property
    def detection_limit_cm(self) -> float:
        """Longest diameter below which a scan shows nothing; one of 0.2 cm where the record does not say."""
        return float(self.attributes.get(Attribute.DETECTION_LIMIT, DETECTION_LIMIT_CM))

    @property
    def code_version(self) -> str:
        """Version of the code that began the run."""
        return str(self.attributes[Attribute.CODE_VERSION])

    @property
    def state_sha256(self) -> str:
        """Hash of the last state."""
        return str(self.attributes[Attribute.STATE_SHA256])

    @property
    def provenance(self) -> str:
        """Versions of the software that computed it, as JSON."""
        return str(self.attributes.get(Attribute.PROVENANCE) or "{}")

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
        committed_d = attributes[Attribute.COMMITTED_TIME] + TIME_TOLERANCE_D
        n_rows = _count_until(file[Part.TIME], committed_d)
        lesions, drugs, of_drugs = _texts(file[Part.LESION]), _texts(file[Part.DRUG]), _texts(file[Part.DRUG_CLASS])
        series, damaged = _series(file, n_rows, {Part.LESION: len(lesions), Part.DRUG: len(drugs)})
        columns = [_texts(file[name]) if h5py.check_string_dtype(file[name].dtype) else file[name][:].tolist()
                   for name, *_ in EVENT_COLUMNS]
        return Record(
            path=Path(path), attributes=attributes, scenario_yaml=file[Part.SCENARIO].asstr()[()],
            time_d=file[Part.TIME][:n_rows], lesions=lesions, roles=_texts(file[Part.LESION_ROLE]),
            nodal=tuple(file[Part.LESION_IS_NODAL][:].astype(bool).tolist()),
            occult=tuple(file[Part.LESION_IS_OCCULT][:].astype(bool).tolist()), baseline_cm=file[Part.LESION_BASELINE][:],
            drugs=drugs, drug_classes=of_drugs, drug_level_units=_texts(file[Part.DRUG_LEVEL_UNIT]),
            classes=read_classes(str(attributes.get(Attribute.DRUG_CLASSES, "")), drugs, of_drugs),
            series=series, units={name: _word(file, name, Attribute.UNITS) or EXPECTED.get(name, "1") for name in series},
            long_names={name: _word(file, name, Attribute.LONG_NAME) or name for name in series},
            events=[event for event in map(Event, *columns) if event.time_d <= committed_d],
            damage=tuple(dict.fromkeys((*damage, *damaged))))


def _series(file: h5py.File, n_rows: int, lengths: Mapping[str, int]) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Return every series (n_rows, ...), and what is wrong with them; one that cannot be read is nan."""
    n_times, damage = len(file[Part.TIME]), []
    series = {}
    for name in [name for name, item in file.items() if _is_series(item)]:
        shape = file[name].shape
        # The one series of drugs has an axis of drugs, all others of lesions.
        below = () if len(shape) == 1 else (lengths[Part.DRUG if name == Part.DRUG_LEVEL else Part.LESION],)
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
            series[name] = np.full((n_rows, lengths[Part.LESION]), np.nan)
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
    series = {name: values if values.ndim == 1 or name == Part.DRUG_LEVEL else values[:, places] for name, values in record.series.items()}
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
        name = record.arm, record.replicate
        if name in seen:
            raise RecordError(f"{record.path} and {seen[name].path}: both are replicate {name[1]} of the arm {name[0]}; "
                              f"give one run another arm, as in --set arm=slower")
        seen[name] = record


def ended_on_day(record: Record) -> float | None:
    """Return the day on which the patient reached the lethal burden, None if it did not."""
    return next((event.time_d for event in record.events if event.kind == "lethal_burden"), None)


def load_snapshots(path: Path | str, lesion: str, at: Sequence[int] | None = None) -> Snapshots:
    """Read the snapshots of one lesion up to the last commit: all, or those `at` some places, in increasing order.

    Raises:
        RecordError: as `load`, or the record has no such lesion.
    """
    with _opened(path) as (file, _):
        if lesion not in (lesions := _texts(file[Part.LESION])):
            raise RecordError(f"{path}: no lesion {lesion}; lesions: {', '.join(lesions)}")
        group = file[Part.SNAPSHOTS][lesion]
        n = _count_until(group[Part.SNAPSHOT_TIME], file.attrs[Attribute.COMMITTED_TIME] + TIME_TOLERANCE_D)
        rows = slice(n) if at is None else [place for place in at if place < n]
        fields = {field.name: group[field.name][rows] for field in SNAPSHOT_FIELDS}
        return Snapshots(time_d=group[Part.SNAPSHOT_TIME][rows], x_um=group[Part.X][:], y_um=group[Part.Y][:], z_um=group[Part.Z][:],
                         scale=group[Part.SCALE][rows], **fields)


def snapshot_times(path: Path | str, lesion: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the days of a lesion's snapshots and their scale, without the pictures; raises RecordError as `load_snapshots`."""
    with _opened(path) as (file, _):
        if lesion not in (lesions := _texts(file[Part.LESION])):
            raise RecordError(f"{path}: no lesion {lesion}; lesions: {', '.join(lesions)}")
        group = file[Part.SNAPSHOTS][lesion]
        n = _count_until(group[Part.SNAPSHOT_TIME], file.attrs[Attribute.COMMITTED_TIME] + TIME_TOLERANCE_D)
        return group[Part.SNAPSHOT_TIME][:n], group[Part.SCALE][:n]


def dates(record: Record, times_d: Sequence[float] | NDArray[np.float64] | None = None) -> list[datetime]:
    """Return the calendar instants of times in days since the start (default: the record's rows)."""
    return [record.start + timedelta(days=float(time_d)) for time_d in (record.time_d if times_d is None else times_d)]


@contextmanager
def _opened(path: Path | str) -> Iterator[tuple[h5py.File, tuple[str, ...]]]:
    """Open a record for reading, with a list of its damaged parts; every defect of a file becomes one message."""
    try:
        damage = examine(path).damage
        with open_to_read(path) as file:
            if file.attrs.get(Attribute.SCHEMA) != SCHEMA:
                raise RecordError(f"{path}: an HDF5 file, but no LesionLab record")
            version = str(file.attrs[Attribute.SCHEMA_VERSION])
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
    return is_plain and Part.TIME in item.dims[0]


def _texts(dataset: h5py.Dataset) -> tuple[str, ...]:
    return tuple(dataset.asstr()[:].tolist())


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def by_arm(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records of each arm, arms in the order in which they first come."""
    arms: dict[str, list[Record]] = {}
    for record in records:
        arms.setdefault(record.arm, []).append(record)
    return arms


def values(record: Record, name: str, lesion: str) -> NDArray[np.float64]:
    """Return a series (n_times,) of one lesion, or of the patient if it has no lesion axis; all nan if the record lacks it."""
    series = record.series.get(name)
    if series is None or (series.ndim > 1 and lesion not in record.lesions):
        return np.full(len(record.time_d), np.nan)
    return series[:, record.lesions.index(lesion)] if series.ndim > 1 else series

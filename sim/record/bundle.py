"""Many records as one file: every series gains the dimension `run`, and is nan after the end of an arm that ended early."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from lesionlab.sim import DISCLAIMER
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.files import draft, reason, through_links
from lesionlab.sim.record.layout import TEXT, add_axis
from lesionlab.sim.record.reader import opened
from lesionlab.sim.record.schema import DRUG_COLUMNS, EVENT_COLUMNS, LESION_COLUMNS, Attribute, Part

SCHEMA = "lesionlab-bundle"
SCHEMA_VERSION = "1.1.0"
NAMED_AXES: tuple[str, ...] = (Part.LESION, Part.DRUG)
AXES = (Part.TIME, *NAMED_AXES)
ATTRIBUTES: tuple[str, ...] = (
    Attribute.ARM, Attribute.SEED, Attribute.REPLICATE, Attribute.PATIENT, Attribute.IS_QUICK, Attribute.END_REASON, Attribute.CODE_VERSION,
    Attribute.START_DATE, Attribute.DETECTION_LIMIT)
UNITS_OF = {Attribute.DETECTION_LIMIT: "cm"}


class Packed(NamedTuple):
    """One complete run: its name, its record, its point in the design (dotted path to value) and the units of those values."""

    run_id: str
    path: Path
    point: Mapping[str, Any]
    units: Mapping[str, str] = {}


class Outline(NamedTuple):
    """The union of all records: times (d), names on the axes, and for each series its dimensions, unit and long name."""

    axes: dict[str, NDArray[Any]]
    series: dict[str, tuple[tuple[str, ...], str, str]]


def pack(runs: Sequence[Packed], output: Path, on_progress: Callable[[int], None] | None = None) -> None:
    """Write all runs to one HDF5 file, one record in memory at a time; lesions and drugs are matched by name.

    Raises:
        UserError: there is nothing to pack, a record cannot be read, or its rows are spaced otherwise than the longest's.
    """
    if not runs:
        raise UserError("no run is complete: nothing to pack")
    outline = _outline(runs)
    target = through_links(output)
    try:
        with draft(target) as made:
            with made.hdf5("w") as file:
                _fill(file, runs, outline, on_progress)
            made.place(is_new=False)
    except OSError as error:
        raise UserError(f"{output}: cannot be written: {reason(error)}") from error


def _fill(file: h5py.File, runs: Sequence[Packed], outline: Outline, on_progress: Callable[[int], None] | None) -> None:
    _lay_out(file, runs, outline)
    for index, run in enumerate(runs):
        _copy(file, index, run.path, outline)
        if on_progress:
            on_progress(index + 1)
    _copy_words(file, runs)
    _copy_events(file, runs)


def _copy_words(file: h5py.File, runs: Sequence[Packed]) -> None:
    """Write what is said of lesions and drugs in words, such as the unit of a drug's level; it is the same in every run that has them."""
    for axis, columns in ((Part.LESION, LESION_COLUMNS), (Part.DRUG, DRUG_COLUMNS)):
        for column in (column for column in columns if column.dtype is str):
            known: dict[str, str] = {}
            for run in runs:
                with opened(run.path) as record:
                    known = dict(zip(_axis(record, axis), _axis(record, column.name), strict=True)) | known
            names = file[axis].asstr()[:] if len(file[axis]) else ()
            words = file.create_dataset(column.name, data=[known[name] for name in names], dtype=TEXT, shape=(len(file[axis]),))
            words.attrs[Attribute.LONG_NAME] = column.long_name
            words.dims[0].attach_scale(file[axis])


def _copy_events(file: h5py.File, runs: Sequence[Packed]) -> None:
    """Write the events of all runs, scans among them, one after the other, with the number of the run of each."""
    columns: dict[str, list[Any]] = {column.name: [] for column in EVENT_COLUMNS}
    counts = []
    for run in runs:
        with opened(run.path) as record:
            counts.append(len(record[Part.EVENT_TIME]))
            for name, values in columns.items():
                values.extend(_axis(record, name))
    add_axis(file, Part.EVENT, np.arange(sum(counts)), "", "event", is_growing=not sum(counts))
    of_run = file.create_dataset("event_run", data=np.repeat(np.arange(len(runs)), counts), dtype=np.int64)
    of_run.attrs.update({Attribute.UNITS: "1", Attribute.LONG_NAME: "place of the event's run on the axis run"})
    of_run.dims[0].attach_scale(file[Part.EVENT])
    for column in EVENT_COLUMNS:
        written = file.create_dataset(column.name, data=columns[column.name], shape=(sum(counts),),
                                      dtype=TEXT if column.dtype is str else column.dtype)
        written.attrs.update({Attribute.LONG_NAME: column.long_name} | ({Attribute.UNITS: column.unit} if column.unit else {}))
        written.dims[0].attach_scale(file[Part.EVENT])


def _axis(record: h5py.File, name: str) -> NDArray[Any]:
    return np.array(record[name].asstr()[:] if record[name].dtype.kind == "O" else record[name][:])


def _outline(runs: Sequence[Packed]) -> Outline:
    """Return the axes and series of all records together."""
    times: dict[Path, NDArray[Any]] = {}
    named: dict[str, dict[str, None]] = {name: {} for name in NAMED_AXES}
    series: dict[str, tuple[tuple[str, ...], str, str]] = {}
    for run in runs:
        with opened(run.path) as record:
            times[run.path] = _axis(record, Part.TIME)
            for name, known in named.items():
                known.update(dict.fromkeys(_axis(record, name)))
            for name, dataset in record.items():
                if _is_series(dataset):
                    dimensions = tuple(axis.label or axis[0].name.lstrip("/") for axis in dataset.dims)
                    series[name] = (dimensions, dataset.attrs.get(Attribute.UNITS, "1"), dataset.attrs.get(Attribute.LONG_NAME, name))
    return Outline({Part.TIME: _common_times(times), **{name: np.array(list(known), object) for name, known in named.items()}}, series)


def _is_series(dataset: Any) -> bool:
    """Return whether this is numbers over time, lesion or drug."""
    if not isinstance(dataset, h5py.Dataset) or dataset.is_scale or dataset.dtype.kind not in "fiu" or not dataset.shape:
        return False
    return all(len(axis) and axis[0].name.lstrip("/") in AXES for axis in dataset.dims)


def _common_times(times: Mapping[Path, NDArray[Any]]) -> NDArray[Any]:
    """Return all times; every record follows the longest, but for the last row of one that ended early."""
    longest = max(times.values(), key=len)
    for path, own in times.items():
        if not np.isin(own[:-1], longest).all():
            raise UserError(f"{path}: its rows are spaced otherwise than those of the longest run; they cannot share a file")
    return np.unique(np.concatenate([longest, *(own[-1:] for own in times.values())]))


def _lay_out(file: h5py.File, runs: Sequence[Packed], outline: Outline) -> None:
    """Write the axes, the metadata of each run, and every series filled with nan."""
    file.attrs.update({Attribute.CONVENTIONS: "CF-1.11", Attribute.SCHEMA: SCHEMA, Attribute.SCHEMA_VERSION: SCHEMA_VERSION,
                       Attribute.DISCLAIMER: DISCLAIMER, "density_note": "nan: the run had ended, or has no such lesion or drug"})
    add_axis(file, "run", [run.run_id for run in runs], "", "run")
    add_axis(file, Part.TIME, outline.axes[Part.TIME], "d", "time since the start")
    for name in NAMED_AXES:
        add_axis(file, name, list(outline.axes[name]), "", name, is_growing=not len(outline.axes[name]))
    for name in ATTRIBUTES:
        _add_column(file, name, [_attribute(run.path, name) for run in runs], f"{name} of the run", UNITS_OF.get(Attribute(name), "1"))
    for path in dict.fromkeys(key for run in runs for key in run.point):
        _add_column(file, f"point_{path.replace('/', '_')}", [run.point.get(path) for run in runs], f"value of {path} in the design",
                    next((run.units[path] for run in runs if path in run.units), "1"))
    for name, (dimensions, unit, long_name) in outline.series.items():
        axes = [file[axis] for axis in ("run", *dimensions)]
        shape = tuple(len(axis) for axis in axes)
        packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (1, *shape[1:])} if all(shape) else {}
        dataset = file.create_dataset(name, shape, np.float64, fillvalue=np.nan, **packing)
        dataset.attrs.update({Attribute.UNITS: unit, Attribute.LONG_NAME: long_name})
        for index, axis in enumerate(axes):
            dataset.dims[index].attach_scale(axis)


def _attribute(path: Path, name: str) -> Any:
    with opened(path) as record:
        return record.attrs.get(name, "")


def _add_column(file: h5py.File, name: str, values: Sequence[Any], long_name: str, unit: str) -> None:
    """Write one value a run: numbers as they are (nan where a run has none), anything else as JSON text."""
    is_number = all(isinstance(value, (int, float, np.integer, np.floating)) or value is None for value in values)
    if is_number:
        is_whole = all(isinstance(value, (int, np.integer)) for value in values)
        numbers = np.array([np.nan if value is None else value for value in values], np.int64 if is_whole else np.float64)
        column = file.create_dataset(name, data=numbers, dtype=numbers.dtype)
        column.attrs[Attribute.UNITS] = unit
    else:
        words = [value if isinstance(value, str) else json.dumps(value, default=str) for value in values]
        column = file.create_dataset(name, data=words, dtype=TEXT)
    column.attrs[Attribute.LONG_NAME] = long_name
    column.dims[0].attach_scale(file["run"])


def _copy(file: h5py.File, index: int, path: Path, outline: Outline) -> None:
    """Copy one record's series to their places; series that the record lacks stay nan."""
    with opened(path) as record:
        places = {name: np.flatnonzero(np.isin(outline.axes[name], _axis(record, name))) if name == Part.TIME else
                  np.array([list(outline.axes[name]).index(word) for word in _axis(record, name)], int) for name in AXES}
        for name, (dimensions, _, _) in outline.series.items():
            if name in record:
                whole = np.full(file[name].shape[1:], np.nan)
                whole[np.ix_(*(places[axis] for axis in dimensions))] = record[name][()]
                file[name][index] = whole

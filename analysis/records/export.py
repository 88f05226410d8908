"""Records for other tools: tidy tables as CSV or Parquet, and sections as VTKHDF image data with time steps (ParaView)."""

import csv
from collections.abc import Callable, Iterator
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, load_snapshots
from lesionlab.analysis.records.written import created, refuse_existing
from lesionlab.sim.record.schema import SNAPSHOT_FIELDS, Attribute, Part

DISCLAIMER = "Illustrative, not for clinical use"


class Row(NamedTuple):
    """One value of one series; `lesion` is "" for what belongs to the patient, the unit "1" is dimensionless."""

    arm: str
    replicate: int
    time_d: float
    lesion: str
    quantity: str
    unit: str
    value: float


class Column(NamedTuple):
    """One series of one lesion, or of the patient: values (time,)."""

    lesion: str
    quantity: str
    unit: str
    values: NDArray[np.float64]


def columns(record: Record) -> Iterator[Column]:
    """Take the series apart: one column a lesion, one a drug (`drug_level:NAME`), one for each systemic series."""
    for name, values in record.series.items():
        if values.ndim == 1:
            yield Column("", name, record.units[name], values)
        elif name == Part.DRUG_LEVEL:
            for index, (drug, unit) in enumerate(zip(record.drugs, record.drug_level_units, strict=True)):
                yield Column("", f"{name}:{drug}", unit, values[:, index])
        else:
            for index, lesion in enumerate(record.lesions):
                yield Column(lesion, name, record.units[name], values[:, index])


def tidy_rows(record: Record) -> Iterator[Row]:
    """Return the series of a record in long form, column by column in the order of time; missing values are left out."""
    arm, replicate, times_d = record.arm, record.replicate, record.time_d.tolist()
    for lesion, quantity, unit, values in columns(record):
        for time_d, value in zip(times_d, values.tolist(), strict=True):
            if not isnan(value):
                yield Row(arm, replicate, time_d, lesion, quantity, unit, value)


def write_csv(record: Record, path: Path, is_forced: bool = False) -> tuple[Path, ...]:
    """Write the tidy table with a heading, and return the path written.

    Raises:
        RecordError: the file exists and `is_forced` is not set, or cannot be written.
    """
    with created(path, is_forced) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(tidy_rows(record))
    return (path,)


def write_parquet(record: Record, path: Path, is_forced: bool = False) -> tuple[Path, ...]:
    """Write the tidy table as Parquet, text as dictionaries, and return the path written.

    Raises:
        RecordError: as `write_csv`, or pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise RecordError('Parquet needs pyarrow: pip install "lesionlab[report]"') from error
    text, real = pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), pyarrow.float64()
    types = dict(zip(Row._fields, (text, pyarrow.int64(), real, text, text, text, real), strict=True))
    by_field = zip(Row._fields, zip(*tidy_rows(record), strict=True), strict=False)
    arrays = {name: pyarrow.array(values, types[name]) for name, values in by_field}
    schema = pyarrow.schema(list(types.items()), metadata={"disclaimer": DISCLAIMER})
    with created(path, is_forced) as temporary:
        pyarrow.parquet.write_table(pyarrow.table(arrays, schema=schema) if arrays else schema.empty_table(), temporary)
    return (path,)


def write_vtkhdf(record: Record, path: Path, is_forced: bool = False) -> tuple[Path, ...]:
    """Write each lesion's snapshots to `NAME_LESION.vtkhdf` beside `path` and return the paths written.

    Cells are lattice sites, lengths um of the section, time days. Lesions without a snapshot have no file.

    Raises:
        RecordError: a file exists and `is_forced` is not set, or cannot be written.
    """
    paths = {lesion: path.with_name(f"{path.stem}_{lesion}.vtkhdf") for lesion in record.lesions}
    for existing in paths.values():
        refuse_existing(existing, is_forced)
    written = []
    for lesion, target in paths.items():
        snapshots = load_snapshots(record.path, lesion)
        if len(snapshots.time_d):
            fields = {field.name: getattr(snapshots, field.name) for field in SNAPSHOT_FIELDS}
            axes_um = (snapshots.x_um, snapshots.y_um, snapshots.z_um)
            with created(target, is_forced) as temporary, h5py.File(temporary, "w", locking=False) as file:
                file.attrs[Attribute.DISCLAIMER] = DISCLAIMER
                _write_image(file.create_group("VTKHDF", track_order=True), snapshots.time_d, axes_um, fields)
            written.append(target)
    return tuple(written)


WRITERS: dict[str, Callable[[Record, Path, bool], tuple[Path, ...]]] = {
    "csv": write_csv, "parquet": write_parquet, "vtkhdf": write_vtkhdf}


def _write_image(group: h5py.Group, times_d: NDArray[np.float64], axes_um: tuple[NDArray[np.float64], ...],
                 fields: dict[str, NDArray[Any]]) -> None:
    """Write image data with time steps (VTKHDF 2.0): cell fields (time, z, y, x) on axes (x, y, z) of site centres."""
    site_um = next(float(axis[1] - axis[0]) for axis in axes_um if len(axis) > 1)
    extent = [bound for axis in axes_um for bound in (0, len(axis))]
    # VTK reads the type only as a fixed-length ASCII string.
    group.attrs.create("Type", np.bytes_("ImageData"))
    group.attrs.create("Version", np.array([2, 0], dtype=np.int64))
    group.attrs.create("WholeExtent", np.array(extent, dtype=np.int64))
    group.attrs.create("Origin", np.array([axis[0] - site_um / 2 for axis in axes_um], dtype=np.float64))
    group.attrs.create("Spacing", np.full(3, site_um))
    group.attrs.create("Direction", np.eye(3).ravel())
    steps = group.create_group("Steps")
    steps.attrs.create("NSteps", np.int64(len(times_d)))
    steps.create_dataset("Values", data=times_d, dtype=np.float64)
    for name, values in fields.items():
        group.create_dataset(f"CellData/{name}", data=values, dtype=values.dtype, chunks=(1, *values.shape[1:]),
                             compression="gzip", compression_opts=4, shuffle=True)
        steps.create_dataset(f"CellDataOffsets/{name}", data=np.arange(len(times_d)), dtype=np.int64)

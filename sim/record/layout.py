"""A record on disk: the declared datasets with their axes, written by `lay_out` and filled by `extend`.

Every axis of every dataset has a dimension scale of the same name, and every numeric dataset has its unit, so that
the file opens as netCDF-4 (xarray, h5dump). The time axis of snapshots is called `snapshot_time`, because xarray rejects
a tree in which a group and its parent have different coordinates for the same dimension.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from lesionlab.sim import DISCLAIMER
from lesionlab.sim.record.schema import (
    CELL_STATES,
    DRUG_COLUMNS,
    EVENT_COLUMNS,
    LESION_COLUMNS,
    MISSING,
    SCHEMA,
    SCHEMA_VERSION,
    SNAPSHOT_AXES,
    SNAPSHOT_FIELDS,
    SNAPSHOT_SCALE,
    VESSEL_STATES,
    Attribute,
    Part,
    Variable,
)

TEXT = h5py.string_dtype()
ROWS_PER_CHUNK = 128
LABEL_LEVEL, FIELD_LEVEL = 1, 4
NOT_A_VARIABLE = "This is a netCDF dimension but not a netCDF variable."


@dataclass(frozen=True)
class LesionHeader:
    """One lesion: role (target, non_target, not_evaluable), clinical size (cm, longest first), section (nz, ny, nx) sites."""

    name: str
    role: str
    is_nodal: bool
    is_occult: bool
    baseline_cm: float
    shape: tuple[int, int, int]
    site_um: float


@dataclass(frozen=True)
class DrugHeader:
    """One drug: its class (anti_pd1, vegfr_tki) and the unit of its level."""

    name: str
    drug_class: str
    level_unit: str


@dataclass(frozen=True)
class Series:
    """One time series: dimensions are ("time",), ("time", "lesion") or ("time", "drug"); unit "1" if dimensionless."""

    name: str
    unit: str
    long_name: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """The data known before the first step: root attributes, the resolved scenario and every series to be written."""

    attributes: Mapping[str, Any]
    scenario_yaml: str
    lesions: tuple[LesionHeader, ...]
    drugs: tuple[DrugHeader, ...]
    series: tuple[Series, ...]


def lay_out(file: h5py.File, header: Header) -> None:
    """Write the complete empty layout of a record into a new file: every dataset of a record except those of checkpoints."""
    file.attrs.update({name: int(value) if isinstance(value, bool) else value for name, value in header.attributes.items()})
    file.attrs.update({
        Attribute.CONVENTIONS: "CF-1.11", Attribute.SCHEMA: SCHEMA, Attribute.SCHEMA_VERSION: SCHEMA_VERSION,
        Attribute.STATUS: "running", Attribute.END_REASON: "", Attribute.STATE_SHA256: "", Attribute.COMMITTED_TIME: np.nan,
        Attribute.DISCLAIMER: DISCLAIMER, Attribute.MISSING_VALUES: MISSING, Attribute.SEAL: "sha256 of the file, behind its data"})
    file.create_dataset(Part.SCENARIO, data=header.scenario_yaml, dtype=TEXT).attrs[Attribute.LONG_NAME] = "resolved scenario"
    lesions, drugs = header.lesions, header.drugs
    add_axis(file, Part.TIME, np.empty(0), "d", "time since the start", is_growing=True)
    add_axis(file, Part.EVENT, np.empty(0, np.int32), "1", "index of the event", is_growing=True)
    add_axis(file, Part.LESION, [lesion.name for lesion in lesions], "", "lesion")
    # A dimension of length 0 must be extensible: HDF5 has no chunks, and netCDF no fixed dimension, of length 0.
    add_axis(file, Part.DRUG, [drug.name for drug in drugs], "", "drug", is_growing=not drugs)
    of_lesions: tuple[list[Any], ...] = tuple(map(list, zip(*(
        (lesion.role, lesion.is_nodal, lesion.is_occult, lesion.baseline_cm) for lesion in lesions), strict=True)))
    for column, values in zip(LESION_COLUMNS, of_lesions, strict=True):
        add_variable(file, column, (Part.LESION,))[...] = values
    for column, values in zip(DRUG_COLUMNS, ([drug.drug_class for drug in drugs], [drug.level_unit for drug in drugs]), strict=True):
        add_variable(file, column, (Part.DRUG,))[...] = values
    for series in header.series:
        variable = Variable(series.name, np.float64, series.unit, series.long_name)
        add_variable(file, variable, series.dimensions).attrs[Attribute.MISSING_VALUE] = np.nan
    for column in EVENT_COLUMNS:
        add_variable(file, column, (Part.EVENT,))
    for lesion in lesions:
        _lay_out_snapshots(file.create_group(f"{Part.SNAPSHOTS}/{lesion.name}", track_order=True), lesion)


def _lay_out_snapshots(group: h5py.Group, lesion: LesionHeader) -> None:
    add_axis(group, Part.SNAPSHOT_TIME, np.empty(0), "d", "time of the snapshot since the start", is_growing=True)
    for name, sites in zip(SNAPSHOT_AXES[1:], lesion.shape, strict=True):
        positions_um = (np.arange(sites) - (sites - 1) / 2) * lesion.site_um
        add_axis(group, name, positions_um, "um", f"{name} from the centre of the section")
    for field in SNAPSHOT_FIELDS:
        add_variable(group, field, SNAPSHOT_AXES, FIELD_LEVEL if field.is_field else LABEL_LEVEL)
    for name, meanings in (("cell_state", CELL_STATES), ("vessels", VESSEL_STATES)):
        codes = np.arange(len(meanings.split()), dtype=np.uint8)
        group[name].attrs.update(flag_values=codes, flag_meanings=meanings)
    add_variable(group, SNAPSHOT_SCALE, (Part.SNAPSHOT_TIME,))


def add_axis(group: h5py.Group, name: str, values: Sequence[str] | NDArray[Any], unit: str, long_name: str,
             is_growing: bool = False) -> h5py.Dataset:
    """Write a dimension scale (n,) of strings or numbers; a growing one has no maximum length."""
    dtype = values.dtype if isinstance(values, np.ndarray) else TEXT
    growth: dict[str, Any] = {"maxshape": (None,), "chunks": (ROWS_PER_CHUNK,), "fletcher32": dtype is not TEXT} if is_growing else {}
    if is_growing and dtype == np.float64:
        # Rows left unwritten by a kill must not be read as day 0.
        growth["fillvalue"] = np.nan
    axis = group.create_dataset(name, data=values, dtype=dtype, shape=(len(values),), **growth)
    axis.make_scale(name)
    # h5py stores a plain str only, not an enumeration's.
    axis.attrs[Attribute.LONG_NAME] = str(long_name)
    if unit:
        axis.attrs[Attribute.UNITS] = unit
    return axis


def add_variable(group: h5py.Group, declared: Variable, dimensions: tuple[str, ...], level: int = 0) -> h5py.Dataset:
    """Write an empty variable over axes of the group; it grows with them. Floats start as nan; level 0 is uncompressed.

    Growing numeric variables have a checksum; the others are covered by the file's seal only.
    """
    axes, dtype = [group[dimension] for dimension in dimensions], TEXT if declared.dtype is str else declared.dtype
    is_growing = any(axis.maxshape == (None,) for axis in axes)
    # A field's chunk is one snapshot, the unit that a reader plots.
    rows = ROWS_PER_CHUNK if len(axes) < 4 else 1
    options: dict[str, Any] = {"fillvalue": np.nan} if np.issubdtype(np.dtype(dtype), np.floating) else {}
    if is_growing:
        options["maxshape"] = tuple(axis.maxshape[0] for axis in axes)
        options["chunks"] = (rows, *(max(1, len(axis)) for axis in axes[1:]))
        # HDF5 computes checksums of numbers only.
        options["fletcher32"] = dtype is not TEXT
    if is_growing and level:
        options |= {"compression": "gzip", "compression_opts": level, "shuffle": True}
    variable = group.create_dataset(declared.name, shape=tuple(len(axis) for axis in axes), dtype=dtype, **options)
    for index, axis in enumerate(axes):
        variable.dims[index].attach_scale(axis)
    variable.attrs[Attribute.LONG_NAME] = declared.long_name
    if declared.unit:
        variable.attrs[Attribute.UNITS] = declared.unit
    return variable


def extend(group: h5py.Group, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
    """Append rows to datasets that grow along their first axis; the first column is their shared dimension scale."""
    if not columns or not len(next(iter(columns.values()))):
        return
    old = len(group[next(iter(columns))])
    for name, rows in columns.items():
        dataset = group[name]
        dataset.resize(old + len(rows), axis=0)
        dataset[old:] = np.asarray(rows, dtype=dataset.dtype)


def add_checkpoint(file: h5py.File, name: str, arrays: Mapping[str, NDArray[Any]], time_d: float, state_sha256: str) -> None:
    """Write a new group of unchanged state arrays (dtype, shape, bytes), over unnamed axes that netCDF readers do not list."""
    group = file.create_group(name, track_order=True)
    group.attrs.update({Attribute.TIME: float(time_d), Attribute.STATE_SHA256: state_sha256})
    for path, value in arrays.items():
        array = np.asarray(value)
        packing = {"compression": "gzip", "compression_opts": LABEL_LEVEL, "shuffle": True, "fletcher32": True} if array.size > 64 else {}
        dataset = group.create_dataset(path, data=array, dtype=array.dtype, **packing)
        dataset.attrs.update({Attribute.UNITS: "1", Attribute.LONG_NAME: "state at the checkpoint"})
        for index, length in enumerate(array.shape):
            axis = f"axis_{index}_of_{length}"
            if axis not in group:
                growth = {} if length else {"maxshape": (None,), "chunks": (1,)}
                group.create_dataset(axis, shape=(length,), dtype=np.uint8, **growth).make_scale(f"{NOT_A_VARIABLE}{length:10d}")
            dataset.dims[index].attach_scale(group[axis])


def round_mantissa(values: NDArray[np.floating], bits: int = 10) -> NDArray[np.float32]:
    """Return float32 `values` rounded to `bits` mantissa bits, ties to even, for better compression: relative error 2**-(bits + 1)."""
    dropped = 23 - bits
    words = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32((1 << (dropped - 1)) - 1) + ((words >> np.uint32(dropped)) & np.uint32(1))
    rounded: NDArray[np.float32] = ((words + half) & ~np.uint32((1 << dropped) - 1)).view(np.float32)
    return rounded

"""The layout of a record on disk: one HDF5 file per run, declared only in `lay_out`.

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
from lesionlab.sim.record.seal import Declared
from lesionlab.sim.state.codes import CellState

SCHEMA = "lesionlab-run"
SCHEMA_VERSION = "1.0.0"
TEXT = h5py.string_dtype()
CELL_STATES = " ".join(state.name.lower() for state in CellState)
VESSEL_STATES = "none unperfused perfused"
ROWS_PER_CHUNK = 128
LABEL_LEVEL, FIELD_LEVEL = 1, 4
MISSING = "nan is a missing value: a share, mean or density of what is not there, as in a lesion that has died out"
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
    """One drug: the name of its class and the unit of its level."""

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


EVENT_COLUMNS = (("event_time_d", np.float64, "d", "time of the event since the start"),
                 ("event_kind", TEXT, "", "fraction, dose, scan or lethal_burden"),
                 ("event_lesion", TEXT, "", "lesion the event belongs to, empty if none"),
                 ("event_label", TEXT, "", "course or drug the event belongs to"),
                 ("event_value", np.float64, "1", "fraction: Gy to the mass; dose: mg; otherwise nan"),
                 ("event_value_core", np.float64, "Gy", "fraction: dose to the core, nan if the course has none"))
SNAPSHOT_COLUMNS = (("cell_state", np.uint8, "1", "state of the site's tumour cell", LABEL_LEVEL),
                    ("oxygen", np.float32, "mmHg", "oxygen partial pressure, 10 mantissa bits", FIELD_LEVEL),
                    ("t_cells", np.uint8, "1", "T cells at the site", LABEL_LEVEL),
                    ("vessels", np.uint8, "1", "vessel at the site", LABEL_LEVEL))

_OF_LESION = {"lesion_role": "text", "lesion_is_nodal": "number", "lesion_is_occult": "number", "lesion_baseline_cm": "number"}
DECLARED = Declared(
    attributes={"arm": "text", "replicate": "whole", "seed": "whole", "is_quick": "whole", "start_date": "date", "end_date": "date",
                "code_version": "text", "status": "text", "end_reason": "text", "state_sha256": "text", "committed_time_d": "number",
                **dict.fromkeys(("until_d", "fork_day", "detection_limit_cm"), "number?"), "patient": "whole?",
                **dict.fromkeys(("title", "disclaimer", "provenance", "drug_classes", "continued_with", "run_identity", "parent_record",
                                 "parent_arm", "parent_state_sha256", "parent_scenario_yaml", "fork_state_sha256"), "text?")},
    datasets={"scenario_yaml": ("text", ()), "time": ("number", ("time",)), "event": ("number", ("event",)),
              "lesion": ("text", ("lesion",)), "drug": ("text", ("drug",)),
              **{name: (kind, ("lesion",)) for name, kind in _OF_LESION.items()},
              **dict.fromkeys(("drug_class", "drug_level_unit"), ("text", ("drug",))),
              **{name: ("text" if dtype is TEXT else "number", ("event",)) for name, dtype, _, _ in EVENT_COLUMNS}},
    pictures={**{name: ("number", (name,)) for name in ("snapshot_time", "z", "y", "x")}, "scale": ("number", ("snapshot_time",)),
              **{name: ("number", ("snapshot_time", "z", "y", "x")) for name, *_ in SNAPSHOT_COLUMNS}})
"""The contents that a record must have to be read; `analysis` checks against the same declaration."""


def lay_out(file: h5py.File, header: Header) -> None:
    """Write the complete empty layout of a record into a new file: every dataset of a record except those of checkpoints."""
    file.attrs.update({name: int(value) if isinstance(value, bool) else value for name, value in header.attributes.items()})
    file.attrs.update(Conventions="CF-1.11", schema=SCHEMA, schema_version=SCHEMA_VERSION, status="running", end_reason="",
                      state_sha256="", committed_time_d=np.nan, disclaimer=DISCLAIMER, missing_values=MISSING,
                      seal="sha256 of the file, behind its data")
    file.create_dataset("scenario_yaml", data=header.scenario_yaml, dtype=TEXT).attrs["long_name"] = "resolved scenario"
    lesions, drugs = header.lesions, header.drugs
    add_axis(file, "time", np.empty(0), "d", "time since the start", is_growing=True)
    add_axis(file, "event", np.empty(0, np.int32), "1", "index of the event", is_growing=True)
    add_axis(file, "lesion", [lesion.name for lesion in lesions], "", "lesion")
    # A dimension of length 0 must be extensible: HDF5 has no chunks, and netCDF no fixed dimension, of length 0.
    add_axis(file, "drug", [drug.name for drug in drugs], "", "drug", is_growing=not drugs)
    for name, values, dtype, unit, long_name in (
            ("lesion_role", [lesion.role for lesion in lesions], TEXT, "", "target, non_target or not_evaluable"),
            ("lesion_is_nodal", [lesion.is_nodal for lesion in lesions], np.uint8, "1", "1 for a lymph node"),
            ("lesion_is_occult", [lesion.is_occult for lesion in lesions], np.uint8, "1", "1 if not known at the start"),
            ("lesion_baseline_cm", [lesion.baseline_cm for lesion in lesions], np.float64, "cm", "size at the start")):
        add_variable(file, name, ("lesion",), dtype, unit, long_name)[...] = values
    for name, words, long_name in (("drug_class", [drug.drug_class for drug in drugs], "class of the drug"),
                                   ("drug_level_unit", [drug.level_unit for drug in drugs], "unit of drug_level")):
        add_variable(file, name, ("drug",), TEXT, "", long_name)[...] = words
    for series in header.series:
        add_variable(file, series.name, series.dimensions, np.float64, series.unit, series.long_name).attrs["missing_value"] = np.nan
    for name, dtype, unit, long_name in EVENT_COLUMNS:
        add_variable(file, name, ("event",), dtype, unit, long_name)
    for lesion in lesions:
        _lay_out_snapshots(file.create_group(f"snapshots/{lesion.name}", track_order=True), lesion)


def _lay_out_snapshots(group: h5py.Group, lesion: LesionHeader) -> None:
    add_axis(group, "snapshot_time", np.empty(0), "d", "time of the snapshot since the start", is_growing=True)
    for name, sites in zip("zyx", lesion.shape, strict=True):
        positions_um = (np.arange(sites) - (sites - 1) / 2) * lesion.site_um
        add_axis(group, name, positions_um, "um", f"{name} from the centre of the section")
    for name, dtype, unit, long_name, level in SNAPSHOT_COLUMNS:
        add_variable(group, name, ("snapshot_time", "z", "y", "x"), dtype, unit, long_name, level)
    for name, meanings in (("cell_state", CELL_STATES), ("vessels", VESSEL_STATES)):
        codes = np.arange(len(meanings.split()), dtype=np.uint8)
        group[name].attrs.update(flag_values=codes, flag_meanings=meanings)
    add_variable(group, "scale", ("snapshot_time",), np.float64, "1", "clinical length per length in the section")


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
    axis.attrs["long_name"] = long_name
    if unit:
        axis.attrs["units"] = unit
    return axis


def add_variable(group: h5py.Group, name: str, dimensions: tuple[str, ...], dtype: Any, unit: str, long_name: str,
                 level: int = 0) -> h5py.Dataset:
    """Write an empty variable over axes of the group; it grows with them. Floats start as nan; level 0 is uncompressed.

    Growing numeric variables have a checksum; the others are covered by the file's seal only.
    """
    axes = [group[dimension] for dimension in dimensions]
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
    variable = group.create_dataset(name, shape=tuple(len(axis) for axis in axes), dtype=dtype, **options)
    for index, axis in enumerate(axes):
        variable.dims[index].attach_scale(axis)
    variable.attrs["long_name"] = long_name
    if unit:
        variable.attrs["units"] = unit
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
    group.attrs.update(time_d=float(time_d), state_sha256=state_sha256)
    for path, value in arrays.items():
        array = np.asarray(value)
        packing = {"compression": "gzip", "compression_opts": LABEL_LEVEL, "shuffle": True, "fletcher32": True} if array.size > 64 else {}
        dataset = group.create_dataset(path, data=array, dtype=array.dtype, **packing)
        dataset.attrs.update(units="1", long_name="state at the checkpoint")
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

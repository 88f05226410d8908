"""Records as labelled arrays (xarray) and tidy tables (pandas): many runs in one call, padded where runs ended early."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.export import DISCLAIMER, Row, columns
from lesionlab.analysis.records.record import Event, Record, dates, load_snapshots
from lesionlab.sim.record.schema import SNAPSHOT_AXES, SNAPSHOT_FIELDS, SNAPSHOT_SCALE, Attribute, Part

SAME_TIME_DIGITS = 6
RUN = "run"


def dataset(records: Sequence[Record], quantities: Sequence[str] | None = None) -> Any:
    """Return the series of records as one `xarray.Dataset`, every variable with `units` and `long_name`.

    The dimensions are `run` (with the coordinates `arm` and `replicate`; left out for a single record), `time` (days), `lesion` and
    `drug`. A run that ended early, or lacks a lesion or a drug, is nan there.

    Raises:
        RecordError: no record, a quantity that no record has, or xarray is not installed.
    """
    xarray = _xarray()
    names = _asked(records, quantities)
    times_d = np.unique(np.round(np.concatenate([record.time_d for record in records]), SAME_TIME_DIGITS))
    axes: dict[str, list[str]] = {Part.LESION: _union(record.lesions for record in records),
                                  Part.DRUG: _union(record.drugs for record in records)}
    variables = {}
    for name in names:
        first = next(record for record in records if name in record.series)
        below = () if first.series[name].ndim == 1 else (str(Part.DRUG if name == Part.DRUG_LEVEL else Part.LESION),)
        table = np.full((len(records), len(times_d), *(len(axes[axis]) for axis in below)), np.nan)
        for number, record in enumerate(records):
            _fill(table[number], record, name, times_d, axes)
        units = "as drug_level_unit says" if name == Part.DRUG_LEVEL else first.units[name]
        variables[name] = ((RUN, "time", *below), table, {"units": units, "long_name": first.long_names[name]})
    made = xarray.Dataset(variables, _coordinates(records, times_d, axes), {"disclaimer": DISCLAIMER})
    return made if len(records) > 1 else made.isel({RUN: 0}).assign_attrs(_facts(records[0]))


def _coordinates(records: Sequence[Record], times_d: NDArray[np.float64], axes: dict[str, list[str]]) -> dict[str, Any]:
    """Return the coordinates of all axes; dates only where every record begins on one day, roles and units as the first has them."""
    found: dict[str, Any] = {"time": ("time", times_d, {"units": "d", "long_name": "days since the start"}),
                             "arm": (RUN, [record.arm for record in records]),
                             "replicate": (RUN, [record.replicate for record in records]),
                             **{axis: (axis, names) for axis, names in axes.items()}}
    if len({record.start for record in records}) == 1:
        found["date"] = ("time", np.array(dates(records[0], times_d), dtype="datetime64[ns]"))
    units = {drug: unit for record in records for drug, unit in zip(record.drugs, record.drug_level_units, strict=True)}
    roles = {lesion: role for record in records for lesion, role in zip(record.lesions, record.roles, strict=True)}
    found["drug_level_unit"] = (Part.DRUG, [units[drug] for drug in axes[Part.DRUG]])
    found["lesion_role"] = (Part.LESION, [roles[lesion] for lesion in axes[Part.LESION]])
    return found


def _fill(table: NDArray[np.float64], record: Record, name: str, times_d: NDArray[np.float64], axes: dict[str, list[str]]) -> None:
    """Write a record's series into its part of the table, at its times and its lesions or drugs."""
    if name not in record.series:
        return
    rows = np.searchsorted(times_d, np.round(record.time_d, SAME_TIME_DIGITS))
    if table.ndim == 1:
        table[rows] = record.series[name]
        return
    axis, own = (Part.DRUG, record.drugs) if name == Part.DRUG_LEVEL else (Part.LESION, record.lesions)
    table[np.ix_(rows, np.array([axes[axis].index(entry) for entry in own], dtype=np.int64))] = record.series[name]


def snapshots(record: Record, lesion: str) -> Any:
    """Return the pictures of one lesion's section as `xarray.Dataset`: fields (snapshot_time, z, y, x), axes in um, times in days.

    Raises:
        RecordError: the record has no such lesion, or xarray is not installed.
    """
    xarray = _xarray()
    taken = load_snapshots(record.path, lesion)
    fields = {field.name: (SNAPSHOT_AXES, getattr(taken, field.name), {"units": field.unit, "long_name": field.long_name})
              for field in SNAPSHOT_FIELDS}
    scale = {"units": SNAPSHOT_SCALE.unit, "long_name": SNAPSHOT_SCALE.long_name}
    fields[SNAPSHOT_SCALE.name] = ((Part.SNAPSHOT_TIME,), taken.scale, scale)
    axes = zip(SNAPSHOT_AXES, (taken.time_d, taken.z_um, taken.y_um, taken.x_um), ("d", "um", "um", "um"), strict=True)
    return xarray.Dataset(fields, {axis: (axis, places, {"units": unit}) for axis, places, unit in axes},
                          {**_facts(record), "lesion": lesion})


def frame(records: Sequence[Record], quantities: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the series of records as a tidy table: arm, replicate, time_d, lesion, quantity, unit, value; unknown values are left out.

    Words are categories, so that thousands of runs fit; the lesion of what belongs to the patient is "".
    """
    names = _asked(records, quantities)
    words: dict[str, list[Any]] = {field: [] for field in Row._fields}
    lengths = []
    for record in records:
        for lesion, quantity, unit, values in columns(record):
            if quantity.partition(":")[0] in names:
                known = np.isfinite(values)
                for field, entry in zip(Row._fields, (record.arm, record.replicate, record.time_d[known], lesion, quantity, unit,
                                                      values[known]), strict=True):
                    words[field].append(entry)
                lengths.append(int(known.sum()))
    made = {field: np.concatenate(entries) if field in ("time_d", "value") else _repeated(entries, lengths)
            for field, entries in words.items() if entries}
    return pd.DataFrame(made, columns=Row._fields)


def _repeated(entries: Sequence[Any], lengths: Sequence[int]) -> Any:
    """Return each entry so many times: text as categories, numbers as they are."""
    if isinstance(entries[0], str):
        codes, names = pd.factorize(np.array(entries, dtype=object))
        return pd.Categorical.from_codes(np.repeat(codes, lengths), categories=names)
    return np.repeat(np.array(entries), lengths)


def events(records: Sequence[Record]) -> pd.DataFrame:
    """Return every fraction, dose, scan and death: arm, replicate, date and the fields of `Event` (Gy or mg; value_core in Gy)."""
    rows = [(record.arm, record.replicate, moment, *event) for record in records
            for event, moment in zip(record.events, dates(record, [event.time_d for event in record.events]), strict=True)]
    return pd.DataFrame(rows, columns=["arm", "replicate", "date", *Event._fields])


def _asked(records: Sequence[Record], quantities: Sequence[str] | None) -> list[str]:
    """Return the series to take: those asked for, or all that any record has."""
    if not records:
        raise RecordError("there is no record")
    known = list(dict.fromkeys(name for record in records for name in record.series))
    if unknown := [name for name in quantities or () if name not in known]:
        raise RecordError(f"no series {unknown[0]}; series: {', '.join(known)}")
    return known if quantities is None else list(quantities)


def _union(lists: Any) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def _facts(record: Record) -> dict[str, Any]:
    """Return the attributes of a single record that a reader of its arrays needs."""
    kept = (Attribute.ARM, Attribute.TITLE, Attribute.SEED, Attribute.REPLICATE, Attribute.IS_QUICK, Attribute.START_DATE, Attribute.STATUS,
            Attribute.END_REASON, Attribute.CODE_VERSION)
    return {**{str(name): record.attributes[name] for name in kept if name in record.attributes}, "disclaimer": DISCLAIMER}


def _xarray() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise RecordError('labelled arrays need xarray: pip install "lesionlab[analysis]"') from error
    return xarray

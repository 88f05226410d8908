"""Records and folders in Python: arrays, tables, clinical readings."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lesionlab.analysis.clinical.outcome import QUANTITIES, read_outcome
from lesionlab.analysis.clinical.response import Reading, Visit
from lesionlab.analysis.clinical.response import assess as read_visits
from lesionlab.analysis.clinical.scans import read_scans
from lesionlab.analysis.records import labelled
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, dates, load
from lesionlab.analysis.records.sweep_folder import is_sweep, listed, named
from lesionlab.api._words import public

if TYPE_CHECKING:
    import xarray

Records = Record | Sequence[Record]
RECORDS = "records"


def several(records: Records) -> list[Record]:
    """Return one record or several as a list."""
    return [records] if isinstance(records, Record) else list(records)


@public
def read(path: str | Path) -> Record:
    """Read a record; one that is still being written is read up to its last commit.

    Raises:
        RecordError: the file is missing, no record, or damaged so that not even its times can be read.
    """
    return load(path)


@public
def read_folder(folder: str | Path) -> list[Record]:
    """Read every complete record in the folder of `compare`, `run_arms` or a sweep; of a sweep each point is an arm of its own.

    Raises:
        RecordError: the folder holds no complete record.
    """
    place = Path(folder)
    if is_sweep(place):
        return [named(load(run.path), run.arm) for run in listed(place)]
    paths = sorted((place / RECORDS if (place / RECORDS).is_dir() else place).glob("*.h5"))
    found = [record for record in map(load, paths) if record.status == "complete"]
    if not found:
        raise RecordError(f"{folder}: no complete record is here")
    return found


@public
def to_xarray(records: Records, quantities: Sequence[str] | None = None) -> "xarray.Dataset":
    """Return the series of records as one Dataset, every variable with `units` and `long_name`.

    Dimensions: `run` (with the coordinates `arm` and `replicate`; left out for a single record), `time` (days), `lesion`, `drug`. A run
    that ended early, or lacks a lesion or a drug, is nan there. `quantities` chooses some of the series.

    Raises:
        RecordError: a quantity that no record has, or xarray is not installed.
    """
    made: xarray.Dataset = labelled.dataset(several(records), quantities)
    return made


@public
def to_pandas(records: Records, quantities: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the series of records as a tidy table: arm, replicate, time_d, lesion, quantity, unit, value.

    The lesion of what belongs to the patient is "", a drug's level is `drug_level:NAME`, unknown values are left out.
    """
    return labelled.frame(several(records), quantities)


@public
def snapshots(record: Record, lesion: str) -> "xarray.Dataset":
    """Return the pictures of one lesion's section: cell_state, oxygen (mmHg), t_cells, vessels, each (snapshot_time, z, y, x).

    Times are days, the other axes um of the section; `scale` is clinical length per length of the section. cell_state: 0 stroma,
    1 proliferating, 2 quiescent, 3 doomed, 4 apoptotic, 5 killed by a T cell, 6 killed by radiation, 7 necrotic. vessels: 0 none, 1 not
    perfused, 2 perfused.
    """
    made: xarray.Dataset = labelled.snapshots(record, lesion)
    return made


@public
def events(records: Records) -> pd.DataFrame:
    """Return every fraction (value: Gy to the mass; value_core: Gy), dose (mg), scan and death, with its date."""
    return labelled.events(several(records))


@public
def outcomes(records: Records) -> pd.DataFrame:
    """Return one row a run: days observed, responses, times to progression and death, nadir, deaths by cause, of the whole patient.

    A time that was not reached is inf. `frame.attrs["units"]` and `frame.attrs["meanings"]` explain the columns.
    """
    rows = []
    for outcome in map(read_outcome, several(records)):
        of_patient = {name: value for (name, lesion), value in outcome.numbers.items() if not lesion}
        rows.append({"arm": outcome.arm, "replicate": outcome.replicate, **outcome.words, **of_patient})
    table = pd.DataFrame(rows)
    table.attrs = {"units": {name: quantity.unit for name, quantity in QUANTITIES.items()},
                   "meanings": {name: quantity.meaning for name, quantity in QUANTITIES.items()}}
    return table


@public
def assess(records: Records, reading: Reading = "report") -> pd.DataFrame:
    """Return RECIST 1.1 on the virtual scans, a row a run and scan: sum_cm, changes as fractions, target, non-target, new lesions, overall.

    `report` reads as the case report did; `strict` counts a lesion that was not evaluable at baseline as new once it is measurable.

    Raises:
        RecordError: the record has no row within a day before a scan.
    """
    rows = [(record.arm, record.replicate, moment, *visit, visit.cause) for record in several(records)
            for visits in [read_visits(read_scans(record), reading)]
            for visit, moment in zip(visits, dates(record, [visit.time_d for visit in visits]), strict=True)]
    return pd.DataFrame(rows, columns=["arm", "replicate", "date", *Visit._fields, "cause"])

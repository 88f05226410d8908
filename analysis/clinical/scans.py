"""A patient's scans: sizes on the scan dates that took place, and whether each is visible and measurable.

The limits are those of RECIST 1.1 on CT slices of 5 mm (Eisenhauer et al. 2009, doi:10.1016/j.ejca.2008.10.026).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import DETECTION_LIMIT_CM, Record

MEASURABLE_CM, MEASURABLE_NODE_CM, NORMAL_NODE_CM = 1.0, 1.5, 1.0
SCAN_WINDOW_D = 1.0
ROUNDING = 1e-9


@dataclass(frozen=True)
class ScanTable:
    """The scans of one run.

    Attributes:
        time_d: (scan,) days of the scans that took place, rising.
        longest_cm, short_cm: (scan, lesion) true longest diameter and short axis; nan where not measured.
        roles, nodal, occult: one entry a lesion; role target, non_target or not_evaluable.
        irradiated_from_d: (lesion,) day of the first fraction, nan if never irradiated.
        end_d, is_dead: last day observed, and whether the lethal burden was reached on it.
    """

    time_d: NDArray[np.float64]
    lesions: tuple[str, ...]
    longest_cm: NDArray[np.float64]
    short_cm: NDArray[np.float64]
    roles: tuple[str, ...]
    nodal: NDArray[np.bool_]
    occult: NDArray[np.bool_]
    irradiated_from_d: NDArray[np.float64]
    end_d: float
    is_dead: bool
    detection_limit_cm: float = DETECTION_LIMIT_CM

    @property
    def diameter_cm(self) -> NDArray[np.float64]:
        """(scan, lesion) what enters the sum: longest diameter, of a node the short axis, 0 where not visible."""
        return np.where(self.longest_cm < self.detection_limit_cm, 0.0, np.where(self.nodal, self.short_cm, self.longest_cm))

    @property
    def is_measurable(self) -> NDArray[np.bool_]:
        """(scan, lesion) whether the lesion is large enough to be measured reproducibly."""
        return self.diameter_cm >= np.where(self.nodal, MEASURABLE_NODE_CM, MEASURABLE_CM) - ROUNDING

    @property
    def is_gone(self) -> NDArray[np.bool_]:
        """(scan, lesion) whether the lesion satisfies a complete response: invisible, a node below 1.0 cm."""
        return np.where(self.nodal, self.diameter_cm < NORMAL_NODE_CM - ROUNDING, self.diameter_cm == 0.0)


def only(table: ScanTable, lesion: str) -> ScanTable:
    """Return the table of one lesion, taken as known at the start and as a target."""
    column = [table.lesions.index(lesion)]
    return replace(table, lesions=(lesion,), longest_cm=table.longest_cm[:, column], short_cm=table.short_cm[:, column],
                   roles=("target",), nodal=table.nodal[column], occult=np.array([False]),
                   irradiated_from_d=table.irradiated_from_d[column])


def read_scans(record: Record) -> ScanTable:
    """Read the sizes at the scans of a record: the last row not after the scan and at most a day old.

    Raises:
        RecordError: the record is empty, or has no row within a day before a scan.
    """
    if not len(record.time_d):
        raise RecordError(f"{record.path}: nothing was committed to this record, so there is nothing to read")
    end_d = record.committed_d
    scans_d = np.unique([event.time_d for event in record.events if event.kind == "scan" and event.time_d <= end_d])
    rows = np.searchsorted(record.time_d, scans_d + ROUNDING, side="right") - 1
    too_old = (rows < 0) | (scans_d - record.time_d[rows] > SCAN_WINDOW_D + ROUNDING)
    if too_old.any():
        raise RecordError(f"{record.path}: no row within a day before the scan on day {scans_d[too_old][0]:g}; "
                          "set output.scalars_every_h to 24 or less")
    fractions = [event for event in record.events if event.kind == "fraction"]
    starts = [[event.time_d for event in fractions if event.lesion == lesion] for lesion in record.lesions]
    deaths = [event.time_d for event in record.events if event.kind == "lethal_burden"]
    return ScanTable(
        time_d=scans_d, lesions=record.lesions, longest_cm=record.series["longest_diameter_cm"][rows],
        short_cm=record.series["short_axis_cm"][rows], roles=record.roles, nodal=np.array(record.nodal, dtype=bool),
        occult=np.array(record.occult, dtype=bool), irradiated_from_d=np.array([min(days, default=np.nan) for days in starts]),
        end_d=deaths[0] if deaths else end_d, is_dead=bool(deaths),
        detection_limit_cm=record.detection_limit_cm)

"""Reading a record: its run, its checkpoints, and the earlier rows that another record may copy."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import isfinite
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.record.files import is_in_use, left_behind, reason, through_links
from lesionlab.sim.record.layout import add_checkpoint, extend
from lesionlab.sim.record.schema import DECLARED, SCHEMA, SCHEMA_VERSION, Attribute, Part
from lesionlab.sim.record.seal import FIRST_VERSION, check_once, examine, open_to_read
from lesionlab.sim.scenario.load import scenario_from_text

SAME_TIME_D = 1e-9
OF_FIRST_VERSION = "was made by version 0.1.0, whose records have no seal and another checkpoint: it cannot go on; run its scenario again"


class Past(NamedTuple):
    """The part of a record that is copied into another: everything before a day, and that day's row and snapshots if they were due.

    Events of the day itself are left out: they belong to the step that begins there. With `is_same_run`, the kept checkpoints are
    copied too.
    """

    path: Path
    time_d: float
    has_row: bool
    has_snapshots: bool
    is_same_run: bool


@dataclass(frozen=True)
class RecordedRun:
    """The run of one record: its root attributes, the resolved scenario as text, and the days of the kept checkpoints."""

    path: Path
    attributes: dict[str, Any]
    scenario_yaml: str
    kept_d: tuple[float, ...]

    @cached_property
    def scenario(self) -> Any:
        """The scenario that was run; raises UserError if this version cannot read it."""
        return scenario_from_text(self.scenario_yaml, f"{self.path}: scenario")

    @property
    def committed_d(self) -> float | None:
        """The day of the last commit, None before the first."""
        day = float(self.attributes[Attribute.COMMITTED_TIME])
        return day if isfinite(day) else None

    @property
    def until_d(self) -> float | None:
        """The requested end day of the run; None for the scenario's end."""
        return float(self.attributes[Attribute.UNTIL]) if Attribute.UNTIL in self.attributes else None

    @property
    def replicate(self) -> int:
        """The replicate number."""
        return int(self.attributes[Attribute.REPLICATE])

    @property
    def is_quick(self) -> bool:
        """Whether the run uses small sections; the recorded scenario already holds their sizes."""
        return bool(self.attributes[Attribute.IS_QUICK])

    @property
    def is_fork(self) -> bool:
        """Whether the first part of the run was copied from another record."""
        return Attribute.FORK_DAY in self.attributes

    @property
    def is_of_first_version(self) -> bool:
        """Whether version 0.1.0 made the record: whether such a record has lost anything cannot be seen."""
        return str(self.attributes[Attribute.CODE_VERSION]).startswith(FIRST_VERSION)

    @property
    def calendar_d(self) -> int:
        """The length of the scenario's calendar (d)."""
        return (date.fromisoformat(self.attributes[Attribute.END_DATE]) - date.fromisoformat(self.attributes[Attribute.START_DATE])).days

    @property
    def outlook(self) -> str:
        """A short text: whether and how the run can be resumed, and any file that an interrupted commit left beside the record."""
        left = [] if is_in_use(self.path) else left_behind(through_links(self.path))
        return self._next_step + (f" ({left[0]} is left of a commit that was cut off; delete it or go on)" if left else "")

    @property
    def _next_step(self) -> str:
        day, command = self.committed_d, f"lesionlab resume {quote(str(self.path))}"
        if self.attributes[Attribute.STATUS] == "complete":
            if self.attributes[Attribute.END_REASON] == "lethal burden" or day is None or day >= self.calendar_d:
                return "nothing to resume: the run is complete"
            if self.is_of_first_version:
                return OF_FIRST_VERSION
            force = "" if self.code_version == model_version() else " --force"
            return f"complete to day {day:g} of {self.calendar_d}; {command} --until DATE|DAYS{force} goes further"
        if is_in_use(self.path):
            return "another program has it open, perhaps the run that writes it"
        if day is None and self.is_fork:
            return "nothing was committed: fork again with --force"
        if day is None:
            return f"{command} begins anew: nothing was committed"
        if self.is_of_first_version:
            return OF_FIRST_VERSION
        if self.code_version != model_version():
            return f"made by other code, {self.code_version}, here {model_version()}: {command} --force goes on from day {day:g}"
        return f"{command} goes on from day {day:g}"

    @property
    def later(self) -> list[dict[str, Any]]:
        """The parts of the run that other code or library versions computed: from_day, code_version and provenance of each."""
        return list(json.loads(self.attributes.get(Attribute.CONTINUED_WITH, "[]")))

    @property
    def code_version(self) -> str:
        """The code version that computed the last part."""
        return str(self.later[-1][Attribute.CODE_VERSION] if self.later else self.attributes[Attribute.CODE_VERSION])


@contextmanager
def opened(path: Path | str) -> Iterator[h5py.File]:
    """Open a record for reading; raises UserError if it is missing or damaged, and for read errors inside the block."""
    if not Path(path).exists():
        raise UserError(f"{path}: no such record")
    try:
        damage = examine(path).damage
        with open_to_read(path) as file:
            if file.attrs.get(Attribute.SCHEMA) != SCHEMA:
                raise UserError(f"{path}: is no record of a LesionLab run")
            if str(file.attrs[Attribute.SCHEMA_VERSION]).split(".")[0] != SCHEMA_VERSION.split(".")[0]:
                raise UserError(f"{path}: has record schema {file.attrs[Attribute.SCHEMA_VERSION]}; this version reads {SCHEMA_VERSION}")
            if damage:
                raise UserError(f"{path}: is damaged: {'; '.join(damage)}")
            check_once(path, file, DECLARED)
            yield file
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise UserError(f"{path}: no readable record, it is damaged, cut off or no HDF5 file: {reason(error)}") from error


def root_attributes(path: Path | str) -> dict[str, Any]:
    """Return the root attributes of an undamaged record; an empty dict for any other file."""
    try:
        if examine(path).damage:
            return {}
        with open_to_read(path) as file:
            return dict(file.attrs)
    except (OSError, RuntimeError, ValueError):
        return {}


def read_run(path: Path | str) -> RecordedRun:
    """Return the run of a record; raises UserError if there is no readable record."""
    with opened(path) as file:
        kept = file.get(Part.CHECKPOINTS, {})
        if not isinstance(json.loads(file.attrs.get(Attribute.CONTINUED_WITH, "[]")), list):
            raise ValueError(f"{Attribute.CONTINUED_WITH} is no list")
        return RecordedRun(Path(path), dict(file.attrs), file[Part.SCENARIO].asstr()[()],
                           tuple(sorted(float(group.attrs[Attribute.TIME]) for group in kept.values())))


def read_checkpoint(path: Path | str, at_d: float | None = None, is_checked: bool = True) -> tuple[float, dict[str, NDArray[Any]]]:
    """Return the time (d) and the state arrays of a record's last commit, or of its last checkpoint at or before a day.

    Raises:
        UserError: there is no such record or checkpoint, or, with `is_checked`, its arrays do not match the stored hash.
    """
    arrays: dict[str, NDArray[Any]] = {}

    def collect(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and not item.is_scale:
            arrays[name] = item[()] if item.shape else np.asarray(item[()], dtype=item.dtype)

    with opened(path) as file:
        groups = [file[name] for name in (Part.CHECKPOINT,) if name in file]
        groups += list(file.get(Part.CHECKPOINTS, {}).values()) if at_d is not None else []
        early = [group for group in groups if at_d is None or group.attrs[Attribute.TIME] <= at_d + SAME_TIME_D]
        if not early:
            when = "nothing was committed to this record" if at_d is None else f"none is of day {at_d:g} or before"
            raise UserError(f"{path}: no checkpoint: {when}")
        group = max(early, key=lambda group: float(group.attrs[Attribute.TIME]))
        group.visititems(collect)
        if is_checked and hash_arrays(arrays) != group.attrs[Attribute.STATE_SHA256]:
            raise UserError(f"{path}: the checkpoint of day {group.attrs[Attribute.TIME]:g} is damaged: it does not have its hash")
        return float(group.attrs[Attribute.TIME]), arrays


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the sha256 of named arrays: for each name in sorted order the name, a zero byte, dtype, shape and bytes in C order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(name.encode() + b"\0" + f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes(order="C"))
    return digest.hexdigest()


def take_over(past: Past, file: h5py.File) -> None:
    """Copy a record's past into a new record with the same lesions; drugs are matched by name, and a new drug has level 0."""
    with opened(past.path) as source:
        _copy(source, file, Part.TIME, _count(source[Part.TIME], past.time_d, past.has_row))
        _copy(source, file, Part.EVENT, _count(source[Part.EVENT_TIME], past.time_d, False))
        for lesion, pictures in file[Part.SNAPSHOTS].items():
            taken = source[Part.SNAPSHOTS][lesion]
            _copy(taken, pictures, Part.SNAPSHOT_TIME, _count(taken[Part.SNAPSHOT_TIME], past.time_d, past.has_snapshots))
        days = [float(group.attrs[Attribute.TIME]) for group in source.get(Part.CHECKPOINTS, {}).values()] if past.is_same_run else []
    for day in (day for day in days if day < past.time_d + SAME_TIME_D):
        arrays = read_checkpoint(past.path, day)[1]
        add_checkpoint(file, f"{Part.CHECKPOINTS}/{day:g}", arrays, day, hash_arrays(arrays))


def _count(times_d: h5py.Dataset, until_d: float, is_inclusive: bool) -> int:
    return int(np.count_nonzero(times_d[:] < until_d + (SAME_TIME_D if is_inclusive else -SAME_TIME_D)))


def _copy(source: h5py.Group, target: h5py.Group, axis: str, n: int) -> None:
    """Append the first n rows of every variable along an axis that the source also has."""
    names = [axis, *(name for name, item in target.items() if _axes(item)[:1] == [axis])]
    rows = {}
    for name in (name for name in names if name in source):
        taken = source[name][:n]
        if _axes(source[name])[1:] == [Part.DRUG]:
            taken = _by_name(taken, source[Part.DRUG].asstr()[:].tolist(), target[Part.DRUG].asstr()[:].tolist())
        rows[name] = taken
    extend(target, rows)


def _by_name(columns: NDArray[Any], names: list[str], targets: list[str]) -> NDArray[Any]:
    """Return the columns in the order of the target names; a name without a column gets zeros."""
    chosen = np.zeros((len(columns), len(targets)))
    for index, name in enumerate(targets):
        if name in names:
            chosen[:, index] = columns[:, names.index(name)]
    return chosen


def _axes(item: h5py.Group | h5py.Dataset) -> list[str]:
    """Return the names of a variable's axes; an empty list for a group or a scale."""
    if not isinstance(item, h5py.Dataset) or item.is_scale:
        return []
    return [axis[0].name.rpartition("/")[2] for axis in item.dims if len(axis)]

"""The run record: rows are buffered, and reach the file in committed segments together with the state they belong to.

A record stands at its final name as soon as it exists. It holds what was last committed, whatever happens to the
writer: series, events and snapshots up to the commit, and the checkpoint from which the run can go on.
"""

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.record_layout import (
    EVENT_COLUMNS,
    SNAPSHOT_COLUMNS,
    DrugHeader,
    Header,
    LesionHeader,
    Series,
    add_checkpoint,
    lay_out,
    round_mantissa,
)

__all__ = ["DrugHeader", "Header", "LesionHeader", "RecordWriter", "Series", "hash_arrays", "read_checkpoint"]

SNAPSHOT_NAMES = ("snapshot_time", *(column[0] for column in SNAPSHOT_COLUMNS), "scale")
EVENT_NAMES = ("event", *(column[0] for column in EVENT_COLUMNS))


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the sha256 of named arrays: per sorted name the name, a zero byte, dtype, shape and bytes in C order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(name.encode() + b"\0" + f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes(order="C"))
    return digest.hexdigest()


def read_checkpoint(path: Path | str) -> tuple[float, dict[str, NDArray[Any]]]:
    """Return the time (d) and the state arrays of a record's last commit, as they were given to it.

    Raises:
        UserError: there is no such record, or nothing was committed to it yet.
    """
    arrays: dict[str, NDArray[Any]] = {}

    def collect(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and not item.is_scale:
            arrays[name] = item[()] if item.shape else np.asarray(item[()], dtype=item.dtype)

    try:
        with h5py.File(path, "r", locking=False) as file:
            # Between two commits of a run there is one checkpoint; a kill during a commit may leave two.
            for name in ("checkpoint", "checkpoint_next"):
                if name in file and file[name].attrs["time_d"] == file.attrs["committed_time_d"]:
                    file[name].visititems(collect)
                    return float(file[name].attrs["time_d"]), arrays
            raise UserError(f"{path}: no checkpoint: nothing was committed to this record")
    except (OSError, RuntimeError, KeyError) as error:
        raise UserError(f"{path}: no readable record: {error}") from error


class RecordWriter:
    """Write one record; use as a context manager.

    Leaving the block without `finish` marks the record `interrupted`, or `failed: reason` after an error; rows that
    were not committed are dropped, so that a record and its checkpoint always end together.
    """

    def __init__(self, path: Path | str, header: Header, is_forced: bool = False) -> None:
        """Create the record, empty, with status `running`; a file that is to be replaced stays until the first commit.

        Raises:
            UserError: the file exists and `is_forced` is not set, or it cannot be written.
        """
        self.path = Path(path)
        self._names = {series.name for series in header.series}
        self._widths = {"time": (), "lesion": (len(header.lesions),), "drug": (len(header.drugs),)}
        self._shapes = {series.name: self._widths[series.dimensions[-1]] for series in header.series}
        self._lesions = {lesion.name: lesion.shape for lesion in header.lesions}
        self._n_events = 0
        self._last_time_d = -np.inf
        self._is_finished = False
        self._clear()
        if self.path.exists() and not is_forced:
            raise UserError(f"{path}: exists already; choose another name or add --force")
        self._waiting: Path | None = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(self._waiting, "w", track_order=True, locking="best-effort") as file:
                lay_out(file, header)
            self._file = h5py.File(self._waiting, "r+", track_order=True, locking="best-effort")
            if not self.path.exists():
                self._take_place()
        except BaseException as error:
            with contextlib.suppress(OSError):
                self._waiting.unlink(missing_ok=True)
            if isinstance(error, OSError | RuntimeError):
                raise UserError(f"{path}: cannot be written: {error}") from error
            raise

    def _take_place(self) -> None:
        """Give the file its final name; what stood there is gone."""
        if self._waiting is not None:
            os.replace(self._waiting, self.path)
            self._waiting = None

    def _clear(self) -> None:
        self._rows: list[tuple[float, Mapping[str, Any]]] = []
        self._events: list[tuple[Any, ...]] = []
        self._snapshots: dict[str, list[tuple[Any, ...]]] = {name: [] for name in self._lesions}

    def append(self, time_d: float, values: Mapping[str, float | Sequence[float]]) -> None:
        """Buffer one row of the series at `time_d` (d, rising); a series left out is nan there.

        Raises:
            ValueError: an undeclared series, a wrong length, or a time that does not rise.
        """
        if unknown := set(values) - self._names:
            raise ValueError(f"series not declared in the header: {sorted(unknown)}")
        if time_d <= self._last_time_d:
            raise ValueError(f"time {time_d} d does not rise above {self._last_time_d} d")
        row = {name: np.array(value, dtype=np.float64) for name, value in values.items()}
        for name, value in row.items():
            if value.shape != self._shapes[name]:
                raise ValueError(f"{name}: shape {value.shape}, declared {self._shapes[name]}")
        self._rows.append((time_d, row))
        self._last_time_d = time_d

    def event(self, time_d: float, kind: str, lesion: str = "", label: str = "", value: float = nan,
              value_core: float = nan) -> None:
        """Buffer one event: kind fraction (value Gy to the mass, value_core Gy), dose (value mg), scan or lethal_burden."""
        self._events.append((self._n_events, time_d, kind, lesion, label, value, value_core))
        self._n_events += 1

    def snapshot(self, lesion: str, time_d: float, *, cell_state: NDArray[Any], oxygen: NDArray[Any],
                 t_cells: NDArray[Any], vessels: NDArray[Any], scale: float) -> None:
        """Buffer a copy of a lesion's section: arrays (z, y, x), oxygen in mmHg, scale in clinical length per section length.

        Raises:
            ValueError: an array does not have the section's shape.
        """
        states, counts, tubes = (np.array(label, dtype=np.uint8) for label in (cell_state, t_cells, vessels))
        fields = (states, round_mantissa(oxygen), counts, tubes)
        shapes = {np.shape(field) for field in fields}
        if shapes != {self._lesions[lesion]}:
            raise ValueError(f"snapshot of {lesion}: shapes {shapes}, declared {self._lesions[lesion]}")
        self._snapshots[lesion].append((time_d, *fields, scale))

    def commit(self, checkpoint: Mapping[str, NDArray[Any]], state_sha256: str, time_d: float) -> None:
        """Bring everything buffered to disk together with the state at `time_d` (d) and its hash.

        Raises:
            UserError: the file cannot be written (a full disk).
        """
        try:
            self._write_segments()
            group = self._file.create_group("checkpoint_next", track_order=True)
            group.attrs["time_d"] = float(time_d)
            add_checkpoint(group, checkpoint)
            self._file.flush()
            self._file.attrs.modify("state_sha256", state_sha256)
            self._file.attrs.modify("committed_time_d", float(time_d))
            self._file.flush()
            # Only now may the space of the old checkpoint be used again: a kill leaves one or the other whole.
            self._file.pop("checkpoint", None)
            self._file.move("checkpoint_next", "checkpoint")
            self._file.flush()
            self._take_place()
        except (OSError, RuntimeError) as error:
            raise UserError(f"{self.path}: cannot be written: {error}") from error
        self._clear()

    def _write_segments(self) -> None:
        times = [time_d for time_d, _ in self._rows]
        columns = {"time": times}
        for name, shape in self._shapes.items():
            missing = np.full(shape, nan)
            columns[name] = [row.get(name, missing) for _, row in self._rows]
        _extend(self._file, columns)
        _extend(self._file, dict(zip(EVENT_NAMES, zip(*self._events, strict=True), strict=False)))
        for lesion, snapshots in self._snapshots.items():
            _extend(self._file[f"snapshots/{lesion}"], dict(zip(SNAPSHOT_NAMES, zip(*snapshots, strict=True), strict=False)))

    def finish(self, end_reason: str) -> None:
        """Mark the record complete: `end of calendar` or `lethal burden`.

        Raises:
            ValueError: something is buffered that was not committed.
        """
        if self._rows or self._events or any(self._snapshots.values()):
            raise ValueError("commit before finish: rows, events or snapshots are still buffered")
        self._file.attrs["end_reason"] = end_reason
        self._file.flush()
        self._file.attrs["status"] = "complete"
        self._is_finished = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._is_finished:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            self._file.attrs["status"] = f"failed: {reason}" if isinstance(error, Exception) else "interrupted"
        # A full disk fails again on closing; the first error is the one to show.
        with contextlib.suppress(OSError, RuntimeError) if kind else contextlib.nullcontext():
            self._file.close()
        if self._waiting is not None:
            self._waiting.unlink(missing_ok=True)


def _extend(group: h5py.Group, columns: Mapping[str, Sequence[Any]]) -> None:
    """Append rows to datasets that grow along their first axis; the first column is their common scale."""
    if not columns or not len(next(iter(columns.values()))):
        return
    old = len(group[next(iter(columns))])
    for name, rows in columns.items():
        dataset = group[name]
        dataset.resize(old + len(rows), axis=0)
        dataset[old:] = np.asarray(rows, dtype=dataset.dtype)

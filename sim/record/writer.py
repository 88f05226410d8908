"""Writing the run record: rows are buffered and written in commits, together with the state they belong to.

A record has its final name as soon as it exists and is complete at every moment: a commit writes the next version to a separate
file, seals it and replaces the record atomically. HDF5 itself does not survive a kill: if a commit in place is interrupted, more
than half of the interruption points leave a file that cannot be opened. A kill may leave the next version beside the record
(`.NAME.PROCESS-NUMBER.writing`); it is ignored, and the next process that writes the record deletes it.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.files import Draft, claim, claim_space, copy_unsealed, draft, is_at, reason, through_links, uninterrupted
from lesionlab.sim.record.layout import (
    ROWS_PER_CHUNK,
    DrugHeader,
    Header,
    LesionHeader,
    Series,
    add_checkpoint,
    extend,
    lay_out,
    round_mantissa,
)
from lesionlab.sim.record.reader import Past, hash_arrays, read_checkpoint, take_over
from lesionlab.sim.record.schema import EVENT_COLUMNS, SNAPSHOT_FIELDS, Attribute, Part
from lesionlab.sim.record.seal import seal

__all__ = ["DrugHeader", "Header", "LesionHeader", "RecordWriter", "Series", "hash_arrays", "read_checkpoint"]

SNAPSHOT_NAMES = (Part.SNAPSHOT_TIME, *(field.name for field in SNAPSHOT_FIELDS), Part.SCALE)
BOOKS_BYTES = 2**20
EVENT_NAMES = (Part.EVENT, *(column.name for column in EVENT_COLUMNS))


class RecordWriter:
    """Write one record; use as a context manager.

    Leaving the block before the record is complete marks it `interrupted`, or `failed: reason` after an error. Uncommitted rows are
    dropped, so that a record and its checkpoint always end at the same time.
    """

    def __init__(self, path: Path | str, header: Header, is_forced: bool = False, past: Past | None = None) -> None:
        """Create an empty record with status `running`; an existing file that it replaces is kept until the first commit.

        Args:
            past: the part of a record that the first commit copies; that record may be the one to be replaced.

        Raises:
            UserError: the file exists and `is_forced` is not set, another run is writing it, or it cannot be written.
        """
        self.path, self._target = Path(path), through_links(path)
        self._header, self._past = header, past
        self._names = {series.name for series in header.series}
        widths: dict[str, tuple[int, ...]] = {Part.TIME: (), Part.LESION: (len(header.lesions),), Part.DRUG: (len(header.drugs),)}
        self._shapes = {series.name: widths[series.dimensions[-1]] for series in header.series}
        self._lesions = {lesion.name: lesion.shape for lesion in header.lesions}
        self._last_time_d = past.time_d if past is not None and past.has_row else -np.inf
        self._is_finished = self._is_placed = False
        self._held: int | None = None
        self._clear()
        is_new = not self._target.exists()
        if not is_new and not is_forced:
            raise UserError(f"{path}: exists already; choose another name or add --force")
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {reason(error)}") from error
        try:
            # Locked from here on: a second run must not start on the file that this run is about to replace.
            self._held = self._begun() if is_new else claim(self._target)
        except FileExistsError as error:
            raise UserError(f"{path}: another run has just begun it; choose another name") from error
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {reason(error)}") from error
        if self._held is None:
            raise UserError(f"{path}: another program has it open, perhaps a run that still writes it; nothing was changed")
        self._is_placed = is_new
        if not is_new:
            self._try_out()

    def _begun(self) -> int:
        """Place the empty record and return the descriptor that locks it; a kill leaves either no file or a readable record."""
        with draft(self._target) as made:
            self._lay_out(made)
            seal(made.descriptor)
            made.place(is_new=True)
            return os.dup(made.descriptor)

    def _try_out(self) -> None:
        """Check, before anything is computed, that a record that replaces another can be created."""
        try:
            with draft(self._target) as made:
                self._lay_out(made)
        except OSError as error:
            self._release()
            raise UserError(f"{self.path}: cannot be written: {reason(error)}") from error
        except BaseException:
            self._release()
            raise

    @contextlib.contextmanager
    def _next(self, more_bytes: int = 0) -> Iterator[h5py.File]:
        """Yield the next version of the record for changes; it then replaces the record atomically.

        `more_bytes` is the most by which it may grow. The space is allocated in advance, because HDF5 does not recover from a full disk.
        """
        try:
            with draft(self._target) as made:
                if self._held is None or not is_at(self._held, self._target):
                    raise OSError("another program has replaced it")
                if self._is_placed:
                    copy_unsealed(self._target, made)
                else:
                    self._lay_out(made)
                claim_space(made.descriptor, more_bytes)
                with made.hdf5("r+") as file:
                    yield file
                seal(made.descriptor)
                made.place(is_new=False)
                self._release()
                self._held, self._is_placed = os.dup(made.descriptor), True
        except (OSError, RuntimeError) as error:
            raise UserError(f"{self.path}: cannot be written: {reason(error)}") from error

    def _lay_out(self, made: Draft) -> None:
        # HDF5 reuses the space of an old checkpoint only if the file stores its list of free space.
        with made.hdf5("w", fs_strategy="fsm", fs_persist=True) as file:
            lay_out(file, self._header)

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _clear(self) -> None:
        self._rows: list[tuple[float, Mapping[str, Any]]] = []
        self._events: list[tuple[Any, ...]] = []
        self._snapshots: dict[str, list[tuple[Any, ...]]] = {name: [] for name in self._lesions}

    def append(self, time_d: float, values: Mapping[str, float | Sequence[float]]) -> None:
        """Buffer one row of the series at `time_d` (d, increasing); a series that is left out is nan in that row.

        Raises:
            ValueError: a series is not declared, a length is wrong, or the time does not increase.
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
        """Buffer one event: kind fraction (value and value_core in Gy, to mass and core), dose (value in mg), scan or lethal_burden."""
        self._events.append((time_d, kind, lesion, label, value, value_core))

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

    @uninterrupted()
    def commit(self, checkpoint: Mapping[str, NDArray[Any]], state_sha256: str, time_d: float, *, is_kept: bool = False,
               end_reason: str = "") -> None:
        """Write everything buffered to disk, together with the state at `time_d` (d) and its hash.

        Args:
            is_kept: the record keeps this checkpoint, which is of a whole day, after later commits.
            end_reason: for the last commit only, which completes the record: `end of calendar`, `stopped as asked` or `lethal burden`.

        Raises:
            UserError: the file cannot be written (such as on a full disk); the record is unchanged.
        """
        with self._next(more_bytes=self._most_bytes(checkpoint)) as file:
            if self._past is not None:
                take_over(self._past, file)
            self._write_segments(file)
            file.pop(Part.CHECKPOINT, None)
            kept = f"{Part.CHECKPOINTS}/{time_d:g}"
            if is_kept and kept not in file:
                add_checkpoint(file, kept, checkpoint, time_d, state_sha256)
                file[Part.CHECKPOINT] = file[kept]
            else:
                add_checkpoint(file, Part.CHECKPOINT, checkpoint, time_d, state_sha256)
            file.attrs.update({Attribute.STATE_SHA256: state_sha256, Attribute.COMMITTED_TIME: float(time_d),
                               Attribute.END_REASON: end_reason})
            if end_reason:
                file.attrs[Attribute.STATUS] = "complete"
        self._is_finished = bool(end_reason)
        self._past = None
        self._clear()

    def _most_bytes(self, checkpoint: Mapping[str, NDArray[Any]]) -> int:
        """Return the most bytes that a commit may add: all buffers uncompressed, the copied past, and HDF5's metadata."""
        arrays = [array for pictures in self._snapshots.values() for picture in pictures for array in picture[1:-1]]
        rows = 8 * ROWS_PER_CHUNK * sum(int(np.prod(shape)) for shape in self._shapes.values()) * (1 + len(self._rows) // ROWS_PER_CHUNK)
        past = self._past.path.stat().st_size if self._past is not None else 0
        return rows + past + sum(int(array.nbytes) for array in (*arrays, *checkpoint.values())) + BOOKS_BYTES

    def _write_segments(self, file: h5py.File) -> None:
        times = [time_d for time_d, _ in self._rows]
        columns: dict[str, Any] = {Part.TIME: times}
        for name, shape in self._shapes.items():
            missing = np.full(shape, nan)
            columns[name] = [row.get(name, missing) for _, row in self._rows]
        extend(file, columns)
        first = len(file[Part.EVENT])
        events = [(first + index, *event) for index, event in enumerate(self._events)]
        extend(file, dict(zip(EVENT_NAMES, zip(*events, strict=True), strict=False)))
        for lesion, snapshots in self._snapshots.items():
            extend(file[f"{Part.SNAPSHOTS}/{lesion}"], dict(zip(SNAPSHOT_NAMES, zip(*snapshots, strict=True), strict=False)))

    @uninterrupted()
    def finish(self, end_reason: str) -> None:
        """Mark the record complete: `end of calendar`, `stopped as asked` or `lethal burden`.

        Raises:
            ValueError: buffered rows, events or snapshots are not yet committed.
        """
        if self._rows or self._events or any(self._snapshots.values()):
            raise ValueError("commit before finish: rows, events or snapshots are still buffered")
        with self._next() as file:
            file.attrs.update({Attribute.END_REASON: end_reason, Attribute.STATUS: "complete"})
        self._is_finished = True

    def __enter__(self) -> Self:
        return self

    @uninterrupted()
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._is_placed and not self._is_finished:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            # On a full disk this write fails as well; the first error is the one to show.
            with contextlib.suppress(UserError) if kind else contextlib.nullcontext(), self._next() as file:
                file.attrs[Attribute.STATUS] = f"failed: {reason}" if isinstance(error, Exception) else "interrupted"
        self._release()

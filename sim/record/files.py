"""A record as a file of the system: where its next version waits, who has it open, how much space it may take."""

import contextlib
import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import h5py


def waiting_path(path: Path) -> Path:
    """Return where the next version of a record is written before it takes the record's place."""
    return path.with_name(f".{path.name}.writing")


def hold(path: Path) -> int:
    """Return a descriptor of a file that marks it as in use until it is closed, where files can be locked."""
    descriptor = os.open(path, os.O_RDONLY)
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def is_in_use(path: Path | str) -> bool:
    """Return whether a writer, or a reader that locks, holds the file open; False where files cannot be locked."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(descriptor)
    return False


def mark(path: Path, **attributes: object) -> None:
    """Set root attributes of a record that nobody writes any more; it is whole at every moment, as at a commit."""
    waiting = waiting_path(path)
    try:
        shutil.copyfile(path, waiting)
        with h5py.File(waiting, "r+") as file:
            file.attrs.update(attributes)
        with open(waiting, "rb") as file:
            os.fsync(file.fileno())
        os.replace(waiting, path)
    finally:
        waiting.unlink(missing_ok=True)


@contextlib.contextmanager
def uninterrupted(patience: float = inf) -> Iterator[list[tuple[int, Any]]]:
    """Let Ctrl-C wait until the block is left: raised in a callback of HDF5's objects it would be lost, and the run go on.

    Gives the list of what was pressed so far, to look at. After more than `patience` times it waits no longer.
    """
    before = signal.getsignal(signal.SIGINT)
    pressed: list[tuple[int, Any]] = []
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return

    def note(number: int, frame: Any) -> None:
        pressed.append((number, frame))
        if len(pressed) > patience:
            before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        before(*pressed[-1])


def claim_space(path: Path, more_bytes: int) -> None:
    """Let a file grow by so many bytes, where the system knows how; HDF5 gives back on closing what it did not need.

    Raises:
        OSError: the disk is full.
    """
    if more_bytes and hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), path.stat().st_size, more_bytes)


def reason(error: Exception) -> str:
    """Return why a file could not be read or written in one line, in the system's words where it has any."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else " ".join(str(error).split())

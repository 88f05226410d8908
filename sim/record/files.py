"""Files that are written whole or not at all: where the next version waits, who has a file open, how much space it may take.

A file that waits to take its place has no name where the system knows such files (Linux), so that a kill leaves nothing. Elsewhere,
and for the moment in which it replaces another, it is called `.NAME.PROCESS-NUMBER.writing` after the process that writes it. It is
locked as long as that process lives: whoever writes NAME next clears away what a killed one left. What is written to a symbolic link
goes to its target. Two that make one new file at once: the first to put it in its place has it, the other is told so.
"""

import contextlib
import errno
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import h5py

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.seal import seal, unseal

try:
    import fcntl
except ImportError as error:
    raise UserError("LesionLab runs on Linux and macOS; on Windows, install it inside the Windows Subsystem for Linux") from error

_CAN_BE_NAMELESS = hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd")
LONGEST_NAME = 200
"""Of a name, what a waiting file's name repeats: file systems allow 255 bytes."""


def through_links(path: Path | str) -> Path:
    """Return the file that a path stands for: at the end of symbolic links, which need not be there yet.

    Raises:
        UserError: the links go round in a circle, or something is there that is no file.
    """
    try:
        real = Path(os.path.realpath(path))
        if real.is_symlink():
            raise UserError(f"{path}: is a symbolic link that leads back to itself")
        if os.path.lexists(real) and not os.path.isfile(real):
            raise UserError(f"{path}: is a folder" if os.path.isdir(real) else f"{path}: is no regular file")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be written: {reason(error)}") from error
    return real


def _waiting_names(target: Path) -> str:
    return f".{target.name[:LONGEST_NAME]}."


class Draft:
    """The next version of a file, locked for this process: without a name where the system allows that, so that a kill leaves nothing.

    Attributes:
        descriptor: of the open file; whoever needs it longer than the draft lives makes a duplicate.
        path: by which the file can be opened.
    """

    def __init__(self, target: Path) -> None:
        """Make an empty file in the target's folder; raises OSError."""
        self._target, self._name = target, None if _CAN_BE_NAMELESS else _waiting_name(target)
        self.descriptor = self._nameless() if _CAN_BE_NAMELESS else self._named()
        self.path = f"/proc/self/fd/{self.descriptor}" if self._name is None else str(self._name)

    def _nameless(self) -> int:
        try:
            descriptor = os.open(self._target.parent, os.O_TMPFILE | os.O_RDWR, 0o666)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
            self._name = _waiting_name(self._target)
            return self._named()
        _lock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def _named(self) -> int:
        assert self._name is not None
        while True:
            descriptor = os.open(self._name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            # Whoever clears away may have taken the file for a dead one's before it was locked.
            if _lock(descriptor, fcntl.LOCK_SH) and is_at(descriptor, self._name):
                return descriptor
            os.close(descriptor)
            self._name = _waiting_name(self._target)

    def hdf5(self, mode: str, **options: Any) -> h5py.File:
        """Open the draft as an HDF5 file; only the driver of buffered files takes one without a name."""
        driver = "stdio" if self._name is None else None
        return h5py.File(self.path, mode, driver=driver, locking=False, track_order=True, **options)

    def place(self, is_new: bool) -> None:
        """Give the draft its target's name, safe on disk.

        Raises:
            FileExistsError: it is to be new, and something stands there meanwhile.
            OSError: it cannot be written.
        """
        with contextlib.suppress(FileNotFoundError):
            os.fchmod(self.descriptor, self._target.stat().st_mode & 0o777)
        os.fsync(self.descriptor)
        if is_new:
            self._link(self._target)
            return
        if self._name is None:
            waiting = _waiting_name(self._target)
            self._link(waiting)
            self._name = waiting
        os.replace(self._name, self._target)

    def _link(self, to: Path) -> None:
        try:
            # Only with a folder's descriptor does Python let the system follow the link to a file that has no name.
            os.link(self.path, to, src_dir_fd=self.descriptor, follow_symlinks=True)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links: there the last of two at once wins.
            if self._name is None or os.path.lexists(to):
                raise
            os.replace(self._name, to)

    def discard(self) -> None:
        """Close the draft, and remove it if it was not placed."""
        if self._name is not None:
            with contextlib.suppress(OSError):
                self._name.unlink(missing_ok=True)
        os.close(self.descriptor)


def _waiting_name(target: Path) -> Path:
    return target.with_name(f"{_waiting_names(target)}{os.getpid()}-{secrets.token_hex(3)}.writing")


@contextlib.contextmanager
def draft(target: Path) -> Iterator[Draft]:
    """Give the next version of a file; it is gone afterwards unless it was placed. What dead processes left is cleared away first.

    Raises:
        OSError: no file can be made there.
    """
    clear_away(target)
    made = Draft(target)
    try:
        yield made
    finally:
        made.discard()


def _lock(descriptor: int, kind: int) -> bool:
    """Lock an open file if nobody else has; where files cannot be locked it counts as done."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one that stands at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def left_behind(target: Path) -> list[Path]:
    """Return what processes that are dead left of the next versions of a file."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(target.parent):
            if entry.name.startswith(_waiting_names(target)) and entry.name.endswith("writing") and entry.is_file(follow_symlinks=False):
                found.append(Path(entry.path))
    return [path for path in found if not is_in_use(path)]


def clear_away(target: Path) -> None:
    """Remove what processes that are dead left of the next versions of a file."""
    for path in left_behind(target):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


def claim(path: Path) -> int | None:
    """Return a descriptor that marks a file as in use until it is closed; None if another program has it open.

    Raises:
        OSError: the file cannot be opened.
    """
    while True:
        descriptor = os.open(path, os.O_RDONLY)
        # Alone for a moment, so that of two that come at once only one finds nobody else here.
        if not (_lock(descriptor, fcntl.LOCK_EX) and _lock(descriptor, fcntl.LOCK_SH)):
            os.close(descriptor)
            return None
        if is_at(descriptor, path):
            return descriptor
        os.close(descriptor)


def is_in_use(path: Path | str) -> bool:
    """Return whether a writer, or a reader that locks, holds the file open; False where files cannot be locked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep a folder, made if need be, for this process while the block runs.

    Raises:
        UserError: another process keeps it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {reason(error)}") from error
    try:
        if not _lock(descriptor, fcntl.LOCK_EX):
            raise UserError(f"{folder}: another run of LesionLab writes there just now; wait for it, or choose another folder")
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def temporary_folder(inside: Path | None = None) -> Iterator[Path]:
    """Yield a folder that is gone afterwards; what killed processes left of theirs is cleared away first."""
    above, prefix = Path(inside or tempfile.gettempdir()), "lesionlab-run-"
    for left in above.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(descriptor)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=above, ignore_cleanup_errors=True) as made:
        descriptor = os.open(made, os.O_RDONLY)
        try:
            _lock(descriptor, fcntl.LOCK_SH)
            os.makedirs(made, exist_ok=True)
            yield Path(made)
        finally:
            os.close(descriptor)


def mark(path: Path, **attributes: object) -> None:
    """Set root attributes of a record that nobody writes any more; it is whole at every moment, as at a commit."""
    target = through_links(path)
    with draft(target) as made:
        copy_unsealed(target, made)
        with made.hdf5("r+") as file:
            file.attrs.update(attributes)
        seal(made.descriptor)
        made.place(is_new=False)


def copy_unsealed(source: Path, made: Draft) -> None:
    """Copy a record into its next version, without the seal, which every version has anew."""
    shutil.copyfile(source, made.path)
    unseal(made.descriptor)


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


def claim_space(descriptor: int, more_bytes: int) -> None:
    """Let a file grow by so many bytes, where the system knows how; HDF5 gives back on closing what it did not need.

    Raises:
        OSError: the disk is full.
    """
    if more_bytes and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, more_bytes)


def reason(error: Exception) -> str:
    """Return why a file could not be read or written in one line, in the system's words where it has any."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else " ".join(str(error).split())

"""Atomic writing of files: drafts of the next version, locks on open files, and allocation of disk space.

Where the system supports unnamed files (Linux), a draft has no name until it is placed, so that a kill leaves nothing behind.
On other systems, and for the moment in which it replaces an existing file, a draft is named `.NAME.PROCESS-NUMBER.writing` after
the process that writes it. The draft is locked while that process lives; the next process that writes NAME deletes the drafts of
killed processes. A write to a symbolic link goes to its target. If two processes create the same new file at once, the first to
place it succeeds and the other gets an error.
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
"""The most characters of the target's name that a draft's name repeats: file systems allow 255 bytes."""


def through_links(path: Path | str) -> Path:
    """Return the file that a path leads to after following symbolic links; the file need not exist yet.

    Raises:
        UserError: the links form a circle, or the path exists and is no regular file.
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
    """The next version of a file, locked by this process; unnamed where the system allows it, so that a kill leaves nothing behind.

    Attributes:
        descriptor: the descriptor of the open file; duplicate it to use it after the draft is closed.
        path: the path by which the file can be opened.
    """

    def __init__(self, target: Path) -> None:
        """Create an empty file in the target's folder; raises OSError."""
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
            # Before it was locked, another process may have deleted it as a draft of a dead process.
            if _lock(descriptor, fcntl.LOCK_SH) and is_at(descriptor, self._name):
                return descriptor
            os.close(descriptor)
            self._name = _waiting_name(self._target)

    def hdf5(self, mode: str, **options: Any) -> h5py.File:
        """Open the draft as an HDF5 file; only the `stdio` driver opens an unnamed one."""
        driver = "stdio" if self._name is None else None
        return h5py.File(self.path, mode, driver=driver, locking=False, track_order=True, **options)

    def place(self, is_new: bool) -> None:
        """Sync the draft to disk and give it the target's name.

        Raises:
            FileExistsError: `is_new` is set and the target exists by now.
            OSError: the file cannot be written.
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
            # Python lets the system follow the link to an unnamed file only if a descriptor for a folder is passed.
            os.link(self.path, to, src_dir_fd=self.descriptor, follow_symlinks=True)
        except FileExistsError:
            raise
        except OSError:
            # On a file system without hard links, the last of two concurrent writers wins.
            if self._name is None or os.path.lexists(to):
                raise
            os.replace(self._name, to)

    def discard(self) -> None:
        """Close the draft and delete it if it was not placed."""
        if self._name is not None:
            with contextlib.suppress(OSError):
                self._name.unlink(missing_ok=True)
        os.close(self.descriptor)


def _waiting_name(target: Path) -> Path:
    return target.with_name(f"{_waiting_names(target)}{os.getpid()}-{secrets.token_hex(3)}.writing")


@contextlib.contextmanager
def draft(target: Path) -> Iterator[Draft]:
    """Yield a draft of a file's next version; it is deleted on exit unless it was placed. Drafts of dead processes are deleted first.

    Raises:
        OSError: no file can be created there.
    """
    clear_away(target)
    made = Draft(target)
    try:
        yield made
    finally:
        made.discard()


def _lock(descriptor: int, kind: int) -> bool:
    """Lock an open file without waiting; return False if another process has it locked, True where files cannot be locked."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the file at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def left_behind(target: Path) -> list[Path]:
    """Return the drafts of a file that dead processes left behind."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(target.parent):
            if entry.name.startswith(_waiting_names(target)) and entry.name.endswith("writing") and entry.is_file(follow_symlinks=False):
                found.append(Path(entry.path))
    return [path for path in found if not is_in_use(path)]


def clear_away(target: Path) -> None:
    """Delete the drafts of a file that dead processes left behind."""
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
        # The lock is exclusive for a moment, so that only one of two concurrent processes gets it.
        if not (_lock(descriptor, fcntl.LOCK_EX) and _lock(descriptor, fcntl.LOCK_SH)):
            os.close(descriptor)
            return None
        if is_at(descriptor, path):
            return descriptor
        os.close(descriptor)


def is_in_use(path: Path | str) -> bool:
    """Return whether a writer, or a reader that locks, has the file open; False where files cannot be locked."""
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
    """Lock a folder for this process while the block runs; the folder is created if necessary.

    Raises:
        UserError: another process has locked it, or it cannot be created.
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
    """Yield a folder that is deleted on exit; temporary folders of killed processes are deleted first."""
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
    """Set root attributes of a record that is no longer being written; it is replaced atomically, as by a commit."""
    target = through_links(path)
    with draft(target) as made:
        copy_unsealed(target, made)
        with made.hdf5("r+") as file:
            file.attrs.update(attributes)
        seal(made.descriptor)
        made.place(is_new=False)


def copy_unsealed(source: Path, made: Draft) -> None:
    """Copy a record into a draft without its seal; each version gets a new one."""
    shutil.copyfile(source, made.path)
    unseal(made.descriptor)


@contextlib.contextmanager
def uninterrupted(patience: float = inf) -> Iterator[list[tuple[int, Any]]]:
    """Defer Ctrl-C until the block is left: raised inside an HDF5 callback, it would be lost and the run would continue.

    Yields the list of interrupts received so far. After more than `patience` interrupts they are no longer deferred.
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
    """Allocate this many more bytes to a file where the system supports it; on closing, HDF5 releases what it did not use.

    Raises:
        OSError: the disk is full.
    """
    if more_bytes and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, more_bytes)


def reason(error: Exception) -> str:
    """Return in one line why a file could not be read or written, with the system's message if there is one."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else " ".join(str(error).split())

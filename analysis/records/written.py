"""Output files that are complete or absent: written under another name, then moved into place; a link is followed to its target."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from lesionlab.analysis.records.errors import RecordError

try:
    import fcntl
except ImportError as error:
    raise RecordError("LesionLab runs on Linux and macOS; on Windows, install it inside the Windows Subsystem for Linux") from error

LONGEST_NAME = 200


@contextlib.contextmanager
def created(path: Path, is_forced: bool = True) -> Iterator[Path]:
    """Give a path of this process' own, with the same ending, that takes the place of `path` once it is written without an error.

    Raises:
        RecordError: something is there already, or comes there meanwhile, and `is_forced` is not set; or it cannot be written.
    """
    refuse_existing(path, is_forced)
    target = Path(os.path.realpath(path))
    if os.path.lexists(target) and not os.path.isfile(target):
        raise RecordError(f"{path}: is no regular file, or a symbolic link that leads back to itself")
    stem = f".{target.stem[:LONGEST_NAME]}."
    unfinished = target.with_name(f"{stem}{os.getpid()}-{secrets.token_hex(3)}.unfinished{target.suffix}")
    try:
        if target.parent.exists() and not target.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_away(target.parent, stem, f".unfinished{target.suffix}")
        with _locked(unfinished):
            yield unfinished
            _place(unfinished, target, is_forced)
    except FileExistsError as error:
        raise RecordError(f"{path}: another program has written it meanwhile; choose another name or add --force") from error
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def refuse_existing(path: Path, is_forced: bool) -> None:
    """Refuse a path at which something stands, unless it is to be replaced."""
    if os.path.lexists(os.path.realpath(path)) and not is_forced:
        raise RecordError(f"{path}: exists already; choose another name or add --force")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Make an empty file and keep it locked, so that no process takes it for the remains of a dead one."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _place(unfinished: Path, target: Path, is_forced: bool) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.chmod(unfinished, target.stat().st_mode & 0o777)
    if is_forced:
        os.replace(unfinished, target)
        return
    try:
        os.link(unfinished, target)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links.
        os.replace(unfinished, target)


def _clear_away(folder: Path, start: str, end: str) -> None:
    """Remove unfinished versions of a file that dead processes left behind."""
    for entry in [entry for entry in os.scandir(folder) if entry.name.startswith(start) and entry.name.endswith(end)]:
        with contextlib.suppress(OSError):
            descriptor = os.open(entry.path, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(entry.path)
            finally:
                os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all; characters that no file can hold are escaped. Raises RecordError."""
    with created(path) as unfinished:
        unfinished.write_bytes(text.encode("utf-8", "backslashreplace"))

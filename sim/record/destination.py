"""Files that a verb is about to write: checked before anything is computed."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.files import through_links
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.record.schema import Attribute

RECORD_SUFFIXES = (".h5", ".hdf5", ".nc")


def writable(path: Path, suffixes: Sequence[str], is_forced: bool) -> Path:
    """Return the path if a file may be written there.

    Raises:
        UserError: another ending than `suffixes`, no such folder, or something is there already.
    """
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{path}: must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")
    if path.exists() and not is_forced and not path.is_dir():
        raise UserError(f"{path}: exists already; choose another name or add --force")
    through_links(path)
    return path


def is_record(path: Path) -> bool:
    """Return whether a path has the ending of a record."""
    return path.suffix.lower() in RECORD_SUFFIXES


def new_record(path: Path, is_forced: bool) -> Path:
    """Return the path if a run may write its record there.

    Raises:
        UserError: another ending than a record's, or something is there already; if that can go on, the message says how.
    """
    if not is_record(path):
        raise UserError(f"-o {path}: a record ends in .h5")
    if path.exists() and not is_forced:
        raise UserError(f"{path}: exists already{_unfinished(path)}; choose another name or add --force")
    through_links(path)
    return path


def _unfinished(path: Path) -> str:
    """Return how to continue a record that is not complete, in brackets; nothing for any other file."""
    try:
        run = read_run(path)
    except UserError:
        return ""
    return "" if run.attributes[Attribute.STATUS] == "complete" else f" ({run.outlook})"


def typed_command() -> str:
    """Return the command as it was typed, for files that say how they were made; what is no character is escaped."""
    return shlex.join(["lesionlab", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode()

"""Files that a verb is about to write: checked before anything is computed."""

from collections.abc import Sequence
from pathlib import Path

from sim.errors import UserError


def writable(path: Path, suffixes: Sequence[str], is_forced: bool) -> Path:
    """Return the path if a file may be written there.

    Raises:
        UserError: another ending than `suffixes`, no such folder, or something is there already.
    """
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{path}: must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise UserError(f"{path}: is a folder")
    if path.exists() and not is_forced:
        raise UserError(f"{path}: exists already; choose another name or add --force")
    return path

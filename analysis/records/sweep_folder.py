"""The folder of a sweep, read by its index: complete records, each with an arm of its own for every point of the design."""

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record
from lesionlab.sim.record.schema import Attribute

INDEX = "index.csv"
BEFORE, AFTER = ("run", "arm", "replicate"), ("days", "status", "is_quick", "record", "message")
"""Columns of the index before and after those of the varied values."""


class Listed(NamedTuple):
    """A complete run of a sweep: its record, and its arm with the values of its point (None: the record's own)."""

    path: Path
    arm: str | None


def is_sweep(path: Path) -> bool:
    """Return whether this is the folder of a sweep."""
    return (path / INDEX).is_file()


def listed(folder: Path) -> list[Listed]:
    """Return the complete runs of a sweep, in the order of its index.

    Raises:
        RecordError: the index cannot be read, or no run is complete.
    """
    path = folder / INDEX
    try:
        rows = list(csv.DictReader(StringIO(path.read_text(encoding="utf-8"))))
        varied = [name for name in rows[0] if name not in (*BEFORE, *AFTER)] if rows else []
        found = [Listed(folder / row["record"], arm_at(row["arm"], {name: row[name] for name in varied}))
                 for row in rows if row["status"] == "complete"]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, csv.Error) as error:
        raise RecordError(f"{path}: no index of a sweep: {error}") from error
    if not found:
        raise RecordError(f"{path}: no run of this sweep is complete; `sweep run` computes them")
    return found


def arm_at(arm: str, point: dict[str, str]) -> str:
    """Return an arm's name at a point of the design: its values behind it, each after the end of its path that tells it apart."""
    values = [f"{name} {value}" for name, value in zip(short_names(list(point)), point.values(), strict=True) if value != ""]
    return f"{arm} ({', '.join(values)})" if values else arm


def short_names(paths: list[str]) -> list[str]:
    """Return the shortest ends of dotted paths that still differ."""
    parts = [path.split(".") for path in paths]
    for length in range(1, max(map(len, parts), default=1)):
        names = [".".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return paths


def named(record: Record, arm: str | None) -> Record:
    """Return a record under the arm of its point, or as it is."""
    return record if arm is None else replace(record, attributes={**record.attributes, str(Attribute.ARM): arm})

"""Integrity checks of a record, made before any of its contents are used.

A record ends with a seal after the HDF5 data: the sha256 of every byte before it. A file with a valid seal is as it was written. Any
other file (damaged, edited, or of version 0.1.0, which wrote no seal) is first read completely in a separate process, with limits on
time and memory: a single flipped bit can make the HDF5 library abort or allocate terabytes. Then `check` compares the presence, type
and shape of all contents with the declaration. This module imports no other module of LesionLab, so that the separate process can
run it as a script.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

FIRST_VERSION = "0.1.0+"
"""The beginning of the code version of records that have no seal: only version 0.1.0 wrote such records."""
SEAL = b"\nlesionlab-sha256 "
SEAL_BYTES = len(SEAL) + 64 + 1
BLOCK_BYTES = 2**24
MOST_OBJECTS, MOST_CHUNK_BYTES = 100_000, 2**31
MOST_PACKED, ALWAYS_ALLOWED_BYTES = 1100, 2**26
"""Largest ratio of a dataset's size to its stored bytes, above the most that deflate reaches, and the bytes allowed without any stored."""
PROBE_S, PROBE_BYTES = 60.0, 4 * 2**30


class Declared(NamedTuple):
    """The required contents of a record: kinds are text, number, whole or date; axes are those of the root or a lesion's snapshots.

    The attributes are root attributes; one whose kind ends in a question mark is optional.
    """

    attributes: Mapping[str, str]
    datasets: Mapping[str, tuple[str, tuple[str, ...]]]
    pictures: Mapping[str, tuple[str, tuple[str, ...]]]


class Verdict(NamedTuple):
    """The result of examining a file: whether its seal is valid, and a short text for each fault; no texts if there is none."""

    is_sealed: bool
    damage: tuple[str, ...]


def open_to_read(path: Path | str) -> h5py.File:
    """Open a file for reading without a lock, so that a record can be read while its run is still writing.

    If another library in this process has the file open with a lock, as xarray does, it is opened with a lock too: HDF5 does not
    allow two different locking flags for one file.
    """
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking flag" not in str(error):
            raise
        return h5py.File(path, "r")


def seal(descriptor: int) -> None:
    """Append the seal to an open file that has none; the next fsync writes it to disk."""
    size = os.fstat(descriptor).st_size
    os.pwrite(descriptor, SEAL + _hash(descriptor, size).encode() + b"\n", size)


def unseal(descriptor: int) -> None:
    """Remove the seal of an open file, if it has one."""
    if _kept_hash(descriptor) is not None:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - SEAL_BYTES)


def _hash(descriptor: int, size: int) -> str:
    """Return the sha256 of the first bytes of an open file."""
    digest, place = hashlib.sha256(), 0
    while place < size and (block := os.pread(descriptor, min(BLOCK_BYTES, size - place), place)):
        digest.update(block)
        place += len(block)
    return digest.hexdigest()


def _kept_hash(descriptor: int) -> str | None:
    """Return the hash in a file's seal, None without a seal."""
    size = os.fstat(descriptor).st_size
    found = os.pread(descriptor, SEAL_BYTES, size - SEAL_BYTES) if size >= SEAL_BYTES else b""
    return found[len(SEAL):-1].decode("ascii", "replace") if found.startswith(SEAL) and found.endswith(b"\n") else None


def examine(path: Path | str) -> Verdict:
    """Return the verdict on a file; the whole file is read once, and again only after it has changed.

    Raises:
        ValueError: it is no regular file, or the HDF5 library cannot read all of it, with the reason.
        OSError: the file cannot be opened.
    """
    if not os.path.isfile(path):
        raise ValueError("no such file" if not os.path.exists(path) else "no regular file")
    state = os.stat(path)
    return _examine(os.path.abspath(path), (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=4096)
def _examine(path: str, _state: tuple[int, ...]) -> Verdict:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        kept = _kept_hash(descriptor)
        is_whole = kept is not None and kept == _hash(descriptor, os.fstat(descriptor).st_size - SEAL_BYTES)
    finally:
        os.close(descriptor)
    return Verdict(True, ()) if is_whole else Verdict(False, _probe(path, kept is not None))


def _probe(path: str, has_seal: bool) -> tuple[str, ...]:
    """Return the faults of a file without a valid seal, found by a separate process."""
    try:
        done = subprocess.run([sys.executable, "-P", __file__, path], capture_output=True, timeout=PROBE_S, check=False)
        told = json.loads(done.stdout) if done.returncode == 0 else {"wrong": "damaged so that the HDF5 library fails on it"}
    except (subprocess.TimeoutExpired, ValueError):
        told = {"wrong": "damaged so that the HDF5 library does not come to an end with it"}
    if "wrong" in told:
        raise ValueError(str(told["wrong"]))
    changed = ["it is not as it was written"] if has_seal or told["is_to_be_sealed"] else []
    return (*changed, *(f"{name} cannot be read" for name in told["unreadable"]))


def _answer_probe(path: str) -> dict[str, Any]:
    """Return, in the separate process, the datasets of a file that cannot be read."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (PROBE_BYTES, PROBE_BYTES))
    try:
        with open_to_read(path) as file:
            found = list(walk(file))
            unreadable = [name for name, item in found if isinstance(item, h5py.Dataset) and not _is_readable(item)]
            for _, item in [("", file), *found]:
                dict(item.attrs)
            is_first = str(file.attrs.get("code_version", "")).startswith(FIRST_VERSION)
            return {"unreadable": unreadable, "is_to_be_sealed": "seal" in file.attrs or not is_first}
    except Exception as error:
        return {"wrong": " ".join(f"damaged or no HDF5 file: {error}".split())}


def _is_readable(item: h5py.Dataset) -> bool:
    """Return whether every value of a dataset can be read; they are read in blocks."""
    rows = max(1, BLOCK_BYTES // max(1, item.dtype.itemsize * (item.size // max(1, item.shape[0])))) if item.shape else 0
    try:
        for first in range(0, item.shape[0], rows) if item.shape else ():
            item[first:first + rows]
        if not item.shape:
            item[()]
    except (OSError, RuntimeError, ValueError, TypeError, MemoryError):
        return False
    return True


def walk(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield every group and dataset below the root with its path.

    Raises:
        ValueError: a link that is not a hard link, a group that contains itself, too many objects, data outside the file, or a
            dataset larger than the file can hold.
    """
    waiting: list[tuple[str, h5py.Group, frozenset[Any]]] = [("", file, frozenset({_address(file)}))]
    n_seen = 0
    while waiting:
        above, group, ancestors = waiting.pop()
        for name in group:
            path, n_seen = f"{above}{name}", n_seen + 1
            if n_seen > MOST_OBJECTS:
                raise ValueError("it holds more groups and datasets than any record")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{path} is a link to somewhere else, which no record has")
            item = group[name]
            if isinstance(item, h5py.Group):
                if _address(item) in ancestors:
                    raise ValueError(f"{path} contains itself")
                waiting.append((f"{path}/", item, ancestors | {_address(item)}))
            elif isinstance(item, h5py.Dataset):
                _check_claim(path, item)
            yield path, item


def _address(item: h5py.Group) -> Any:
    return h5py.h5o.get_info(item.id).addr


def _check_claim(path: str, item: h5py.Dataset) -> None:
    """Reject a dataset whose values are stored outside the file or that claims more bytes than the file can hold."""
    if item.is_virtual or item.id.get_create_plist().get_external_count():
        raise ValueError(f"the values of {path} lie in another file, which no record has")
    if item.shape is None:
        raise ValueError(f"{path} holds nothing")
    claim = int(np.prod([int(length) for length in item.shape], dtype=object)) * item.dtype.itemsize
    chunk = int(np.prod([int(length) for length in item.chunks or ()], dtype=object)) * item.dtype.itemsize
    if claim > MOST_PACKED * item.id.get_storage_size() + ALWAYS_ALLOWED_BYTES or chunk > MOST_CHUNK_BYTES:
        raise ValueError(f"{path} claims {claim:.3g} bytes, more than the file can hold")


def check_once(path: Path | str, file: h5py.File, declared: Declared) -> None:
    """Check a file as `check` does, unless the same version of it has passed before; raises ValueError."""
    state = os.stat(path)
    version = os.path.abspath(path), state.st_ino, state.st_size, state.st_mtime_ns
    if version not in _FOUND_RIGHT:
        check(file, declared)
        _FOUND_RIGHT.add(version)


_FOUND_RIGHT: set[tuple[str, int, int, int]] = set()


def check(file: h5py.File, declared: Declared) -> None:
    """Reject a file that does not match the declaration: links, presence, type, shape and size of everything to be read.

    Raises:
        ValueError: with the first part that does not match.
    """
    items = dict(walk(file))
    for name, kind in declared.attributes.items():
        if name in file.attrs:
            _check_value(f"the attribute {name}", file.attrs[name], kind.rstrip("?"))
        elif not kind.endswith("?"):
            raise ValueError(f"it has no attribute {name}")
    lengths: dict[str, int] = {}
    for name, (kind, axes) in declared.datasets.items():
        _check_dataset(name, items.get(name), kind, axes, lengths)
    lesions, time_d = file["lesion"].asstr()[:].tolist(), file["time"][:]
    if not lesions or len(set(lesions)) < len(lesions):
        raise ValueError("its lesions have no names of their own")
    if not (np.isfinite(time_d).all() and (np.diff(time_d) > 0).all()):
        raise ValueError("its times do not rise")
    for lesion in lesions:
        own = {"lesion": len(lesions)}
        for name, (kind, axes) in declared.pictures.items():
            _check_dataset(f"snapshots/{lesion}/{name}", items.get(f"snapshots/{lesion}/{name}"), kind, axes, own)
    for name, item in items.items():
        if name == "checkpoint" or (name.startswith("checkpoints/") and name.count("/") == 1):
            _check_checkpoint(name, item, items)


def _check_dataset(name: str, item: Any, kind: str, axes: tuple[str, ...], lengths: dict[str, int]) -> None:
    """Reject a dataset whose kind or shape is not as declared; the first dataset along an axis sets the axis' length."""
    if not isinstance(item, h5py.Dataset):
        raise ValueError(f"it has no dataset {name}")
    is_text = h5py.check_string_dtype(item.dtype) is not None
    if is_text != (kind == "text") or (not is_text and item.dtype.kind not in "fiu"):
        raise ValueError(f"{name} is not {'text' if kind == 'text' else 'numbers'}")
    wanted = tuple(lengths.setdefault(axis, length) for axis, length in zip(axes, item.shape, strict=False))
    if len(axes) != item.ndim or wanted != item.shape:
        raise ValueError(f"{name} has the shape {item.shape}; its axes are ({', '.join(axes)})")


def _check_value(what: str, value: Any, kind: str) -> None:
    """Reject an attribute that is not of its declared kind."""
    if kind in ("text", "date"):
        fits = isinstance(value, str) and (kind == "text" or _is_date(value))
    else:
        fits = np.shape(value) == () and np.asarray(value).dtype.kind in ("iub" if kind == "whole" else "fiub")
    if not fits:
        raise ValueError(f"{what} is not {'a date' if kind == 'date' else 'text' if kind == 'text' else 'a number'}")


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _check_checkpoint(name: str, item: Any, items: Mapping[str, Any]) -> None:
    """Reject a checkpoint that is not a group of numbers with a day and a hash."""
    if not isinstance(item, h5py.Group):
        raise ValueError(f"{name} is no group")
    for attribute, kind in (("time_d", "number"), ("state_sha256", "text")):
        _check_value(f"{attribute} of {name}", item.attrs.get(attribute), kind)
    for path, below in items.items():
        if path.startswith(f"{name}/") and isinstance(below, h5py.Dataset) and below.dtype.kind not in "fiub":
            raise ValueError(f"{path} is not numbers")


if __name__ == "__main__":
    json.dump(_answer_probe(sys.argv[1]), sys.stdout)

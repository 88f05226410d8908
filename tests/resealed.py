"""Editing a record as if a run had written it so: opened, changed, and sealed again; or as if version 0.1.0 had, without a seal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from lesionlab.sim.record.seal import seal, unseal


@contextmanager
def resealed(path: Path | str) -> Iterator[h5py.File]:
    """Give a record to be changed; afterwards its seal holds again."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        unseal(descriptor)
        with h5py.File(path, "r+", locking=False) as file:
            yield file
        seal(descriptor)
    finally:
        os.close(descriptor)


def as_of_first_version(path: Path | str) -> None:
    """Make a record what version 0.1.0 wrote: no seal, and no word of one."""
    with h5py.File(path, "r+") as file:
        del file.attrs["seal"]
        file.attrs["code_version"] = "0.1.0+0123456789ab"
    assert not Path(path).read_bytes().endswith(b"\n")

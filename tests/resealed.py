"""Editing a record as if a run had written it so: opened, changed, and sealed again."""

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

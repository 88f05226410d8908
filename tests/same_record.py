"""Comparing two records byte for byte."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def _bytes(item: h5py.Dataset) -> Any:
    value = np.asarray(item[()])
    return value.tolist() if value.dtype == object else value.tobytes()


def differences(one: Path, other: Path, but: tuple[str, ...] = ()) -> list[str]:
    """Return the names of all datasets and root attributes in which two records differ; those that begin with `but` are left out."""
    with h5py.File(one) as a, h5py.File(other) as b:
        names: tuple[set[str], set[str]] = (set(), set())
        for file, found in zip((a, b), names, strict=True):
            file.visit(found.add)
            found |= {f"attribute {name}" for name in file.attrs}
        differing = names[0] ^ names[1]
        for name in names[0] & names[1]:
            if name.startswith("attribute "):
                same = str(a.attrs[name[10:]]) == str(b.attrs[name[10:]])
            else:
                x, y = a[name], b[name]
                same = isinstance(x, h5py.Group) or ((x.dtype, x.shape) == (y.dtype, y.shape) and _bytes(x) == _bytes(y))
            differing |= set() if same else {name}
    return sorted(name for name in differing if not name.startswith(but))

"""Which version this is: of the release, of the model (what decides numbers), and of the kernels (what is compiled)."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

__version__ = "0.2.0.dev0"
DISCLAIMER = "Illustrative, not for clinical use"

WITH_KERNELS = ("numerics", "state", "layouts", "measures", "processes")
DECIDES_NUMBERS = (*WITH_KERNELS, "parameters", "treatment", "scenario")
"""Folders of `sim` that a compiled kernel, or a number of a run, can depend on. The modules beside them count too; code that
writes records, starts runs, prints or draws does not."""


@cache
def model_version() -> str:
    """Return the release and the hash of every source that decides the numbers of a run."""
    return f"{__version__}+{digest(DECIDES_NUMBERS)[:12]}"


@cache
def kernel_version() -> str:
    """Return the hash of every source that a compiled kernel can depend on: numba sees the kernel's own file only."""
    return digest(WITH_KERNELS)[:16]


def digest(folders: Iterable[str]) -> str:
    """Return the SHA-256 of the names and bytes of all sources in these folders of `sim` and of the modules beside them."""
    here = Path(__file__).parents[1]
    beside = (path for path in here.glob("*.py") if path.name != "__init__.py")
    inside = (path for folder in folders for pattern in ("*.py", "*.yaml") for path in (here / folder).rglob(pattern))
    found = hashlib.sha256()
    for source in sorted((*beside, *inside)):
        found.update(source.relative_to(here).as_posix().encode() + b"\0" + source.read_bytes())
    return found.hexdigest()

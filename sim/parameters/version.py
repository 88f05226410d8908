"""Which sources a result depends on, and their hash."""

import hashlib
from functools import lru_cache
from pathlib import Path

from sim import __version__

_NOT_THE_MODEL = ("cli", "verification", "arms.py", "bundle.py", "execution.py", "jobs.py", "sweep.py")


@lru_cache(maxsize=1)
def model_version() -> str:
    """Return the version and the hash of every source that a result can depend on; the command line is left out."""
    here = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for source in sorted(here.rglob("*.py")):
        inside = source.relative_to(here)
        if inside.parts[0] not in _NOT_THE_MODEL:
            digest.update(inside.as_posix().encode() + b"\0" + source.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"

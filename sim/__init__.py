"""LesionLab: an agent-based simulator of tumour, immune system and vessels under therapy.

Importing the package points numba's disk cache at a folder named after a hash of the model's sources:
numba does not notice when a kernel in another file changes and would silently run the old rule.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

__version__ = "0.1.0"
DISCLAIMER = "Illustrative, not for clinical use"


def _cache_folder() -> str:
    """Return a writable folder named after the sources' hash; a fresh temporary one where none is."""
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for source in sorted(here.rglob("*.py")):
        digest.update(source.relative_to(here).as_posix().encode() + b"\0" + source.read_bytes())
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    root = chosen or os.path.join(caches, "lesionlab")
    folder = os.path.join(root, "numba-" + digest.hexdigest()[:16])
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        # An unwritable folder would send numba back to __pycache__, and the stale kernels with it.
        return tempfile.mkdtemp(prefix="lesionlab-numba-")


if os.environ.get("LESIONLAB_NUMBA_CACHE") is None:
    os.environ["NUMBA_CACHE_DIR"] = os.environ["LESIONLAB_NUMBA_CACHE"] = _cache_folder()
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]

"""Two ways to compile a kernel, and the folder where compiled kernels are kept.

The folder is named after a hash of the sources that kernels come from: numba does not notice when a kernel in another file
changes and would silently run the old rule.
"""

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from lesionlab.sim.parameters.version import kernel_version

_PASSING = "lesionlab-numba-"


def _cache_folder() -> str:
    """Return a writable folder named after the hash of the kernels' sources; where none is, one that is gone with this process."""
    caches = os.environ.get("XDG_CACHE_HOME", "")
    home = os.path.join(os.path.expanduser("~"), ".cache")
    root = os.environ.get("NUMBA_CACHE_DIR") or os.path.join(caches if os.path.isabs(caches) else home, "lesionlab")
    folder = os.path.join(root, f"numba-{kernel_version()}")
    try:
        # Without HOME, and for a user whom the system does not know, `~` stays as it is.
        if root.startswith("~"):
            raise OSError("there is no home folder")
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _passing_folder()


def _passing_folder() -> str:
    """Return a temporary folder for this process and its workers; with an unwritable one numba would use __pycache__ and stale kernels."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PASSING}*"):
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(left.name.removeprefix(_PASSING).split("-")[0]), 0)
            continue
        shutil.rmtree(left, ignore_errors=True)
    folder, owner = tempfile.mkdtemp(prefix=f"{_PASSING}{os.getpid()}-"), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def is_cache_kept() -> bool:
    """Return whether compiled rules outlive this process."""
    return not os.path.basename(os.environ.get("NUMBA_CACHE_DIR", "")).startswith(_PASSING)


# Set before numba is imported, since numba reads the variable on import; workers inherit it and use the parent's folder.
if os.environ.get("LESIONLAB_NUMBA_CACHE") is None:
    os.environ["NUMBA_CACHE_DIR"] = os.environ["LESIONLAB_NUMBA_CACHE"] = _cache_folder()
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]

from numba import config, njit  # noqa: E402

IS_COMPILED = not config.DISABLE_JIT  # type: ignore[attr-defined]
"""Whether kernels are compiled, and not plain functions, as NUMBA_DISABLE_JIT=1 makes them."""

# error_model="numpy": the default checks every division and keeps loops from vectorising (13-15 times slower).
# nogil: lesions may run side by side in threads.
kernel = njit(cache=True, error_model="numpy", nogil=True)

# For loops over finite numbers only: a largest value may be taken in any order, so that it vectorises; no bit depends on it.
finite_kernel = njit(cache=True, error_model="numpy", nogil=True, fastmath={"nnan", "nsz"})

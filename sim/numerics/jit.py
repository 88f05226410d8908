"""Two ways to compile a kernel, and the folder where compiled kernels are kept.

The folder is named after a hash of the sources that kernels come from: numba does not notice when a kernel in another file
changes and would silently run the old rule.
"""

import os
import sys
import tempfile

from lesionlab.sim.parameters.version import kernel_version


def _cache_folder() -> str:
    """Return a writable folder named after the hash of the kernels' sources; a fresh temporary one where none is."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(chosen or os.path.join(caches, "lesionlab"), f"numba-{kernel_version()}")
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        # With an unwritable folder numba would fall back to __pycache__ and its stale kernels.
        return tempfile.mkdtemp(prefix="lesionlab-numba-")


# Set before numba is imported, since numba reads the variable on import; workers inherit it and use the parent's folder.
if os.environ.get("LESIONLAB_NUMBA_CACHE") is None:
    os.environ["NUMBA_CACHE_DIR"] = os.environ["LESIONLAB_NUMBA_CACHE"] = _cache_folder()
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]

from numba import njit  # noqa: E402

# error_model="numpy": the default checks every division and keeps loops from vectorising (13-15 times slower).
# nogil: lesions may run side by side in threads.
kernel = njit(cache=True, error_model="numpy", nogil=True)

# For loops over finite numbers only: a largest value may be taken in any order, so that it vectorises; no bit depends on it.
finite_kernel = njit(cache=True, error_model="numpy", nogil=True, fastmath={"nnan", "nsz"})

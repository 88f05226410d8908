"""Two ways to compile a kernel."""

from numba import njit

# error_model="numpy": the default checks every division and keeps loops from vectorising (13-15 times slower).
# nogil: lesions may run side by side in threads. The disk cache is named after the sources (see sim/__init__.py).
kernel = njit(cache=True, error_model="numpy", nogil=True)

# For loops over finite numbers only: a largest value may be taken in any order, so that it vectorises; no bit depends on it.
finite_kernel = njit(cache=True, error_model="numpy", nogil=True, fastmath={"nnan", "nsz"})

"""The threads of this process and the division of work among them. No result depends on their number.

Sections of lesions are processed in parallel; a single large section is divided by rows. Every piece writes only its
own part, and nothing is summed across pieces, so one thread and many give the same bytes.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from lesionlab.sim.numerics.window import Shape, Span, Window

LEAST_SITES = 250_000
"""Smaller sections are not divided by rows: starting threads would take longer than they save."""
LEAST_ROWS = 20_000
"""Fewer T cells or events are not divided."""
_busy = threading.local()
_pool: ThreadPoolExecutor | None = None
_size = 1


@contextmanager
def hired(n_threads: int) -> Iterator[None]:
    """Divide work in this block among `n_threads` threads; blocks must not be nested."""
    global _pool, _size
    if n_threads < 2:
        yield
        return
    with ThreadPoolExecutor(n_threads, "lesionlab") as pool:
        _pool, _size = pool, n_threads
        try:
            yield
        finally:
            _pool, _size = None, 1


def free_threads() -> int:
    """Return how many threads the caller may use: one inside a piece of divided work."""
    return 1 if getattr(_busy, "is_so", False) else _size


def side_by_side(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Call `work` for every item; the items must be independent. Return the results in the order of the items."""
    pool = _pool
    if pool is None or free_threads() == 1 or len(items) < 2:
        return [work(item) for item in items]
    return [done.result() for done in [pool.submit(_alone, work, item) for item in items]]


def is_large(n_sites: int) -> bool:
    """Return whether a section, or the part of it to be processed, is large enough to divide."""
    return n_sites >= LEAST_SITES


def in_bands(shape: Shape, window: Window, work: Callable[..., Any], *arguments: Any) -> None:
    """Call `work(rows, window, *arguments)` for all rows of a window in a box (nz, ny, nx), numbered as `row_of` does: rows is a Span.

    In one piece, or where there are many sites in one piece per thread.
    """
    n_rows = shape[0] * (window.end_y - window.first_y)
    n = min(free_threads(), n_rows) if is_large(n_rows * (window.end_x - window.first_x)) else 1
    if n <= 1:
        work(Span(0, n_rows), window, *arguments)
        return
    edges = [n_rows * i // n for i in range(n + 1)]
    side_by_side(lambda rows: work(rows, window, *arguments), [Span(*ends) for ends in pairwise(edges)])


def is_shared(n: int) -> bool:
    """Return whether so many T cells or events are worked on by more than one thread."""
    return n >= LEAST_ROWS and free_threads() > 1


def in_pieces(n: int, work: Callable[[Span], Any]) -> list[Any]:
    """Call `work(span)` for all of n T cells or events, in one piece a free thread if they are many; return what each returned."""
    pieces = min(free_threads(), n) if is_shared(n) else 1
    return side_by_side(work, [Span(*ends) for ends in pairwise(n * i // pieces for i in range(pieces + 1))])


def _alone(work: Callable[[Any], Any], item: Any) -> Any:
    _busy.is_so = True
    try:
        return work(item)
    finally:
        _busy.is_so = False

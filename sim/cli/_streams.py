"""Standard output and error that outlive their readers: a run is not lost because a reader has gone or a character cannot be encoded."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""The reader of a pipe has gone, a terminal was closed."""


class Lasting:
    """A text stream that falls silent once it cannot be written, and keeps the reason; characters that it cannot hold are escaped."""

    def __init__(self, stream: TextIO) -> None:
        """Take over a stream; one that is closed is silent from the beginning."""
        self._stream = stream
        self.lost: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write text as far as the stream takes it."""
        if self.lost is None:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self.lost is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    def _lose(self, error: OSError | ValueError) -> None:
        """Fall silent; text in Python's buffers is dropped, since writing it at exit would raise an error."""
        self.lost = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
        with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    @property
    def is_full(self) -> bool:
        """Whether results were lost although their reader still waits for them, as on a full disk."""
        return self.lost is not None and self.lost.errno not in GONE

    def __getattr__(self, name: str) -> Any:
        """Return whatever else the stream has."""
        return getattr(self._stream, name)


@contextlib.contextmanager
def lasting_streams() -> Iterator[tuple[Lasting, Lasting]]:
    """Put lasting streams in the place of standard output and error while the block runs, and give them."""
    _open_missing()
    before = sys.stdout, sys.stderr
    streams = Lasting(sys.stdout), Lasting(sys.stderr)
    sys.stdout, sys.stderr = streams
    try:
        yield streams
    finally:
        for stream in streams:
            stream.flush()
        sys.stdout, sys.stderr = before


def _open_missing() -> None:
    """Open what the shell has closed (`2>&-`) on nothing: the next file would get its number, and words meant for it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))

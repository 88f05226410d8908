"""A page served on 127.0.0.1 by the standard library: to one address with a random token, for reading only."""

import json
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote

from lesionlab.sim.page.document import served
from lesionlab.sim.page.packing import deflated
from lesionlab.sim.page.play import Play, as_json
from lesionlab.sim.page.sections import Section

HOST = "127.0.0.1"
FAST = 1
MOST_ASKED_BYTES = 65_536


class Source(Protocol):
    """What a server shows: its title, its data, and the chunks of its planes."""

    title: str

    def data(self) -> Mapping[str, Any]:
        """Return the data of the page."""

    def chunk(self, arm: str, lesion: str, plane: str, number: int) -> bytes:
        """Return a deflated chunk; raises LookupError where there is none."""

    def answer(self, asked: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a question or a command of the page; raises LookupError for one that is not known, ValueError for one that fails."""


class Recorded:
    """A source of records, whose pictures are read when they are asked for."""

    def __init__(self, play: Play, title: str = "") -> None:
        """Show a play."""
        self.play, self._data = play, as_json(play, title)
        self.title = str(self._data["title"])

    def data(self) -> Mapping[str, Any]:
        """Return the data of the page."""
        return self._data

    def chunk(self, arm: str, lesion: str, plane: str, number: int) -> bytes:
        """Return a deflated chunk; raises LookupError where there is none."""
        section = self.play.sections[arm, lesion]
        if not isinstance(section, Section):
            raise LookupError(plane)
        return deflated(section.chunk(plane, number), FAST)

    def answer(self, asked: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Records answer nothing."""
        raise LookupError(f"records answer no {asked} {sorted(content)}")


class Server(ThreadingHTTPServer):
    """A server of one page at `address`; requests that lack its token, or come by another name than this machine's own, are refused."""

    daemon_threads = True

    def __init__(self, source: Source, port: int = 0) -> None:
        """Listen on a port of 127.0.0.1, 0 for a free one; raises OSError where it is taken."""
        self.source, self.token = source, secrets.token_urlsafe(18)
        super().__init__((HOST, port), _Answers)

    @property
    def address(self) -> str:
        """The address to open."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    @property
    def names(self) -> set[str]:
        """The hosts by which a browser on this machine may call; another name is a page elsewhere that points here."""
        return {f"{host}:{self.server_port}" for host in (HOST, "localhost")}


class _Answers(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the page, its data or a chunk."""
        self._respond(self._got)

    def do_POST(self) -> None:
        """Answer a command of the page."""
        self._respond(self._posted)

    def _respond(self, make: Callable[[list[str]], tuple[str, bytes]]) -> None:
        token, *parts = self.path.split("?")[0].split("/")[1:8] or [""]
        if self.headers.get("Host") not in self.server.names or not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"not here\n")
            return
        try:
            kind, content = make([unquote(part) for part in parts if part])
        except (LookupError, ValueError) as error:
            status = HTTPStatus.NOT_FOUND if isinstance(error, LookupError) else HTTPStatus.BAD_REQUEST
            self._send(status, "text/plain; charset=utf-8", f"{error}\n".encode())
            return
        self._send(HTTPStatus.OK, kind, content)

    def _got(self, parts: list[str]) -> tuple[str, bytes]:
        source = self.server.source
        match parts:
            case []:
                return "text/html; charset=utf-8", served(source.title).encode()
            case ["data"]:
                return "application/json", _as_bytes(source.data())
            case ["chunk", arm, lesion, plane, number] if number.isdecimal():
                return "application/octet-stream", source.chunk(arm, lesion, plane, int(number))
        raise LookupError("not here")

    def _posted(self, parts: list[str]) -> tuple[str, bytes]:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_ASKED_BYTES or len(parts) != 1:
            raise LookupError("not here")
        content = json.loads(self.rfile.read(length) or b"{}")
        return "application/json", _as_bytes(self.server.source.answer(parts[0], content))

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(content))), ("Cache-Control", "no-store"),
                            ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Log nothing: the address with its token would stand in it."""


def _as_bytes(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")

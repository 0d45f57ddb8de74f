"""A server on loopback that answers as a test tells it to: truthfully, wrongly, slowly, or not at all."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

Pieces = bytes | Iterable[bytes] | None
"""What goes on the wire: bytes, pieces with pauses between them, or nothing until the caller gives up."""


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: str

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def parameters(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def mashup(self) -> dict[str, Any]:
        """The query inside an invoke request."""
        query: dict[str, Any] = json.loads(unquote(self.body.removeprefix("request=")))
        return query


@dataclass
class Liar:
    """Serves `answer(asked)` for every request; use it as a context manager."""

    answer: Callable[[Asked], Pieces]
    certificate: Path | None = None
    """key and certificate in one file: speak TLS"""
    asked: list[Asked] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        liar = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    while (request := _read_request(self.rfile)) and liar.serve(request, self.wfile):
                        pass
                except OSError:
                    pass  # the client went away, which many tests want it to

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = False
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def pause(self, seconds: float) -> None:
        """Wait between pieces; ends at once when the test does."""
        self._stopped.wait(seconds)

    def serve(self, request: Asked, out: Any) -> bool:
        self.asked.append(request)
        pieces = self.answer(request)
        if pieces is None:
            self._stopped.wait(30)
            return False
        for piece in [pieces] if isinstance(pieces, bytes) else pieces:
            if self._stopped.is_set():
                return False
            out.write(piece)
        return False


def _read_request(stream: Any) -> Asked | None:
    if stream.peek(1)[:1] == b"\x16":
        return None  # a TLS handshake, whose random bytes need not hold the end of a line
    line = stream.readline(65536).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while header := stream.readline(65536).decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0))).decode()
    return Asked(line[0], line[1], headers, body)


def http(body: bytes | str, status: str = "200 OK", **headers: str) -> bytes:
    """A well-formed answer; header names with underscores for dashes."""
    content = body.encode() if isinstance(body, str) else body
    named = {"Content-Length": str(len(content)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + content


def as_json(value: object) -> bytes:
    return http(json.dumps(value), Content_Type="application/json")


def unused_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])

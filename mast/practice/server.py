"""The practice archive as a server in a thread: start it, point the client code at its address, stop it."""

from __future__ import annotations

import socket
import sys
import threading
from collections import Counter
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from mast.practice.handler import Handler
from mast.practice.holdings import Catalogue
from mast.practice.recorded import Recorded
from mast.practice.store import Store


class _HttpServer(ThreadingHTTPServer):
    """Keeps its open connections, so that stopping does not wait for idle clients."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[Handler]) -> None:
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up in the middle is everyday life here; anything else is a fault of ours and is shown.
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def drop_connections(self) -> None:
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster


class PracticeServer:
    """A MAST and S3 of its own on one loopback port.

    Parameters
    ----------
    data_dir : where files are kept once made
    port : 0 takes a free one
    rate : MB/s per connection, None for as fast as it goes
    recorded : a folder of recorded rows and files to serve instead of the catalogue
    fill : with `recorded`, make files that are listed but not in the folder

    The knobs below may be set at any time, from any thread.
    """

    def __init__(
        self,
        data_dir: Path | str,
        port: int = 0,
        rate: float | None = None,
        recorded: Path | str | None = None,
        *,
        fill: bool = False,
        host: str = "127.0.0.1",
    ) -> None:
        self.rate = rate
        self.executing_polls = 0
        """how often a query is answered EXECUTING before it is answered"""
        self.unavailable = False
        """503 for everything but `/health`"""
        self.broken: set[str] = set()
        """kinds of request (`s3`, `download`, `invoke`, `resolver`, `path_lookup` ...) that are answered 503"""
        self.delay_s = 0.0
        """wait before each answer"""
        self.token = "practice-token"  # noqa: S105 - a token to practise with
        """what opens exclusive files"""
        self.counts: Counter[str] = Counter()
        """requests per kind; `invoke <service>` and `<kind>_head` apart"""
        self.sent_bytes: Counter[str] = Counter()
        """bytes of files sent, by `http` and `s3`"""
        self.store = Store(Path(data_dir))
        self.holdings = Recorded(Path(recorded), fill=fill) if recorded else Catalogue()
        self._polls: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._http = _HttpServer((host, port), type("BoundHandler", (Handler,), {"archive": self}))
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="practice archive", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{self._http.server_address[0]!s}:{self.port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        self._stopping.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.drop_connections()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def reset(self) -> None:
        """Counts to zero, knobs to no faults: what a test calls between two others."""
        with self._guard:
            self.counts.clear()
            self.sent_bytes.clear()
            self._polls.clear()
        self.store.revisions.clear()
        self.broken = set()
        self.rate, self.executing_polls, self.unavailable, self.delay_s = None, 0, False, 0.0

    def count(self, kind: str) -> None:
        with self._guard:
            self.counts[kind] += 1

    def still_executing(self, body: str) -> bool:
        """Whether this query is to be answered EXECUTING once more."""
        with self._guard:
            self._polls[body] += 1
            if self._polls[body] <= self.executing_polls:
                return True
            del self._polls[body]
            return False

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the server."""
        if seconds > 0:
            self._stopping.wait(seconds)

"""A TCP proxy that breaks what passes through it, for servers that are real: the practice archive, Valkey, PostgreSQL.

Honest until a fault is set. A fault is at a byte of what the server sends on one connection; each that fires is
counted under its name.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

PIECE = 32 * 1024
NOW = struct.pack("ii", 1, 0)
"""SO_LINGER that turns a close into an RST"""


@dataclass
class Fault:
    """What happens to the next `times` connections once the server has sent `at` bytes on them."""

    how: str
    at: int
    times: int


class Proxy:
    """Listens on a loopback port for a server at `(host, port)` or at the path of a Unix socket; a context manager."""

    def __init__(self, upstream: tuple[str, int] | Path) -> None:
        self._upstream = upstream
        self.fired: Counter[str] = Counter()
        self.connections = 0
        self.bytes_per_s: float | None = None
        self.delay_s = 0.0
        """before each piece, either way"""
        self.is_blackhole = False
        """takes connections and bytes, and nothing ever comes back"""
        self.refuses = False
        """resets every new connection"""
        self.leaves_after: int | None = None
        """once the server has sent so many bytes in all, every connection is reset and no new one is served"""
        self.sent_bytes = 0
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._over = threading.Event()

    @classmethod
    def to(cls, url: str) -> Proxy:
        """In front of the server of an address."""
        parts = urlsplit(url)
        return cls((parts.hostname or "127.0.0.1", parts.port or 80))

    # --- what tests set ----------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, at: int, times: int = 1) -> None:
        """The connection ends with FIN."""
        self._faults.append(Fault("cut", at, times))

    def reset(self, at: int, times: int = 1) -> None:
        """The connection ends with RST."""
        self._faults.append(Fault("reset", at, times))

    def silence(self, at: int, times: int = 1) -> None:
        """Nothing comes any more; the connection stays open."""
        self._faults.append(Fault("silence", at, times))

    def flip(self, at: int, times: int = 1) -> None:
        """One bit of this byte arrives as its opposite."""
        self._faults.append(Fault("flip", at, times))

    def break_all(self) -> None:
        """Reset every connection there is."""
        with self._lock:
            sockets = list(self._open)
        self.fired["break"] += bool(sockets)
        for sock in sockets:
            _end(sock, is_reset=True)

    # --- sockets -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        _end(self._listener)
        self.break_all()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.refuses:
            self.fired["refused"] += 1
            _end(client, is_reset=True)
            return
        if self.is_blackhole:
            self.fired["blackhole"] += 1
            self._hold(client)
            self._over.wait()
            return
        try:
            server = self._connect()
        except OSError:
            _end(client, is_reset=True)
            return
        self._hold(client, server)
        threading.Thread(target=self._pump, args=(client, server, None), daemon=True).start()
        self._pump(server, client, self._next_fault(), is_reply=True)
        for sock in (server, client):
            _end(sock)
            self._open.discard(sock)

    def _connect(self) -> socket.socket:
        if isinstance(self._upstream, Path):
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._upstream))
            return server
        return socket.create_connection(self._upstream, 5)

    def _hold(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open.update(sockets)

    def _next_fault(self) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self._faults if fault.times > 0), None)
            if fault:
                fault.times -= 1
            return fault

    def _pump(
        self, source: socket.socket, target: socket.socket, fault: Fault | None, *, is_reply: bool = False
    ) -> None:
        passed = 0
        try:
            while piece := source.recv(PIECE):
                self._wait(len(piece))
                if self.is_blackhole:
                    self.fired["blackhole"] += 1
                    self._over.wait()
                if fault and passed <= fault.at < passed + len(piece):
                    piece, goes_on = self._spoil(fault, piece, fault.at - passed, source, target)
                    if not goes_on:
                        return
                target.sendall(piece)
                passed += len(piece)
                if is_reply:
                    self._count(len(piece))
            # `source` is done sending; the other way may go on.
            target.shutdown(socket.SHUT_WR)
        except OSError:
            _end(source)
            _end(target)

    def _count(self, size: int) -> None:
        with self._lock:
            self.sent_bytes += size
            leaves = self.leaves_after is not None and self.sent_bytes > self.leaves_after and not self.refuses
            self.refuses |= leaves
        if leaves:
            self.break_all()

    def _wait(self, size: int) -> None:
        if self.delay_s:
            time.sleep(self.delay_s)
        if self.bytes_per_s is not None:
            time.sleep(size / self.bytes_per_s)

    def _spoil(
        self, fault: Fault, piece: bytes, at: int, source: socket.socket, target: socket.socket
    ) -> tuple[bytes, bool]:
        """What is sent instead of the piece, and whether the connection goes on."""
        self.fired[fault.how] += 1
        if fault.how == "flip":
            return piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :], True
        target.sendall(piece[:at])
        if fault.how == "silence":
            self._over.wait()
        for sock in (target, source):
            _end(sock, is_reset=fault.how == "reset")
        return b"", False


def _end(sock: socket.socket, *, is_reset: bool = False) -> None:
    """Close for good, whoever may be reading from it at the moment."""
    try:
        if is_reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        # A thread that reads from it would hold it open.
        sock.shutdown(socket.SHUT_RD if is_reset else socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        sock.close()

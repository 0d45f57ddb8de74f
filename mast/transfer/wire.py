"""HTTP/1.1 GET on a socket: the request, the reply's head within a deadline, its body straight into our buffer.

Measured on loopback, 500 MB: urllib3's `readinto` copies and takes 5 to 10 times as long as `recv_into`; `http.client`
is as fast, but bounds neither a head that trickles in nor a read that we want to leave. A read here that has to wait
wakes up every `TICK_S` and calls `pause`, which raises when the transfer is to stop; how long it waited is counted:
it tells whether more connections may help. A body is waited for in the kernel until the buffer is full: a thread that
wakes for every few packets takes the interpreter from the others each time.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from mast.errors import ConnectionLost, TransferError

TICK_S: Final = 0.2
MAX_HEAD_BYTES: Final = 64 * 1024
BUFFER_BYTES: Final = 1024 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: .*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_ONCE: Final = frozenset(
    {"content-length", "content-range", "content-encoding", "transfer-encoding", "location", "etag"}
)
_EMPTY: Final = memoryview(b"")
_TICK: Final = struct.pack("ll", 0, int(TICK_S * 1e6))
"""a `struct timeval`"""
_WAITS: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

Pause = Callable[[], None]


class Waiting:
    """How long one thread has waited for servers so far, to be read by others at any moment."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._since: float | None = None

    def __enter__(self) -> None:
        self._since = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._seconds, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        since = self._since
        return self._seconds if since is None else self._seconds + time.monotonic() - since


class _Here(threading.local):
    def __init__(self) -> None:
        self.waiting = Waiting()


_here: Final = _Here()


def waiting_here() -> Waiting:
    """The waiting of the thread that asks."""
    return _here.waiting


class connection_errors:  # noqa: N801 - read as a statement
    """Turn what a socket raises into `ConnectionLost`, and a certificate that cannot be checked into a final error."""

    __slots__ = ("_host",)

    def __init__(self, host: str) -> None:
        self._host = host

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if isinstance(error, ssl.SSLCertVerificationError):
            message = f"The certificate of {self._host} cannot be verified: {error.verify_message}."
            raise TransferError(message) from error
        if isinstance(error, TimeoutError):
            raise ConnectionLost(f"{self._host} did not answer in time.", is_timeout=True) from error
        raise ConnectionLost(f"The connection to {self._host} broke: {error.strerror or error}.") from error


class Connection:
    """One kept-alive connection and its receive buffer, used by one thread at a time."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self.sock = sock
        self.host = host
        self._is_tls = isinstance(sock, ssl.SSLSocket)
        self.buffer = memoryview(bytearray(BUFFER_BYTES))
        self.idle_since = time.monotonic()
        self.requests = 0
        self._ahead = _EMPTY
        if self._is_tls:
            # Never blocking: a read of what is there already costs one system call, not two.
            sock.setblocking(False)
        else:
            # Python's own timeouts poll before every call; the kernel's cost nothing.
            sock.settimeout(None)
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                sock.setsockopt(socket.SOL_SOCKET, option, _TICK)

    def send(self, request: bytes, pause: Pause) -> None:
        self.requests += 1
        with connection_errors(self.host):
            while request:
                try:
                    request = request[self.sock.send(request) :]
                except _WAITS as exc:
                    self._await(exc, select.POLLOUT, pause)

    def recv_into(self, view: memoryview, pause: Pause) -> int:
        """Up to `len(view)` bytes, as many as come within a tick; 0 when the server closed the connection."""
        if self._ahead:
            taken = min(len(view), len(self._ahead))
            view[:taken] = self._ahead[:taken]
            self._ahead = self._ahead[taken:]
            return taken
        return self._recv(view, pause, socket.MSG_WAITALL)

    def _recv(self, view: memoryview, pause: Pause, flags: int = 0) -> int:
        with connection_errors(self.host):
            while True:
                try:
                    return self._decrypt(view) if self._is_tls else self._read(view, flags)
                except _WAITS as exc:
                    self._await(exc, select.POLLIN, pause)

    def _read(self, view: memoryview, flags: int) -> int:
        """What is there, and what comes within a tick: anything, or with `MSG_WAITALL` all that fits."""
        done = 0
        with suppress(BlockingIOError):
            done = self.sock.recv_into(view, 0, socket.MSG_DONTWAIT)
            if not done or done == len(view) or not flags:
                return done
        try:
            with _here.waiting:
                return done + self.sock.recv_into(view[done:], 0, flags)
        except OSError:
            # What came before counts; a broken connection says so again when nothing is left to give.
            if not done:
                raise
            return done

    def _decrypt(self, view: memoryview) -> int:
        """What is there. TLS gives 16 KiB a call at most: whatever has been decrypted or arrived comes along."""
        done = self.sock.recv_into(view)
        if not done:
            return done
        try:
            while done < len(view) and (more := self.sock.recv_into(view[done:])):
                done += more
        except OSError:
            # Nothing more yet; a broken connection says so again when nothing is left to give.
            pass
        return done

    def _await(self, exc: OSError, events: int, pause: Pause) -> None:
        """Wait a tick for the socket; where the kernel has done so already, ask only whether to go on."""
        if not self._is_tls:
            pause()
            return
        if isinstance(exc, ssl.SSLWantReadError):
            events = select.POLLIN
        elif isinstance(exc, ssl.SSLWantWriteError):
            events = select.POLLOUT
        poll = select.poll()
        poll.register(self.sock, events)
        with _here.waiting:
            is_ready = poll.poll(TICK_S * 1000)
        if not is_ready:
            pause()

    def peek(self, count: int, pause: Pause) -> bytes:
        """The next `count` bytes, or fewer where the connection ends, left in place."""
        while len(self._ahead) < count and self._read_ahead(pause):
            pass
        return bytes(self._ahead[:count])

    def _read_ahead(self, pause: Pause) -> int:
        piece = memoryview(bytearray(16 * 1024))
        taken = self._recv(piece, pause)
        self._ahead = memoryview(bytes(self._ahead) + bytes(piece[:taken])) if self._ahead else piece[:taken]
        return taken

    def read_until(self, end: bytes, limit: int, pause: Pause) -> bytes:
        """Everything up to and without `end`; `limit` bytes at most."""
        while True:
            text = bytes(self._ahead)
            at = text.find(end)
            if at >= 0:
                self._ahead = self._ahead[at + len(end) :]
                return text[:at]
            if len(text) > limit:
                raise ConnectionLost(f"{self.host} sent a head without an end.")
            pause()
            if not self._read_ahead(pause):
                raise ConnectionLost(f"{self.host} closed the connection before it answered.")

    @property
    def may_hold_tickets(self) -> bool:
        """Whether what lies unread may be the rest of a TLS handshake, which comes with the first reply."""
        return self._is_tls and not self.requests

    def has_input(self) -> bool:
        return bool(self._ahead)

    def close(self) -> None:
        with connection_errors(self.host):
            self.sock.close()


class Response:
    """A reply: its head, and its body to be read once."""

    def __init__(self, connection: Connection, status: int, headers: Mapping[str, str], *, has_body: bool) -> None:
        self.connection = connection
        self.status = status
        self.headers = headers
        self._is_reusable = headers.get("connection", "keep-alive").lower() != "close"
        self.is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self.length = self._body_length(has_body)
        """bytes of the body; None when only its end will tell"""
        self._left = 0 if self.is_chunked else self.length
        self._at_end = self._left == 0 and not self.is_chunked

    def _body_length(self, has_body: bool) -> int | None:
        if not has_body:
            return 0
        if self.is_chunked:
            return None
        if "transfer-encoding" in self.headers:
            raise ConnectionLost(f"{self.connection.host} sent a transfer encoding nobody asked for.")
        text = self.headers.get("content-length")
        if text is not None and not (text.isascii() and text.isdigit() and len(text) < 20):
            raise ConnectionLost(f"{self.connection.host} sent a length that is no number.")
        return None if text is None else int(text)

    @property
    def ends_by_itself(self) -> bool:
        """Whether the reply shows where it ends: a length or a last chunk. A closed connection shows nothing."""
        return self.is_chunked or self.length is not None

    def recv_into(self, view: memoryview, pause: Pause) -> int:
        """Up to `len(view)` bytes of the body; 0 at its end. A body that ends early raises `ConnectionLost`."""
        if self.is_chunked and not self._left and not self._at_end:
            self._next_chunk(pause)
        if self._at_end:
            return 0
        taken = self.connection.recv_into(view if self._left is None else view[: self._left], pause)
        if taken == 0:
            return self._closed()
        if self._left is not None:
            self._left -= taken
            self._at_end = self._left == 0 and not self.is_chunked
            if self.is_chunked and self._left == 0:
                self._line(pause)
        return taken

    def _closed(self) -> int:
        if self._left is not None:
            raise ConnectionLost(f"{self.connection.host} closed the connection before the reply was whole.")
        self._at_end, self._is_reusable = True, False
        return 0

    def _next_chunk(self, pause: Pause) -> None:
        size = self._line(pause).partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
            raise ConnectionLost(f"{self.connection.host} sent a broken chunked reply.")
        self._left = int(size, 16)
        if self._left == 0:
            while self._line(pause):
                pass
            self._at_end = True

    def _line(self, pause: Pause) -> bytes:
        return self.connection.read_until(b"\r\n", 8192, pause)

    def peek(self, count: int, pause: Pause) -> bytes:
        """The first bytes of the body, before it is read."""
        if self.is_chunked and not self._left and not self._at_end:
            self._next_chunk(pause)
        if self._at_end:
            return b""
        return self.connection.peek(count if self._left is None else min(count, self._left), pause)

    @property
    def can_be_reused(self) -> bool:
        """Whether the connection is ready for another request."""
        return self._at_end and self._is_reusable and not self.connection.has_input()


def read_response(connection: Connection, deadline: float, pause: Pause, *, has_body: bool = True) -> Response:
    """Read a reply's head before `deadline` (monotonic seconds), however slowly it trickles in."""

    def pause_or_time_out() -> None:
        pause()
        if time.monotonic() > deadline:
            raise ConnectionLost(f"{connection.host} did not answer in time.", is_timeout=True)

    while True:
        lines = connection.read_until(b"\r\n\r\n", MAX_HEAD_BYTES, pause_or_time_out).split(b"\r\n")
        match = _STATUS.fullmatch(lines[0])
        if match is None:
            raise ConnectionLost(f"{connection.host} did not answer in HTTP.")
        status = int(match[2])
        if status >= 200:
            break
    headers = _fields(lines[1:], connection.host)
    if match[1] == b"0":
        headers.setdefault("connection", "close")
    return Response(connection, status, headers, has_body=has_body and status not in {204, 304})


def _fields(lines: list[bytes], host: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise ConnectionLost(f"{host} sent a header that cannot be read.")
        name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1")
        if name in _ONCE and headers.get(name, value) != value:
            raise ConnectionLost(f"{host} sent two different {name} headers.")
        headers[name] = value if name in _ONCE or name not in headers else f"{headers[name]}, {value}"
    return headers

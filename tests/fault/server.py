"""A file server on raw sockets that lies on command. No framework: one would mend the lies.

It serves one file, of which there may be several versions, truthfully until a fault is set. Every fault that fires is
counted under its name, and every test asserts that its own did.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

LAST_MODIFIED = "Wed, 01 Oct 2025 10:00:00 GMT"


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)

    @property
    def span(self) -> tuple[int, int] | None:
        """The range asked for, half open."""
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        return (int(match[1]), int(match[2]) + 1) if match else None

    def is_beyond(self, offset: int) -> bool:
        return self.span is not None and self.span[0] >= offset


@dataclass
class Plan:
    """What will be sent, for faults to spoil."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent_at_most: int | None = None
    """body bytes after which the connection is closed"""
    is_reset: bool = False
    """closed with RST instead of FIN"""
    silent_from: int | None = None
    """body bytes after which nothing comes any more"""
    drip: tuple[int, float] | None = None
    """(bytes, seconds between them) for head and body alike"""


Spoil = Callable[[Plan, Asked], None]


@dataclass
class Fault:
    """Applied to the first `times` requests for which `when` holds."""

    name: str
    spoil: Spoil
    times: int = 1
    when: Callable[[Asked], bool] = lambda _asked: True


class FaultServer:
    """Serves `content` under any path. Use it as a context manager."""

    def __init__(
        self,
        content: bytes,
        *,
        etag: str = "strong",
        has_last_modified: bool = True,
        has_ranges: bool = True,
        framing: str = "length",
        bytes_per_s: float | None = None,
    ) -> None:
        """`etag` is strong, weak, none or the tag itself; `framing` is length, chunked or close."""
        self.versions = [content]
        """every version ever served; what a client ends up with must equal one of them"""
        self.etag = etag
        self.has_last_modified = has_last_modified
        self.has_ranges = has_ranges
        self.framing = framing
        self.bytes_per_s = bytes_per_s
        self.fired: Counter[str] = Counter()
        self.asked: list[Asked] = []
        self.body_bytes = 0
        """body bytes handed to the network"""
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()

    # --- what tests set ----------------------------------------------------------------------------------------

    @property
    def content(self) -> bytes:
        return self.versions[-1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/file.fits"

    @property
    def port(self) -> int:
        return self._port

    def fault(
        self, name: str, spoil: Spoil, *, times: int = 1, when: Callable[[Asked], bool] = lambda _asked: True
    ) -> None:
        self._faults.append(Fault(name, spoil, times, when))

    def replace(self, content: bytes) -> None:
        """From now on there is another version."""
        with self._lock:
            self.versions.append(content)

    # --- sockets -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        with self._lock:
            sockets = [self._listener, *self._sockets]
        for sock in sockets:
            _shut(sock)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
            with self._lock:
                self._sockets.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            buffered = b""
            while not self._over.is_set():
                while b"\r\n\r\n" not in buffered:
                    piece = client.recv(65536)
                    if not piece:
                        return
                    buffered += piece
                head, _, buffered = buffered.partition(b"\r\n\r\n")
                if not self._answer(client, _parse(head)):
                    return
        except OSError:
            pass  # the client went away, which many tests want it to
        finally:
            _shut(client)

    # --- one reply ---------------------------------------------------------------------------------------------

    def _answer(self, client: socket.socket, asked: Asked) -> bool:
        with self._lock:
            self.asked.append(asked)
            plan = self.truth(asked)
            for fault in self._faults:
                if fault.times > 0 and fault.when(asked):
                    fault.times -= 1
                    fault.spoil(plan, asked)
                    self.fired[fault.name] += 1
                    break
        return self._send(client, plan)

    def truth(self, asked: Asked) -> Plan:
        """What an honest server says."""
        content, headers = self.content, self._validators()
        condition = asked.headers.get("if-match")
        if condition and condition != headers.get("ETag"):
            return Plan(412, {"Content-Length": "0"}, b"")
        span = asked.span if self.has_ranges else None
        if asked.headers.get("if-range", headers.get("ETag")) != headers.get("ETag"):
            span = None
        if span and span[0] >= len(content):
            return Plan(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"}, b"")
        start, stop = (span[0], min(span[1], len(content))) if span else (0, len(content))
        if span:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        body = b"" if asked.method == "HEAD" else content[start:stop]
        headers |= _framing_headers(self.framing, stop - start)
        return Plan(206 if span else 200, headers, body)

    def _validators(self) -> dict[str, str]:
        version = len(self.versions)
        tags = {"strong": f'"version-{version}"', "weak": f'W/"version-{version}"'}
        headers = {"Content-Type": "application/octet-stream"}
        if self.etag != "none":
            headers["ETag"] = tags.get(self.etag, self.etag)
        if self.has_last_modified:
            headers["Last-Modified"] = LAST_MODIFIED.replace("10:00", f"{9 + version:02d}:00")
        return headers

    def _send(self, client: socket.socket, plan: Plan) -> bool:
        """Whether the connection serves another request afterwards."""
        lines = [f"HTTP/1.1 {plan.status} Said", *(f"{name}: {value}" for name, value in plan.headers.items())]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        is_chunked = plan.headers.get("Transfer-Encoding") == "chunked"
        body = plan.body if plan.sent_at_most is None else plan.body[: plan.sent_at_most]
        if plan.silent_from is not None:
            self._push(client, head + plan.body[: plan.silent_from], plan.silent_from)
            self._over.wait(30)
            return False
        if plan.drip:
            self._drip(client, head + body, *plan.drip)
        elif is_chunked:
            self._push(client, head + _chunks(body, is_whole=plan.sent_at_most is None), len(body))
        else:
            client.sendall(head)
            self._push(client, body, len(body))
        if plan.is_reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        return plan.sent_at_most is None and ("Content-Length" in plan.headers or is_chunked)

    def _push(self, client: socket.socket, data: bytes, body_bytes: int) -> None:
        if self.bytes_per_s is None:
            client.sendall(data)
            self._count(body_bytes)
            return
        for at in range(0, len(data), 32 * 1024):
            piece = data[at : at + 32 * 1024]
            client.sendall(piece)
            self._count(len(piece))
            if (rate := self.bytes_per_s) is not None:
                time.sleep(len(piece) / rate)

    def _count(self, body_bytes: int) -> None:
        with self._lock:
            self.body_bytes += body_bytes

    def _drip(self, client: socket.socket, data: bytes, size: int, seconds: float) -> None:
        for at in range(0, len(data), size):
            if self._over.wait(seconds):
                return
            client.sendall(data[at : at + size])


def _framing_headers(framing: str, length: int) -> dict[str, str]:
    if framing == "chunked":
        return {"Transfer-Encoding": "chunked"}
    return {"Content-Length": str(length)} if framing == "length" else {"Connection": "close"}


def _chunks(body: bytes, *, is_whole: bool) -> bytes:
    pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + (b"0\r\n\r\n" if is_whole else b"")


def _parse(head: bytes) -> Asked:
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return Asked(method, target, {name.lower(): value for name, value in headers.items()})


def _shut(sock: socket.socket) -> None:
    for end in (lambda: sock.shutdown(socket.SHUT_RDWR), sock.close):
        try:
            end()
        except OSError:
            continue


# --- faults -----------------------------------------------------------------------------------------------------


def cut(after: int) -> Spoil:
    """The body ends early, its Content-Length notwithstanding."""

    def spoil(plan: Plan, _asked: Asked) -> None:
        plan.sent_at_most = after

    return spoil


def reset(after: int) -> Spoil:
    def spoil(plan: Plan, _asked: Asked) -> None:
        plan.sent_at_most, plan.is_reset = after, True

    return spoil


def silence(after: int) -> Spoil:
    """The body stops arriving; the connection stays open."""

    def spoil(plan: Plan, _asked: Asked) -> None:
        plan.silent_from = after

    return spoil


def drip(size: int, seconds: float) -> Spoil:
    def spoil(plan: Plan, _asked: Asked) -> None:
        plan.drip = (size, seconds)

    return spoil


def header(name: str, value: str | None) -> Spoil:
    """A header is another, or is missing."""

    def spoil(plan: Plan, _asked: Asked) -> None:
        plan.headers.pop(name, None)
        if value is not None:
            plan.headers[name] = value

    return spoil


def status(code: int, body: bytes = b"", **headers: str) -> Spoil:
    def spoil(plan: Plan, _asked: Asked) -> None:
        plan.status, plan.body = code, body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        plan.headers = {"Content-Length": str(len(body)), **named}

    return spoil


def shifted(by: int, content: bytes) -> Spoil:
    """A 206 with the bytes of another range, openly said so."""

    def spoil(plan: Plan, _asked: Asked) -> None:
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", plan.headers["Content-Range"])
        if match:
            first, last, total = (int(group) for group in match.groups())
            first, last = max(0, first + by), min(total - 1, last + by)
            plan.body = content[first : last + 1]
            plan.headers["Content-Range"] = f"bytes {first}-{last}/{total}"
            plan.headers["Content-Length"] = str(len(plan.body))

    return spoil


def flip(at: int) -> Spoil:
    """One bit of the body differs; every length is right."""

    def spoil(plan: Plan, _asked: Asked) -> None:
        spoiled = bytearray(plan.body)
        spoiled[at] ^= 1
        plan.body = bytes(spoiled)

    return spoil

"""The least that fetching takes: sockets, a buffer, a write. What no downloader written in Python could do without.

`python floor_child.py receive|write|sum OUT --threads N [--ca FILE] URL … | @LIST`: `receive` throws the bytes away,
`write` puts them into the file at their place, `sum` gives each piece a CRC too. No check of anything, no journal, no
progress: beside these, a profile of ours says what bounds it.
"""

from __future__ import annotations

import argparse
import os
import queue
import socket
import ssl
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

PIECE = 1 << 20
RANGE = 64 << 20
Job = tuple[str, Path, int, int]
"""path on the server, file, first byte, one past the last; -1 for a whole file"""


def connect(url: str, ca: str | None) -> socket.socket:
    parts = urlsplit(url)
    plain = socket.create_connection((parts.hostname or "", parts.port or 80))
    if parts.scheme == "http":
        return plain
    return ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname=parts.hostname)


def ask(sock: socket.socket, method: str, path: str, start: int = -1, stop: int = -1) -> tuple[int, bytes]:
    """The length of the body, and what of it came with the head."""
    wanted = f"Range: bytes={start}-{stop - 1}\r\n" if stop > 0 else ""
    sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{wanted}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(4096)
    head, _, rest = head.partition(b"\r\n\r\n")
    (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(length.partition(b":")[2]), rest


def work(jobs: queue.SimpleQueue[Job], url: str, given: argparse.Namespace) -> None:
    from mast.transfer.journal import crc32c

    sock, buffer = connect(url, given.ca), memoryview(bytearray(PIECE))
    flags = 0 if isinstance(sock, ssl.SSLSocket) else socket.MSG_WAITALL
    while True:
        try:
            path, out, start, stop = jobs.get_nowait()
        except queue.Empty:
            return
        left, rest = ask(sock, "GET", path, start, stop)
        target = -1 if given.what == "receive" else os.open(out, os.O_WRONLY | os.O_CREAT, 0o644)
        place, filled = max(0, start), len(rest)
        buffer[:filled] = rest
        while left:
            room = min(PIECE, left)
            while filled < room:
                filled += sock.recv_into(buffer[filled:room], 0, flags)
            if given.what == "sum":
                crc32c(buffer[:filled])
            if target >= 0:
                os.pwrite(target, buffer[:filled], place)
            place, left, filled = place + filled, left - filled, 0
        if target >= 0:
            os.close(target)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("receive", "write", "sum"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--ca")
    parser.add_argument("urls", nargs="+")
    given = parser.parse_args()
    urls = Path(given.urls[0][1:]).read_text().split() if given.urls[0].startswith("@") else given.urls
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    if len(urls) == 1:
        path = urlsplit(urls[0]).path
        size, _ = ask(connect(urls[0], given.ca), "HEAD", path)
        with given.out.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        for start in range(0, size, RANGE):
            jobs.put((path, given.out, start, min(size, start + RANGE)))
    else:
        given.out.mkdir()
        for url in urls:
            jobs.put((urlsplit(url).path, given.out / Path(url).name, -1, -1))
    threads = [threading.Thread(target=work, args=(jobs, urls[0], given)) for _ in range(given.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()

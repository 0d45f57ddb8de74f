"""The viewer over HTTP: an archive with files in it, served as users are served, and people who look."""

from __future__ import annotations

import http.client
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.installation import Installation
from tests.benchmarks.servers import Missing, free_port, running

ROOT = Path(__file__).resolve().parents[2]
_WEB = [sys.executable, "-m", "gunicorn", "--config", "python:jwstarchive.gunicorn", "jwstarchive.wsgi"]


@dataclass
class Site:
    """A running archive."""

    port: int
    files: dict[str, int]
    folder: Path

    def client(self) -> Client:
        return Client(self.port)


class Client:
    """One connection that stays open, as a browser's does."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        reply = self._connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise Missing(f"{path} answered {reply.status}: {body[:200]!r}")
        return body

    def timed(self, path: str) -> float:
        """Milliseconds."""
        start = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - start) * 1e3


@contextmanager
def served(archive: Installation, register: Callable[..., dict[str, int]], paths: Mapping[str, Path]) -> Iterator[Site]:
    """The archive with these files under these names."""
    port = free_port()
    folder = archive.data_dir / "mast" / "1" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        (folder / name).hardlink_to(path)
    files = register(*(str(folder / name) for name in paths))
    names = {**archive.environment, "JWST_PORT": str(port)}
    command = ["env", *(f"{name}={value}" for name, value in names.items()), *_WEB]
    with running(command, archive.data_dir / "web", port, at=ROOT):
        yield Site(port, files, folder)


def drop(*paths: Path) -> None:
    """Their pages leave memory, as far as no process maps them."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def random_tiles(file_id: int, query: str, count: int, seed: int, shape: tuple[int, int]) -> list[str]:
    """Addresses of tiles of every level, more of the larger ones."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        level = draw.choice([0, 0, 0, 1, 1, 2, 2, 3, 4])
        rows, columns = (-(-length // (256 << level)) for length in shape)
        found.append(f"/api/files/{file_id}/tile/{level}/{draw.randrange(columns)}/{draw.randrange(rows)}?{query}")
    return found


def screen(site: Site, addresses: Sequence[str], connections: int = 6) -> float:
    """Milliseconds until every tile of a screen is there, over as many connections as a browser opens."""
    clients = threading.local()

    def fetch(address: str) -> None:
        if not hasattr(clients, "one"):
            clients.one = site.client()
        clients.one.get(address)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(fetch, [addresses[0]] * connections))
        start = time.perf_counter()
        list(pool.map(fetch, addresses))
        return (time.perf_counter() - start) * 1e3


def people(site: Site, addresses_of: Callable[[int], list[str]], count: int, pause_s: float) -> list[float]:
    """So many people, each of whom moves on by four tiles, looks for a moment, and moves on."""

    def pan(number: int) -> list[float]:
        client, taken = site.client(), []
        addresses = addresses_of(number)
        time.sleep(pause_s * number / count)
        for at in range(0, len(addresses), 4):
            taken += [client.timed(address) for address in addresses[at : at + 4]]
            time.sleep(pause_s)
        return taken

    with ThreadPoolExecutor(count) as pool:
        return [value for taken in pool.map(pan, range(count)) for value in taken]

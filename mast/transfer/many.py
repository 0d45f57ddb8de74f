"""`fetch_many`: many files over a warm pool of connections, as many at a time as is of use.

On a fast line a few threads do more than many, which stand in one another's way; on a long one each waits most of the
time. So their number grows for as long as they mostly wait, as the connections of one file do.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mast.transfer.config import TransferConfig
from mast.transfer.disk import DISK, Disk
from mast.transfer.engine import fetch
from mast.transfer.growth import RAMP_S, Growth
from mast.transfer.site import ALONE, Site
from mast.transfer.values import Fetched, Progress, Wanted
from mast.transfer.wire import Waiting, waiting_here


@dataclass(frozen=True, slots=True)
class Ended:
    """One file's end: what was fetched, or what `fetch` raised."""

    wanted: Wanted
    fetched: Fetched | None = None
    error: BaseException | None = None


def fetch_many(
    wanted: Sequence[Wanted],
    config: TransferConfig,
    *,
    at_once: int = 16,
    on_progress: Callable[[Wanted, Progress], None] = lambda _wanted, _progress: None,
    should_stop: Callable[[Wanted], bool] = lambda _wanted: False,
    gather_s: float = 0.0,
    disk: Disk = DISK,
    site: Site = ALONE,
) -> Iterator[list[Ended]]:
    """Fetch files, in their order, and give out their ends as they come, those of `gather_s` seconds together.

    Parameters
    ----------
    at_once : files at a time, at most; a file that is not small takes several connections besides
    on_progress, should_stop : called on the threads that fetch

    The other parameters are those of `fetch`, whose errors come back in `Ended.error`. Whoever stops listening before
    the end waits for the files that are under way: `should_stop` ends them.
    """
    crew = _Crew(wanted, at_once, site, lambda one: _fetched(one, config, on_progress, should_stop, disk, site))
    try:
        left = len(wanted)
        while left:
            ended = crew.next_ended(gather_s)
            left -= len(ended)
            if ended:
                yield ended
    finally:
        crew.close()


def _fetched(
    wanted: Wanted,
    config: TransferConfig,
    on_progress: Callable[[Wanted, Progress], None],
    should_stop: Callable[[Wanted], bool],
    disk: Disk,
    site: Site,
) -> Ended:
    try:
        fetched = fetch(
            wanted,
            config,
            on_progress=lambda progress: on_progress(wanted, progress),
            should_stop=lambda: should_stop(wanted),
            disk=disk,
            site=site,
        )
    except BaseException as exc:  # noqa: BLE001 - handed to whoever asked for the file
        return Ended(wanted, error=exc)
    return Ended(wanted, fetched)


class _Crew:
    """The threads that fetch."""

    def __init__(self, wanted: Sequence[Wanted], at_once: int, site: Site, work: Callable[[Wanted], Ended]) -> None:
        self._left = deque(wanted)
        self._at_once = at_once
        self._site = site
        self._work = work
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._growth = Growth()
        self._done_bytes = 0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._waiting: list[Waiting] = []
        self._alive = 0
        self._target = 1

    def next_ended(self, gather_s: float) -> list[Ended]:
        """Those that ended in a moment, none when nothing did."""
        self._hire()
        try:
            ended = [self._ended.get(timeout=RAMP_S if self._growth.is_ramping else 4 * RAMP_S)]
        except queue.Empty:
            return []
        until = time.monotonic() + gather_s
        while True:
            try:
                ended.append(self._ended.get(timeout=max(0.0, min(RAMP_S, until - time.monotonic()))))
            except queue.Empty:
                if time.monotonic() >= until:
                    return ended
                self._hire()

    def _hire(self) -> None:
        with self._lock:
            name = self._left[0].sources[0].name if self._left and self._left[0].sources else ""
            most = max(1, self._site.connections(name, self._at_once))
            waited_s = sum(waiting.seconds for waiting in self._waiting)
            self._target = self._growth.target(self._done_bytes, waited_s, most)
            lacking = min(self._target - self._alive, len(self._left))
            self._alive += max(0, lacking)
        for _ in range(lacking):
            thread = threading.Thread(target=self._run, name="fetch", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        with self._lock:
            self._waiting.append(waiting_here())
        while (wanted := self._next()) is not None:
            ended = self._work(wanted)
            with self._lock:
                self._done_bytes += ended.fetched.size_bytes if ended.fetched else 0
            self._ended.put(ended)

    def _next(self) -> Wanted | None:
        """The next file; None for a thread that has nothing more to do, or is one too many."""
        with self._lock:
            if self._left and self._alive <= self._target:
                return self._left.popleft()
            self._alive -= 1
            return None

    def close(self) -> None:
        with self._lock:
            self._left.clear()
        for thread in self._threads:
            thread.join()

"""`fetch_many`: many files over a warm pool of connections, as many at a time as is of use.

On a fast line a few threads do more than many, which stand in one another's way; on a long one each waits most of the
time. So their number grows for as long as they mostly wait, as the connections of one file do.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mast.transfer.config import TransferConfig
from mast.transfer.disk import DISK, Disk
from mast.transfer.engine import fetch
from mast.transfer.growth import RAMP_S, Growth
from mast.transfer.site import ALONE, Site
from mast.transfer.values import Fetched, Progress, Wanted
from mast.transfer.wire import Waiting, waiting_here

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """One file's end: what was fetched, or what was raised."""

    wanted: T
    fetched: Fetched | None = None
    error: BaseException | None = None


def fetch_many(
    wanted: Sequence[Wanted],
    config: TransferConfig,
    *,
    at_once: int = 16,
    on_progress: Callable[[Wanted, Progress], None] = lambda _wanted, _progress: None,
    should_stop: Callable[[Wanted], bool] = lambda _wanted: False,
    disk: Disk = DISK,
    site: Site = ALONE,
) -> Iterator[list[Ended[Wanted]]]:
    """Fetch files, in their order, and give out their ends as they come.

    Parameters
    ----------
    at_once : files at a time, at most; a file that is not small takes several connections besides
    on_progress, should_stop : called on the threads that fetch

    The other parameters are those of `fetch`, whose errors come back in `Ended.error`. Whoever stops listening before
    the end waits for the files that are under way: `should_stop` ends them.
    """

    def one(wanted: Wanted) -> Fetched:
        return fetch(
            wanted,
            config,
            on_progress=lambda progress: on_progress(wanted, progress),
            should_stop=lambda: should_stop(wanted),
            disk=disk,
            site=site,
        )

    name = wanted[0].sources[0].name if wanted and wanted[0].sources else ""
    return Crew(wanted, one, lambda: site.connections(name, at_once)).ended()


class Crew(Generic[T]):
    """Threads that do `work` for one item after another, `most()` of them at a time at most."""

    def __init__(self, items: Sequence[T], work: Callable[[T], Fetched], most: Callable[[], int]) -> None:
        self._left = deque(items)
        self._under_way = self._unended = len(items)
        self._work = work
        self._most = most
        self._ended: list[Ended[T]] = []
        self._is_over = threading.Event()
        self._growth = Growth()
        self._done_bytes = 0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._waiting: list[Waiting] = []
        self._alive = 0
        self._target = 1

    def ended(self, gather_s: float = RAMP_S) -> Iterator[list[Ended[T]]]:
        """Those that ended, as they do: the ends of `gather_s` seconds together, the last ones at once.

        Nobody is woken for each: the threads that fetch would lose the interpreter every time.
        """
        try:
            while self._under_way:
                self._wait(gather_s)
                with self._lock:
                    ended, self._ended = self._ended, []
                self._under_way -= len(ended)
                if ended:
                    yield ended
        finally:
            self._close()

    def _wait(self, seconds: float) -> None:
        """Until all have ended, or so long; threads are added meanwhile."""
        until = time.monotonic() + seconds
        self._hire()
        while (left := until - time.monotonic()) > 0 and not self._is_over.wait(min(RAMP_S, left)):
            self._hire()

    def _hire(self) -> None:
        with self._lock:
            waited_s = sum(waiting.seconds for waiting in self._waiting)
            self._target = self._growth.target(self._done_bytes, waited_s, max(1, self._most()))
            lacking = max(0, min(self._target - self._alive, len(self._left)))
            self._alive += lacking
        for _ in range(lacking):
            thread = threading.Thread(target=self._run, name="fetch", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        with self._lock:
            self._waiting.append(waiting_here())
        while (item := self._next()) is not None:
            try:
                ended = Ended(item, self._work(item))
            except BaseException as exc:  # noqa: BLE001 - handed to whoever asked for the file
                ended = Ended(item, error=exc)
            with self._lock:
                self._done_bytes += ended.fetched.size_bytes if ended.fetched else 0
                self._ended.append(ended)
                self._unended -= 1
                if not self._unended:
                    self._is_over.set()

    def _next(self) -> T | None:
        """The next item; None for a thread that has nothing more to do, or is one too many."""
        with self._lock:
            if self._left and self._alive <= self._target:
                return self._left.popleft()
            self._alive -= 1
            return None

    def _close(self) -> None:
        with self._lock:
            self._left.clear()
        for thread in self._threads:
            thread.join()

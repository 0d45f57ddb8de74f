"""Answers that stand for a moment, so that many who ask at once cost as much as one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, Final, TypeVar
from weakref import WeakSet

T = TypeVar("T")
MOST: Final = 1000
"""answers that are kept at once, unless told otherwise"""


class Recent:
    """A few answers by key, each for `seconds`. Threads may share it; two may compute the same answer at once."""

    every: ClassVar[WeakSet[Recent]] = WeakSet()
    """all there are in this process"""

    def __init__(self, seconds: float, most: int = MOST) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._lock = threading.Lock()
        self.every.add(self)

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer kept for this key while it is fresh, else a new one."""
        kept = self._kept.get(key)
        if kept and time.monotonic() < kept[0]:
            answer: T = kept[1]
            return answer
        answer = make()
        with self._lock:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = (time.monotonic() + self._seconds, answer)
        return answer


def once(store: dict[Any, T], most: int, key: Hashable, make: Callable[[], T]) -> T:
    """What is in the store, or made now and put there; with `most` in it, it begins anew.

    Threads share it: what one puts there another may take out.
    """
    found = store.get(key)
    if found is None:
        found = make()
        if len(store) >= most:
            store.clear()
        store[key] = found
    return found

"""Which bytes are there, which are missing, and who fetches what. Spans are half open: `start <= byte < stop`."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mast.transfer.config import MIB, RECORD_BYTES

Span = tuple[int, int]
OVERHEAD: Final = 20
"""A request brings at least so many times what could have come while it was waited for."""
WORTH_SHARING_S: Final = 0.4
"""what a connection alone would take for the rest of its piece, from which on another one helps"""
SPLIT_BYTES: Final = 256 * 1024
"""A connection gives up part of its work only when at least twice this is left."""


class SpanSet:
    """A set of bytes as sorted, disjoint, merged spans."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self.size_bytes = 0

    def __iter__(self) -> Iterator[Span]:
        return iter(zip(self._starts, self._stops, strict=True))

    def add(self, start: int, stop: int) -> None:
        if start >= stop:
            return
        first = bisect.bisect_left(self._stops, start)
        last = bisect.bisect_right(self._starts, stop)
        if first < last:
            start, stop = min(start, self._starts[first]), max(stop, self._stops[last - 1])
        removed = sum(b - a for a, b in zip(self._starts[first:last], self._stops[first:last], strict=True))
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]
        self.size_bytes += stop - start - removed

    def remove(self, start: int, stop: int) -> None:
        kept = SpanSet()
        for low, high in self:
            kept.add(low, min(high, start))
            kept.add(max(low, stop), high)
        self._starts, self._stops, self.size_bytes = kept._starts, kept._stops, kept.size_bytes

    def covers(self, start: int, stop: int) -> bool:
        at = bisect.bisect_right(self._starts, start) - 1
        return start >= stop or (at >= 0 and self._stops[at] >= stop)

    def gaps(self, total: int) -> list[Span]:
        """What is missing of `total` bytes."""
        edges = [0, *(edge for span in self for edge in span), total]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]


@dataclass(slots=True)
class Lease:
    """A stretch one connection is fetching.

    Bytes before `position` are recorded, those before `claimed` are here or being written. `stop` may be lowered by
    another connection that has nothing left to do, if the piece `is_divisible`; None means until the body ends.
    """

    start: int
    stop: int | None
    position: int
    claimed: int
    is_divisible: bool = True

    @property
    def left(self) -> int:
        return 0 if self.stop is None else self.stop - self.claimed


class RangeQueue:
    """Missing spans handed out to connections, big pieces first; the last ones are split. The caller holds a lock."""

    def __init__(self, chunk_bytes: int, connections: int = 1, most_bytes: int = 128 * MIB) -> None:
        self.connections = connections
        """how many share the work"""
        self._chunk_bytes = chunk_bytes
        self._least_bytes = chunk_bytes
        self._split_bytes = SPLIT_BYTES
        self._most_bytes = max(chunk_bytes, most_bytes)
        self._missing: list[Span] = []
        self._active: list[Lease] = []

    def fill(self, spans: list[Span]) -> None:
        """Set what is missing and nobody is fetching."""
        self._missing = sorted(spans)

    @property
    def is_idle(self) -> bool:
        return not self._missing and not self._active

    @property
    def is_untouched(self) -> bool:
        """Whether nobody is fetching anything."""
        return not self._active

    @property
    def shareable_bytes(self) -> int:
        """What is missing and could be fetched by others than those who are at it."""
        under_way = sum(lease.left for lease in self._active if lease.is_divisible)
        return sum(stop - start for start, stop in self._missing) + under_way

    def take(self, *, by_gaps: bool = False) -> Lease | None:
        """The next piece of work, or the tail of the largest piece somebody else is at; None when neither is left.

        With `by_gaps` a whole gap at once.
        """
        if self._missing and by_gaps:
            return self._start(*self._missing.pop(0))
        if self._missing:
            size = self._lease_bytes()
            start, stop = self._missing.pop(0)
            # Up, not down: what the shares leave over would take everybody another request.
            end = min(stop, _aligned_down(start + size + RECORD_BYTES - 1))
            if end < stop:
                self._missing.insert(0, (end, stop))
            return self._start(start, end)
        divisible = (lease for lease in self._active if lease.is_divisible)
        victim = max(divisible, key=lambda lease: lease.left, default=None)
        if victim is None or victim.stop is None or victim.left < 2 * self._split_bytes:
            return None
        middle = victim.stop - victim.left // 2
        aligned = _aligned_down(middle)
        middle = aligned if aligned - victim.claimed >= self._split_bytes else middle
        stop, victim.stop = victim.stop, middle
        return self._start(middle, stop)

    def take_all(self) -> Lease:
        """One open-ended piece for a server that sends only whole files."""
        self._missing = []
        return self._start(0, None)

    def give_back(self, lease: Lease) -> None:
        """The connection is done with its piece; what it did not record is missing again."""
        self._active.remove(lease)
        if lease.stop is not None and lease.position < lease.stop:
            bisect.insort(self._missing, (lease.position, lease.stop))

    def _start(self, start: int, stop: int | None) -> Lease:
        lease = Lease(start, stop, start, start)
        self._active.append(lease)
        return lease

    def _lease_bytes(self) -> int:
        """A connection's fair share of what is left: with one request each they end together, if they are as fast."""
        return max(self._least_bytes, min(self.shareable_bytes // self.connections, self._most_bytes))

    def worth_asking(self, latency_s: float, bytes_per_s: float) -> None:
        """A request was answered after so long and brought so much: ask for enough that the waiting counts little.

        A piece is shared when it would take a while: whoever gives up its tail has been sent some of that already.
        """
        missed_bytes = latency_s * bytes_per_s
        self._least_bytes = max(self._chunk_bytes, min(int(missed_bytes * OVERHEAD), self._most_bytes))
        gain = max(missed_bytes * 2, bytes_per_s * WORTH_SHARING_S / 2)
        self._split_bytes = max(SPLIT_BYTES, min(int(gain), self._chunk_bytes))


def _aligned_down(position: int) -> int:
    """Records that start at a multiple of their size are written with the least copying."""
    return position - position % RECORD_BYTES

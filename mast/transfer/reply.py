"""A reply that passed the checks: exactly the bytes asked for, or openly the whole file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from mast.errors import ConnectionLost, EncodedReply, RangeIgnored, SizeMismatch
from mast.transfer.headers import MAX_FILE_BYTES, Validator, content_range, validator_of
from mast.transfer.pool import POOL, Endpoint
from mast.transfer.wire import Pause, Response

_SHORT_BODY: Final = 64 * 1024
_SETTLE_S: Final = 1.0


class Reply:
    """Bytes `start` to `stop` of a file of `total` bytes; either is None where only the body's end will tell."""

    def __init__(
        self,
        response: Response,
        endpoint: Endpoint,
        start: int,
        stop: int | None,
        total: int | None,
        sums: dict[str, str],
    ) -> None:
        self._response = response
        self._endpoint = endpoint
        self.start = start
        self.stop = stop
        self.total = total
        self.sums = sums
        """checksums of the whole file that came with the reply, by algorithm, in hex"""
        self.validator: Validator = validator_of(response.headers)

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def buffer(self) -> memoryview:
        """The connection's own warm buffer of 1 MiB."""
        return self._response.connection.buffer

    @property
    def is_ranged(self) -> bool:
        return self._response.status == 206

    @property
    def shows_its_end(self) -> bool:
        return self._response.ends_by_itself

    def peek(self, count: int, pause: Pause) -> bytes:
        return self._response.peek(count, pause)

    def recv_into(self, view: memoryview, pause: Pause) -> int:
        """Up to `len(view)` bytes; 0 at the end of the body. Raises `ConnectionLost` where it ends too early."""
        return self._response.recv_into(view, pause)

    def read(self, count: int, pause: Pause, saw: Callable[[int], None]) -> bytes:
        """The first `count` bytes, at most 1 MiB, or all there are; `saw` hears of each piece."""
        view, done = self.buffer, 0
        while done < count and (got := self.recv_into(view[done:count], pause)):
            done += got
            saw(got)
        return bytes(view[:done])

    def close(self) -> None:
        """Keep the connection when the body was read to its end, else close it."""
        _release(self._response, self._endpoint)


def checked(response: Response, endpoint: Endpoint, start: int, stop: int | None, sums: dict[str, str]) -> Reply:
    """The reply to a request for `start` to `stop` (None: the whole file), or the reason to refuse it."""
    host = endpoint.host
    if response.headers.get("content-encoding", "identity").lower() not in {"identity", ""}:
        raise EncodedReply(f"{host} compressed the file although asked not to.")
    if response.status == 200:
        _check_size(response.length, host)
        return Reply(response, endpoint, 0, response.length, response.length, sums)
    if stop is None:
        raise RangeIgnored(f"{host} sent a part of the file although asked for all of it.")
    got = content_range(response.headers.get("content-range", ""))
    if got is None:
        raise RangeIgnored(f"{host} did not say which bytes it sent.")
    _check_size(got.total, host)
    if (got.start, got.stop) != (start, min(stop, got.total)):
        raise RangeIgnored(f"{host} sent bytes {got.start}-{got.stop - 1} where {start}-{stop - 1} were asked for.")
    if response.length not in {None, got.stop - got.start}:
        raise RangeIgnored(f"{host} sent a length that does not fit the range.")
    return Reply(response, endpoint, got.start, got.stop, got.total, sums)


def _check_size(total: int | None, host: str) -> None:
    if total is not None and total > MAX_FILE_BYTES:
        raise SizeMismatch(f"{host} says the file has {total} bytes, which no JWST file has.")


def settle(response: Response, endpoint: Endpoint, pause: Pause) -> None:
    """Be done with a reply nobody wants: read a short body so that its connection can serve again, else close it.

    A body that does not come is not waited for.
    """
    deadline = time.monotonic() + _SETTLE_S

    def pause_for_a_moment() -> None:
        pause()
        if time.monotonic() > deadline:
            raise ConnectionLost(f"{endpoint.host} does not end its reply.")

    try:
        if response.length is not None and response.length <= _SHORT_BODY:
            while response.recv_into(response.connection.buffer, pause_for_a_moment):
                pause_for_a_moment()
    except ConnectionLost:
        pass
    finally:
        _release(response, endpoint)


def _release(response: Response, endpoint: Endpoint) -> None:
    if response.can_be_reused:
        POOL.give_back(endpoint, response.connection)
    else:
        response.connection.close()

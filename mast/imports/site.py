"""What all workers of a site share, in Redis: connections to each source, bandwidth, a server's wish to be left alone.

Every group of transfers under way is a member: it says how many connections it has use for, holds what it is granted,
and says so again each second; one that falls silent is forgotten. Connections are shared out evenly, what one has no
use for goes to the others, and no more are granted than the site may hold. While Redis is gone each keeps what it had,
or its part of the site's by the number of files at once.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings

from mast.imports import live
from mast.transfer.site import Rate
from mast.transfer.waits import WAITS

log = logging.getLogger(__name__)

MEMBERS: Final = "site:members"
REFRESH_S: Final = 1.0
TURN_S: Final = 0.2
MB: Final = 1_000_000
# A member's field: source, held, wanted, silent from. Held are the connections granted to it last.
_SHARE: Final = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local me, source, cap, wanted = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local members, others, wants = 1, 0, {wanted}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local of, held, asks, till = string.match(all[i + 1], '^(%S+) (%d+) (%d+) (%S+)$')
  if not till or tonumber(till) < now then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= me then
    members = members + 1
    if of == source then
      others = others + tonumber(held)
      wants[#wants + 1] = tonumber(asks)
    end
  end
end
table.sort(wants)
local left, share = cap, 0
for i = 1, #wants do
  share = math.min(wants[i], math.ceil(left / (#wants - i + 1)))
  if wants[i] >= wanted then break end
  left = left - share
end
local granted = math.max(0, math.min(share, wanted, cap - others))
redis.call('HSET', KEYS[1], me, source .. ' ' .. granted .. ' ' .. wanted .. ' ' .. (now + tonumber(ARGV[5])))
redis.call('EXPIRE', KEYS[1], 3600)
return {granted, members}
"""


class Member:
    """One group of transfers under way. `connections` and `delay_s` are asked by the transfers, from their threads."""

    def __init__(self, source: str, wanted: int) -> None:
        self._name = uuid.uuid4().hex
        self._source = source
        self._wanted = wanted
        self._granted: int | None = None
        self._due = 0.0
        self._rate = Rate()
        self.refresh()

    @property
    def granted(self) -> int:
        """How many connections this group may have now; 0: its turn has not come."""
        if self._granted is None:
            return max(1, settings.DOWNLOAD_CONNECTIONS // settings.DOWNLOAD_FILES)
        return self._granted

    def connections(self, source: str, most: int) -> int:
        self._source = source
        return max(1, min(most, self.granted))

    def delay_s(self, count: int) -> float:
        return self._rate.delay_s(count)

    def wait_for_turn(self, should_stop: Callable[[], bool]) -> None:
        """Come back when there is a connection to be had, or when the caller is to stop."""
        while not self.granted and not should_stop():
            time.sleep(TURN_S)
            self.refresh()

    def wants(self, wanted: int) -> None:
        """It has use for so many connections from now on."""
        self._wanted = wanted

    def refresh(self) -> None:
        """Say that this group is alive, and hear what it may have; at most once a second is enough."""
        cap = settings.DOWNLOAD_CONNECTIONS
        arguments = (self._name, self._source or "-", cap, self._wanted, settings.SILENT_S)
        answers = live.commands([("EVAL", _SHARE, 1, MEMBERS, *arguments)])
        members = settings.DOWNLOAD_FILES
        if answers is not None:
            self._granted, members = int(answers[0][0]), int(answers[0][1])
        rate = settings.DOWNLOAD_RATE_MB * MB
        self._rate.set(rate / max(1, members) if rate else None)

    def beat(self) -> None:
        """`refresh`, when it is time to."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + REFRESH_S
            self.refresh()

    def leave(self) -> None:
        live.commands([("HDEL", MEMBERS, self._name)])


class SharedWaits:
    """What servers asked of any process of the site."""

    def tell(self, host: str, seconds: float) -> None:
        live.commands([("SET", f"site:wait:{host}", "1", "PX", max(1, int(seconds * 1000)))])

    def told_s(self, host: str) -> float:
        answers: list[Any] | None = live.commands([("PTTL", f"site:wait:{host}")])
        return max(0.0, int(answers[0]) / 1000) if answers else 0.0


def join() -> None:
    """From now on this process waits when another was asked to, and tells them when it was."""
    WAITS.share_with(SharedWaits())

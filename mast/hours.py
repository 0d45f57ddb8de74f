"""Hours of the day at which something may be done, such as `22:00-06:00 Europe/Berlin`."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TEXT: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)(?: ([A-Za-z0-9_+/-]+))?", re.ASCII)


@dataclass(frozen=True)
class Hours:
    """From `opens` until `closes`, past midnight where that is earlier. Moments are compared in `zone`."""

    opens: dt.time
    closes: dt.time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> Self:
        """`HH:MM-HH:MM`, UTC, or with the name of a time zone behind it. `ValueError` for anything else."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(text)
        try:
            zone = ZoneInfo(match[5] or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError(text) from exc
        hours = cls(dt.time(int(match[1]), int(match[2])), dt.time(int(match[3]), int(match[4])), zone)
        if hours.opens == hours.closes:
            raise ValueError(text)
        return hours

    def are_now(self, now: dt.datetime) -> bool:
        """Whether `now`, an aware moment, lies in these hours."""
        time = now.astimezone(self.zone).time()
        if self.opens < self.closes:
            return self.opens <= time < self.closes
        return time >= self.opens or time < self.closes

    def begin_in(self, now: dt.datetime) -> dt.timedelta:
        """How long until they begin; nothing while they last."""
        if self.are_now(now):
            return dt.timedelta()
        here = now.astimezone(self.zone)
        opening = dt.datetime.combine(here.date(), self.opens, self.zone)
        if opening <= here:
            opening = dt.datetime.combine(here.date() + dt.timedelta(days=1), self.opens, self.zone)
        # Through UTC: on the days on which clocks are changed the difference of local times is an hour off.
        return opening.astimezone(dt.UTC) - now.astimezone(dt.UTC)

    def __str__(self) -> str:
        return f"{self.opens:%H:%M} to {self.closes:%H:%M} ({self.zone.key})"

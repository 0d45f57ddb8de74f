"""Hours of the day at which files are fetched."""

from __future__ import annotations

import datetime as dt

import pytest

from mast.hours import Hours


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "now", "wait"),
    [
        ("22:00-06:00", "2026-01-10 21:30", 30),
        ("22:00-06:00", "2026-01-10 22:00", 0),
        ("22:00-06:00", "2026-01-11 05:59", 0),
        ("22:00-06:00", "2026-01-11 06:00", 16 * 60),
        ("09:00-17:00", "2026-01-11 17:00", 16 * 60),
        ("22:00-06:00 Europe/Berlin", "2026-01-10 20:30", 30),
        ("22:00-06:00 Europe/Berlin", "2026-07-10 19:30", 30),
        # The night on which Berlin's clocks go forward is an hour short.
        ("04:00-06:00 Europe/Berlin", "2026-03-28 23:00", 3 * 60),
    ],
)
def test_how_long_until_they_begin(text: str, now: str, wait: int) -> None:
    hours = Hours.parse(text)
    assert hours.begin_in(at(now)) == dt.timedelta(minutes=wait)
    assert hours.are_now(at(now)) == (wait == 0)
    assert hours.are_now(at(now) + hours.begin_in(at(now)))


@pytest.mark.parametrize(
    "text", ["", "22-6", "25:00-06:00", "22:00-22:00", "22:00-06:00 Mars/Gale", "22:00-06:00 ../x"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Hours.parse(text)


def test_they_are_shown_with_their_zone() -> None:
    assert str(Hours.parse("22:00-06:00 Europe/Berlin")) == "22:00 to 06:00 (Europe/Berlin)"

"""What a worker tells of its transfers: alive only while bytes move, never backwards without a reason."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from mast.imports.heart import SMALL_LOSS_BYTES, Watched
from mast.imports.leases import Claim
from mast.terms import JobState
from mast.transfer.values import Progress
from tests.factories import TransferFactory

GONE = "Bytes that had arrived are not there any more and are fetched again."


def watched(done_bytes: int = 0) -> Watched:
    return Watched(Claim(TransferFactory.build(pk=1, done_bytes=done_bytes), "me", 1))


def progress(done: int, phase: Any = "downloading", **fields: Any) -> Progress:
    return Progress(done, 1000, "s3", phase, **fields)


def test_a_transfer_that_is_not_begun_lives_as_long_as_its_worker() -> None:
    pulse = watched(7).pulse()
    assert (pulse.done_bytes, pulse.state, pulse.is_alive, pulse.has_moved) == (7, JobState.DOWNLOADING, True, False)


def test_it_lives_while_bytes_move_and_not_when_they_stop() -> None:
    seen = watched()
    alive = []
    for done in (10, 10, 20, 20):
        seen.take(progress(done))
        alive.append(seen.pulse().is_alive)
    assert alive == [True, False, True, False]


@pytest.mark.parametrize("phase", ["waiting", "verifying"])
def test_a_stated_wait_and_a_verification_are_life(phase: str) -> None:
    seen = watched()
    until = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for _ in range(2):
        seen.take(progress(10, phase, until=until, message="busy"))
        pulse = seen.pulse()
    assert (pulse.is_alive, pulse.state, pulse.message) == (True, JobState(phase), "busy")
    assert pulse.waits_until == (until if phase == "waiting" else None)


def test_only_bytes_that_are_new_forgive_earlier_deaths() -> None:
    seen = watched(500)
    for done, phase in ((100, "verifying"), (500, "verifying"), (500, "downloading")):
        seen.take(progress(done, phase))
        assert not seen.pulse().has_moved
    seen.take(progress(501))
    assert seen.pulse().has_moved


def test_reading_back_what_had_arrived_does_not_show_as_a_step_back() -> None:
    seen = watched(500)
    shown = []
    for done, phase in ((0, "verifying"), (300, "verifying"), (490, "downloading"), (600, "downloading")):
        seen.take(progress(done, phase))
        shown.append((seen.pulse().done_bytes, seen.numbers().done_bytes, seen.pulse().message))
    assert shown == [(500, 500, ""), (500, 500, ""), (500, 500, ""), (600, 600, "")]


def test_bytes_that_are_gone_are_said_to_be() -> None:
    seen = watched(SMALL_LOSS_BYTES + 100)
    seen.take(progress(50))
    assert (seen.pulse().done_bytes, seen.pulse().message) == (50, GONE)
    seen.take(progress(60))
    assert (seen.numbers().done_bytes, seen.numbers().message) == (60, GONE)


def test_a_file_begun_anew_goes_on_saying_why() -> None:
    seen = watched(500)
    seen.take(progress(600))
    seen.take(progress(0, restarted=True, message="The archive replaced the file."))
    assert (seen.pulse().done_bytes, seen.shown_bytes) == (0, 0)
    seen.take(progress(10))
    assert (seen.pulse().done_bytes, seen.pulse().message) == (10, "The archive replaced the file.")
    assert seen.pulse().has_moved

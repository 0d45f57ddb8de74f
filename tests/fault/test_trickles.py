"""Replies that trickle or never end where nobody waits for a file's bytes: row T4 of the fault matrix."""

from __future__ import annotations

import time

import pytest

from mast.errors import Cancelled, NotInSource
from mast.transfer.config import MIB
from tests.fault import server as lies
from tests.fault.server import Asked, FaultServer, Plan
from tests.fault.world import World

PATIENCE_S = 20
"""what trickles here would take a minute and more"""


def refused(**spoiled: object) -> lies.Spoil:
    """A 404 that announces a body of 50,000 bytes."""

    def spoil(plan: Plan, asked: Asked) -> None:
        lies.status(404, b"x" * 50_000)(plan, asked)
        plan.__dict__.update(spoiled)

    return spoil


@pytest.mark.parametrize("spoiled", [{"silent_from": 0}, {"silent_from": 40_000}, {"drip": (30, 0.05)}], ids=str)
def test_the_text_of_a_refusal_is_not_waited_for(world: World, content: bytes, spoiled: dict[str, object]) -> None:
    with FaultServer(content) as server:
        server.fault("refused", refused(**spoiled))
        began = time.monotonic()
        with pytest.raises(NotInSource):
            world.fetch(server)
        assert server.fired["refused"] == 1
        assert time.monotonic() - began < PATIENCE_S
    world.assert_nothing_appeared()


def test_a_comparison_of_bytes_that_trickles_is_cut_and_made_again(world: World, content: bytes) -> None:
    """Weak validators: the part's beginning and its last record are fetched again, and compared."""
    with FaultServer(content, etag="weak", bytes_per_s=8e6) as server:
        with pytest.raises(Cancelled):
            world.fetch(server, should_stop=world.has_done(2 * MIB), connections=1)
        server.bytes_per_s = None
        server.fault("drip", lies.drip(50, 0.05), when=lambda asked: asked.span == (0, 64 * 1024))
        began = time.monotonic()
        fetched = world.fetch(server, min_bytes_per_s=50_000)
        world.assert_is_a_version_of(fetched, server)
        assert fetched.reused_bytes > 2 * MIB
        assert server.fired["drip"] == 1
        assert time.monotonic() - began < PATIENCE_S


def test_a_comparison_of_bytes_over_a_slow_line_is_made(world: World, content: bytes) -> None:
    with FaultServer(content, etag="weak", bytes_per_s=8e6) as server:
        with pytest.raises(Cancelled):
            world.fetch(server, should_stop=world.has_done(2 * MIB), connections=1)
        asked = len(server.asked)
        server.bytes_per_s = None
        # 64 KiB in 1.5 s, with pauses longer than a tick and fewer bytes in each than the least in a window
        server.fault("slow", lies.drip(8 * 1024, 0.25), when=lambda asked: asked.span == (0, 64 * 1024))
        fetched = world.fetch(server, stall_timeout_s=1.2, min_bytes_per_s=1024)
        world.assert_is_a_version_of(fetched, server)
        assert server.fired["slow"] == 1
        assert len([one for one in server.asked[asked:] if one.span == (0, 64 * 1024)]) == 1

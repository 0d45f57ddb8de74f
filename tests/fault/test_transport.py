"""Connections that break, stall or trickle, lengths missing or false: rows T1 to T4 of the fault matrix."""

from __future__ import annotations

import time

import pytest

from mast.errors import ConnectionLost, RangeIgnored, SizeMismatch, TruncatedFits
from mast.terms import Proof
from mast.transfer.config import MIB
from tests.fault import server as lies
from tests.fault.server import FaultServer
from tests.fault.world import World, fits_bytes


def test_a_file_comes_over_several_connections(world: World, content: bytes) -> None:
    with FaultServer(content, bytes_per_s=20e6) as server:
        fetched = world.fetch(server, catalog_bytes=len(content))
        world.assert_is_a_version_of(fetched, server)
    assert len([asked for asked in server.asked if asked.span]) >= 4
    assert fetched.proof == Proof.STRUCTURE
    assert fetched.source_bytes == {"http": len(content)}
    assert fetched.validator == '"version-1"'
    assert world.seen[-1].done_bytes == len(content)


def test_a_small_file_comes_by_one_plain_get(world: World) -> None:
    content = fits_bytes(100_000, seed=2)
    with FaultServer(content) as server:
        world.assert_is_a_version_of(world.fetch(server, catalog_bytes=len(content)), server)
    assert [asked.headers.get("range") for asked in server.asked] == [None]


def test_connections_are_kept_between_files(world: World) -> None:
    content = fits_bytes(50_000, seed=2)
    with FaultServer(content) as server:
        for number in range(3):
            world.fetch(server, catalog_bytes=len(content), file_name=f"a{number}.fits")
        assert len(server._sockets) == 1


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("where", [0, 1, 700_000, MIB - 1])
@pytest.mark.parametrize("how", [lies.cut, lies.reset])
def test_a_body_that_breaks_off_is_completed(
    world: World, content: bytes, how: object, where: int, framing: str
) -> None:
    with FaultServer(content, framing=framing) as server:
        server.fault("broken", how(where), times=3)  # type: ignore[operator]
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["broken"] == 3


def test_a_plain_get_that_breaks_off_goes_on_by_ranges(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("cut", lies.cut(2 * MIB + 77), when=lambda asked: asked.span is None)
        fetched = world.fetch(server, catalog_bytes=len(content), small_bytes=10 * MIB)
        world.assert_is_a_version_of(fetched, server)
        assert server.fired["cut"] == 1
        assert min(asked.span[0] for asked in server.asked if asked.span) == 2 * MIB + 77


def test_a_silent_connection_is_cut_and_the_rest_fetched_again(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("silence", lies.silence(300_000))
        began = time.monotonic()
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["silence"] == 1
        assert time.monotonic() - began < 15


def test_a_body_that_trickles_is_cut(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("drip", lies.drip(40, 0.05), when=lambda asked: asked.is_beyond(MIB))
        world.assert_is_a_version_of(world.fetch(server, min_bytes_per_s=10_000), server)
        assert server.fired["drip"] == 1


def test_a_head_that_trickles_is_cut(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("slow head", lies.drip(1, 0.1))
        began = time.monotonic()
        world.assert_is_a_version_of(world.fetch(server, first_byte_timeout_s=0.5), server)
        assert server.fired["slow head"] == 1
        assert time.monotonic() - began < 15


def test_a_server_that_never_answers_is_given_up_on(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("mute", lies.drip(1, 30), times=99)
        with pytest.raises(ConnectionLost):
            world.fetch(server, first_byte_timeout_s=0.2, give_up_after_s=0.8)
        assert server.fired["mute"] >= 2
    world.assert_nothing_appeared()


def test_without_a_length_the_catalogue_is_the_witness(world: World, content: bytes) -> None:
    with FaultServer(content, framing="close", has_ranges=False) as server:
        fetched = world.fetch(server, catalog_bytes=len(content))
        world.assert_is_a_version_of(fetched, server)
    assert "Length not confirmed by the server." in fetched.proof_notes


@pytest.mark.parametrize("framing", ["close", "chunked"])
def test_a_reply_without_length_that_breaks_off_is_fetched_again(world: World, content: bytes, framing: str) -> None:
    with FaultServer(content, framing=framing, has_ranges=False) as server:
        server.fault("cut", lies.cut(3 * MIB), times=2)
        fetched = world.fetch(server, catalog_bytes=len(content))
        world.assert_is_a_version_of(fetched, server)
        assert server.fired["cut"] == 2
    assert any(progress.restarted and progress.message for progress in world.seen)


def test_a_file_cut_where_nobody_knows_its_length_is_told_by_its_fits_structure(world: World, content: bytes) -> None:
    with FaultServer(content, framing="close", has_ranges=False) as server:
        server.fault("cut", lies.cut(3 * MIB), times=99)
        with pytest.raises(TruncatedFits):
            world.fetch(server)
        assert server.fired["cut"] == 4
    world.assert_nothing_appeared()


def test_a_reply_that_always_ends_before_the_catalogues_length_is_refused(world: World, content: bytes) -> None:
    with FaultServer(content, framing="close", has_ranges=False) as server:
        server.fault("cut", lies.cut(3 * MIB), times=99)
        with pytest.raises(SizeMismatch):
            world.fetch(server, catalog_bytes=len(content))
        assert server.fired["cut"] == 4
    world.assert_nothing_appeared()


def test_a_body_without_end_stops_at_the_catalogues_length(world: World, content: bytes) -> None:
    with FaultServer(content, framing="close", has_ranges=False) as server, pytest.raises(SizeMismatch):
        world.fetch(server, catalog_bytes=MIB, max_restarts=0)
    world.assert_nothing_appeared()


def test_a_text_whose_length_nobody_gives_is_refused(world: World) -> None:
    with FaultServer(b'{"asn": 1}', framing="close") as server:
        server.has_ranges = False
        with pytest.raises(SizeMismatch):
            world.fetch(server, file_name="a_asn.json")


def test_a_catalogue_that_disagrees_is_noted_and_not_believed(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        fetched = world.fetch(server, catalog_bytes=len(content) - 5)
        world.assert_is_a_version_of(fetched, server)
    assert any("catalogue" in note for note in fetched.proof_notes)


@pytest.mark.parametrize("total", [2**63, 2**63 - 1, 2**51])
def test_an_impossible_size_is_refused(world: World, content: bytes, total: int) -> None:
    with FaultServer(content) as server:
        server.fault("huge", lies.header("Content-Range", f"bytes 0-{MIB - 1}/{total}"), times=99)
        with pytest.raises((SizeMismatch, RangeIgnored)):
            world.fetch(server, max_restarts=1)
        assert server.fired["huge"]
    world.assert_nothing_appeared()

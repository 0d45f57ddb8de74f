"""Replies that are no file, ask to wait, refuse or lead elsewhere: rows T9 to T11 and T13 of the fault matrix."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mast.errors import AccessDenied, ConnectionLost, EncodedReply, ForbiddenAddress, NotFits, NotInSource
from mast.terms import Proof
from mast.transfer import HttpSource
from mast.transfer.config import MIB
from tests.fault import server as lies
from tests.fault.server import FaultServer
from tests.fault.world import World, fits_bytes


def test_an_encoded_reply_is_refused(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("gzip", lies.header("Content-Encoding", "gzip"), times=99)
        with pytest.raises(EncodedReply):
            world.fetch(server)
        assert server.fired["gzip"] == 1
        assert server.asked[0].headers["accept-encoding"] == "identity"
    world.assert_nothing_appeared()


def test_a_web_page_with_status_200_is_no_fits_file(world: World, content: bytes) -> None:
    page = b"<html><body>Down for maintenance until Monday.</body></html>"
    with FaultServer(content) as server:
        server.fault("page", lies.status(200, page, Content_Type="text/html; charset=utf-8"), times=99)
        with pytest.raises(NotFits):
            world.fetch(server, catalog_bytes=len(content))
        assert server.fired["page"] == 3
    world.assert_nothing_appeared()


def test_a_page_that_does_not_say_so_is_told_by_its_first_bytes(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("page", lies.status(200, b"<?xml version='1.0'?><Error/>"), times=2)
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["page"] == 2


def test_a_flipped_bit_is_caught_by_the_files_own_sums(world: World) -> None:
    content = fits_bytes(3 * MIB, seed=5, has_sums=True)
    with FaultServer(content) as server:
        server.fault("flip", lies.flip(500_000), when=lambda asked: asked.is_beyond(MIB))
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert server.fired["flip"] == 1
    assert fetched.proof == Proof.FITS_SUMS


def test_a_file_whose_own_sums_are_wrong_at_the_archive_is_taken_with_a_note(world: World) -> None:
    content = fits_bytes(2 * MIB, seed=5, has_sums=True)
    content = content[:-1] + bytes([content[-1] ^ 1])
    with FaultServer(content) as server:
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert server.body_bytes >= 2 * len(content), "believed only when the same bytes came twice"
    assert fetched.proof == Proof.STRUCTURE
    assert any("DATASUM" in note and "archive" in note for note in fetched.proof_notes)


def test_a_flipped_bit_that_no_checksum_covers_is_at_least_not_called_checked(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("flip", lies.flip(500_000), when=lambda asked: asked.is_beyond(MIB))
        fetched = world.fetch(server)
        assert server.fired["flip"] == 1
    assert fetched.proof == Proof.STRUCTURE


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("value", "least_s"),
    [("1", 0.9), ("Fri, 31 Dec 9999 23:59:59 GMT", 0.9), ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("soon", 0), ("-5", 0)],
)
def test_retry_after_holds_for_every_connection_and_is_bounded(
    world: World, content: bytes, code: int, value: str, least_s: float
) -> None:
    with FaultServer(content) as server:
        server.fault("busy", lies.status(code, Retry_After=value))
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["busy"] == 1
        assert least_s <= server.asked[1].at - server.asked[0].at < 20
    if least_s:
        waiting = [progress for progress in world.seen if progress.phase == "waiting"]
        assert waiting[0].until is not None
        assert waiting[0].until - datetime.now(UTC) < timedelta(seconds=2)
        assert "wait" in waiting[0].message


def test_no_connection_asks_again_before_the_wait_is_over(world: World, content: bytes) -> None:
    with FaultServer(content, bytes_per_s=4e6) as server:
        server.fault("busy", lies.status(503, Retry_After="1"), when=lambda asked: asked.is_beyond(3 * MIB))
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["busy"] == 1
        times = sorted(asked.at for asked in server.asked)
        busy = next(asked.at for asked in server.asked if asked.is_beyond(3 * MIB))
        assert not [at for at in times if busy + 0.1 < at < busy + 0.9]


@pytest.mark.parametrize("code", [408, 500, 502, 504])
def test_a_server_error_is_tried_again(world: World, content: bytes, code: int) -> None:
    with FaultServer(content) as server:
        server.fault("error", lies.status(code, b"sorry"), times=5)
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["error"] == 5


@pytest.mark.parametrize(
    ("code", "error"), [(401, AccessDenied), (403, AccessDenied), (404, NotInSource), (410, NotInSource)]
)
def test_a_refusal_is_final(world: World, content: bytes, code: int, error: type[Exception]) -> None:
    with FaultServer(content) as server:
        server.fault("refused", lies.status(code), times=99)
        with pytest.raises(error):
            world.fetch(server)
        assert server.fired["refused"] == 1
    world.assert_nothing_appeared()


def test_a_redirect_is_followed_to_allowed_hosts_without_the_token(world: World, content: bytes) -> None:
    with FaultServer(content) as target, FaultServer(content) as server:
        away = f"http://localhost:{target.port}/elsewhere.fits"
        server.fault("redirect", lies.status(302, Location=away), times=99)
        source = HttpSource(server.url, headers={"Authorization": "token CANARY"}, allowed_hosts={"localhost"})
        world.assert_is_a_version_of(world.fetch(source), target)
        assert server.fired["redirect"] == 1
        assert all("authorization" in asked.headers for asked in server.asked)
        assert target.asked
        assert not any("CANARY" in str(asked.headers) for asked in target.asked)


def test_an_address_that_ran_out_is_asked_for_again_where_it_came_from(world: World, content: bytes) -> None:
    with FaultServer(content) as target, FaultServer(content) as server:
        server.fault("redirect", lies.status(302, Location=target.url), times=99)
        target.fault("expired", lies.status(403), when=lambda asked: asked.is_beyond(2 * MIB))
        world.assert_is_a_version_of(world.fetch(server, connections=1), target)
        assert target.fired["expired"] == 1
        assert server.fired["redirect"] == 2


@pytest.mark.parametrize(
    "location",
    ["http://example.org/x.fits", "http://169.254.169.254/latest", "file:///etc/passwd", "gopher://127.0.0.1/"],
)
def test_a_redirect_elsewhere_is_refused(world: World, content: bytes, location: str) -> None:
    with FaultServer(content) as server:
        server.fault("redirect", lies.status(302, Location=location))
        with pytest.raises(ForbiddenAddress):
            world.fetch(server)
        assert server.fired["redirect"] == 1


def test_a_redirect_to_a_private_address_below_an_allowed_domain_is_refused(world: World, content: bytes) -> None:
    with FaultServer(content) as target, FaultServer(content) as server:
        server.fault("redirect", lies.status(302, Location=f"http://a.localhost:{target.port}/x"), times=99)
        with pytest.raises((ForbiddenAddress, ConnectionLost)):
            world.fetch(HttpSource(server.url, allowed_hosts={".localhost"}), give_up_after_s=0.2)
        assert not target.asked


def test_redirects_in_circles_end(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("redirect", lies.status(302, Location="/again"), times=99)
        with pytest.raises(ForbiddenAddress):
            world.fetch(server)
        assert server.fired["redirect"] == 6

"""What a broken or hostile server does to a transfer: rows T1 to T13 of the fault matrix."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from mast.errors import (
    AccessDenied,
    Cancelled,
    ChecksumMismatch,
    ConnectionLost,
    EncodedReply,
    ForbiddenAddress,
    NotFits,
    NotInSource,
    RangeIgnored,
    SizeMismatch,
    SourceChanged,
    TruncatedFits,
)
from mast.terms import Proof
from mast.transfer import HttpSource, S3Source
from mast.transfer.config import MIB
from tests.fault import server as lies
from tests.fault.conftest import CONTENT
from tests.fault.server import Asked, FaultServer
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
        assert time.monotonic() - began < 3


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
        assert time.monotonic() - began < 3


def test_a_server_that_never_answers_is_given_up_on(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("mute", lies.drip(1, 30), times=99)
        with pytest.raises(ConnectionLost):
            world.fetch(server, first_byte_timeout_s=0.2, give_up_after_s=0.8)
        assert server.fired["mute"] >= 2
    world.assert_nothing_appeared()


# --- length -----------------------------------------------------------------------------------------------------


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


# --- ranges -----------------------------------------------------------------------------------------------------


def test_a_200_to_the_first_range_is_used_from_its_first_byte(world: World, content: bytes) -> None:
    with FaultServer(content, has_ranges=False) as server:
        world.assert_is_a_version_of(world.fetch(server), server)
        assert len(server.asked) == 1


def test_a_200_to_a_later_range_is_never_appended(world: World, content: bytes) -> None:
    def whole(plan: lies.Plan, _asked: Asked) -> None:
        plan.status, plan.body = 200, content
        plan.headers["Content-Length"] = str(len(content))
        del plan.headers["Content-Range"]

    with FaultServer(content) as server:
        server.fault("ignored", whole, times=3, when=lambda asked: asked.is_beyond(MIB))
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["ignored"] == 3


def test_a_server_that_stops_serving_ranges_is_asked_for_the_whole_file(world: World, content: bytes) -> None:
    with FaultServer(content, bytes_per_s=8e6) as server:
        with pytest.raises(Cancelled):
            world.fetch(server, should_stop=world.has_done(MIB), connections=1)
        server.has_ranges = False
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.asked[-1].span is None


@pytest.mark.parametrize(
    "spoil",
    [
        lies.shifted(1, CONTENT),
        lies.shifted(-1, CONTENT),
        lies.shifted(MIB, CONTENT),
        lies.header("Content-Range", None),
        lies.header("Content-Range", "bytes */*"),
        lies.header("Content-Range", "items 0-5/10"),
        lies.header("Content-Type", "multipart/byteranges; boundary=x"),
    ],
    ids=["later", "earlier", "the next", "missing", "unknown", "other unit", "multipart"],
)
def test_a_206_with_other_bytes_than_asked_for_is_refused(world: World, content: bytes, spoil: lies.Spoil) -> None:
    with FaultServer(content) as server:
        server.fault("wrong range", spoil, times=2, when=lambda asked: asked.is_beyond(MIB))
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["wrong range"] == 2


def test_a_416_in_the_middle_does_not_mean_done(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("416", lies.status(416), times=2, when=lambda asked: asked.is_beyond(MIB))
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["416"] == 2


def test_a_416_for_ever_ends_in_a_plain_get(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("416", lies.status(416), times=99, when=lambda asked: asked.is_beyond(MIB))
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.fired["416"] >= 3
        assert server.asked[-1].span is None


# --- versions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ["strong", "weak", "none"])
def test_a_file_replaced_while_it_comes_is_fetched_anew(world: World, content: bytes, etag: str) -> None:
    newer = fits_bytes(len(content), seed=99)
    with FaultServer(content, etag=etag) as server:

        def replaced(plan: lies.Plan, asked: Asked) -> None:
            server.versions.append(newer)
            plan.__dict__.update(server.truth(asked).__dict__)

        server.fault("replaced", replaced, when=lambda asked: asked.is_beyond(2 * MIB))
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert server.fired["replaced"] == 1
        assert fetched.path.read_bytes() == newer
    assert any(progress.restarted and progress.message for progress in world.seen)


@pytest.mark.parametrize("etag", ["strong", "weak", "none"])
@pytest.mark.parametrize("has_last_modified", [True, False])
def test_a_part_is_not_completed_from_a_newer_version(
    world: World, content: bytes, etag: str, has_last_modified: bool
) -> None:
    newer = fits_bytes(len(content), seed=99)
    with FaultServer(content, etag=etag, has_last_modified=has_last_modified, bytes_per_s=8e6) as server:
        with pytest.raises(Cancelled):
            world.fetch(server, should_stop=world.has_done(MIB), connections=1)
        assert world.leftovers()
        server.replace(newer)
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert fetched.path.read_bytes() == newer


@pytest.mark.parametrize("etag", ["weak", "none"])
@pytest.mark.parametrize("has_last_modified", [True, False])
def test_without_a_strong_validator_a_part_is_completed_after_comparing_bytes(
    world: World, content: bytes, etag: str, has_last_modified: bool
) -> None:
    with FaultServer(content, etag=etag, has_last_modified=has_last_modified, bytes_per_s=8e6) as server:
        with pytest.raises(Cancelled):
            world.fetch(server, should_stop=world.has_done(2 * MIB), connections=1)
        before = len(server.asked)
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert fetched.reused_bytes > 2 * MIB
        assert server.asked[before].span == (0, 64 * 1024)


def test_an_archive_that_keeps_replacing_the_file_is_given_up_on(world: World, content: bytes) -> None:
    with FaultServer(content) as server:

        def replaced(plan: lies.Plan, asked: Asked) -> None:
            server.versions.append(fits_bytes(len(content), seed=len(server.versions)))
            plan.__dict__.update(server.truth(asked).__dict__)

        server.fault("replaced", replaced, times=99, when=lambda asked: asked.is_beyond(MIB))
        with pytest.raises(SourceChanged):
            world.fetch(server, connections=1)
        assert server.fired["replaced"] == 4
    world.assert_nothing_appeared()


# --- encodings, pages, bytes ------------------------------------------------------------------------------------


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


def test_a_flipped_bit_that_no_checksum_covers_is_at_least_not_called_checked(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("flip", lies.flip(500_000), when=lambda asked: asked.is_beyond(MIB))
        fetched = world.fetch(server)
        assert server.fired["flip"] == 1
    assert fetched.proof == Proof.STRUCTURE


# --- asked to wait ----------------------------------------------------------------------------------------------


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
        assert least_s <= server.asked[1].at - server.asked[0].at < 2.5
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


# --- refused ----------------------------------------------------------------------------------------------------


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


# --- two sources ------------------------------------------------------------------------------------------------


def s3_at(server: FaultServer) -> S3Source:
    return S3Source(f"http://127.0.0.1:{server.port}", "stpubdata", "jwst/public/x.fits")


@pytest.mark.parametrize("code", [403, 404, 503])
def test_what_s3_does_not_give_comes_over_http(world: World, content: bytes, code: int) -> None:
    with FaultServer(content) as s3, FaultServer(content) as http:
        s3.fault("refused", lies.status(code), times=999)
        fetched = world.fetch(s3_at(s3), HttpSource(http.url))
        world.assert_is_a_version_of(fetched, http)
        assert s3.fired["refused"]
    assert fetched.source == "http"
    assert fetched.source_bytes == {"http": len(content)}


def test_an_unreachable_endpoint_falls_back(world: World, content: bytes) -> None:
    with FaultServer(content) as s3:
        pass
    with FaultServer(content) as http:
        world.assert_is_a_version_of(world.fetch(s3_at(s3), HttpSource(http.url)), http)


def test_a_file_begun_on_s3_goes_on_over_http_when_the_bytes_agree(world: World, content: bytes) -> None:
    with FaultServer(content) as s3, FaultServer(content) as http:
        s3.fault("gone", lies.status(404), times=999, when=lambda asked: asked.is_beyond(2 * MIB))
        fetched = world.fetch(s3_at(s3), HttpSource(http.url), connections=1)
        world.assert_is_a_version_of(fetched, http)
        assert s3.fired["gone"] == 1
        assert [asked.span for asked in http.asked[:2]] == [(0, 64 * 1024), (2 * MIB, 3 * MIB)]
    assert fetched.source_bytes == {"s3": 3 * MIB, "http": len(content) - 3 * MIB}


def test_a_file_begun_on_s3_is_begun_anew_over_http_when_the_bytes_differ(world: World, content: bytes) -> None:
    other = fits_bytes(len(content), seed=77)
    with FaultServer(content) as s3, FaultServer(other) as http:
        s3.fault("gone", lies.status(404), times=999, when=lambda asked: asked.is_beyond(2 * MIB))
        fetched = world.fetch(s3_at(s3), HttpSource(http.url), connections=1)
        world.assert_is_a_version_of(fetched, http)
        assert s3.fired["gone"] == 1
    assert fetched.source_bytes == {"http": len(content)}


def test_an_s3_object_is_asked_for_with_if_match_and_unsigned(world: World, content: bytes) -> None:
    with FaultServer(content) as s3:
        world.fetch(s3_at(s3))
        assert s3.asked[0].target == "/stpubdata/jwst/public/x.fits"
        assert all(asked.headers.get("if-match") == '"version-1"' for asked in s3.asked[1:] if asked.method == "GET")
        assert not any("authorization" in asked.headers for asked in s3.asked)


def test_a_checksum_of_s3_is_the_strongest_proof_and_catches_a_flipped_bit(world: World, content: bytes) -> None:
    import base64
    import hashlib

    stated = base64.b64encode(hashlib.sha256(content).digest()).decode()
    with FaultServer(content) as s3:
        s3.fault("flip", lies.flip(10), when=lambda asked: asked.is_beyond(2 * MIB))
        for _ in range(3):
            s3.fault("sum", lies.header("x-amz-checksum-sha256", stated), when=lambda asked: asked.method == "HEAD")
        fetched = world.fetch(s3_at(s3))
        world.assert_is_a_version_of(fetched, s3)
        assert s3.fired == {"flip": 1, "sum": 2}
    assert fetched.proof == Proof.CHECKSUM


def test_a_checksum_that_never_agrees_fails_the_file(world: World, content: bytes) -> None:
    with FaultServer(content, etag=f'"{"0" * 32}"') as s3:
        with pytest.raises(ChecksumMismatch):
            world.fetch(s3_at(s3))
        assert len([asked for asked in s3.asked if asked.method == "HEAD"]) == 4
    world.assert_nothing_appeared()

"""From S3 to HTTP and what S3 adds to the proof: row T12 of the fault matrix."""

from __future__ import annotations

import base64
import hashlib
import time

import pytest

from mast.errors import ChecksumMismatch
from mast.terms import Proof
from mast.transfer import HttpSource, S3Source
from mast.transfer.config import MIB
from tests.fault import server as lies
from tests.fault.server import FaultServer
from tests.fault.world import World, fits_bytes


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


SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>"


@pytest.mark.parametrize("content_type", ["application/xml", "application/octet-stream"])
def test_an_error_of_s3_in_a_reply_with_status_200_is_no_file(world: World, content: bytes, content_type: str) -> None:
    with FaultServer(content) as s3, FaultServer(content) as http:
        s3.fault("error", lies.status(200, SLOW_DOWN, Content_Type=content_type), times=999)
        fetched = world.fetch(s3_at(s3), HttpSource(http.url))
        world.assert_is_a_version_of(fetched, http)
        assert s3.fired["error"]
    assert fetched.source_bytes == {"http": len(content)}


def test_an_object_replaced_on_s3_answers_412_and_is_begun_anew(world: World, content: bytes) -> None:
    newer = fits_bytes(len(content), seed=78)
    with FaultServer(content) as s3:

        def replaced(plan: lies.Plan, asked: lies.Asked) -> None:
            s3.versions.append(newer)
            plan.__dict__.update(s3.truth(asked).__dict__)
            assert plan.status == 412

        s3.fault("replaced", replaced, when=lambda asked: asked.is_beyond(2 * MIB) and "if-match" in asked.headers)
        fetched = world.fetch(s3_at(s3))
        world.assert_is_a_version_of(fetched, s3)
        assert s3.fired["replaced"] == 1
        assert fetched.path.read_bytes() == newer


def test_a_long_wait_that_s3_asks_for_is_not_waited_for(world: World, content: bytes) -> None:
    with FaultServer(content) as s3, FaultServer(content) as http:
        s3.fault("slow down", lies.status(503, Retry_After="600"), times=99)
        source = HttpSource(http.url.replace("127.0.0.1", "localhost"))
        began = time.monotonic()
        world.assert_is_a_version_of(world.fetch(s3_at(s3), source, retry_after_max_s=900), http)
        assert s3.fired["slow down"] == 1
        assert time.monotonic() - began < 30


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

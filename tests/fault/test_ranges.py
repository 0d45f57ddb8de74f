"""Ranges ignored or wrong, and files replaced while they come: rows T5 to T8 of the fault matrix."""

from __future__ import annotations

import pytest

from mast.errors import Cancelled, SourceChanged
from mast.transfer.config import MIB
from tests.fault import server as lies
from tests.fault.conftest import CONTENT
from tests.fault.server import Asked, FaultServer
from tests.fault.world import World, fits_bytes


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
        # Another connection's range may reach the server after the plain GET that ends the matter.
        assert any(asked.method == "GET" and asked.span is None for asked in server.asked)


def test_a_416_does_not_end_a_file_that_only_its_length_proves(world: World, content: bytes) -> None:
    """No FITS structure shows that a table in text is not over yet."""
    with FaultServer(content) as server:
        server.fault("416", lies.status(416), times=99, when=lambda asked: asked.is_beyond(2 * MIB))
        fetched = world.fetch(server, file_name="jw02733-o001_t001_nircam_f090w_cat.ecsv", connections=1)
        world.assert_is_a_version_of(fetched, server)
        assert server.fired["416"]


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
        # What the stopped transfer had just asked for may be heard a moment later.
        assert (0, 64 * 1024) in [asked.span for asked in server.asked[before : before + 2]]


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

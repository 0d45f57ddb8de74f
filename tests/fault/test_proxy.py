"""The practice archive behind a network that breaks: rows T2, T4, T12 and T13, and the proxy itself."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mast.errors import ConnectionLost
from mast.practice import PracticeServer
from mast.terms import Proof
from mast.transfer import HttpSource, S3Source
from tests.fault import figures
from tests.fault.proxy import Proxy
from tests.fault.server import FaultServer
from tests.fault.sizes import REPLAYS, seconds, size, trials
from tests.fault.world import World, fits_bytes
from tests.integration.little_mast import MB, LittleMast, fits_of

FILE = "jw02733-o001_t001_nircam_clear-f090w_i2d.fits"
KEY = f"jwst/public/jw02733/L3/t/o001/{FILE}"
CONTENT = fits_of(2 * MB, FILE)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeServer]:
    """A practice archive with one file of 2 MB."""
    little = LittleMast(tmp_path_factory.mktemp("little")).observation(FILE.removesuffix("_i2d.fits"), 1)
    yield little.product(1, FILE, size=2 * MB).serve()
    little.stop()


def http(base: str) -> HttpSource:
    return HttpSource(f"{base}/api/v0.1/Download/file?uri=mast:JWST/product/{FILE}")


def s3(base: str) -> S3Source:
    return S3Source(f"{base}/s3", "stpubdata", KEY)


def assert_is_the_file(world: World) -> None:
    assert world.final_path.read_bytes() == CONTENT
    assert world.leftovers() == []


def test_both_sources_give_the_file_through_an_honest_proxy(archive: PracticeServer, world: World) -> None:
    with Proxy.to(archive.url) as proxy:
        for source in (http(proxy.url), s3(proxy.url)):
            world.fetch(source)
            assert_is_the_file(world)
            world.final_path.unlink()
        assert proxy.connections
        assert not proxy.fired


@pytest.mark.release
@pytest.mark.parametrize(("how", "ci", "release"), [("cut", 50, 500), ("reset", 50, 500), ("silence", 5, 50)])
def test_a_connection_that_ends_at_any_byte_costs_no_byte_of_the_file(
    archive: PracticeServer, tmp_path: Path, how: str, ci: int, release: int
) -> None:
    fired = 0
    for trial in trials(f"proxy {how}", ci, release):
        with trial as chance, Proxy.to(archive.url) as proxy:
            world = World(tmp_path / str(trial.number))
            # The first byte of a reply, the last of the longest one, or any of the first request's.
            at = chance.choice([0, 1, chance.randrange(400), chance.randrange(700_000)])
            getattr(proxy, how)(at, times=chance.randint(1, 3))
            source = chance.choice([http, s3])(proxy.url)
            world.fetch(source, stall_timeout_s=0.3, first_byte_timeout_s=0.3, small_bytes=0)
            assert_is_the_file(world)
            assert proxy.fired[how]
            fired += proxy.fired[how]
            world.clear()
    figures.note(f"connections ended by {how}", files=size(ci, release), ended=fired, corrupt=0)


@pytest.mark.release
def test_a_flipped_bit_is_caught_where_a_checksum_covers_it_and_else_not_called_checked(tmp_path: Path) -> None:
    caught = unnoticed = 0
    for trial in trials("proxy flip", 20, 200):
        with trial as chance:
            has_sums = trial.number % 2 == 0
            content = fits_bytes(700_000, seed=trial.number, has_sums=has_sums)
            world = World(tmp_path / str(trial.number))
            with FaultServer(content) as server, Proxy(("127.0.0.1", server.port)) as proxy:
                # Beyond the reply's head and the file's: in the data, which is what a sum covers.
                proxy.flip(chance.randrange(4000, len(content)))
                fetched = world.fetch(HttpSource(f"{proxy.url}/file.fits"), connections=1)
                assert proxy.fired["flip"] == 1
            if has_sums:
                world.assert_is_a_version_of(fetched, server)
                assert fetched.proof == Proof.FITS_SUMS
                caught += 1
            else:
                assert fetched.proof == Proof.STRUCTURE
                unnoticed += 1
            world.clear()
    figures.note("flipped bits", covered=caught, caught=caught, covered_by_nothing=unnoticed, called_checked=0)
    assert REPLAYS or min(caught, unnoticed) > 3


@pytest.mark.release
def test_an_archive_that_falls_silent_is_left_within_the_stall_timeout(archive: PracticeServer, world: World) -> None:
    with Proxy.to(archive.url) as proxy:
        proxy.silence(300_000)
        began = time.monotonic()
        world.fetch(http(proxy.url), small_bytes=0, stall_timeout_s=seconds(60), first_byte_timeout_s=seconds(30))
        took = time.monotonic() - began
        assert proxy.fired["silence"] == 1
    assert_is_the_file(world)
    assert took < seconds(90) + 15


@pytest.mark.release
def test_a_network_that_swallows_everything_is_given_up_on(archive: PracticeServer, world: World) -> None:
    with Proxy.to(archive.url) as proxy:
        proxy.is_blackhole = True
        began = time.monotonic()
        with pytest.raises(ConnectionLost):
            world.fetch(http(proxy.url), first_byte_timeout_s=seconds(30), give_up_after_s=seconds(60))
        assert proxy.fired["blackhole"] > 1
        assert time.monotonic() - began < seconds(95) + 15
    world.assert_nothing_appeared()


def test_a_slow_line_and_a_long_one_bring_the_file_all_the_same(archive: PracticeServer, world: World) -> None:
    with Proxy.to(archive.url) as proxy:
        proxy.delay_s, proxy.bytes_per_s = 0.03, 4e6
        world.fetch(s3(proxy.url))
    assert_is_the_file(world)


def test_a_host_without_an_address_is_given_up_on(world: World) -> None:
    with pytest.raises(ConnectionLost):
        world.fetch(HttpSource("http://no-such-host.invalid/file.fits"), give_up_after_s=0.2)
    world.assert_nothing_appeared()


@pytest.mark.release
def test_an_endpoint_that_goes_away_in_mid_file_is_left_for_http(archive: PracticeServer, tmp_path: Path) -> None:
    for trial in trials("proxy fallback", 20, 200):
        with trial as chance, Proxy.to(archive.url) as proxy:
            world = World(tmp_path / str(trial.number))
            proxy.bytes_per_s, proxy.leaves_after = 8e6, chance.randrange(200_000, 900_000)
            fetched = world.fetch(s3(proxy.url), http(archive.url), small_bytes=0)
            assert_is_the_file(world)
            assert proxy.fired["break"]
            assert sum(fetched.source_bytes.values()) == len(CONTENT)
            assert fetched.source_bytes.get("http")
            world.clear()


# --- the proxy itself -------------------------------------------------------------------------------------------


@pytest.fixture
def talker() -> Iterator[tuple[str, int]]:
    """A server that says 100,000 bytes to whoever comes, and no more."""
    with FaultServer(b"x", framing="close") as server:
        server.versions = [random.Random(1).randbytes(100_000)]
        yield ("127.0.0.1", server.port)


def heard(proxy: Proxy) -> tuple[bytes, bool]:
    """What comes over a connection, and whether it was reset."""
    received = b""
    try:
        # The reset may be here before the caller knows that it is connected.
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while piece := client.recv(65536):
                received += piece
    except ConnectionResetError:
        return received, True
    return received, False


def test_the_proxy_breaks_what_it_is_told_to_and_where(talker: tuple[str, int]) -> None:
    with Proxy(talker) as proxy:
        whole, was_reset = heard(proxy)
        assert len(whole) > 100_000
        assert not was_reset
        proxy.cut(5000)
        assert heard(proxy) == (whole[:5000], False)
        proxy.reset(5000)
        assert heard(proxy)[1]
        proxy.flip(5000)
        flipped, _ = heard(proxy)
        assert [at for at in range(len(whole)) if flipped[at] != whole[at]] == [5000]
        proxy.refuses = True
        assert heard(proxy) == (b"", True)
        proxy.refuses = False
        assert heard(proxy) == (whole, False)
        assert proxy.fired == {"cut": 1, "reset": 1, "flip": 1, "refused": 1}

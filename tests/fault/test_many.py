"""Many files over a warm pool, and what a small file is spared."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from mast.errors import Cancelled, NotInSource
from mast.transfer import HttpSource, Progress, Wanted, fetch_many
from mast.transfer.config import MIB
from mast.transfer.disk import Disk
from mast.transfer.pool import POOL
from mast.transfer.site import Alone
from tests.fault import server as lies
from tests.fault.server import FaultServer
from tests.fault.world import FAST, World, fits_bytes

CONTENT = fits_bytes(200_000, seed=5)


def wanted(world: World, server: FaultServer, count: int) -> list[Wanted]:
    names = [f"jw02733001001_02101_{number:05d}_nrcb1_cal.fits" for number in range(count)]
    return [world.wanted(HttpSource(server.url), catalog_bytes=len(CONTENT), file_name=name) for name in names]


def test_many_files_come_home_each_with_one_request(world: World) -> None:
    with FaultServer(CONTENT) as server:
        POOL.close()
        files = wanted(world, server, 40)
        ended = [one for some in fetch_many(files, FAST, at_once=4) for one in some]
        assert sorted(one.wanted.file_name for one in ended) == [file.file_name for file in files]
        assert all(one.fetched and one.fetched.path.read_bytes() == CONTENT for one in ended)
        assert len(server.asked) == 40
    assert world.leftovers() == []


def test_one_that_cannot_be_had_does_not_stop_the_others(world: World) -> None:
    with FaultServer(CONTENT) as server:
        server.fault("gone", lies.status(404), times=1)
        ended = [one for some in fetch_many(wanted(world, server, 6), FAST, at_once=2) for one in some]
        assert server.fired["gone"] == 1
    errors = [one.error for one in ended if one.fetched is None]
    assert [type(error) for error in errors] == [NotInSource]
    assert len(ended) == 6


def test_never_more_at_a_time_than_may_be(world: World) -> None:
    by_thread: dict[int, set[str]] = {}

    def progress(file: Wanted, _told: Progress) -> None:
        by_thread.setdefault(threading.get_ident(), set()).add(file.file_name)

    with FaultServer(CONTENT) as server:
        ended = [
            one for some in fetch_many(wanted(world, server, 12), FAST, at_once=3, on_progress=progress) for one in some
        ]
    # Each thread has one file at a time.
    assert 1 <= len(by_thread) <= 3
    assert sum(map(len, by_thread.values())) == len(ended) == 12


def test_all_stop_when_they_are_asked_to(world: World) -> None:
    with FaultServer(CONTENT) as server:
        ended = [
            one for some in fetch_many(wanted(world, server, 5), FAST, should_stop=lambda _one: True) for one in some
        ]
    assert [type(one.error) for one in ended] == [Cancelled] * 5


class NeverRead(Disk):
    """A disk from which nothing is to be read."""

    def read_at(self, fd: int, count: int, offset: int) -> bytes:
        raise AssertionError("it was read back")


def test_a_small_files_sha256_takes_no_second_reading(world: World) -> None:
    with FaultServer(CONTENT) as server:
        fetched = world.fetch(server, catalog_bytes=len(CONTENT), disk=NeverRead())
        assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_a_rate_is_kept(world: World) -> None:
    content = fits_bytes(4 * MIB, seed=6)
    with FaultServer(content) as server:
        site = Alone(bytes_per_s=4 * MIB)
        files = [world.wanted(HttpSource(server.url), catalog_bytes=len(content))]
        delays: list[float] = []
        slow = site.delay_s
        site.delay_s = lambda count: delays.append(slow(count)) or delays[-1]  # type: ignore[method-assign,func-returns-value]
        (ended,) = [one for some in fetch_many(files, FAST, site=site) for one in some]
        assert ended.fetched is not None
    # Half a second's worth goes through at once; the rest has to wait.
    assert max(delays) > 0.1


def test_the_blocks_of_a_file_are_set_aside_before_its_first_byte(tmp_path: Path) -> None:
    disk = Disk()
    fd = disk.open_part(tmp_path / "part")
    disk.set_size(fd, 8 * MIB)
    assert (tmp_path / "part").stat().st_size == 8 * MIB
    taken = (tmp_path / "part").stat().st_blocks * 512
    if taken == 0:
        pytest.skip("this file system sets nothing aside")
    assert taken >= 8 * MIB

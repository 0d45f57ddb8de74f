"""What a full, failing or meddled-with disk does to a transfer: rows D1 to D3 and P8 to P9 of the fault matrix."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time

import pytest

from mast import terms
from mast.errors import AlreadyClaimed, Cancelled, DamagedFile, DiskFull, FileError, SizeMismatch, TruncatedFits
from mast.transfer import Fetched
from mast.transfer.config import MIB
from mast.transfer.disk import Disk
from mast.transfer.spans import SPLIT_BYTES
from tests.fault import server as lies
from tests.fault import victims
from tests.fault.disks import FailingDisk
from tests.fault.server import FaultServer
from tests.fault.world import NAME, World, fits_bytes


@pytest.mark.parametrize("count", [1, 2, 4, 6])
@pytest.mark.parametrize("step", ["write_at", "append"])
def test_a_full_disk_stops_the_transfer_and_keeps_what_is_there(
    world: World, content: bytes, step: str, count: int
) -> None:
    with FaultServer(content) as server:
        disk = FailingDisk(step, count)
        with pytest.raises(DiskFull):
            world.fetch(server, disk=disk)
        assert disk.fired
        world.assert_nothing_appeared()
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        # the journal's head is its first append; pieces that are shared out may be as small as 256 KiB
        assert fetched.reused_bytes >= (count - 3) * SPLIT_BYTES


@pytest.mark.parametrize("step", ["sync", "publish", "sync_dir", "set_size", "make_one_dir"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_the_end_leaves_no_file_and_no_lie(
    world: World, content: bytes, step: str, number: int
) -> None:
    world.folder.joinpath("mast").mkdir()
    with FaultServer(content) as server:
        disk = FailingDisk(step, 1, number)
        with pytest.raises(FileError):
            world.fetch(server, disk=disk)
        assert disk.fired == 1
        world.assert_is_a_version_of(world.fetch(server), server)


def test_short_writes_are_completed(world: World, content: bytes) -> None:
    class ShortDisk(Disk):
        def write_at(self, fd: int, data: memoryview, offset: int) -> None:
            for at in range(0, len(data), 100_000):
                super().write_at(fd, data[at : at + 100_000], offset + at)

    with FaultServer(content) as server:
        world.assert_is_a_version_of(world.fetch(server, disk=ShortDisk()), server)


def test_a_file_size_limit_is_a_full_disk(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        process = victims.start(victims.fetch_within, world.folder, server.url, 3 * MIB)
        assert victims.ended(process) == victims.DISK_FULL
        world.assert_is_a_version_of(world.fetch(server), server)


def test_a_file_that_would_not_fit_is_refused_before_its_first_byte(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        with pytest.raises(DiskFull) as caught:
            world.fetch(server, min_free_bytes=1 << 60)
        assert caught.value.details["needed_bytes"] > 0
        assert world.leftovers() == []


def test_what_is_missing_of_a_part_must_fit_too(world: World, content: bytes) -> None:
    # The second is asked by nobody before: to the first a request of the interrupted transfer may still be on its way.
    with FaultServer(content, bytes_per_s=8e6) as server, FaultServer(content) as other:
        interrupted(world, server)
        with pytest.raises(DiskFull):
            world.fetch(other, min_free_bytes=1 << 60)
        assert other.asked == []
        world.assert_is_a_version_of(world.fetch(server), server)


def test_a_disk_that_gives_back_other_bytes_is_noticed(world: World, content: bytes) -> None:
    class ForgetfulDisk(Disk):
        spoiled = 0

        def write_at(self, fd: int, data: memoryview, offset: int) -> None:
            super().write_at(fd, data, offset)
            if offset == 2 * MIB and not self.spoiled:
                self.spoiled += 1
                os.pwrite(fd, b"!", offset + 5)

    disk = ForgetfulDisk()
    with FaultServer(content) as server:
        world.assert_is_a_version_of(world.fetch(server, disk=disk), server)
    assert disk.spoiled == 1


def test_a_disk_that_never_keeps_what_is_written_is_reported(world: World, content: bytes) -> None:
    class LosingDisk(Disk):
        def write_at(self, fd: int, data: memoryview, offset: int) -> None:
            super().write_at(fd, data, offset)
            os.pwrite(fd, b"!", offset + 9)

    with FaultServer(content) as server, pytest.raises(DamagedFile):
        world.fetch(server, disk=LosingDisk())
    world.assert_nothing_appeared()


def interrupted(world: World, server: FaultServer, at_least: int = 2 * MIB) -> None:
    with pytest.raises(Cancelled):
        world.fetch(server, should_stop=world.has_done(at_least), connections=1)


def test_bytes_edited_in_the_part_are_not_trusted(world: World, content: bytes) -> None:
    with FaultServer(content, bytes_per_s=8e6) as server:
        interrupted(world, server)
        part = next(world.partial_dir.glob("*.part"))
        with part.open("r+b") as file:
            file.seek(MIB + 17)
            file.write(b"edited")
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert MIB < fetched.reused_bytes < 5 * MIB


def test_a_part_that_was_cut_short_is_completed(world: World, content: bytes) -> None:
    with FaultServer(content, bytes_per_s=8e6) as server:
        interrupted(world, server)
        os.truncate(next(world.partial_dir.glob("*.part")), MIB + 5)
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert fetched.reused_bytes == MIB


@pytest.mark.parametrize("what", ["*.part", "*.journal"])
def test_a_part_without_its_journal_or_a_journal_without_its_part_counts_for_nothing(
    world: World, content: bytes, what: str
) -> None:
    with FaultServer(content, bytes_per_s=8e6) as server:
        interrupted(world, server)
        next(world.partial_dir.glob(what)).unlink()
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert fetched.reused_bytes == 0


def test_a_stop_is_seen_soon_and_keeps_every_byte(world: World, content: bytes) -> None:
    with FaultServer(content, bytes_per_s=1e6) as server:
        asked_at = 0.0

        def stop_after_a_while() -> bool:
            nonlocal asked_at
            if time.monotonic() - began > 0.5 and not asked_at:
                asked_at = time.monotonic()
            return bool(asked_at)

        began = time.monotonic()
        with pytest.raises(Cancelled):
            world.fetch(server, should_stop=stop_after_a_while)
        assert time.monotonic() - asked_at < 10
        sent = server.body_bytes
        server.bytes_per_s = None
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        # the server counts each piece of 32 KiB once it is sent
        assert abs(fetched.reused_bytes - sent) <= 4 * 96 * 1024


def test_a_stop_is_seen_while_the_server_is_silent(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        server.fault("mute", lies.drip(1, 30), times=9)
        began = time.monotonic()
        with pytest.raises(Cancelled):
            world.fetch(server, should_stop=lambda: time.monotonic() - began > 0.2, first_byte_timeout_s=30)
        assert time.monotonic() - began < 15
        assert server.fired["mute"] == 1


def test_a_second_process_on_the_same_file_is_turned_away(world: World, content: bytes) -> None:
    with FaultServer(content, bytes_per_s=1e6) as server:
        process = victims.start(victims.fetch, world.folder, server.url, 3)
        victims.wait_for(lambda: list(world.partial_dir.glob("*.part")))
        with pytest.raises(AlreadyClaimed):
            world.fetch(server)
        victims.kill(process)
        server.bytes_per_s = None
        world.assert_is_a_version_of(world.fetch(server), server)


def test_two_transfers_of_one_file_without_working_locks_do_not_spoil_it(
    world: World, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks of some file systems do nothing; that costs bytes, not correctness."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    results: list[Fetched | Exception] = []
    with FaultServer(content, bytes_per_s=4e6) as server:

        def fetch() -> None:
            try:
                results.append(World(world.folder).fetch(server))
            except FileError as exc:
                results.append(exc)  # its part was tidied away under it: it may fail, but not lie

        threads = [threading.Thread(target=fetch) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert any(isinstance(result, Fetched) for result in results)
        assert world.final_path.read_bytes() == content


def test_a_finished_file_is_read_and_not_fetched_again(world: World, content: bytes) -> None:
    with FaultServer(content) as server:
        world.fetch(server)
        before = len(server.asked)
        again = world.fetch(server, catalog_bytes=len(content))
        assert len(server.asked) == before
        world.assert_is_a_version_of(again, server)
    assert (again.source, again.reused_bytes) == ("existing", len(content))


def test_another_file_at_the_final_name_is_never_overwritten(world: World, content: bytes) -> None:
    other = fits_bytes(100_000, seed=4)
    world.final_path.parent.mkdir(parents=True)
    world.final_path.write_bytes(other)
    with FaultServer(content) as server, pytest.raises(SizeMismatch):
        world.fetch(server, catalog_bytes=len(content))
    assert world.final_path.read_bytes() == other


@pytest.mark.parametrize("name", ["jw02733-o001_20250101t000000_image3_00001_asn.json", NAME])
def test_a_file_at_its_place_that_goes_on_after_its_end_is_not_taken_for_whole(
    world: World, content: bytes, name: str
) -> None:
    lying = world.final_path.with_name(name)
    lying.parent.mkdir(parents=True)
    lying.write_bytes(content + b" " * 10)
    with FaultServer(content) as server, pytest.raises((SizeMismatch, TruncatedFits)):
        world.fetch(server, catalog_bytes=len(content), file_name=name)
    assert lying.stat().st_size == len(content) + 10


def test_a_part_on_another_file_system_than_its_place_is_said_so_and_nothing_is_lost(
    world: World, content: bytes
) -> None:
    with FaultServer(content) as server:
        disk = FailingDisk("publish", 1, errno.EXDEV)
        with pytest.raises(FileError, match="cross-device"):
            world.fetch(server, disk=disk)
        assert disk.fired == 1
        world.assert_nothing_appeared()
        before = server.body_bytes
        world.assert_is_a_version_of(world.fetch(server), server)
        assert server.body_bytes == before


def test_the_longest_name_that_is_allowed_comes_home(world: World, content: bytes) -> None:
    """Its part and its journal have longer names, for which file systems have room: 255 bytes."""
    name = "x" * 195 + ".fits"
    assert terms.is_safe_name(name)
    assert not terms.is_safe_name("x" + name)
    with FaultServer(content) as server:
        world.assert_is_a_version_of(world.fetch(server, file_name=name), server)

"""Every step of a transfer fails, and kills, at its first, second, third … passage until the transfer gets through.

Rows P2 and D1 of the fault matrix, in the manner of SQLite's tests.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mast.errors import DiskFull, FileError
from mast.transfer.config import MIB
from tests.fault import victims
from tests.fault.disks import STEPS, FailingDisk, TearingDisk
from tests.fault.server import FaultServer
from tests.fault.world import World, fits_bytes

CONTENT = fits_bytes(2 * MIB + 500_000, seed=31)
MOST = 60
"""passages after which a step should not happen any more"""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(CONTENT) as serving:
        yield serving


def open_below(folder: Path) -> list[str]:
    """What this process holds open there."""
    links = (Path(os.path.realpath(link)) for link in Path("/proc/self/fd").iterdir())
    return [path.name for path in links if folder in path.parents]


@pytest.mark.parametrize(
    ("disk_class", "number", "steps"),
    [
        (FailingDisk, errno.ENOSPC, STEPS),
        (FailingDisk, errno.EIO, STEPS),
        (TearingDisk, errno.ENOSPC, ("write_at", "append")),
    ],
    ids=["no room", "broken", "short writes"],
)
def test_a_failure_of_the_disk_at_any_step_is_recovered_from(
    tmp_path: Path, server: FaultServer, disk_class: type[FailingDisk], number: int, steps: tuple[str, ...]
) -> None:
    expected = DiskFull if number == errno.ENOSPC else FileError
    for step in steps:
        for count in itertools.count(1):
            world = World(tmp_path / f"{step}-{count}")
            world.folder.mkdir()
            disk = disk_class(step, count, number, once=True)
            try:
                world.fetch(server, disk=disk)
            except expected:
                assert disk.fired == 1
            assert not world.final_path.exists() or world.final_path.read_bytes() == CONTENT
            assert open_below(world.folder) == [], f"{step} {count}"
            world.assert_is_a_version_of(world.fetch(server), server)
            if not disk.fired:
                break
            assert count < MOST
        assert count > 1, f"no transfer does {step}"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_is_recovered_from(tmp_path: Path, server: FaultServer, when: str, step: str) -> None:
    for count in itertools.count(1):
        world = World(tmp_path / str(count))
        world.folder.mkdir()
        process = victims.start(victims.fetch, world.folder, server.url, 4, f"{when}-{step}:{count}")
        code = victims.ended(process)
        was_named = world.final_path.exists()
        assert not was_named or world.final_path.read_bytes() == CONTENT
        before = server.body_bytes
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        assert not was_named or server.body_bytes == before, "fetched again after the rename"
        if code == 0:
            break
        assert code == victims.KILLED
        assert count < MOST
    assert count > 1, "the step was never passed"

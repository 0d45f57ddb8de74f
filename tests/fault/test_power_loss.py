"""Power cuts at every moment, with whatever the disk had not synced lost: row D4 of the fault matrix.

The steps of transfers are recorded once: of one that runs through, and of those that a SIGKILL ends after any of their
steps and the next worker completes. Each trial cuts the power somewhere in one of them, lays out one of the states the
disk may be in then, and lets a new transfer go on from there.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mast.transfer.config import MIB
from tests.fault import figures
from tests.fault.disks import Died, DyingDisk
from tests.fault.powerloss import Noted, Notes, Platter, RecordingDisk, lay_out
from tests.fault.server import FaultServer
from tests.fault.sizes import REPLAYS, trials
from tests.fault.world import World, fits_bytes

CONTENTS = {"large": fits_bytes(3 * MIB + 300_000, seed=21), "small": fits_bytes(700_000, seed=22)}


@dataclass
class Course:
    """What one or two transfers of a file did to a disk, until the file was registered."""

    name: str
    root: Path
    steps: list[Noted]
    server: FaultServer
    was_killed: bool

    @classmethod
    def record(cls, root: Path, name: str, server: FaultServer, killed_after: int | None) -> Course:
        notes, was_killed = Notes(), False
        world = World(root)
        root.mkdir()
        if killed_after is not None:
            disk = DyingDisk(RecordingDisk(notes).step, killed_after)
            try:
                world.fetch(server, catalog_bytes=len(server.content), disk=disk)
            except Died:
                was_killed = True
        # What is called complete is complete from here on.
        fetched = world.fetch(server, catalog_bytes=len(server.content), disk=RecordingDisk(notes))
        world.assert_is_a_version_of(fetched, server)
        notes.add(Noted("registered", path=fetched.path))
        return cls(name, root, notes.steps, server, was_killed)

    def platter(self, count: int) -> Platter:
        return Platter(self.root, self.steps[:count])


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Course]]:
    recorded: list[Course] = []
    folder = tmp_path_factory.mktemp("courses")
    with FaultServer(CONTENTS["large"]) as large, FaultServer(CONTENTS["small"]) as small:
        for name, server in (("large", large), ("small", small)):
            recorded.append(Course.record(folder / name, name, server, None))
            for steps in itertools.count(1):
                course = Course.record(folder / f"{name}-{steps}", f"{name} killed after {steps}", server, steps)
                if not course.was_killed:
                    break
                recorded.append(course)
        yield recorded


@pytest.mark.release
def test_no_power_cut_leaves_a_file_that_is_registered_and_wrong(courses: list[Course], tmp_path: Path) -> None:
    registered = states = reused = 0
    for trial in trials("power loss", 500, 10_000):
        with trial as chance:
            course = chance.choice(courses)
            platter = course.platter(chance.randrange(len(course.steps) + 1))
            world = World(tmp_path / str(trial.number))
            lay_out(platter.after_power_loss(chance), world.folder)
            if platter.registered:
                registered += 1
                assert world.final_path.exists(), f"{course.name}: registered and lost"
                assert world.final_path.read_bytes() == course.server.content, f"{course.name}: registered and wrong"
            fetched = world.fetch(course.server, catalog_bytes=len(course.server.content))
            world.assert_is_a_version_of(fetched, course.server)
            states += 1
            reused += fetched.reused_bytes > 0
            world.clear()
    figures.note("power cuts", states=states, registered_by_then=registered, registered_and_wrong=0, went_on=reused)
    assert registered or REPLAYS


def test_what_was_registered_outlives_any_power_cut(courses: list[Course]) -> None:
    """Each course to its end, and then the power goes."""
    for course in courses:
        for number in range(10):
            left = course.platter(len(course.steps)).after_power_loss(random.Random(number))
            final = World(course.root).final_path.relative_to(course.root)
            assert final in left, f"{course.name}: registered and lost"
            assert left[final].content == course.server.content, f"{course.name}: registered and wrong"


def test_a_platter_holds_what_was_synced_and_may_lose_the_rest(courses: list[Course]) -> None:
    """The harness itself: until the part is synced none of it is sure, and some cut loses any of it."""
    plain = courses[0]
    synced = next(number for number, step in enumerate(plain.steps) if step.name == "sync")
    node = plain.steps[synced].node
    assert not plain.platter(synced).nodes[node].durable
    assert bytes(plain.platter(synced + 1).nodes[node].durable) == plain.server.content
    states = {
        tuple(sorted(plain.platter(synced).after_power_loss(random.Random(n)).items(), key=str)) for n in range(50)
    }
    assert len(states) > 10

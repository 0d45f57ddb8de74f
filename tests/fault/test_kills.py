"""SIGKILL at random moments: nothing corrupt, and at most a record per connection again. Row P1 of the fault matrix."""

from __future__ import annotations

import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from mast.transfer.config import MIB
from mast.transfer.journal import read_journal
from tests.fault import figures, victims
from tests.fault.server import FaultServer
from tests.fault.sizes import REPLAYS, trials
from tests.fault.world import World, fits_bytes

CONNECTIONS = 3
RATE = 16e6
"""bytes per second and connection"""
KILLS = 4
"""of one file, one after the other"""
CONTENT = fits_bytes(6 * MIB, seed=3)


def recorded_bytes(world: World) -> int:
    """What the journal claims."""
    journals = list(world.partial_dir.glob("*.journal"))
    journal = read_journal(journals[0].read_bytes()) if journals else None
    return sum(record.length for record in journal.records) if journal else 0


def wait_for_first_byte(server: FaultServer, process: BaseProcess, before: int) -> None:
    victims.wait_for(lambda: server.body_bytes > before or not process.is_alive())


@pytest.mark.release
def test_random_kills_lose_at_most_a_record_per_connection_and_spoil_nothing(tmp_path: Path) -> None:
    killed = rounds = 0
    again, back_s = [], []
    for trial in trials("random kills", 25, 300):
        with trial as chance:
            world = World(tmp_path / str(trial.number))
            with FaultServer(CONTENT, bytes_per_s=RATE) as server:
                rounds += 1
                for number in range(KILLS):
                    before, began = server.body_bytes, time.monotonic()
                    process = victims.start(victims.fetch, world.folder, server.url, CONNECTIONS)
                    wait_for_first_byte(server, process, before)
                    if number:
                        back_s.append(time.monotonic() - began)
                    time.sleep(chance.uniform(0, 0.1))
                    victims.kill(process)
                    killed += process.exitcode == victims.KILLED
                    time.sleep(0.02)
                    if not world.final_path.exists() and server.body_bytes - before > CONNECTIONS * 2 * MIB:
                        assert recorded_bytes(world) > 0
                kept = recorded_bytes(world)
                lost = server.body_bytes - kept
                server.bytes_per_s = None
                fetched = world.fetch(server)
                world.assert_is_a_version_of(fetched, server)
                if fetched.source != "existing":
                    # each kill may cost a record, and what lay in socket buffers, per connection
                    assert fetched.reused_bytes == kept
                    again.append(lost / KILLS / MIB)
                    assert lost <= KILLS * CONNECTIONS * (MIB + 256 * 1024)
            world.clear()
    figures.note(
        "kills of a download",
        kills=killed,
        files=rounds,
        corrupt=0,
        MiB_fetched_again_a_kill=figures.spread(again),
        first_new_byte_after=figures.spread(back_s, "s"),
    )
    assert REPLAYS or killed > 2 * rounds, "most transfers were over before they were killed"

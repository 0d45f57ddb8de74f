"""SIGKILL at random moments and at every named step: nothing corrupt, and at most a record per connection again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mast.transfer.config import MIB
from mast.transfer.journal import read_journal
from tests.fault.server import FaultServer
from tests.fault.world import World, fits_bytes

CHECKOUT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("TRANSFER_KILLS", "30"))
"""random kills; more of them for a long run"""
SEED = int(os.environ.get("TRANSFER_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
CONNECTIONS = 3
RATE = 3e6
"""bytes per second and connection"""


def start(
    world: World, server: FaultServer, connections: int = CONNECTIONS, **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fault.driver", str(world.folder), server.url, str(connections)],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def recorded_bytes(world: World) -> int:
    """What the journal claims."""
    journals = list(world.partial_dir.glob("*.journal"))
    journal = read_journal(journals[0].read_bytes()) if journals else None
    return sum(record.length for record in journal.records) if journal else 0


def wait_for_first_byte(server: FaultServer, process: subprocess.Popen[str], before: int) -> None:
    deadline = time.monotonic() + 20
    while server.body_bytes == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def test_random_kills_lose_at_most_a_record_per_connection_and_spoil_nothing(tmp_path: Path) -> None:
    print(f"TRANSFER_SEED={SEED}")
    chance = random.Random(SEED)
    content = fits_bytes(6 * MIB, seed=3)
    killed = rounds = 0
    while killed < KILLS:
        rounds += 1
        world = World(tmp_path / str(rounds))
        with FaultServer(content, bytes_per_s=RATE) as server:
            for _ in range(4):
                before = server.body_bytes
                process = start(world, server)
                wait_for_first_byte(server, process, before)
                time.sleep(chance.uniform(0, 0.5))
                process.kill()
                process.communicate()
                sent = server.body_bytes
                killed += process.returncode == -signal.SIGKILL
                time.sleep(0.02)
                if not world.final_path.exists() and sent - before > CONNECTIONS * 2 * MIB:
                    assert recorded_bytes(world) > 0, f"seed {SEED}"
            kept = recorded_bytes(world)
            lost = server.body_bytes - kept
            server.bytes_per_s = None
            fetched = world.fetch(server)
            world.assert_is_a_version_of(fetched, server)
            if fetched.source != "existing":
                # 4 kills, each of which may cost a record, and what lay in socket buffers, per connection
                assert fetched.reused_bytes == kept, f"seed {SEED}"
                assert lost <= 4 * CONNECTIONS * (MIB + 256 * 1024), f"seed {SEED}"
    assert killed >= KILLS


POINTS = [
    *(f"{when}-write_at:{n}" for when in ("before", "after") for n in (1, 3, 6)),
    *(f"{when}-append:{n}" for when in ("before", "after") for n in (1, 2, 7)),
    *(f"{when}-read_at:{n}" for when in ("before", "after") for n in (1, 6)),
    *(f"{when}-{step}:1" for when in ("before", "after") for step in ("set_size", "sync", "publish")),
    *(f"{when}-sync_dir:{n}" for when in ("before", "after") for n in (1, 2, 3)),
    *(f"{when}-remove:{n}" for when in ("before", "after") for n in (1, 2)),
]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_step_is_recovered_from(world: World, content: bytes, point: str) -> None:
    with FaultServer(content) as server:
        process = start(world, server, FAULT_AT=point)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL, "the step was never passed"
        was_named = world.final_path.exists()
        if was_named:
            assert world.final_path.read_bytes() == content
        before = server.body_bytes
        fetched = world.fetch(server)
        world.assert_is_a_version_of(fetched, server)
        if was_named:
            assert server.body_bytes == before, "fetched again after the rename"
            assert fetched.source == "existing"

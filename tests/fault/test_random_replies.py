"""Servers drawn at random that lie at random: rows T1, T3 and T5 to T10 of the matrix, as many times as it asks for.

The oracle is always the same: what ends up at the final name is one complete version that a server ever served, or
nothing does, and then the error is one of ours.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mast.errors import MastError
from mast.transfer import HttpSource, S3Source
from mast.transfer.config import MIB
from mast.transfer.waits import WAITS
from tests.fault import figures
from tests.fault import server as lies
from tests.fault.server import Asked, FaultServer, Plan
from tests.fault.sizes import REPLAYS, trials
from tests.fault.world import FAST, World, fits_bytes

CONTENTS = [fits_bytes(size, seed=size) for size in (900_000, MIB + 40_000, 2 * MIB + 500_000)]
QUICK = replace(FAST, backoff_max_s=0.02, give_up_after_s=2, retry_after_max_s=0.05, stall_timeout_s=0.4)
Draw = Callable[[random.Random, FaultServer], lies.Spoil]


def a_break(chance: random.Random, server: FaultServer) -> lies.Spoil:
    """At no byte, the first, the last of a record, any."""
    at = chance.choice([0, 1, MIB - 1, chance.randrange(len(server.content))])
    return chance.choice([lies.cut, lies.reset])(at)


def the_whole_file(_chance: random.Random, server: FaultServer) -> lies.Spoil:
    """A 200 to a request for a part."""
    content = server.content

    def spoil(plan: Plan, _asked: Asked) -> None:
        plan.status, plan.body = 200, content
        plan.headers.pop("Content-Range", None)
        plan.headers["Content-Length"] = str(len(content))

    return spoil


def a_wrong_range(chance: random.Random, server: FaultServer) -> lies.Spoil:
    return chance.choice(
        [
            lies.shifted(chance.choice([-1, 1, MIB, -MIB]), server.content),
            lies.header("Content-Range", chance.choice([None, "bytes */*", "bytes 5-4/3", "bytes 0-0/1", "nonsense"])),
            lies.header("Content-Length", str(chance.randrange(2 * MIB))),
        ]
    )


def no_such_bytes(chance: random.Random, server: FaultServer) -> lies.Spoil:
    total = chance.choice([len(server.content), len(server.content) - 1, 0])
    return lies.status(416, **chance.choice([{}, {"Content_Range": f"bytes */{total}"}]))


def another_version(_chance: random.Random, server: FaultServer) -> lies.Spoil:
    """From this reply on the file is another of the same length, different at its end."""

    def spoil(plan: Plan, asked: Asked) -> None:
        content = server.content
        server.versions.append(content[:-5000] + bytes(byte ^ len(server.versions) for byte in content[-5000:]))
        plan.__dict__.update(server.truth(asked).__dict__)

    return spoil


def an_encoding(chance: random.Random, _server: FaultServer) -> lies.Spoil:
    return lies.header("Content-Encoding", chance.choice(["gzip", "zstd", "br", "x, gzip"]))


def a_wait(chance: random.Random, _server: FaultServer) -> lies.Spoil:
    value = chance.choice(["0", "1", "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "-1"])
    return lies.status(chance.choice([429, 503]), Retry_After=value)


@dataclass(frozen=True)
class Row:
    """A row of the matrix: what is drawn for it, and how often, at every change and before a release."""

    name: str
    draw: Draw
    ci: int
    release: int
    is_for_ranges: bool = False
    """the lie makes sense only as an answer to a request for a part"""
    first: Draw | None = None
    """what happens before it"""
    likes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """what the server is like"""


ROWS = [
    Row("T1", a_break, 50, 500),
    Row("T3", a_break, 20, 200, likes={"framing": ("chunked", "close")}),
    Row("T5", the_whole_file, 20, 200, is_for_ranges=True),
    Row("T6", a_wrong_range, 20, 200, is_for_ranges=True),
    Row("T7", no_such_bytes, 20, 200, is_for_ranges=True),
    Row("T8", another_version, 50, 500, first=a_break, likes={"etag": ("strong", "weak", "none")}),
    Row("T9", an_encoding, 5, 20),
    Row("T10", a_wait, 20, 100),
]


@pytest.mark.release
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whatever_a_server_says_no_wrong_file_appears(tmp_path: Path, row: Row) -> None:
    fired = complete = tried = 0
    for trial in trials(f"replies {row.name}", row.ci, row.release):
        with trial as chance:
            WAITS.forget()
            world = World(tmp_path / str(trial.number), QUICK)
            likes = {name: chance.choice(values) for name, values in row.likes.items()}
            with FaultServer(chance.choice(CONTENTS), **likes) as server:
                plan_faults(row, chance, server)
                complete += is_fetched_whole(world, server, chance)
                fired += server.fired[row.name] > 0
            tried += 1
            world.clear()
    figures.note(f"lies of {row.name}", files=tried, lied_to=fired, whole=complete, refused=tried - complete, corrupt=0)
    assert REPLAYS or fired > 0.5 * tried, f"fired in {fired} of {tried} trials only"
    assert REPLAYS or complete or row.draw is an_encoding


def plan_faults(row: Row, chance: random.Random, server: FaultServer) -> None:
    """Some requests are answered truthfully, then the lies begin."""

    def fits(asked: Asked) -> bool:
        return asked.method == "GET" and (asked.span is not None or not row.is_for_ranges)

    requests = -(-len(server.content) // MIB)
    server.fault("truth", lambda *_: None, times=chance.randrange(requests))
    if row.first:
        server.fault("before", row.first(chance, server))
    for _ in range(chance.randint(1, 4)):
        server.fault(row.name, row.draw(chance, server), when=fits)


def is_fetched_whole(world: World, server: FaultServer, chance: random.Random) -> bool:
    """Fetch with or without the catalogue's word; the file may only be there as served."""
    catalog = len(server.content) if chance.random() < 0.7 else None
    source = chance.choice([HttpSource(server.url), S3Source(f"http://127.0.0.1:{server.port}", "b", "file.fits")])
    try:
        fetched = world.fetch(source, catalog_bytes=catalog, small_bytes=0)
    except MastError:
        world.assert_nothing_appeared()
        return False
    world.assert_is_a_version_of(fetched, server)
    return True

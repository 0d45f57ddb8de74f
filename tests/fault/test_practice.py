"""The engine against the practice archive: its HTTP downloads and its S3, and from one to the other."""

from __future__ import annotations

import pytest

from mast.errors import AccessDenied
from mast.practice import PracticeServer
from mast.terms import Proof
from mast.transfer import HttpSource, S3Source
from mast.transfer.config import MIB
from tests.fault.world import NAME, World

KEY = f"jwst/public/jw02733/L3/t/o001/{NAME}"
EXCLUSIVE = "jw99999-o003_t003_miri_f770w_i2d.fits"


def over_http(practice: PracticeServer, name: str = NAME, token: str = "") -> HttpSource:
    headers = {"Authorization": f"token {token}"} if token else {}
    return HttpSource(f"{practice.url}/api/v0.1/Download/file?uri=mast:JWST/product/{name}", headers=headers)


def on_s3(practice: PracticeServer) -> S3Source:
    return S3Source(f"{practice.url}/s3", "stpubdata", KEY)


def test_both_sources_give_the_same_file(practice: PracticeServer, world: World) -> None:
    over = world.fetch(over_http(practice), small_bytes=0)
    first = over.path.read_bytes()
    over.path.unlink()
    from_s3 = world.fetch(on_s3(practice), small_bytes=0)
    assert from_s3.path.read_bytes() == first
    assert from_s3.sha256 == over.sha256
    assert (over.source, from_s3.source) == ("http", "s3")
    assert practice.counts["s3"] > 1
    assert over.proof in {Proof.STRUCTURE, Proof.FITS_SUMS}


def test_a_file_begun_on_s3_is_completed_over_http(practice: PracticeServer, world: World) -> None:
    practice.rate = 16

    def break_s3() -> bool:
        if any(progress.done_bytes >= MIB for progress in world.seen):
            practice.broken, practice.rate = {"s3"}, None
        return False

    fetched = world.fetch(
        on_s3(practice), over_http(practice), should_stop=break_s3, connections=1, chunk_bytes=MIB // 2, small_bytes=0
    )
    assert set(fetched.source_bytes) == {"s3", "http"}
    assert sum(fetched.source_bytes.values()) == fetched.size_bytes
    again = World(world.folder / "again").fetch(over_http(practice))
    assert again.sha256 == fetched.sha256


def test_an_exclusive_file_needs_the_token(practice: PracticeServer, world: World) -> None:
    with pytest.raises(AccessDenied, match="token"):
        world.fetch(over_http(practice, EXCLUSIVE), file_name=EXCLUSIVE)
    fetched = world.fetch(over_http(practice, EXCLUSIVE, practice.token), file_name=EXCLUSIVE)
    assert fetched.size_bytes > 0

"""What the fault tests share: files to serve, a configuration with short waits, one call to fetch."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mast.transfer import Fetched, HttpSource, Progress, Source, TransferConfig, Wanted, fetch
from mast.transfer.config import MIB
from mast.transfer.disk import DISK, Disk
from mast.transfer.pool import POOL
from tests.fault.server import FaultServer

NAME = "jw02733-o001_t001_nircam_clear-f090w_i2d.fits"
FAST = TransferConfig(
    chunk_bytes=MIB,
    request_bytes=2 * MIB,
    small_bytes=MIB // 4,
    connections=4,
    connect_timeout_s=2,
    first_byte_timeout_s=1,
    stall_timeout_s=1,
    give_up_after_s=30,
    backoff_first_s=0.01,
    backoff_max_s=0.05,
    retry_after_max_s=1,
    min_free_bytes=0,
    progress_every_s=0.02,
    lock_wait_s=0.3,
)
BLOCK = 2880


def fits_bytes(size_bytes: int, seed: int, *, has_sums: bool = False) -> bytes:
    """A FITS file of about so many bytes of noise; with `has_sums` its DATASUM and CHECKSUM cards are right."""
    rows = max(1, size_bytes // BLOCK - 1)
    data = random.Random(seed).randbytes(rows * BLOCK)
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2"]
    cards += [f"NAXIS1  = {BLOCK:20d}", f"NAXIS2  = {rows:20d}", f"SEED    = {seed:20d}"]
    if has_sums:
        cards.append(f"DATASUM = '{ones_sum(data)}'")
    head = "".join(card.ljust(80) for card in [*cards, "END"]).ljust(BLOCK).encode()
    return head + data


def ones_sum(data: bytes) -> int:
    """The 32-bit ones' complement sum: whole words modulo 2^32 - 1."""
    return int.from_bytes(data, "big") % 0xFFFFFFFF


@dataclass
class World:
    """A place for files and everything one fetch told."""

    folder: Path
    config: TransferConfig = FAST
    seen: list[Progress] = field(default_factory=list)

    @property
    def partial_dir(self) -> Path:
        return self.folder / ".partial"

    @property
    def final_path(self) -> Path:
        return self.folder / "mast" / NAME

    def wanted(self, *sources: Source, catalog_bytes: int | None = None, file_name: str = NAME) -> Wanted:
        return Wanted(file_name, sources, self.partial_dir, self.final_path.with_name(file_name), catalog_bytes)

    def fetch(
        self,
        *sources: Source | FaultServer,
        catalog_bytes: int | None = None,
        file_name: str = NAME,
        should_stop: Callable[[], bool] = lambda: False,
        disk: Disk = DISK,
        **changes: float,
    ) -> Fetched:
        """Fetch with short waits; a server stands for an HTTP source."""
        given = [HttpSource(source.url) if isinstance(source, FaultServer) else source for source in sources]
        wanted = self.wanted(*given, catalog_bytes=catalog_bytes, file_name=file_name)
        config = replace(self.config, **changes)  # type: ignore[arg-type]
        return fetch(wanted, config, on_progress=self.seen.append, should_stop=should_stop, disk=disk)

    def has_done(self, size_bytes: int) -> Callable[[], bool]:
        """To be asked by `should_stop`: whether a report told of more than so many bytes since now."""
        before = len(self.seen)
        return lambda: any(progress.done_bytes > size_bytes for progress in self.seen[before:])

    def assert_is_a_version_of(self, fetched: Fetched, *servers: FaultServer) -> None:
        """The oracle: the bytes at the final name are one complete version that a server ever served."""
        data = fetched.path.read_bytes()
        assert any(data == version for server in servers for version in server.versions), "no version ever served"
        assert fetched.sha256 == hashlib.sha256(data).hexdigest()
        assert fetched.size_bytes == len(data)
        assert fetched.path.stat().st_mode & 0o777 == 0o444
        assert self.leftovers() == []

    def assert_nothing_appeared(self) -> None:
        assert not self.final_path.exists()

    def clear(self) -> None:
        """Nothing is left of it, connections included: there may be thousands more."""
        shutil.rmtree(self.folder, ignore_errors=True)
        POOL.close()

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.partial_dir.glob("*")) if self.partial_dir.exists() else []

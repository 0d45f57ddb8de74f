"""What a user of the library writes: fetch one file, or many in a thread pool, with progress and a way to stop.

`python ours_child.py OUT --from http|s3 --base URL [--connections N] [--at-once N] [--to-the-end] NAME:SIZE | @LIST`

The clock of the comparisons stops before the final sync and leaves the reading back for SHA-256 out, for no peer does
either; with `--to-the-end` both are done, as the engine does unless told otherwise.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mast.transfer import HttpSource, Progress, S3Source, Source, TransferConfig, Wanted, engine, fetch, fetch_many
from mast.transfer.disk import DISK, Disk
from mast.transfer.readback import ReadBack

BUCKET, PREFIX = "stpubdata", "jwst/public/"


class Unsynced(Disk):
    """The disk, except that nothing waits for it."""

    def sync(self, fd: int) -> None:
        pass

    def sync_dir(self, path: Path) -> None:
        pass


class Unread(ReadBack):
    """Takes what was written for proven, so that its second reading and the SHA-256 do not count."""

    def step(self) -> bool:
        record = self._part.pop_record(self.position)
        self.position += record.length if record else 0
        return record is not None

    def take(self, offset: int, data: memoryview) -> None:
        pass

    def hex(self) -> dict[str, str]:
        return {"sha256": ""}


class Untold(S3Source):
    """A bucket whose checksums are not asked for: no peer compares the MD5 it tells."""

    tells_sums = False

    def _sums_of(self, _response: object) -> dict[str, str]:
        return {}


class Shown:
    """A progress display that is asked for, and looked at by nobody."""

    def __init__(self) -> None:
        self.reports = 0

    def __call__(self, progress: Progress) -> None:
        self.reports += 1
        self.done_bytes = progress.done_bytes

    def of(self, _wanted: Wanted, progress: Progress) -> None:
        self(progress)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--from", dest="source", choices=("http", "s3"), default="http")
    parser.add_argument("--base", required=True)
    parser.add_argument("--connections", type=int, default=TransferConfig().connections)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--to-the-end", action="store_true")
    parser.add_argument("files", nargs="+", help="NAME:SIZE, or @LIST with one of these a line")
    return parser.parse_args()


def main() -> None:
    given = options()
    listed = Path(given.files[0][1:]).read_text().split() if given.files[0].startswith("@") else given.files
    if not given.to_the_end:
        engine.ReadBack = Unread
    config = TransferConfig(connections=given.connections, min_free_bytes=0)
    disk = DISK if given.to_the_end else Unsynced()
    shown = Shown()

    def source(name: str) -> Source:
        if given.source == "s3":
            return (S3Source if given.to_the_end else Untold)(given.base, BUCKET, PREFIX + name)
        return HttpSource(f"{given.base}/{name}")

    def wanted(entry: str) -> Wanted:
        name, _, size = entry.partition(":")
        final = given.out if len(listed) == 1 else given.out / name
        return Wanted(name, [source(name)], given.out.parent / "partial", final, int(size))

    files = [wanted(entry) for entry in listed]
    idle_mb, start = memory_mb("VmRSS"), time.perf_counter()
    if len(files) == 1:
        reused = fetch(files[0], config, on_progress=shown, disk=disk).reused_bytes
    else:
        reused = 0
        for ended in fetch_many(files, config, at_once=given.at_once, on_progress=shown.of, disk=disk):
            for one in ended:
                if one.fetched is None:
                    raise SystemExit(str(one.error))
                reused += one.fetched.reused_bytes
    figures = {"fetch_s": time.perf_counter() - start, "idle_mb": idle_mb, "peak_mb": memory_mb("VmHWM")}
    print(json.dumps(figures | {"reports": shown.reports, "reused_bytes": reused}))


def memory_mb(field: str) -> float:
    """A figure of this process as the kernel gives it; 0 where it does not."""
    try:
        found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


main()

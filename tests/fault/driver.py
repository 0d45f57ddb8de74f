"""A process of its own that fetches one file, to be killed: `python -m tests.fault.driver FOLDER URL [CONNECTIONS]`.

`FAULT_AT=before-write_at:3` kills it with SIGKILL at the third passage of that step; `FILE_LIMIT=bytes` sets
RLIMIT_FSIZE. It exits with 0, or with 3 and the error's code on its output.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mast.errors import MastError
from mast.transfer.disk import Disk
from tests.fault.world import World

STEPS = ("write_at", "read_at", "append", "sync", "sync_dir", "make_dir", "publish", "remove", "set_size")
"""the disk's steps, each of which can be passed before and after"""


class KillingDisk(Disk):
    """The real disk, and a SIGKILL at the n-th passage of a named step."""

    def __init__(self, fault_at: str) -> None:
        name, _, count = fault_at.partition(":")
        self._when, _, self._step = name.partition("-")
        self._left = int(count or 1)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name in STEPS and name == super().__getattribute__("_step"):
            return self._passing(value)
        return value

    def _passing(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def passed(*arguments: Any) -> Any:
            if self._when == "before":
                self._count()
            result = step(*arguments)
            if self._when == "after":
                self._count()
            return result

        return passed

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    folder, url, *rest = sys.argv[1:]
    if "FILE_LIMIT" in os.environ:
        limit = int(os.environ["FILE_LIMIT"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    disk = KillingDisk(os.environ["FAULT_AT"]) if "FAULT_AT" in os.environ else Disk()
    from mast.transfer import HttpSource

    try:
        fetched = World(Path(folder)).fetch(HttpSource(url), disk=disk, connections=int(rest[0]) if rest else 4)
    except MastError as exc:
        print(exc.code)
        return 3
    print(fetched.reused_bytes)
    return 0


if __name__ == "__main__":
    sys.exit(main())

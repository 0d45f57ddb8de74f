"""A process of its own that fetches one file, to be killed: `python -m tests.fault.driver FOLDER URL [CONNECTIONS]`.

`FAULT_AT=before-write_at:3` kills it with SIGKILL at the third passage of that step; `FILE_LIMIT=bytes` sets
RLIMIT_FSIZE. It exits with 0, or with 3 and the error's code on its output.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from mast.errors import MastError
from mast.transfer.disk import Disk
from tests.fault.disks import KillingDisk
from tests.fault.world import World


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

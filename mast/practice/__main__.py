"""`python -m mast.practice --port 5055 --data DIR`: the practice archive in a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from mast.practice.server import PracticeServer


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mast.practice", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, help="where files are kept once made")
    parser.add_argument("--rate", type=float, help="MB/s per connection")
    parser.add_argument("--recorded", type=Path, help="serve recorded rows and files from this folder instead")
    parser.add_argument("--fill", action="store_true", help="with --recorded: make files that are listed but not there")
    options = parser.parse_args(arguments)
    try:
        server = PracticeServer(
            options.data, options.port, options.rate, options.recorded, fill=options.fill, host=options.host
        )
    except OSError as error:
        parser.exit(1, f"practice archive: cannot start: {error}\n")
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with server:
        sys.stdout.write(f"practice archive ready at {server.url}\n")
        sys.stdout.flush()
        done.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

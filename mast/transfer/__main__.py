"""`python -m mast.transfer URL OUT`: fetch one file from a shell, going on where an earlier run was interrupted."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from mast.errors import Cancelled, MastError
from mast.terms import is_safe_name
from mast.transfer.config import MIB, TransferConfig
from mast.transfer.engine import fetch
from mast.transfer.site import Alone
from mast.transfer.sources import HttpSource, S3Source, Source
from mast.transfer.values import Fetched, Progress, Wanted

BAR_WIDTH = 28


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 complete, 1 failed, 2 bad arguments, 130 interrupted (what had arrived is kept)."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    show = Bar().show if sys.stderr.isatty() and not options.quiet else _silent
    try:
        fetched = fetch(
            _wanted(options), _config(options), on_progress=show, should_stop=stop.is_set, site=_site(options)
        )
    except Cancelled:
        print("Interrupted; run the same command again to go on.", file=sys.stderr)
        return 130
    except MastError as exc:
        print(f"{exc.message} [{exc.code}]", file=sys.stderr)
        return 1
    if not options.quiet:
        print(_summary(fetched))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mast.transfer", description=__doc__)
    parser.add_argument("url", help="http://, https:// or s3://bucket/key of a public object")
    parser.add_argument("out", type=Path, help="the file to write, or a directory that exists")
    parser.add_argument("--connections", type=int, default=16, metavar="N", help="at most (default 16)")
    parser.add_argument(
        "--rate-mb", type=float, metavar="MB", help="megabytes a second at most; no limit when left out"
    )
    parser.add_argument("--chunk-mb", type=int, default=8, metavar="MB", help="smallest range asked for (default 8)")
    parser.add_argument("--size", type=int, metavar="BYTES", help="what the file should have, where that is known")
    parser.add_argument(
        "--header", action="append", default=[], metavar="'NAME: VALUE'", help="sent to URL's host only"
    )
    parser.add_argument("--s3-endpoint", default="", metavar="URL", help="for s3:// addresses; AWS when left out")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    return parser


def _config(options: argparse.Namespace) -> TransferConfig:
    return TransferConfig(connections=max(1, options.connections), chunk_bytes=max(1, options.chunk_mb) * MIB)


def _site(options: argparse.Namespace) -> Alone:
    return Alone(options.rate_mb * 1e6 if options.rate_mb else None)


def _wanted(options: argparse.Namespace) -> Wanted:
    out: Path = options.out
    if out.is_dir():
        out = out / _name_in(options.url)
    source = _source(options)
    return Wanted(out.name, [source], out.parent / ".partial", out, options.size)


def _name_in(url: str) -> str:
    """The file name at the end of an address; MAST's end in `?uri=mast:JWST/product/<name>`."""
    parts = urlsplit(url)
    name = PurePosixPath(unquote(parts.query or parts.path)).name
    if not is_safe_name(name):
        raise SystemExit("The address does not end in a file name; give one as OUT.")
    return name


def _source(options: argparse.Namespace) -> Source:
    parts = urlsplit(options.url)
    if parts.scheme == "s3":
        return S3Source(options.s3_endpoint, parts.netloc, parts.path.lstrip("/"))
    headers = dict(line.split(":", 1) for line in options.header if ":" in line)
    return HttpSource(options.url, headers={name.strip(): value.strip() for name, value in headers.items()})


def _silent(_progress: Progress) -> None:
    pass


class Bar:
    """One line on a terminal, written over at each report."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._began_bytes: int | None = None

    def show(self, progress: Progress) -> None:
        line = self.line(progress)
        width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        sys.stderr.write(f"\r{line[:width]:<{width}}")
        sys.stderr.flush()

    def line(self, progress: Progress) -> str:
        done, total = progress.done_bytes, progress.total_bytes
        if self._began_bytes is None or progress.restarted:
            self._began, self._began_bytes = time.monotonic(), done
        speed = (done - self._began_bytes) / max(time.monotonic() - self._began, 1e-6)
        bar = ""
        if total:
            filled = BAR_WIDTH * done // total
            bar = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {100 * done // total:3d} % "
        state = f"{progress.phase}: {progress.message}" if progress.message else progress.phase
        return f"{bar}{done / 1e6:,.1f} MB, {speed / 1e6:,.1f} MB/s, {state}"


def _summary(fetched: Fetched) -> str:
    lead = "\n" if sys.stderr.isatty() else ""
    notes = f" ({' '.join(fetched.proof_notes)})" if fetched.proof_notes else ""
    return (
        f"{lead}{fetched.path}: {fetched.size_bytes:,} bytes, {fetched.reused_bytes:,} of them from an earlier run\n"
        f"SHA-256 {fetched.sha256}\nProof: {fetched.proof}{notes}"
    )


if __name__ == "__main__":
    sys.exit(main())

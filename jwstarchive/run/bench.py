"""`manage.py bench NAME`: run one benchmark of `tests/benchmarks/`; its verdict is the exit status."""

from __future__ import annotations

import importlib
import sys

from jwstarchive.bootstrap import BASE_DIR


def main(arguments: list[str]) -> int:
    """0 when every goal was met, 1 when one was missed or did not run, 2 for a name that does not exist."""
    folder = BASE_DIR / "tests" / "benchmarks"
    names = sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))
    if not arguments or arguments[0] not in names:
        print(f"usage: manage.py bench {'|'.join(names)} [options]", file=sys.stderr)
        return 2
    benchmark = importlib.import_module(f"tests.benchmarks.bench_{arguments[0]}")
    try:
        return int(benchmark.main(arguments[1:]))
    except KeyboardInterrupt:
        return 130

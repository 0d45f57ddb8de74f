"""`python -m tests.fuzz TARGET [libFuzzer options]`: look for inputs that break a target, guided by coverage.

New inputs are kept in a folder of their own; what is worth keeping for ever is copied into `corpus/` by hand. To run
for five minutes: `python -m tests.fuzz header -max_total_time=300 -max_len=40000`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mast"]):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    name, *options = sys.argv[1:]
    fresh = Path(".fuzz") / name
    fresh.mkdir(parents=True, exist_ok=True)
    artifacts = f"-artifact_prefix={fresh.parent}/"
    atheris.Setup([sys.argv[0], str(fresh), str(CORPUS / name), artifacts, "-timeout=10", *options], TARGETS[name])
    atheris.Fuzz()


main()

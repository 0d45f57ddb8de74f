"""`manage.py test`: the test suite, with pytest's own arguments."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from jwstarchive.bootstrap import BASE_DIR


def main(arguments: list[str]) -> int:
    """Become pytest; returns only where it is not installed."""
    if find_spec("pytest"):
        os.chdir(BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
    print("pytest is not installed here: pip install -r requirements-dev.txt", file=sys.stderr)
    return 2

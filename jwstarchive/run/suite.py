"""`manage.py test`: the test suite, with pytest's own arguments."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from jwstarchive.bootstrap import BASE_DIR


def main(arguments: list[str]) -> int:
    """Become pytest, which gets the arguments, under coverage after `--coverage`; returns only where it is missing."""
    runner = ["pytest", *arguments]
    if arguments[:1] == ["--coverage"]:
        runner = ["coverage", "run", "-m", "pytest", *arguments[1:]]
    if find_spec("pytest"):
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        os.chdir(BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", *runner])
    print("pytest is not installed here: pip install -r requirements-dev.txt", file=sys.stderr)
    return 2

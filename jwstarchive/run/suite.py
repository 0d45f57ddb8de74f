"""`manage.py test`: the test suite, with pytest's own arguments.

With `--release` the tests marked `release` alone, each with many more trials and with waits as long as they really are.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from jwstarchive.bootstrap import BASE_DIR

RELEASE = ["-m", "release", "--timeout=14400"]


def main(arguments: list[str]) -> int:
    """Become pytest, which gets the arguments, under coverage after `--coverage`; returns only where it is missing."""
    if "--release" in arguments:
        os.environ["FAULT_SIZE"] = "release"
        arguments = RELEASE + [argument for argument in arguments if argument != "--release"]
    runner = ["pytest", *arguments]
    if arguments[:1] == ["--coverage"]:
        runner = ["coverage", "run", "-m", "pytest", *arguments[1:]]
    if find_spec("pytest"):
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        os.chdir(BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", *runner])
    print("pytest is not installed here: pip install -r requirements-dev.txt", file=sys.stderr)
    return 2

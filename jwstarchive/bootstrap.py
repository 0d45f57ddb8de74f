"""From a bare Python to a running command: standard library only, for nothing else is installed yet.

`up`, `test` and `bench` make `.venv` and install the locked requirements into it; a stamp of their text makes the next
start skip that. Other commands use a `.venv` that exists. Where Django can be imported already (a virtual environment,
a container) nothing is made or changed.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
COMMANDS = "mast.management.commands"
LOCKS = {"up": "requirements.txt", "test": "requirements-dev.txt", "bench": "requirements-dev.txt"}
WITHOUT_DJANGO = {
    "up": ("jwstarchive.run.up", "start everything; --detach: in the background"),
    "down": ("jwstarchive.run.down", "stop what `up` started"),
    "test": ("jwstarchive.run.suite", "run the test suite; arguments go to pytest"),
    "bench": ("jwstarchive.run.bench", "run one benchmark against its peers"),
}


def main(argv: list[str]) -> int:
    """Run one command line; return its exit status."""
    command = argv[1] if len(argv) > 1 else "help"
    if sys.version_info < OLDEST_PYTHON or os.name == "nt":
        found = "Windows (use WSL)" if os.name == "nt" else f"Python {sys.version.split()[0]}"
        print(f"This needs Python 3.11 or newer on Linux or macOS; this is {found}.", file=sys.stderr)
        return 2
    if not all(find_spec(name) for name in ("django", "celery", "ninja")):
        from jwstarchive.environment import CannotInstall, enter

        try:
            enter(argv, LOCKS.get(command))
        except CannotInstall as exc:
            print(exc, file=sys.stderr)
            return 2
    with _plain_words_for_settings():
        return _run(command, argv)


def _run(command: str, argv: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jwstarchive.settings")
    if command in WITHOUT_DJANGO:
        status: int = importlib.import_module(WITHOUT_DJANGO[command][0]).main(argv[2:])
        return status
    if command in {"help", "--help", "-h"} and len(argv) <= 2:
        print("The archive:\n" + "".join(f"    {name:8} {what}\n" for name, (_, what) in WITHOUT_DJANGO.items()))
    if {"--help", "-h"} & set(argv[2:]) and command.isidentifier() and find_spec(f"{COMMANDS}.{command}"):
        # Help needs no model and no setting; Django would load every app before it said a word.
        importlib.import_module(f"{COMMANDS}.{command}").Command().print_help(Path(argv[0]).name, command)
        return 0
    from django.conf import settings
    from django.core.management import execute_from_command_line

    # Django would swallow a setting that cannot be used, and say something else in its place.
    _ = settings.INSTALLED_APPS
    if "--traceback" in argv:
        execute_from_command_line(argv)
    else:
        with _plain_words_for_the_database():
            execute_from_command_line(argv)
    return 0


@contextlib.contextmanager
def _plain_words_for_settings() -> Iterator[None]:
    from django.core.exceptions import ImproperlyConfigured

    try:
        yield
    except ImproperlyConfigured as exc:
        print(exc, file=sys.stderr)
        sys.exit(2)


@contextlib.contextmanager
def _plain_words_for_the_database() -> Iterator[None]:
    try:
        yield
    except Exception as exc:
        from django.db import OperationalError, connection

        if not isinstance(exc, OperationalError):
            raise
        why = " ".join(str(exc).split())
        print(f"The database: {why}\n`python3 manage.py doctor` looks at it; --traceback tells where.", file=sys.stderr)
        # 75 as other commands say it: one that is not there may come back, one that is there refused.
        sys.exit(75 if connection.connection is None else 1)

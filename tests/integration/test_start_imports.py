"""What answers at once must not load what takes a second: astropy, astroquery, boto3."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("astropy", "astroquery", "boto3", "botocore", "pyvo")
COMMANDS = sorted(path.stem for path in (ROOT / "mast/management/commands").glob("[!_]*.py"))


def python(*words: str) -> str:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_after(code: str) -> set[str]:
    return set(python("-c", f"{code}\nimport sys; print(*sys.modules)").split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        "import contextlib, io\nfrom jwstarchive import bootstrap\n"
        f"with contextlib.redirect_stdout(io.StringIO()): bootstrap.main(['manage.py', '{command}', '--help'])"
    )
    loaded = loaded_after(code)
    assert f"mast.management.commands.{command}" in loaded
    assert not loaded & {*HEAVY, "ninja", "pydantic", "mast.services", "mast.models", "django.contrib.admin"}


def test_help_is_what_django_itself_would_say() -> None:
    django = "from django.core.management import execute_from_command_line as run; "
    said = python("-c", f"{django}run(['manage.py', 'mast_search', '--help'])")
    assert "--all-levels" in said
    assert python("manage.py", "mast_search", "-h") == said


def test_the_web_process_starts_without_the_heavy_libraries() -> None:
    loaded = loaded_after("import jwstarchive.wsgi, jwstarchive.urls")
    assert "mast.api.files" in loaded
    assert not loaded & set(HEAVY)


STOCK_DJANGO = (
    "import django.core.management\n"
    "from django.conf import settings\n"
    "names = ('admin', 'auth', 'contenttypes', 'sessions', 'messages', 'staticfiles')\n"
    "settings.configure(INSTALLED_APPS=[f'django.contrib.{name}' for name in names])\n"
    "django.setup()"
)


def test_help_costs_less_than_starting_django() -> None:
    """Half a second, said as a ratio: other work on the machine slows both alike."""
    django = min(_processor_s("-c", STOCK_DJANGO) for _ in range(5))
    assert min(_processor_s("manage.py", "mast_search", "--help") for _ in range(5)) <= django


def _processor_s(*words: str) -> float:
    before = os.times()
    python(*words)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)

"""`manage.py` from a bare Python: the environment it makes, and when it makes none.

In a small checkout of the real `manage.py`, `bootstrap.py` and `environment.py`, whose requirements are empty packages
in a folder: nothing is fetched from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).resolve().parents[2]
BARE_PYTHON = str(sys._base_executable)  # type: ignore[attr-defined]
UP = """
import sys
def main(arguments):
    print(sys.prefix, *arguments)
    return 7
"""
CELERY = "class Celery: pass\n"


def wheel(folder: Path, name: str, version: str, body: str = "") -> str:
    """A wheel of one module; returns its line for a requirements file."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if name == "django":
        files["django/core/__init__.py"] = ""
        files["django/core/exceptions.py"] = "class ImproperlyConfigured(Exception): pass\n"
        files["django/core/management.py"] = "import sys\ndef execute_from_command_line(a): print('django', *a[1:])\n"
        files["django/conf.py"] = "class settings: INSTALLED_APPS = []\n"
    record = "".join(f"{file},{_digest(text)},{len(text.encode())}\n" for file, text in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(file, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Checkout:
    """A checkout nobody has started yet, and a shell in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        (self.folder / "jwstarchive" / "run").mkdir(parents=True)
        for name in ("manage.py", "jwstarchive/bootstrap.py", "jwstarchive/environment.py"):
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / "jwstarchive" / "run" / "up.py").write_text(UP)
        self.lock("1.0")

    def lock(self, version: str, extra: str = "") -> None:
        """Write requirements that ask for these versions."""
        lines = [wheel(self.wheels, name, version) for name in ("django", "celery", "ninja")]
        (self.folder / "requirements.txt").write_text("".join(lines) + extra)
        (self.folder / "requirements-dev.txt").write_text("".join(lines) + wheel(self.wheels, "pytest", version))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
        kept.pop("VIRTUAL_ENV", None)
        ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        # A path without uv, as on a machine where nobody installed it.
        return subprocess.Popen(
            [BARE_PYTHON, str(self.folder / "manage.py"), *arguments],
            env=kept | ours | {"PATH": "/usr/bin:/bin"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def first_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, tuple[int, str, str]]:
    """A checkout after its first `up`, and what that said."""
    made = Checkout(tmp_path_factory.mktemp("made"))
    return made, made.run("up", "--detach")


def test_the_first_up_makes_the_environment(first_up: tuple[Checkout, tuple[int, str, str]]) -> None:
    made, (status, out, err) = first_up
    assert (status, out) == (7, f"{made.folder}/.venv --detach\n"), err
    assert err.startswith(f"Making the environment {made.folder}/.venv from requirements.txt …\n")
    assert "Environment ready in" in err


def test_the_next_up_makes_nothing(first_up: tuple[Checkout, object]) -> None:
    made, _ = first_up
    assert made.run("up") == (7, f"{made.folder}/.venv\n", "")


def test_other_commands_use_an_environment_that_exists(first_up: tuple[Checkout, object]) -> None:
    made, _ = first_up
    assert made.run("migrate", "--plan") == (0, "django migrate --plan\n", "")


def test_other_commands_make_no_environment(checkout: Checkout) -> None:
    status, out, err = checkout.run("migrate")
    assert (status, out) == (2, "")
    assert err == "Django is not installed here; `python3 manage.py up` makes an environment that has it.\n"
    assert not checkout.python.exists()


def test_inside_an_environment_that_has_django_nothing_is_made(
    checkout: Checkout, first_up: tuple[Checkout, object]
) -> None:
    made, _ = first_up
    done = subprocess.run([made.python, checkout.folder / "manage.py", "up"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (7, f"{made.folder}/.venv\n", "")
    assert not checkout.python.exists()


def test_changed_requirements_are_installed_at_the_next_up(checkout: Checkout) -> None:
    checkout.run("up")
    checkout.lock("1.1")
    _, _, err = checkout.run("up")
    assert "Making the environment" in err
    version = "from importlib.metadata import version; print(version('celery'))"
    assert subprocess.run([checkout.python, "-c", version], capture_output=True, text=True).stdout == "1.1\n"


def test_two_at_once_make_one_environment(checkout: Checkout) -> None:
    both = [checkout.start("up"), checkout.start("up")]
    said = [process.communicate(timeout=120) for process in both]
    assert [out for out, _ in said] == [f"{checkout.folder}/.venv\n"] * 2
    assert sorted("Making the environment" in err for _, err in said) == [False, True]


def test_a_package_that_is_not_what_the_lock_says_stops_the_start(checkout: Checkout) -> None:
    checkout.lock("1.0", extra="nosuchpackage==1.0 --hash=sha256:" + "0" * 64 + "\n")
    status, out, err = checkout.run("up")
    assert (status, out) == (2, "")
    assert err.endswith("The requirements could not be installed; the reason is above.\n")
    assert "Traceback" not in err
    checkout.lock("1.0")
    assert checkout.run("up")[0] == 7


def test_an_environment_of_another_python_is_made_again(checkout: Checkout) -> None:
    checkout.python.parent.mkdir(parents=True)
    checkout.python.symlink_to("/no/such/python")
    assert checkout.run("up")[0] == 7


def test_a_checkout_that_cannot_be_written_is_named(checkout: Checkout) -> None:
    (checkout.folder / ".venv").write_text("in the way")
    status, out, err = checkout.run("up")
    assert (status, out) == (2, "")
    assert f"{checkout.folder}/.venv cannot be made" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "value", "uv_name", "uv_value"),
    [
        ("PIP_INDEX_URL", "https://127.0.0.1:9/simple", "UV_DEFAULT_INDEX", "https://127.0.0.1:9/simple"),
        ("PIP_EXTRA_INDEX_URL", "https://127.0.0.1:9 file:///no/such/folder", "UV_INDEX", "https://127.0.0.1:9"),
        ("PIP_FIND_LINKS", "/no/such/folder {wheels}", "UV_FIND_LINKS", "{wheels}"),
        ("PIP_TRUSTED_HOST", "127.0.0.1", "UV_INSECURE_HOST", "127.0.0.1"),
    ],
)
def test_uv_is_told_what_pip_is_configured_with(
    checkout: Checkout, name: str, value: str, uv_name: str, uv_value: str
) -> None:
    """A stand-in for uv on the path notes what it was given."""
    tools = checkout.folder.parent / "tools"
    tools.mkdir()
    (tools / "uv").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" "${uv_name}" >"$0.given"\n')
    (tools / "uv").chmod(0o755)
    checkout.run("up", PATH=f"{tools}:/usr/bin:/bin", **{name: value.format(wheels=checkout.wheels)})
    given = (tools / "uv.given").read_text().splitlines()
    assert given[:4] == ["pip", "install", "--require-hashes", "-r"]
    assert given[-1] == uv_value.format(wheels=checkout.wheels)

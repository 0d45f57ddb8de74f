"""The archive's own virtual environment, `.venv` in the checkout. Standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
VENV = BASE_DIR / ".venv"
PYTHON = VENV / "bin" / "python"
# What pip calls a setting, and what uv calls it: an index is often configured for pip alone.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


class CannotInstall(Exception):
    """The environment cannot be made; the message says why, and what to do."""


def enter(argv: list[str], lock: str | None) -> None:
    """Go on in `.venv`, made and brought up to date first when `lock` names the requirements a command needs.

    Does not return: the process becomes the environment's Python running the same command line.
    """
    if lock:
        try:
            with _alone():
                if not _is_installed(lock):
                    _install(lock)
        except OSError as exc:
            raise CannotInstall(f"{VENV} cannot be made: {exc}.") from exc
    if Path(sys.prefix) == VENV or not PYTHON.exists():
        raise CannotInstall("Django is not installed here; `python3 manage.py up` makes an environment that has it.")
    os.execv(PYTHON, [str(PYTHON), *argv])


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One process at a time makes the environment; others wait for it. The lock is the checkout folder itself."""
    folder = os.open(BASE_DIR, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


# --- the stamp --------------------------------------------------------------------------------------------------


def _stamp(lock: str) -> Path:
    return VENV / f".installed-{lock}"


def _digest(lock: str) -> str:
    return hashlib.sha256((BASE_DIR / lock).read_bytes()).hexdigest()


def _is_installed(lock: str) -> bool:
    try:
        return _stamp(lock).read_text() == _digest(lock) and PYTHON.exists()
    except OSError:
        return False


def _remember(lock: str) -> None:
    _stamp(lock).write_text(_digest(lock))
    if lock != "requirements.txt":
        # The development lock holds every line of the other, in the same versions.
        _remember("requirements.txt")


# --- installing -------------------------------------------------------------------------------------------------


def _install(lock: str) -> None:
    began = time.monotonic()
    _say(f"Making the environment {VENV} from {lock} …")
    if not _works(PYTHON):
        _make_venv()
    pip = _pip()
    settings = _pip_settings(pip)
    uv = _uv(pip)
    arguments = ["install", "--require-hashes", "-r", str(BASE_DIR / lock)]
    if not (uv and _run([*uv, *arguments], settings)):
        if uv:
            _say("uv could not install them; trying pip, which takes longer …")
        if not pip or not _run([*pip, *arguments], {}):
            raise CannotInstall("The requirements could not be installed; the reason is above.")
    _remember(lock)
    _say(f"Environment ready in {time.monotonic() - began:.0f} s.")


def _works(python: Path) -> bool:
    """Whether it runs, and is the version that runs now: an upgrade of Python leaves a `.venv` of no use."""
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        return subprocess.run([python, "-I", "-S", "-c", version], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make_venv() -> None:
    command = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stdout + done.stderr).strip().splitlines()
        raise CannotInstall(f"{VENV} cannot be made: {reason[-1] if reason else 'the venv module failed'}")


def _pip() -> list[str]:
    """A pip that installs into `.venv`: this Python's own, else one put there; empty when there is neither."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if find_spec("ensurepip"):
        done = subprocess.run([PYTHON, "-m", "ensurepip", "--default-pip"], capture_output=True, check=False)
        if done.returncode == 0:
            return [str(PYTHON), "-m", "pip"]
    if not shutil.which("uv"):
        raise CannotInstall("This Python has neither pip nor ensurepip. On Debian and Ubuntu: apt install python3-venv")
    return []


def _uv(pip: list[str]) -> list[str]:
    """uv from the path, or fetched with pip: it installs several times faster. Empty when it cannot be had."""
    found = shutil.which("uv") or shutil.which("uv", path=str(VENV / "bin"))
    if not found and pip and _run([*pip, "install", "uv"], {}):
        found = shutil.which("uv", path=str(VENV / "bin"))
    return [found, "pip"] if found else []


def _pip_settings(pip: list[str]) -> dict[str, str]:
    """What pip is configured with, in uv's words; what is set for uv itself stays."""
    if not pip:
        return {}
    listed = subprocess.run([*pip[:3], "config", "list"], capture_output=True, text=True, check=False).stdout
    # As pip does: the best version of all indexes, not those of the first index that has the name.
    settings = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    # Sorted so that the environment's `:env:.name` comes after, and wins over, the files' `global.name`.
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        uv_name = UV_NAMES.get(name.rpartition(".")[2])
        if uv_name and uv_name not in os.environ and (usable := _usable(value.strip("'\""))):
            settings[uv_name] = ("," if uv_name == "UV_FIND_LINKS" else " ").join(usable)
    return settings


def _usable(value: str) -> list[str]:
    """The locations of a setting, without folders that do not exist: pip overlooks those, uv stops at them."""
    words = value.replace("\\n", " ").split()
    return [word for word in words if not _is_missing_folder(word)]


def _is_missing_folder(word: str) -> bool:
    path = word.removeprefix("file://")
    return path.startswith("/") and not Path(path).exists()


def _run(command: list[str], settings: dict[str, str]) -> bool:
    """Run an installer quietly; what it said is shown when it fails."""
    environment = os.environ | {"UV_PYTHON": str(PYTHON), "UV_HTTP_TIMEOUT": "180"} | settings
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False, text=True
    )
    if done.returncode:
        _say(done.stdout.strip()[-2000:])
    return done.returncode == 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)

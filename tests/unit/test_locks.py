"""The locked requirements: they fulfil the ranges, agree with one another, and are bound to hashes."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.txt", "requirements-dev.txt"]


@cache
def pinned(lock: str) -> dict[str, set[str]]:
    """Name -> versions; a name has two where old Pythons need another."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def ranges(lock: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"]
    if lock == "requirements-dev.txt":
        wanted = wanted + project["dependency-groups"]["dev"]
    return [Requirement(line) for line in wanted]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_range_is_fulfilled(lock: str) -> None:
    for wanted in ranges(lock):
        versions = pinned(lock)[canonicalize_name(wanted.name)]
        assert all(version in wanted.specifier for version in versions), wanted


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_a_hash(lock: str) -> None:
    text = re.sub(r"^ +#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 60
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_tests_run_with_the_versions_that_users_get() -> None:
    assert pinned("requirements.txt").items() <= pinned("requirements-dev.txt").items()


def test_no_index_is_written_down() -> None:
    for lock in LOCKS:
        assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", (ROOT / lock).read_text())

"""Every row of the fault matrix is written down, and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    f"{letter}{number}" for letter, last in (("P", 9), ("T", 14), ("D", 5), ("S", 8)) for number in range(1, last + 1)
]


def matrix() -> dict[str, list[str]]:
    """The tests of each row."""
    rows = re.findall(r"^\| ([A-Z]\d+) \|(.+)\|$", (ROOT / "tests/fault/MATRIX.md").read_text(), re.MULTILINE)
    return {row: re.findall(r"`(test_\w+)`", cells.rpartition("|")[2]) for row, cells in rows}


def test_every_row_has_tests_and_each_of_them_exists() -> None:
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    found = matrix()
    assert list(found) == ROWS
    for row, named in found.items():
        assert named, f"{row} has no test"
        assert not set(named) - written, row


def test_every_fault_test_is_in_a_row_or_about_the_harness_itself() -> None:
    elsewhere = {"test_mutants.py", "test_practice.py", "test_many.py"}
    """about the harness itself, about what has no fault"""
    named = {test for tests in matrix().values() for test in tests}
    for path in (ROOT / "tests/fault").glob("test_*.py"):
        tests = set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
        assert path.name in elsewhere or tests & named, path.name

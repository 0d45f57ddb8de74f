"""bandit finds nothing of weight that has not been judged: where it does, a `noqa: S…` with its reason stands.

ruff's `S` rules are bandit's, and are at zero by the gate's lint; bandit itself sees some things that ruff does not.
Both share the one mark, so that each exception is judged once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def is_judged(path: Path, lines: list[int]) -> bool:
    text = path.read_text().splitlines()
    return any("noqa: S" in text[number - 1] or "nosec" in text[number - 1] for number in lines)


def test_bandit_finds_nothing_that_was_not_judged() -> None:
    command = [sys.executable, "-m", "bandit", "-q", "-ll", "-f", "json", "-r", "jwstarchive", "mast", "dashboard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["errors"] == []
    assert report["metrics"]["_totals"]["loc"] > 10_000
    found = [
        f"{item['filename']}:{item['line_number']} {item['test_id']} {item['issue_text']}"
        for item in report["results"]
        if not is_judged(ROOT / item["filename"], item["line_range"])
    ]
    assert found == []


def test_nothing_is_marked_safe_but_our_own_icons_and_drawings() -> None:
    """Templates escape by themselves; each place that says a text needs none is one somebody has looked at."""
    places = {
        str(path.relative_to(ROOT))
        for folder in ("jwstarchive", "mast", "dashboard")
        for path in (ROOT / folder).rglob("*.py")
        if "mark_safe(" in path.read_text()
    }
    # The library's rows are written without the template engine, for speed, and escape each text themselves.
    assert places == {"dashboard/templatetags/archive.py", "dashboard/libraryrows.py"}
    for path in (ROOT / "templates").rglob("*.html"):
        assert "|safe" not in path.read_text(), path
        assert "autoescape off" not in path.read_text(), path

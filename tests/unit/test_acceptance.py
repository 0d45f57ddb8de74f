"""Each scenario of ACCEPTANCE.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_scenario_names_tests_that_exist() -> None:
    scenarios = [line for line in (ROOT / "ACCEPTANCE.md").read_text().splitlines() if line.startswith("- ")]
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert len(scenarios) >= 40
    for scenario in scenarios:
        named = re.findall(r"`(test_\w+)`", scenario)
        assert named, scenario
        assert not set(named) - written, scenario

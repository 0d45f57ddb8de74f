"""axe-core in a page: what it finds against WCAG 2.2 A and AA and its own best practice."""

from __future__ import annotations

from importlib import resources
from typing import Any, Final

from playwright.sync_api import Page

RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """One line per element; the page must have given axe something to judge."""
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text())
    # What passes is counted and not described: that took most of the time.
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    assert len(found["passes"]) > 15
    return [f"{item['id']}: {node['html'][:200]}" for item in found["violations"] for node in item["nodes"]]

"""What holds for every template and for the few lines of our own script and style."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LONGEST_SCRIPT = 110


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_a_template_holds_no_inline_script_style_or_handler(path: Path) -> None:
    """The policy of the pages forbids them, so a browser would leave them out without a word."""
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=", text)
    assert not re.search(r"\son[a-z]+=|\shx-on|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_nothing_is_loaded_from_another_host(path: Path) -> None:
    for address in re.findall(r"(?:src|href)=[\"'](?:https?:)?//[^\"']*", path.read_text()):
        pytest.fail(f"{names(path)} loads {address}")


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_what_htmx_does_works_without_it(path: Path) -> None:
    """A form that htmx sends has its action; the exceptions poll, and poll what a reload shows as well.

    What htmx sends when a choice changes, a button of the same form sends too.
    """
    text = path.read_text()
    for tag in re.findall(r"<(?:form|a|button|div|span)\b[^>]*\bhx-(?:get|post)=(?:[^>]|%\})*>", text):
        is_poll = "data-poll" in tag
        is_submit = tag.startswith("<button") and 'hx-post="{% url "start" %}"' in tag
        address = re.search(r'hx-post="(\{%.*?%\})"', tag)
        has_button = address is not None and f'formaction="{address[1]}"' in text
        assert is_poll or is_submit or has_button or "action=" in tag or "href=" in tag, tag


def test_the_script_stays_small_and_the_style_asks_nobody() -> None:
    assert len((ROOT / "static" / "site.js").read_text().splitlines()) < LONGEST_SCRIPT
    for name in ("site.css", "admin.css"):
        text = (ROOT / "static" / name).read_text()
        assert "@import" not in text
        assert "url(" not in text


def test_every_icon_is_used_and_every_icon_used_is_there() -> None:
    drawn = {path.stem for path in (ROOT / "static" / "icons").glob("*.svg")}
    text = "\n".join(path.read_text() for path in TEMPLATES)
    code = "\n".join(path.read_text() for path in (ROOT / "dashboard").rglob("*.py"))
    used = set(re.findall(r'\{% icon "([a-z]+)"', text))
    assert used <= drawn
    assert {name for name in drawn - used if f'"{name}"' not in code} == set()

"""WCAG 2.2 AA on every page in both themes, by axe; and what only a keyboard finds out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visit
from tests.e2e.test_looks import OBS_ID, PAGES
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e
OPEN = "document.querySelectorAll('details').forEach((part) => { part.open = true; })"


# Some thirty pages, each read by axe from end to end.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_every_page_is_without_a_violation(
    visit: Visit,
    files: dict[str, Any],
    scheme: str,
    width: int,
) -> None:
    wrong: dict[str, list[str]] = {}
    with visit(width=width, color_scheme=scheme) as page:
        for name, address in PAGES.items():
            page.goto(address.format(**files))
            page.evaluate(OPEN)
            if found := violations(page):
                wrong[name] = found
    assert wrong == {}


def test_the_keyboard_goes_from_the_address_to_a_plan(visit: Visit, archive: Archive) -> None:
    """Skip link, search box, Enter, and on to the first tick: no mouse."""
    with visit() as page:
        page.goto("/search/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        box = page.get_by_role("textbox", name="Search for")
        for _ in range(10):
            page.keyboard.press("Tab")
            if box.evaluate("element => element === document.activeElement"):
                break
        page.keyboard.type("2733")
        expect(page.locator("#reads-as")).to_contain_text("Program ID")
        page.keyboard.press("Enter")
        expect(page.locator("#results h2[data-focus]")).to_be_focused()
        tick = page.get_by_role("checkbox", name="Select jw02733-o001_t001_nircam_clear-f090w")
        tick.focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Plan Selected…").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Show this choice")).to_be_visible()


def test_a_tick_of_the_plan_brings_its_answer_and_keeps_the_focus(visit: Visit, archive: Archive) -> None:
    with visit() as page:
        page.goto("/import/preview/?obs_id=jw02733-o001_t001_nircam_clear-f090w&levels=3")
        level = page.get_by_role("checkbox", name="Level 2")
        level.check()
        expect(page.locator("#plan code", has_text="cal").first).to_be_visible()
        expect(page.locator("#level-2")).to_be_focused()
        page.locator("#suffix-segm").uncheck()
        files = page.get_by_role("region", name="Files of the import")
        expect(files.get_by_text("_segm.fits")).to_have_count(0)
        expect(files.get_by_text("_i2d.fits").first).to_be_visible()


def test_motion_rests_for_those_who_ask(visit: Visit, archive: Archive) -> None:
    with visit(reduced_motion="reduce") as page:
        page.goto("/search/")
        moving = page.locator(".switch input").evaluate("element => getComputedStyle(element, '::before').transition")
        assert "0.15s" not in moving


def test_a_selection_lasts_while_the_library_is_looked_through(
    visit: Visit,
    archive: Archive,
    files: dict[str, Any],
) -> None:
    """Ticked under one filter, still chosen under another, and brought along by the form."""
    with visit() as page:
        page.goto("/?instrument=NIRCAM")
        page.get_by_role("checkbox", name="Select jw02733-o001_t001_nircam_clear-f090w").check()
        page.goto("/?instrument=MIRI")
        expect(page.locator("[data-chosen]")).to_have_text("1 selected, 1 of them on other pages")
        page.get_by_role("checkbox", name="Select jw02733-o002_t001_miri_f770w").check()
        page.get_by_role("textbox", name="Tag for the selected").fill("both instruments")
        page.get_by_role("button", name="Tag", exact=True).click()
        expect(page.get_by_text("Tagged 2 observations “both instruments”.")).to_be_visible()
        expect(page.locator("[data-chosen]")).to_have_text("")


def test_copy_says_what_happened_with_and_without_a_clipboard(visit: Visit, archive: Archive) -> None:
    """Browsers give it to pages from https or from this computer; on an intranet without, there is the old way."""
    with visit(permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"/search/?q={OBS_ID}")
        button = page.get_by_role("button", name="Copy pyvo")
        page.evaluate(OPEN)
        button.click()
        expect(button).to_have_attribute("data-said", "copied")
        assert "import pyvo" in page.evaluate("navigator.clipboard.readText()")
    with visit() as page:
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        page.goto(f"/search/?q={OBS_ID}")
        page.evaluate(OPEN)
        button = page.get_by_role("button", name="Copy curl")
        button.click()
        expect(button).to_have_attribute("data-said", re.compile("copied|selected"))
        assert "curl" in page.evaluate("getSelection().toString()")

"""The users' guide, line by line, in Chromium, with a real worker behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit, shot
from tests.stack.archive import Archive, started

pytestmark = pytest.mark.e2e
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
OTHER = "jw02733-o002_t001_miri_f1130w"
PATIENCE_MS = 90_000


def search(page: Page, kind: str, text: str) -> None:
    page.get_by_role("radio", name=kind).check()
    page.get_by_role("textbox", name="Search for").fill(text)
    page.get_by_role("button", name="Search MAST").click()


def found(page: Page) -> Any:
    return page.get_by_role("table", name="Observations found in MAST").locator("tbody tr")


def level_of(page: Page) -> Any:
    return found(page).locator(".level")


@pytest.fixture
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """One of its own for each test: both begin with an empty library."""
    with started(tmp_path_factory.mktemp("g")) as running:
        yield running


def test_the_guide_from_the_header_button_to_the_picture(visit: Visit) -> None:
    with visit() as page:
        page.goto("/")
        page.get_by_role("banner").get_by_role("link", name="Search MAST").click()
        look_by_each_kind(page)
        toggle_the_levels(page)
        import_two(page)
        find_them_in_the_library(page)
        view_one(page)
        be_told_why_a_table_has_no_view(page)
        tidy_the_imports(page)


def look_by_each_kind(page: Page) -> None:
    row = page.get_by_role("link", name=OBS_ID, exact=True)
    search(page, "Target Name", "NGC 3132")
    expect(row).to_be_visible()
    expect(page.get_by_text("Searched within")).to_contain_text("10h07m01")
    assert re.search(r"kind=target&q=NGC(\+|%20)3132", page.url)
    search(page, "Coordinates", "151.755 -40.437")
    expect(page.get_by_text("Searched within")).to_contain_text("0.2°")
    expect(row).to_be_visible()
    search(page, "Observation ID", OBS_ID)
    expect(found(page)).to_have_count(1)
    search(page, "Program ID", "2733")
    expect(row).to_be_visible()
    for level in level_of(page).all_inner_texts():
        assert level == "L3"


def toggle_the_levels(page: Page) -> None:
    """Program 99999 has observations of every kind: combined, exposures alone, exclusive, planned."""
    search(page, "Program ID", "99999")
    expect(found(page)).to_have_count(6)
    toggle = page.get_by_role("switch", name="Show all calibration levels")
    toggle.check()
    page.get_by_role("button", name="Search MAST").click()
    expect(level_of(page).filter(has_text="L2").first).to_be_visible()
    expect(found(page)).to_have_count(10)
    expect(page.get_by_text("not taken yet").first).to_be_visible()
    shot(page, "search-every-level")
    page.reload()
    expect(toggle).to_be_checked()
    toggle.uncheck()
    page.get_by_role("button", name="Search MAST").click()
    expect(found(page)).to_have_count(6)


def import_two(page: Page) -> None:
    search(page, "Program ID", "2733")
    for name in (OBS_ID, OTHER):
        page.get_by_role("checkbox", name=f"Select {name}").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Import Selected").click()
    cards = page.locator("#started article")
    expect(cards).to_have_count(2)
    shot(page, "import-started")
    for card in (cards.nth(0), cards.nth(1)):
        expect(card.locator("header .badge")).to_have_text("Complete", timeout=PATIENCE_MS)
        expect(card.get_by_role("progressbar").first).to_have_attribute("value", re.compile("^100"))
    expect(page.locator("#import-pill a")).to_have_count(0)


def find_them_in_the_library(page: Page) -> None:
    page.get_by_role("link", name="Dashboard", exact=True).click()
    for name in (OBS_ID, OTHER):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page.locator(".badge.image").first).to_have_text("image")
    expect(page.locator(".badge.table").first).to_have_text("table")


def view_one(page: Page) -> None:
    page.get_by_role("link", name=f"View {OBS_ID}_i2d.fits").click()
    picture = page.get_by_role("application", name=re.compile(OBS_ID))
    expect(picture).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
    expect(page.get_by_role("rowheader", name="EXTNAME")).to_be_visible()
    page.get_by_label("Colour map").select_option("inferno")
    expect(picture).to_have_attribute("data-look", re.compile("inferno"))
    shot(page, "view")


def be_told_why_a_table_has_no_view(page: Page) -> None:
    page.goto("/")
    view = page.get_by_role("button", name=f"View {OBS_ID}_cat.ecsv")
    expect(view).to_be_disabled()
    reason = page.locator(f"#{view.get_attribute('aria-describedby')}")
    expect(reason).to_contain_text(re.compile(r"table|catalogue", re.IGNORECASE))
    page.get_by_role("link", name=f"Table of {OBS_ID}_cat.ecsv").click()
    expect(page.get_by_role("columnheader").first).to_be_visible()
    shot(page, "table")


def tidy_the_imports(page: Page) -> None:
    page.get_by_role("link", name="Imports", exact=True).click()
    cards = page.locator("article.card")
    expect(cards).to_have_count(2)
    page.get_by_role("button", name=f"Dismiss {OTHER}").click()
    expect(cards).to_have_count(1)


def test_the_guide_without_javascript(visit: Visit) -> None:
    """Search, import, progress, tag, view and theme by plain links and forms."""
    name = "jw02733-o002_t001_miri_f770w"
    with visit(java_script_enabled=False) as page:
        page.goto("/search/")
        search(page, "Target Name", "NGC 3132")
        page.get_by_role("button", name=f"Import {name}").click()
        card = page.get_by_role("article", name=name)
        wait_for_the_end(page, card)
        page.goto("/")
        page.get_by_role("checkbox", name=f"Select {name}").check()
        page.get_by_role("textbox", name="Tag for the selected").fill("southern ring")
        page.get_by_role("button", name="Tag", exact=True).click()
        expect(page.get_by_role("link", name=re.compile("southern ring"))).to_be_visible()
        page.get_by_role("link", name=f"View {name}_i2d.fits").click()
        expect(page.get_by_role("img", name=re.compile(name))).to_be_visible()
        page.get_by_role("button", name="dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def wait_for_the_end(page: Page, card: Any) -> None:
    """The page reloads itself by `<noscript>`; here by hand, so that the test waits no longer than needed."""
    for _ in range(90):
        if card.locator("header .badge").inner_text() == "Complete":
            return
        page.wait_for_timeout(1000)
        page.goto("/imports/")
    raise AssertionError(card.inner_text())

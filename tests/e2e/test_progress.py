"""A slow import watched in Chromium: its numbers move, it pauses and goes on, and the polling ends with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.conftest import shot
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
QUIET_MS = 4000
PROGRAM = "/search/?kind=program&q=2736"
LOOK = f"/look/?obs_id={OBS_ID}"
GIVEN_UP = """async (element) => {
  element.click();
  const told = document.getElementById("slow");
  const seconds = told.querySelector("[data-elapsed]");
  while (told.hidden || seconds.textContent === "0") await new Promise((next) => setTimeout(next, 50));
  const words = [told.innerText, told.querySelector("[role=status]").textContent];
  told.querySelector("[data-cancel]").click();
  return words;
}"""
"""In one piece: while a page is on its way, nothing else can be asked of the one that is left."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An archive whose MAST sends 1 MB a second and connection: the 46 MB of one observation take a while."""
    archive = Archive(tmp_path_factory.mktemp("s"))
    done = archive.manage("up", "--detach", "--rate", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    yield archive
    archive.manage("down")


@pytest.fixture
def page(slow: Archive, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=slow.url, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def percent(page: Page) -> float:
    return float(page.get_by_role("progressbar", name=f"Progress of {OBS_ID}").get_attribute("value") or 0)


def test_an_import_is_watched_paused_and_resumed_from_the_page_it_was_started_on(page: Page) -> None:
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if "/progress/" in request.url else None)
    page.goto(f"/search/?kind=observation&q={OBS_ID}")
    expect(page.get_by_role("link", name=f"Look at {OBS_ID}", exact=True)).to_be_visible()
    page.get_by_role("button", name=f"Import {OBS_ID}").click()
    stage = page.locator("article header .badge")
    expect(stage).to_have_text("Downloading", timeout=20_000)
    expect(page.locator("#import-pill a")).to_contain_text(re.compile(r"1 import · [1-9]\d* %"), timeout=20_000)
    expect(page.locator("article .numbers").first).to_contain_text(re.compile(r"MB/s.*left", re.DOTALL), timeout=20_000)
    shot(page, "downloading")
    page.get_by_role("button", name="Pause").click()
    expect(stage).to_have_text("Paused")
    expect(page.locator("article .numbers")).to_contain_text("kept")
    kept = percent(page)
    assert 0 < kept < 100
    polls.clear()
    page.wait_for_timeout(QUIET_MS)
    assert polls == []
    page.get_by_role("button", name="Resume").click()
    expect(stage).to_have_text("Complete", timeout=90_000)
    expect(page.locator("#announce")).to_contain_text("Complete")
    # The row it was started from says so without being asked.
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=OBS_ID, exact=True))
    expect(row.locator(".badge.good")).to_have_text(re.compile(r"\d+ files"))
    expect(row.locator("a.obs")).to_have_attribute("href", re.compile("^/observations/"))
    expect(row).to_contain_text("i2d")
    expect(row.get_by_role("link", name="Look at")).to_have_count(0)
    expect(page.locator(".skychart figcaption")).to_contain_text("1 in the library")
    expect(page.locator("#import-pill a")).to_have_count(0)
    polls.clear()
    page.wait_for_timeout(QUIET_MS)
    assert polls == []


def test_a_hidden_tab_does_not_poll_and_goes_on_when_it_is_seen(page: Page) -> None:
    """Hidden as a browser says it; the state is put on the page, since no window here can be covered."""
    page.goto("/search/?kind=observation&q=jw02733-o001_t001_nircam_clear-f187n")
    page.get_by_role("button", name=re.compile("^Import jw")).click()
    expect(page.locator("article header .badge")).to_have_text("Downloading", timeout=20_000)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.wait_for_timeout(1500)
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url))
    page.wait_for_timeout(QUIET_MS)
    assert polls == []
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("article header .badge")).to_have_text("Complete", timeout=90_000)


def test_back_and_reload_bring_the_search_that_the_address_names(page: Page) -> None:
    page.goto("/search/?kind=program&q=2733")
    page.get_by_role("textbox", name="Search for").fill("2736")
    page.get_by_role("button", name="Search MAST").click()
    expect(page.get_by_text("Searched program 2736")).to_be_visible()
    expect(page.locator("h2[data-focus]")).to_be_focused()
    page.go_back()
    expect(page.get_by_text("Searched program 2733")).to_be_visible()
    expect(page.get_by_role("textbox", name="Search for")).to_have_value("2733")
    page.go_forward()
    expect(page.get_by_text("Searched program 2736")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Searched program 2736")).to_be_visible()


@pytest.mark.parametrize(
    ("address", "words", "starts"),
    [
        (PROGRAM, "Asking MAST", lambda page: page.get_by_role("button", name="Search MAST")),
        (PROGRAM, "Asking MAST", lambda page: page.get_by_role("link", name=re.compile("^Look at jw")).first),
        (PROGRAM, "Looking up the files", lambda page: page.get_by_role("button", name=re.compile("^Import jw")).first),
        (PROGRAM, "Looking up the files", lambda page: page.get_by_role("button", name="Plan Selected")),
        (LOOK, "Asking MAST", lambda page: page.get_by_role("button", name="Show", exact=True)),
    ],
    ids=["search", "look", "import", "plan", "look otherwise"],
)
def test_a_slow_answer_says_how_long_it_takes_and_can_be_given_up(
    page: Page, address: str, words: str, starts: Callable[[Page], Locator]
) -> None:
    """Slow as a reader sees it: the browser's request is held back, of htmx and of a whole page alike."""
    page.goto(address)
    held: list[str] = []

    def hold(route: Route) -> None:
        held.append(route.request.url)

    page.route(re.compile("^http://[^/]+/(search|look|import)/"), hold)
    told, said = starts(page).evaluate(GIVEN_UP)
    assert re.fullmatch(rf"{words}: [1-9]\d* s Cancel", told), told
    assert said == words
    assert len(held) == 1
    page.unroute_all()
    expect(page.locator("#slow")).to_be_hidden()
    expect(page).to_have_url(re.compile(re.escape(address)))
    starts(page).click()
    expect(page.locator("#slow")).to_be_hidden()


def test_a_refusal_lands_where_it_is_seen_and_leaves_the_page_alone(page: Page) -> None:
    page.goto("/search/?kind=target&q=NGC+3132")
    page.get_by_role("textbox", name="Search for").fill("xyzzy")
    page.get_by_role("button", name="Search MAST").click()
    expect(page.locator("#results")).to_contain_text("No resolver knows “xyzzy”")
    page.get_by_role("textbox", name="Search for").fill("NGC 3132")
    page.get_by_role("button", name="Search MAST").click()
    page.get_by_role("button", name="Import Selected").click()
    expect(page.get_by_text("Choose at least one observation first.")).to_be_visible()

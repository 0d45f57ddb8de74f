"""Searching MAST on a page: the four kinds, what the answer explains, and starting imports from it."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from PIL import Image

from mast import services
from mast.errors import MastError
from mast.models import ImportJob
from mast.practice import PracticeServer
from mast.services import previews
from tests.factories import DataFileFactory, ObservationFactory
from tests.liar import Liar, http
from tests.pages import Element, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("archive", "_own_derived")]
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
OTHER = "jw02733-o002_t001_miri_f1130w"


@pytest.fixture
def _own_derived(settings: Any, tmp_path: Path) -> None:
    settings.DERIVED_DIR = tmp_path / ".derived"


def get(client: Client, query: str, status: int = 200) -> Element:
    return page_of(client.get(f"/search/?{query}"), status)


def found(page: Element) -> list[str]:
    return [link.text for link in page.find("a", class_="obs")]


# --- asking -----------------------------------------------------------------------------------------------------


def test_the_page_offers_the_four_kinds_the_toggle_and_the_button_of_the_guide(client: Client) -> None:
    form = get(client, "").one("form", class_="search")
    kinds = [label.text for label in form.find("label", class_="choice")]
    assert kinds == [
        "Any of these", "Target Name", "Coordinates", "Observation ID", "Program ID", "Show all calibration levels",
    ]  # fmt: skip
    assert "Search MAST" in [button.text for button in form.find("button")]
    assert form["method"] == "get"


@pytest.mark.parametrize(
    "query",
    [
        "kind=target&q=NGC+3132",
        "kind=target&q=ngc-3132&radius=6'",
        "kind=target&q=NGC3132&radius=0.1d",
        "kind=coordinates&q=151.755+-40.437",
        "kind=coordinates&q=10h07m01.8s+-40d26m11s&radius=0.1",
        f"kind=observation&q={OBS_ID}",
        "kind=program&q=2733",
        "kind=program&q=02733",
    ],
)
def test_each_kind_of_search_finds_the_observation_of_the_guide(client: Client, query: str) -> None:
    page = get(client, query)
    assert OBS_ID in found(page)
    assert {cell.text for cell in page.find("span", class_="level")} == {"L3"}


def test_a_target_says_where_it_lies_and_who_said_so(client: Client) -> None:
    assert "NGC 3132 → 10h07m01.8s −40d26m11s, by SIMBAD" in get(client, "kind=target&q=NGC+3132").text


def test_a_row_shows_what_the_guide_promises(client: Client) -> None:
    page = get(client, f"kind=observation&q={OBS_ID}")
    headings = [cell.text for cell in page.one("thead").find("th")]
    assert headings == [
        "Select all on this page", "Preview", "Observation", "Target", "Instrument", "Filter", "Exposure (s)",
        "Date (UTC)", "Level", "Rights", "In library", "Import",
    ]  # fmt: skip
    row = page.one("tbody").one("tr")
    for text in (OBS_ID, "NGC-3132", "NIRCAM", "F090W", "1,460.2", "2022-06-03", "L3", "public"):
        assert text in row.text


def test_the_toggle_shows_every_level_and_what_is_planned_cannot_be_imported(client: Client) -> None:
    page = get(client, "kind=program&q=99999&all_levels=on")
    assert {cell.text for cell in page.find("span", class_="level")} == {"L3", "L2", "L−1"}
    planned = [row for row in page.one("tbody").find("tr") if "planned" in row.text]
    assert planned
    assert all(not row.find("button") and not row.find("input") for row in planned)


def test_exclusive_access_is_marked_with_its_release_date(client: Client) -> None:
    page = get(client, "kind=program&q=99999")
    marked = [row.text for row in page.one("tbody").find("tr") if "exclusive" in row.text]
    assert marked
    assert all("until 2036-11-03" in text for text in marked)


def test_an_observation_in_the_library_says_so_and_leads_to_its_page(client: Client) -> None:
    row = ObservationFactory(obs_id=OBS_ID)
    DataFileFactory(observation=row, is_viewable=True)
    page = get(client, f"kind=observation&q={OBS_ID}")
    assert page.one("a", class_="good").text == "1 file"
    assert page.one("a", class_="obs")["href"] == f"/observations/{OBS_ID}/"
    assert page.one("img", class_="thumb")


def test_a_row_names_the_kinds_of_file_that_are_held(client: Client) -> None:
    row = ObservationFactory(obs_id=OBS_ID)
    for suffix in ("i2d", "cal", "cal", "cat", "segm"):
        DataFileFactory(observation=row, suffix=suffix)
    page = get(client, f"kind=observation&q={OBS_ID}")
    badge = page.one("a", class_="good")
    assert (badge.text, badge["title"]) == ("5 files", "2 cal, 1 cat, 1 i2d, 1 segm")
    (cell,) = [cell for cell in page.one("tbody").find("td") if "5 files" in cell.text]
    assert "cal, cat, i2d + 1" in cell.text


# --- what cannot be asked, what is not found --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("kind=coordinates&q=here", "coordinates"),
        ("kind=target&q=NGC+3132&radius=0", "radius"),
        ("kind=target&q=NGC+3132&radius=11", "radius"),
        ("kind=target&q=NGC+3132&radius=nan", "radius"),
        ("kind=program&q=two", "number"),
        ("kind=target&q=", "required"),
        ("kind=telepathy&q=x", "telepathy"),
        (f"kind=target&q={'x' * 201}", "200"),
        ("kind=observation&q=a/%00b", "character"),
    ],
)
def test_a_search_that_cannot_be_asked_is_answered_beside_the_form(client: Client, query: str, words: str) -> None:
    page = get(client, query, 422)
    assert words.lower() in page.one("div", id="results").text.lower()
    assert page.one("form", class_="search")


def test_an_unknown_target_keeps_the_form_and_offers_names_like_it(client: Client) -> None:
    page = get(client, "kind=target&q=Carena+Nebula", 422)
    assert page.one("input", id="q")["value"] == "Carena Nebula"
    assert "Carina Nebula" in [link.text for link in page.one("div", id="results").find("a")]


def test_for_htmx_a_refusal_is_put_where_the_results_would_be(client: Client) -> None:
    response = client.get("/search/?kind=target&q=xyzzy", headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#results", "outerHTML")
    assert page_of(response, 422).one("div", id="results")


def test_nothing_at_this_level_offers_the_others_in_one_click(client: Client) -> None:
    page = get(client, "kind=program&q=4681")
    offer = page.one("a", class_="primary")
    assert offer.text == "Show all calibration levels (4)"
    assert len(found(page_of(client.get(f"/search/{offer['href']}")))) == 4


def test_nothing_near_a_place_offers_twice_the_radius(client: Client) -> None:
    page = get(client, "kind=coordinates&q=10+-80&radius=0.3")
    assert "Search within 0.6°" in [link.text for link in page.find("a")]


def test_while_mast_is_down_the_page_answers_502_and_keeps_the_form(client: Client, settings: Any) -> None:
    settings.MAST_URL = settings.MAST_RESOLVER_URL = "http://127.0.0.1:9"
    page = get(client, "kind=program&q=2733", 502)
    assert page.one("input", id="q")["value"] == "2733"
    assert "Try again" in page.one("div", id="results").text


def test_while_mast_is_down_an_earlier_answer_is_shown_with_its_age(client: Client, settings: Any) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=3), tick=True):
        get(client, "kind=program&q=2733")
    settings.MAST_URL = "http://127.0.0.1:9"
    page = get(client, "kind=program&q=2733")
    assert OBS_ID in found(page)
    assert "3 hours" in page.one("div", id="results").text


# --- pages and order --------------------------------------------------------------------------------------------


def test_sorting_an_answer_asks_mast_for_nothing(client: Client, archive: PracticeServer) -> None:
    get(client, "kind=program&q=2733")
    before = archive.counts.copy()
    page = get(client, "kind=program&q=2733&sort=-exposure")
    assert page.one("th", aria_sort="descending").text == "Exposure (s)"
    assert found(page)[0] == "jw02733-o002_t001_miri_f1130w"
    assert archive.counts == before


def test_a_large_answer_comes_in_pages_of_200(client: Client) -> None:
    first = get(client, "kind=coordinates&q=0+0&radius=10&all_levels=on")
    assert len(found(first)) <= 200
    everything = get(client, "kind=program&q=2733&page=99")
    assert len(found(everything)) == 10


# --- importing --------------------------------------------------------------------------------------------------


def test_import_starts_at_once_with_the_levels_of_the_search_shown(client: Client) -> None:
    for query, levels in (("kind=program&q=2733", [3]), ("kind=program&q=2733&all_levels=on", [1, 2, 3])):
        form = next(form for form in get(client, query).find("form") if form["action"] == "/import/")
        hidden = {field["name"]: field["value"] for field in form.find("input", type="hidden")}
        response = client.post("/import/", {**hidden, "only": OTHER})
        assert response["Location"] == "/imports/"
        assert ImportJob.objects.order_by("created_at").last().calib_levels == levels


def test_import_selected_starts_a_job_for_each(client: Client) -> None:
    client.post("/import/", {"levels": "3", "obs_id": [OBS_ID, OTHER, OTHER]})
    assert set(ImportJob.objects.values_list("obs_id", flat=True)) == {OBS_ID, OTHER}
    assert ImportJob.objects.count() == 2


def test_one_refused_of_several_leaves_the_others_alone(client: Client) -> None:
    response = client.post(
        "/import/", {"levels": "3", "obs_id": [OBS_ID, "jw99999-o999_t999_nircam_clear-f090w"]}, follow=True
    )
    said = [item.text for item in page_of(response).one("ul", class_="messages").find("li")]
    assert len(said) == 2
    assert "jw99999-o999" in said[1]
    assert ImportJob.objects.count() == 1


def test_for_htmx_the_card_of_the_job_comes_and_the_pill_is_told(client: Client) -> None:
    response = client.post("/import/", {"levels": "3", "only": OBS_ID}, headers={"HX-Request": "true"})
    card = page_of(response).one("article")
    assert card["id"] == f"job-{ImportJob.objects.get().pk}"
    assert "jobs-changed" in response["HX-Trigger"]


def test_a_refused_import_has_an_honest_status_and_a_toast(client: Client) -> None:
    response = client.post("/import/", {"only": "jw99999-o999_t999_x"}, headers={"HX-Request": "true"})
    page_of(response, 404)
    assert response["HX-Retarget"] == "#toasts"


@pytest.mark.parametrize("htmx", [{}, {"HX-Request": "true"}])
def test_importing_nothing_is_answered_in_words(client: Client, htmx: dict[str, str]) -> None:
    response = client.post("/import/", {"levels": "3", "back": "/search/?kind=program&q=2733"}, headers=htmx)
    if htmx:
        assert "Choose at least one" in page_of(response, 422).text
    else:
        assert response["Location"] == "/search/?kind=program&q=2733"


def test_the_plan_lists_exact_files_what_is_left_out_and_the_disk(client: Client) -> None:
    page = page_of(client.get("/import/preview/", {"obs_id": OBS_ID, "levels": "3"}))
    files = [cell.text for cell in page.find("table")[0].find("th", scope="row")]
    assert f"{OBS_ID}_i2d.fits" in files
    assert "Disk free afterwards" in page.text
    assert "left out, and why" in page.text
    assert ImportJob.objects.count() == 0


# --- previews ---------------------------------------------------------------------------------------------------


@pytest.fixture
def serve_bytes(settings: Any) -> Iterator[Callable[[bytes], None]]:
    """A MAST that answers every request with the same bytes."""
    answers: list[bytes] = []
    with Liar(lambda asked: [http(answers[-1])]) as server:
        settings.MAST_URL = server.url
        yield answers.append


def thumbnail(client: Client, uri: str) -> Any:
    return client.get("/search/preview/", {"uri": uri})


def test_a_row_shows_masts_preview_through_this_archive_and_keeps_it(client: Client, archive: PracticeServer) -> None:
    page = get(client, f"kind=observation&q={OBS_ID}")
    address = page.one("img", class_="thumb")["src"]
    assert address.startswith("/search/preview/?uri=mast")
    first = client.get(address)
    assert (first.status_code, first["Content-Type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(first.content)) as picture:
        assert max(picture.size) <= 120
    before = archive.counts.copy()
    assert client.get(address).content == first.content
    assert archive.counts == before


def test_previews_of_exclusive_and_planned_observations_are_not_asked_for(client: Client) -> None:
    for row in get(client, "kind=program&q=99999&all_levels=on").one("tbody").find("tr"):
        if "exclusive" in row.text or "planned" in row.text:
            assert not row.find("img")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://example.org/x.jpg",
        "mast:JWST/product/../../etc/passwd.jpg",
        "mast:JWST/product/x.fits",
        "mast:HST/product/x.jpg",
    ],
)
def test_only_previews_of_jwst_are_fetched(client: Client, archive: PracticeServer, uri: str) -> None:
    before = archive.counts.copy()
    page_of(thumbnail(client, uri), 422)
    assert archive.counts == before


def test_a_preview_that_is_no_picture_is_refused(client: Client, serve_bytes: Callable[[bytes], None]) -> None:
    serve_bytes(b"<html>maintenance</html>")
    page_of(thumbnail(client, "mast:JWST/product/x_i2d.jpg"), 502)


def test_a_preview_of_absurd_size_is_refused(client: Client, serve_bytes: Callable[[bytes], None]) -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    serve_bytes(buffer.getvalue())
    page_of(thumbnail(client, "mast:JWST/product/x_i2d.png"), 502)


def test_a_crowd_of_previews_leaves_threads_for_the_pages(client: Client, settings: Any) -> None:
    """Four may be on their way in a process; the fifth is refused at once and comes later."""
    gone = threading.Event()

    def answer(asked: Any) -> bytes:
        gone.wait(20)
        return http(b"", "404 Not Found")

    with Liar(answer) as server:
        settings.MAST_URL = server.url
        crowd = [threading.Thread(target=_ignored, args=(f"mast:JWST/product/c{n}.jpg",)) for n in range(4)]
        for one in crowd:
            one.start()
        deadline = time.monotonic() + 10
        while previews._in_line._value:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        page_of(thumbnail(client, "mast:JWST/product/fifth.jpg"), 503)
        gone.set()
        for one in crowd:
            one.join()


def _ignored(uri: str) -> None:
    with contextlib.suppress(MastError):
        services.preview_thumbnail(uri)

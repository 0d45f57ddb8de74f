"""The dashboard: what the library holds, filtered, sorted, page by page, and what is done with several at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mast import conf
from mast.models import DataFile, Observation, Tag
from tests.conftest import forget_recent
from tests.factories import DataFileFactory, ObservationFactory, on_disk
from tests.pages import Element, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]


def held(name: str, **fields: Any) -> DataFile:
    """A file in the library, alone in its observation unless that is given."""
    is_image = name.endswith(("i2d.fits", "cal.fits"))
    kind = {"is_viewable": is_image, "badge": "image" if is_image else "table"}
    reason = {} if is_image else {"view_reason": "It holds a source catalogue, not an image."}
    return DataFileFactory(file_name=name, **(kind | reason | fields))


def shown(page: Element) -> list[str]:
    return [link.text for link in page.find("a", class_="obs")]


def get(client: Client, query: str = "") -> Element:
    return page_of(client.get(f"/{query}"))


# --- what is there ----------------------------------------------------------------------------------------------


def test_an_empty_library_says_what_to_do_and_offers_three_searches(client: Client) -> None:
    page = get(client)
    assert "Your library is empty" in page.one("h1").text
    tries = [link["href"] for link in page.one("ul", class_="tries").find("a")]
    assert len(tries) == 3
    assert all(href.startswith("/search/?kind=") for href in tries)


def test_the_header_has_the_words_of_the_guide_on_every_page(client: Client) -> None:
    for address in ("/", "/search/", "/imports/", "/refresh/"):
        header = page_of(client.get(address)).one("header", class_="band")
        assert {"Search MAST", "Refresh Metadata"} <= {link.text for link in header.find("a")}


def test_files_lie_under_their_observation_with_badge_and_actions(client: Client) -> None:
    image = held("jw02733-o001_t001_nircam_clear-f090w_i2d.fits", size_bytes=40_216_320)
    table = held("jw02733-o001_t001_nircam_clear-f090w_cat.ecsv", suffix="cat", observation=image.observation)
    page = get(client)
    assert shown(page) == [image.observation.obs_id]
    rows = page.find("tr", class_="file")
    assert [row.find("span", class_="badge")[0].text for row in rows] == ["image", "table"]
    assert rows[0].one("a", href=f"/files/{image.pk}/view/").text.startswith("View")
    assert "40.2 MB" in rows[0].text
    assert rows[1].one("a", href=f"/files/{table.pk}/table/").text.startswith("Table")


def test_view_is_disabled_on_a_table_and_the_reason_is_in_words(client: Client) -> None:
    held("jw02733-o001_t001_nircam_clear-f090w_cat.ecsv", suffix="cat")
    page = get(client)
    button = next(found for found in page.find("button") if found.text.startswith("View"))
    assert "disabled" in button.attributes
    assert page.one(id=button["aria-describedby"]).text == "It holds a source catalogue, not an image."


def test_an_observation_with_many_files_shows_the_first_and_counts_the_rest(client: Client) -> None:
    row = ObservationFactory()
    for number in range(9):
        held(f"jw02733001001_02101_{number:05d}_nrcb1_cal.fits", observation=row, calib_level=2)
    page = get(client)
    assert len(page.find("a", class_="mono")) == 4
    assert "5 more files" in page.one("tbody").text
    assert "9 files" in page.one("tbody").text


def test_a_file_that_two_observations_list_stands_under_both_and_counts_once(client: Client) -> None:
    first, second = ObservationFactory(), ObservationFactory()
    held("shared_i2d.fits", observation=first, listed_by=[first, second])
    page = get(client)
    assert set(shown(page)) == {first.obs_id, second.obs_id}
    assert "2 observations · 1 file ·" in page.one("div", class_="head").text


def test_an_observation_without_a_file_is_not_in_the_library(client: Client) -> None:
    ObservationFactory()
    assert "Your library is empty" in get(client).text


def test_names_and_notes_from_outside_are_text_and_never_markup(client: Client) -> None:
    evil = "<script>alert(1)</script>"
    row = ObservationFactory(target_name=evil, obs_title=evil, notes=evil)
    row.tags.add(Tag.objects.create(name=evil))
    held("jw02733-o001_t001_nircam_clear-f090w_cat.ecsv", observation=row, view_reason=evil)
    for address in ("/", f"/observations/{row.obs_id}/"):
        assert evil not in client.get(address).content.decode()
        assert evil in page_of(client.get(address)).text


# --- filters, order, pages --------------------------------------------------------------------------------------


@pytest.fixture
def shelf() -> dict[str, DataFile]:
    ring = ObservationFactory(obs_id="jw02733-o001_t001_nircam_clear-f090w", exposure_s=10.0)
    deep = ObservationFactory(
        obs_id="jw05224-o001_t001_nirspec_prism",
        target_name="MoM-z14",
        instrument_name="NIRSPEC/MSA",
        proposal_id="5224",
        exposure_s=None,
    )
    deep.tags.add(Tag.objects.create(name="far"))
    return {
        "i2d": held("ring_i2d.fits", observation=ring),
        "cal": held("ring_cal.fits", observation=ring, suffix="cal", calib_level=2),
        "x1d": held("deep_x1d.fits", observation=deep, suffix="x1d"),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?instrument=NIRSPEC", {"x1d"}),
        ("?level=2", {"cal"}),
        ("?dataType=table", {"x1d"}),
        ("?program=5224", {"x1d"}),
        ("?program=05224", {"x1d"}),
        ("?tag=far", {"x1d"}),
        ("?q=mom-z14", {"x1d"}),
        ("?q=ring_cal", {"cal"}),
        ("?instrument=NIRCAM&dataType=image", {"i2d", "cal"}),
    ],
)
def test_a_filter_leaves_the_files_that_fit(
    client: Client, shelf: dict[str, DataFile], query: str, expected: set[str]
) -> None:
    rows = get(client, query).find("tr", class_="file")
    assert {row.find("a", class_="mono")[0].text for row in rows} == {shelf[name].file_name for name in expected}


def test_facets_count_what_choosing_them_would_leave(client: Client, shelf: dict[str, DataFile]) -> None:
    page = get(client, "?instrument=NIRCAM")
    facets = {section.one("h2").text: section for section in page.one("aside", class_="facets").find("section")}
    assert [link.text for link in facets["Instrument"].find("a")] == ["NIRCAM 1", "NIRSPEC 1"]
    assert [link.text for link in facets["Level"].find("a")] == ["Level 2 1", "Level 3 1"]
    assert [link.text for link in facets["Type"].find("a")] == ["image 2"]
    chosen = facets["Instrument"].one("a", aria_current="true")
    assert "instrument" not in chosen["href"]


def test_a_filter_that_leaves_nothing_offers_the_search_of_mast(client: Client, shelf: dict[str, DataFile]) -> None:
    page = get(client, "?q=Carina")
    assert page.one("a", href="/search/?kind=target&q=Carina")


@pytest.mark.parametrize(("query", "field"), [("?level=7", "level"), ("?ordering=size", "ordering")])
def test_a_query_that_cannot_be_used_gets_422_in_words(client: Client, query: str, field: str) -> None:
    page = page_of(client.get(f"/{query}"), 422)
    assert field in page.one("main").text


def test_exports_carry_the_filters_of_the_page(client: Client, shelf: dict[str, DataFile]) -> None:
    links = [link for link in get(client, "?instrument=NIRSPEC").find("a") if link.text in {"CSV", "ECSV", "JSON"}]
    for link in links:
        answer = client.get(link["href"])
        assert answer.status_code == 200
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"jw05224-o001" in text
        assert b"jw02733-o001" not in text


@pytest.mark.parametrize("ordering", ["exposureTime", "-exposureTime", "obsId", "-createdAt", "observationDate"])
def test_pages_in_any_order_show_every_observation_once(client: Client, ordering: str) -> None:
    for number in range(120):
        row = ObservationFactory(exposure_s=None if number % 3 == 0 else float(number % 7))
        held(f"f{number}_i2d.fits", observation=row)
    seen: list[str] = []
    address = f"?ordering={ordering}"
    while address:
        page = get(client, address)
        seen += shown(page)
        address = next((link["href"] for link in page.find("a") if link.text == "Next page"), "")
    assert len(seen) == len(set(seen)) == 120


def test_the_sorted_column_says_so_to_readers_of_the_screen(client: Client, shelf: dict[str, DataFile]) -> None:
    page = get(client, "?ordering=-exposureTime")
    assert page.one("th", aria_sort="descending").text == "Exposure (s)"
    assert shown(page) == ["jw02733-o001_t001_nircam_clear-f090w", "jw05224-o001_t001_nirspec_prism"]


def test_the_number_of_queries_does_not_grow_with_the_library(client: Client) -> None:
    def cost() -> int:
        forget_recent()
        with CaptureQueriesContext(connection) as queries:
            get(client, "?instrument=NIRCAM")
        return len(queries)

    held("first_i2d.fits")
    few = cost()
    for number in range(60):
        row = ObservationFactory()
        row.tags.add(Tag.objects.get_or_create(name=f"tag {number % 5}")[0])
        held(f"f{number}_i2d.fits", observation=row)
    assert cost() == few
    assert few <= 20


def test_htmx_gets_the_part_and_a_restored_history_the_page(client: Client, shelf: dict[str, DataFile]) -> None:
    part = client.get("/", headers={"HX-Request": "true"})
    assert page_of(part).find("html") == []
    assert "HX-Request" in part["Vary"]
    whole = client.get("/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert page_of(whole).find("html")


# --- several at once --------------------------------------------------------------------------------------------


def act(client: Client, action: str, *rows: Observation, **fields: str) -> Any:
    return client.post("/library/bulk/", {"action": action, "obs_id": [row.obs_id for row in rows], **fields})


def test_selected_observations_are_tagged_and_untagged(client: Client, shelf: dict[str, DataFile]) -> None:
    rows = [shelf["i2d"].observation, shelf["x1d"].observation]
    act(client, "tag", *rows, tag=" to reduce ")
    assert Tag.objects.get(name="to reduce").observations.count() == 2
    act(client, "untag", rows[0], tag="to reduce")
    assert list(Tag.objects.get(name="to reduce").observations.all()) == [rows[1]]


@pytest.mark.parametrize(("action", "tag"), [("tag", " "), ("tag", "x" * 101), ("explode", "x")])
def test_an_action_that_cannot_be_done_says_why(
    client: Client, shelf: dict[str, DataFile], action: str, tag: str
) -> None:
    page_of(act(client, action, shelf["i2d"].observation, tag=tag), 422)


def test_nothing_selected_is_said_on_the_page_one_came_from(client: Client, shelf: dict[str, DataFile]) -> None:
    response = client.post("/library/bulk/", {"action": "tag", "tag": "x", "next": "/?level=3"}, follow=True)
    assert response.redirect_chain == [("/?level=3", 302)]
    assert "Select at least one observation" in page_of(response).one("ul", class_="messages").text


def test_no_form_leads_to_another_site(client: Client) -> None:
    response = client.post("/theme/", {"theme": "dark", "next": "https://example.org/"})
    assert response["Location"] == "/"
    assert client.cookies["theme"].value == "dark"
    assert page_of(client.get("/")).one("html")["data-theme"] == "dark"


def test_the_download_list_is_a_script_with_addresses_and_sums(client: Client, shelf: dict[str, DataFile]) -> None:
    response = act(client, "list", shelf["i2d"].observation)
    text = response.content.decode()
    assert "attachment" in response["Content-Disposition"]
    assert text.startswith("#!/bin/sh\n")
    for name in ("i2d", "cal"):
        assert f"\nget {shelf[name].file_name} {shelf[name].sha256} {shelf[name].pk}\n" in text
    assert shelf["x1d"].file_name not in text


def test_deleting_asks_first_and_shows_what_would_go(client: Client, shelf: dict[str, DataFile]) -> None:
    page = page_of(act(client, "delete", shelf["i2d"].observation))
    assert "2 files, 10 B" in page.one("main").text
    assert DataFile.objects.count() == 3


def test_deleting_takes_records_and_bytes_and_keeps_what_others_list(client: Client) -> None:
    going, staying = ObservationFactory(), ObservationFactory()
    own = on_disk(held("own_i2d.fits", observation=going))
    shared = on_disk(held("shared_i2d.fits", observation=going, listed_by=[going, staying]))
    assert "1 file stays" in page_of(act(client, "delete", going)).text
    act(client, "delete-now", going)
    assert not (conf.files_dir() / own.path).exists()
    shared.refresh_from_db()
    assert shared.observation == staying
    assert (conf.files_dir() / shared.path).exists()
    assert list(Observation.objects.all()) == [staying]


def test_exclusive_files_are_neither_shown_nor_counted_for_those_who_may_not_see_them(client: Client) -> None:
    row = ObservationFactory(t_obs_release_mjd=80_000.0)
    held("secret_i2d.fits", observation=row, data_rights="EXCLUSIVE_ACCESS")
    assert "Your library is empty" in get(client).text

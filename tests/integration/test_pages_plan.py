"""The plan before an import: exact files, what stays out and why, ticks for levels and kinds, many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mast import services
from mast.errors import BadQuery
from mast.models import ImportItem, ImportJob, Observation
from mast.services import ImportRequest
from tests.factories import DataFileFactory, ObservationFactory
from tests.integration.little_mast import MB, LittleMast
from tests.pages import Element, page_of

pytestmark = pytest.mark.django_db
FIRST, SECOND = "jw02733-o001_t001_nircam_clear-f090w", "jw02733-o002_t001_nircam_clear-f090w"
EXPOSURE = "jw02733001001_02101_00001_nrcb1"


@pytest.fixture(autouse=True)
def _patience(settings: Any) -> None:
    # The first question of a process loads astroquery, which takes a while on a busy machine.
    settings.MAST_TIMEOUT_S = 60.0


@pytest.fixture
def two(serve: Callable[[LittleMast], Any], little: LittleMast) -> LittleMast:
    """Two observations that share one exposure; the first has a catalogue and a preview besides."""
    little.observation(FIRST, 1).observation(SECOND, 2)
    little.product(1, f"{FIRST}_i2d.fits", size=3 * MB).product(1, f"{FIRST}_cat.ecsv", size=1000)
    little.product(1, f"{FIRST}_i2d.jpg", kind="PREVIEW", size=1000)
    little.product(2, f"{SECOND}_i2d.fits", size=2 * MB)
    for parent in (1, 2):
        little.product(parent, f"{EXPOSURE}_cal.fits", level=2, obsID="7", size=MB)
    serve(little)
    return little


def plan(client: Client, status: int = 200, **choices: Any) -> Element:
    return page_of(client.post("/import/preview/", choices), status)


def files(page: Element) -> list[str]:
    return [cell.text for cell in page.find("table")[0].find("th", scope="row")]


def ticks(page: Element, name: str) -> dict[str, bool]:
    return {box["value"]: "checked" in box.attributes for box in page.find("input", name=name, type="checkbox")}


def test_the_plan_of_one_observation_has_files_sizes_ticks_and_the_disk(client: Client, two: LittleMast) -> None:
    page = page_of(client.get("/import/preview/", {"obs_id": FIRST, "levels": "3"}))
    assert set(files(page)) == {f"{FIRST}_i2d.fits", f"{FIRST}_cat.ecsv"}
    assert ticks(page, "levels") == {"2": False, "3": True}
    assert ticks(page, "suffix") == {"cat": True, "i2d": True}
    assert "Level 2 1 file, 1.01 MB" in page.text
    assert "Disk free afterwards" in page.text
    rows = page.one(id="left-out").one("tbody").find("tr")
    reasons = {row.one("th").text: row.find("td")[0].text for row in rows}
    assert reasons == {"it is Level 2": "1", "its type is PREVIEW": "1"}
    assert not ImportJob.objects.exists()


def test_a_file_of_two_observations_is_fetched_and_counted_once(client: Client, two: LittleMast) -> None:
    page = plan(client, obs_id=[FIRST, SECOND], levels=["2", "3"])
    assert sorted(files(page)) == sorted(
        [f"{FIRST}_i2d.fits", f"{FIRST}_cat.ecsv", f"{SECOND}_i2d.fits", f"{EXPOSURE}_cal.fits"]
    )
    assert "4 files, 6.05 MB" in page.text
    assert [field["value"] for field in page.find("input", name="obs_id")] == [FIRST, SECOND]


def test_a_kind_that_was_ticked_off_stays_out_and_says_so(client: Client, two: LittleMast) -> None:
    choices = {"obs_id": [FIRST, SECOND], "levels": "3", "seen": ["cat", "i2d"], "suffix": ["i2d"]}
    page = plan(client, **choices)
    assert files(page) == [f"{FIRST}_i2d.fits", f"{SECOND}_i2d.fits"]
    assert ticks(page, "suffix") == {"cat": False, "i2d": True}
    assert "cat was not chosen" in page.one(id="left-out").text
    client.post("/import/", choices)
    names = set(ImportItem.objects.values_list("transfer__file_name", flat=True))
    assert names == {f"{FIRST}_i2d.fits", f"{SECOND}_i2d.fits"}


def test_a_level_added_later_brings_its_kinds_ticked(client: Client, two: LittleMast) -> None:
    page = plan(client, obs_id=FIRST, levels=["2", "3"], seen=["cat", "i2d"], suffix=["i2d"])
    assert ticks(page, "suffix") == {"cal": True, "cat": False, "i2d": True}


def test_no_kind_ticked_is_a_plan_of_nothing(client: Client, two: LittleMast) -> None:
    page = plan(client, 422, obs_id=FIRST, levels="3", seen=["cat", "i2d"])
    assert "Nothing: the choice matches none of the files." in page.text
    assert ticks(page, "suffix") == {"cat": False, "i2d": False}


def test_what_is_held_is_marked_and_not_counted_to_fetch(client: Client, two: LittleMast) -> None:
    DataFileFactory(observation=ObservationFactory(obs_id=FIRST), file_name=f"{FIRST}_i2d.fits")
    page = plan(client, obs_id=FIRST, levels="3")
    assert "1 in the library already" in page.text
    assert "1.00 kB to fetch" in page.text
    assert [row.text.endswith("yes") for row in page.find("table")[0].one("tbody").find("tr")] == [True, False]


def test_one_unknown_observation_does_not_stop_the_others(client: Client, two: LittleMast) -> None:
    page = plan(client, obs_id=[FIRST, "jw09999-o001_t001_nircam_f090w"], levels="3")
    assert len(files(page)) == 2
    assert "MAST has no JWST observation jw09999-o001_t001_nircam_f090w." in page.text


def test_a_plan_of_everything_a_search_found_follows_its_filters(client: Client, two: LittleMast) -> None:
    page = page_of(client.get("/search/?kind=program&q=2733&sort=-obs_id"))
    (link,) = [link for link in page.find("a", class_="button") if link.text == "Plan all 2 matching…"]
    whole = page_of(client.get(link["href"]))
    assert "Import 2 observations" in whole.one("h1").text
    state = whole.one("input", name="search")["value"]
    assert not whole.find("input", name="obs_id")
    client.post("/import/", {"search": state, "levels": "3", "tags": "ring", "source": "http"})
    jobs = ImportJob.objects.all()
    assert {job.obs_id for job in jobs} == {FIRST, SECOND}
    assert all(job.tags == ["ring"] and job.source_choice == "http" for job in jobs)


def test_five_hundred_observations_are_one_plan(
    client: Client, serve: Callable[[LittleMast], Any], little: LittleMast
) -> None:
    for number in range(500):
        name = f"jw01234-o{number:03d}_t001_nircam_f090w"
        little.observation(name, number + 1, proposal_id="1234")
        little.product(number + 1, f"{name}_i2d.fits", size=None, listed=1_000_000)
    server = serve(little)
    address = "search=kind%3Dprogram%26q%3D1234&levels=3"
    with CaptureQueriesContext(connection) as queries:
        page = page_of(client.get(f"/import/preview/?{address}"))
    assert "500 files, 500 MB" in page.text
    assert len(files(page)) == 300
    assert server.counts["invoke"] <= 4
    assert len(queries) < 1200
    with pytest.raises(BadQuery, match="Narrow the search"):
        services.plan_imports([ImportRequest(f"jw01234-o{number:04d}") for number in range(1001)])


def test_nothing_chosen_says_so(client: Client) -> None:
    assert client.post("/import/preview/", {}).status_code == 302
    part = client.post("/import/preview/", {}, headers={"HX-Request": "true"})
    assert part.status_code == 422
    assert b"Choose at least one observation first" in part.content
    assert not Observation.objects.exists()

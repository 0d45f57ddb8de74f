"""A search's answer looked at: facets, order, columns, pages, the chart, exports and lines to copy."""

from __future__ import annotations

import ast
import io
import json
import math
import random
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import ascii as tables
from astropy.io.votable import parse
from astropy.wcs import WCS
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import resultfacets, skychart
from mast import services
from mast.archive.answers import SearchAnswer
from mast.archive.query import Query
from mast.archive.rows import ObservationRow
from mast.imports import searchcache
from mast.models import CachedSearch
from tests.conftest import missing
from tests.factories import DataFileFactory, ObservationFactory
from tests.integration.little_mast import LittleMast
from tests.pages import Element, page_of

pytestmark = pytest.mark.django_db
PROGRAM = "kind=program&q=2733"
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"


@pytest.fixture(autouse=True)
def _own_derived(settings: Any, tmp_path: Path) -> None:
    settings.DERIVED_DIR = tmp_path / ".derived"
    # The first question of a process loads astroquery, which takes a while on a busy machine.
    settings.MAST_TIMEOUT_S = 60.0


def get(client: Client, query: str, status: int = 200) -> Element:
    return page_of(client.get(f"/search/?{query}"), status)


def found(page: Element) -> list[str]:
    return [link.text for link in page.find("a", class_="obs")]


def facet(page: Element, name: str) -> dict[str, Element]:
    """The links of one facet by the value they show."""
    (section,) = page.find("section", aria_labelledby=f"facet-{name}")
    return {link.text.rpartition(" ")[0]: link for link in section.find("a")}


# --- one box ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("NGC 3132", "Target Name"),
        ("2733", "Program ID"),
        ("jw02733", "Program ID"),
        ("GO 2733", "Program ID"),
        (OBS_ID, "Observation ID"),
        ("151.755, -40.437", "Coordinates"),
        ("10:07:01.8 -40:26:11", "Coordinates"),
    ],
)
def test_one_box_recognises_what_is_meant_and_says_so(client: Client, text: str, read_as: str) -> None:
    page = get(client, f"q={quote(text)}")
    assert OBS_ID in found(page)
    said = page.one("p", class_="read")
    assert said.one("strong").text == read_as
    assert len(said.find("a")) == 3


@pytest.mark.usefixtures("archive")
def test_a_kind_that_was_chosen_is_taken_at_its_word(client: Client) -> None:
    page = get(client, "kind=target&q=2733", 422)
    assert "No resolver knows “2733”" in page.text


def test_what_is_typed_is_read_while_it_is_typed(client: Client) -> None:
    assert page_of(client.get("/search/read/?q=2733")).one("strong").text == "Program ID"
    assert page_of(client.get("/search/read/?q=2733&kind=target")).text == ""
    assert page_of(client.get("/search/read/?q=")).text == ""


@pytest.mark.usefixtures("archive")
def test_the_toggle_says_how_many_rows_it_would_add(client: Client) -> None:
    few = get(client, "kind=program&q=99999")
    adds = few.one(id="adds").one("a")
    every = get(client, f"{adds['href'].removeprefix('?')}")
    count = int(adds.text.split()[2])
    assert len(found(every)) == len(found(few)) + count
    assert not every.one(id="adds").find("a")


# --- facets, order, columns, pages ------------------------------------------------------------------------------


@pytest.mark.usefixtures("archive")
def test_a_facet_counts_what_choosing_it_leaves_and_a_second_value_adds_to_the_first(client: Client) -> None:
    page = get(client, PROGRAM)
    links = facet(page, "instrument")
    counts = {name: int(link.one("span").text) for name, link in links.items()}
    assert sum(counts.values()) == len(found(page))
    miri = get(client, links["MIRI"]["href"].removeprefix("?").removesuffix("#results"))
    assert len(found(miri)) == counts["MIRI"]
    assert f"{counts['MIRI']} of {len(found(page))} observations" in miri.text
    again = facet(miri, "instrument")
    assert again["MIRI"]["aria-current"] == "true"
    assert int(again["NIRCAM"].one("span").text) == counts["NIRCAM"]
    both = get(client, again["NIRCAM"]["href"].removeprefix("?").removesuffix("#results"))
    assert len(found(both)) == counts["MIRI"] + counts["NIRCAM"]
    off = get(client, again["MIRI"]["href"].removeprefix("?").removesuffix("#results"))
    assert len(found(off)) == len(found(page))


@pytest.mark.usefixtures("archive")
def test_filters_that_leave_nothing_say_so_and_come_off(client: Client) -> None:
    page = get(client, f"{PROGRAM}&instrument=NIRCAM&year=1999&level=ten")
    assert "No row fits these filters" in page.text
    off = page.one("a", class_="primary")["href"]
    assert found(get(client, off.removeprefix("?").removesuffix("#results")))


@pytest.mark.usefixtures("archive")
def test_columns_are_chosen_by_the_address(client: Client) -> None:
    page = get(client, f"{PROGRAM}&col=pi&col=distance&col=nonsense")
    headings = [cell.text for cell in page.one("thead").find("th")]
    assert headings == [
        "Select all on this page",
        "Preview",
        "Observation",
        "PI",
        "Distance (″)",
        "In library",
        "Import",
    ]


@pytest.mark.usefixtures("archive")
def test_every_column_can_be_shown_and_sorted_by_both_ways(client: Client) -> None:
    names = [box["value"] for box in get(client, PROGRAM).find("input", name="col")]
    assert len(names) == 14
    every = "&".join(f"col={name}" for name in names)
    shown = {name: found(get(client, f"{PROGRAM}&{every}&sort={name}")) for name in ["obs_id", *names]}
    assert len({tuple(sorted(rows)) for rows in shown.values()}) == 1
    backwards = found(get(client, f"{PROGRAM}&sort=-obs_id"))
    assert backwards == sorted(backwards, reverse=True) == shown["obs_id"][::-1]


@pytest.fixture
def many(serve: Callable[[LittleMast], Any], little: LittleMast) -> int:
    """A program of 130 observations."""
    for number in range(130):
        little.observation(f"jw01234-o{number:03d}_t001_nircam_f090w", 70_000_000 + number, proposal_id="1234")
    serve(little)
    return 130


def test_pages_hold_every_row_once(client: Client, many: int) -> None:
    seen: list[str] = []
    address = "kind=program&q=1234&sort=obs_id"
    for _ in range(3):
        page = get(client, address)
        seen += found(page)
        following = [link for link in page.find("a", class_="button") if link.text == "Next"]
        address = following[0]["href"].removeprefix("?").removesuffix("#results") if following else ""
    assert address == ""
    assert len(seen) == len(set(seen)) == many


def test_pages_orders_and_facets_ask_mast_nothing_again(client: Client, little: LittleMast, many: int) -> None:
    get(client, "kind=program&q=1234")
    assert little.server is not None
    little.server.stop()
    for more in ("page=2", "sort=-date", "instrument=NIRCAM", "col=pi"):
        page = get(client, f"kind=program&q=1234&{more}")
        assert len(found(page)) == 50
        assert "cached" not in page.text
    little.server = None


# --- an answer of twenty thousand -------------------------------------------------------------------------------


def rows_of(count: int) -> list[ObservationRow]:
    return [
        ObservationRow(
            obs_id=f"jw{1000 + number % 700:05d}-o{number:05d}_t001_nircam_clear-f090w",
            obsid=str(number),
            calib_level=3,
            instrument_name=("NIRCAM/IMAGE", "MIRI/IMAGE", "NIRSPEC/MSA")[number % 3],
            target_name=f"FIELD-{number % 900}",
            filters="F090W",
            proposal_id=str(1000 + number % 700),
            t_min_mjd=59700.0 + number % 900,
            s_ra_deg=(number * 7.3) % 360,
            s_dec_deg=(number * 3.1) % 120 - 60,
            s_region=f"POLYGON ICRS {number % 360} 1 {number % 360 + 0.1} 1 {number % 360} 1.1",
            data_rights="PUBLIC",
        )
        for number in range(count)
    ]


@pytest.fixture
def answered() -> Iterator[Callable[[int], str]]:
    """Put an answer of so many rows among those that are kept; its address."""

    def make(count: int) -> str:
        query = Query(kind="program", program_id=str(count))
        answer = SearchAnswer(query, rows_of(count), notes=["Searched."], total_count=count)
        searchcache.keep(query, answer)
        assert CachedSearch.objects.filter(key=query.key()).exists()
        return f"kind=program&q={count}&page=1"

    yield make
    searchcache._decoded.clear()
    resultfacets._kept.clear()


def test_queries_and_weight_of_a_page_do_not_grow_with_the_answer(
    client: Client, answered: Callable[[int], str]
) -> None:
    ObservationFactory(obs_id=rows_of(1)[0].obs_id)
    taken = {}
    for count in (60, 20_000):
        address = answered(count)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = client.get(f"/search/?{address}")
        page_of(response)
        taken[count] = (len(queries), len(response.content))
    assert taken[20_000][0] == taken[60][0]
    assert taken[20_000][1] < 150_000


def test_an_answer_read_back_from_the_database_is_the_one_that_was_kept(answered: Callable[[int], str]) -> None:
    answered(40)
    query = Query(kind="program", program_id="40")
    searchcache._decoded.clear()
    read = searchcache.find(query)
    assert read is not None
    assert len(read[0].rows) == 40
    again = searchcache.find(query)
    assert again is not None
    assert again[0].rows is read[0].rows


# --- the chart --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("archive")
def test_the_chart_draws_the_footprints_and_marks_what_is_held(client: Client) -> None:
    DataFileFactory(observation=ObservationFactory(obs_id=OBS_ID))
    chart = get(client, "kind=target&q=NGC+3132").one("svg", class_="sky")
    assert "1 of them in the library" in chart["aria-label"]
    (held,) = chart.find("path", class_="held")
    assert held.one("title").text == f"{OBS_ID}, in the library"
    assert len(chart.find("path", class_="region")) == 10


@pytest.mark.usefixtures("archive")
def test_the_chart_is_drawn_anew_when_an_import_moved_on_and_mast_is_not_asked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = get(client, f"{PROGRAM}&instrument=NIRCAM").one("figure", class_="skychart")
    assert figure.one("figcaption").text.endswith("None in the library yet")
    assert figure["hx-trigger"].startswith("jobs-changed from:body")
    DataFileFactory(observation=ObservationFactory(obs_id=OBS_ID))
    # Older than what a page may be turned from without asking anew.
    CachedSearch.objects.update(fetched_at=timezone.now() - 2 * services.searches.PAGES_STAY)
    monkeypatch.setattr(services.searches, "_ask", _nobody)
    again = page_of(client.get(figure["hx-get"])).one("figure", class_="skychart")
    assert again.one("figcaption").text.endswith("1 in the library")
    assert len(again.find("path", class_="region")) == len(figure.find("path", class_="region"))
    CachedSearch.objects.all().delete()
    assert client.get(figure["hx-get"]).status_code == 204
    assert client.get("/search/chart/?q=").status_code == 204


def _nobody(*_: object) -> None:
    raise AssertionError("MAST was asked")


def test_what_is_spread_over_the_sky_is_dots_on_a_map_of_all_of_it() -> None:
    chart = skychart.draw(rows_of(3000), set(), set())
    assert chart is not None
    assert chart.is_whole_sky
    assert len(chart.dots) < 40_000
    assert [float(place) for place in skychart.hammer(np.array(0.0), np.array(0.0))] == [110, 62]
    assert skychart.draw([ObservationRow(obs_id="x")], set(), set()) is None


def pixels_of(path: str) -> set[tuple[int, int]]:
    """What the strokes of a path go over."""
    strokes = re.findall(r"M(\d+) (\d+)h(\d+)", path)
    assert "".join(f"M{x} {y}h{length}" for x, y, length in strokes) == path
    numbers = [(int(left), int(y), int(length)) for left, y, length in strokes]
    return {(x, y) for left, y, length in numbers for x in range(left, left + length + 1)}


@pytest.mark.parametrize("centre", [(0.02, -89.5), (359.99, 10.0), (83.8, -5.4)])
def test_each_row_without_a_footprint_is_a_dot_where_its_place_is(centre: tuple[float, float]) -> None:
    draws = random.Random(3)
    rows = [
        ObservationRow(
            obs_id=f"o{number}",
            s_ra_deg=(centre[0] + draws.uniform(-0.1, 0.1) / math.cos(math.radians(centre[1]))) % 360,
            s_dec_deg=centre[1] + draws.uniform(-0.1, 0.1),
        )
        for number in range(300)
    ]
    places = [(row.s_ra_deg or 0.0, row.s_dec_deg or 0.0) for row in rows]
    chart = skychart.draw(rows, set(), {f"o{number}" for number in range(0, 300, 3)})
    assert chart is not None
    sky = SkyCoord(places, unit="deg")
    middle = SkyCoord(sky.cartesian.mean(), frame="icrs")
    half_deg = sky.separation(middle).max().deg
    unit = (skychart.SIDE / 2 - skychart.MARGIN) / (half_deg * 1.04)
    plane = WCS(naxis=2)
    plane.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    plane.wcs.crval = [middle.spherical.lon.deg, middle.spherical.lat.deg]
    plane.wcs.crpix = [skychart.SIDE / 2, skychart.SIDE / 2]
    plane.wcs.cdelt = [-1 / unit, -1 / unit]
    found = np.rint(plane.wcs_world2pix(places, 1)).astype(int)
    expected = [
        {(x, y) for x, y in found[[(number % 3 == 0) == held for number in range(300)]].tolist()}
        for held in (False, True)
    ]
    assert [pixels_of(chart.dots), pixels_of(chart.dots_held)] == expected
    assert len(expected[0]) > 150
    assert all(0 <= place <= skychart.SIDE for pixel in expected[0] for place in pixel)


def test_very_many_dots_are_drawn_on_each_second_pixel() -> None:
    rows = rows_of(skychart.MOST_FINE + 500)
    chart = skychart.draw(rows, set(), set())
    assert chart is not None
    x, y = skychart.hammer(np.array([row.s_ra_deg for row in rows]), np.array([row.s_dec_deg for row in rows]))
    expected = {(int(2 * round(column / 2)), int(2 * round(line / 2))) for column, line in zip(x, y, strict=True)}
    covered = pixels_of(chart.dots)
    assert expected <= covered
    # Strokes between neighbours go over the pixel between them, and over no other.
    assert covered - expected <= {(column + 1, line) for column, line in expected}
    assert len(chart.dots) < 20_000


# --- out of the page --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("archive")
def test_exports_hold_every_row_that_is_shown_and_are_read_by_astropy(client: Client) -> None:
    page = get(client, f"{PROGRAM}&instrument=MIRI&sort=-obs_id")
    expected = found(page)
    links = {link.text: link["href"] for link in page.one("div", class_="tools").one("p").find("a")}
    files = {name: b"".join(client.get(href)) for name, href in links.items()}  # type: ignore[call-overload]
    assert set(files) == {"CSV", "ECSV", "VOTABLE", "JSON"}
    assert list(tables.read(files["CSV"].decode(), format="csv")["obs_id"]) == expected
    assert list(tables.read(files["ECSV"].decode(), format="ecsv")["obs_id"]) == expected
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        votable = parse(io.BytesIO(files["VOTABLE"]), verify="exception").get_first_table().to_table()
    assert list(votable["obs_id"]) == expected
    assert str(votable["s_ra"].unit) == "deg"
    assert [row["obs_id"] for row in json.loads(files["JSON"])] == expected


@pytest.mark.usefixtures("archive")
def test_an_export_of_nothing_is_an_empty_table_and_an_unknown_format_is_refused(client: Client) -> None:
    nothing = client.get(f"/search/export/?{PROGRAM}&year=1999&format=json")
    assert json.loads(b"".join(nothing)) == []  # type: ignore[call-overload]
    assert client.get(f"/search/export/?{PROGRAM}&format=xls").status_code == 422
    assert client.get("/search/export/?q=").status_code == 302


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("query", ["q=NGC+3132", "q=2733&all_levels=on", f"q={OBS_ID}", "q=151.755+-40.437"])
def test_the_search_is_copied_for_four_languages(client: Client, query: str) -> None:
    page = get(client, query)
    texts = {pre["id"].removeprefix("snippet-"): pre for pre in page.find("pre")}
    assert set(texts) == {"curl", "python", "astroquery", "pyvo"}
    lines = {name: "".join(text for text in pre.children if isinstance(text, str)) for name, pre in texts.items()}
    for name in ("python", "astroquery", "pyvo"):
        ast.parse(lines[name])
    body = json.loads(lines["curl"].partition("-d '")[2].partition("'\n")[0])
    (kind,) = [
        part for part in ("target", "coordinates", "observation", "program") if f"/search/{part} " in lines["curl"]
    ]
    answer = client.post(f"/api/mast/search/{kind}", json.dumps(body), content_type="application/json").json()
    assert sorted(row["obs_id"] for row in answer["results"]) == sorted(found(page))


# --- text from outside ------------------------------------------------------------------------------------------

EVIL = "<script>alert('x')</script>\u202e\"&" + "long " * 2000


def test_hostile_text_in_every_field_stays_text(
    client: Client, serve: Callable[[LittleMast], Any], little: LittleMast
) -> None:
    fields = dict.fromkeys(
        ("target_name", "proposal_pi", "obs_title", "filters", "instrument_name", "dataproduct_type", "jpegURL"), EVIL
    )
    little.observation("jw01234-o001_t001_nircam_f090w", 1, proposal_id="1234", s_region=f"POLYGON {EVIL}", **fields)
    odd = {"s_region": "CIRCLE 400 100 -5", "s_ra": 1.0, "s_dec": 2.0}
    little.observation("jw01234-o002_t001_nircam_f090w", 2, proposal_id="1234", **odd)
    serve(little)
    every = "".join(f"&col={name}" for name in ("target", "instrument", "filter", "pi", "title", "type", "position"))
    for more in ("", every, "&instrument=%3Cb%3E&filter=%22&sort=-title"):
        response = client.get(f"/search/?kind=program&q=1234&all_levels=on{more}")
        assert "<script>alert" not in response.content.decode()
        assert len(response.content) < 150_000
        page_of(response)
    assert "<script>alert('x')" in get(client, f"kind=program&q=1234{every}").text


@pytest.mark.usefixtures("archive")
def test_votlint_has_nothing_to_say_of_an_export(client: Client, tmp_path: Path) -> None:
    """STILTS is the astronomers' own judge of VOTables; Debian has it."""
    program = shutil.which("stilts")
    if program is None:
        missing("stilts")
    assert program
    export = tmp_path / "search.vot"
    export.write_bytes(b"".join(client.get(f"/search/export/?{PROGRAM}&format=votable")))  # type: ignore[call-overload]
    done = subprocess.run([program, "votlint", str(export)], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""

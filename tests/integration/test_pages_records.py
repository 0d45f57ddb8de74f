"""Observation and file pages, headers, tables and the first picture."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from django.test import Client

from mast.fits.inspect import inspect_file
from mast.models import DataFile, ImportJob, Observation
from mast.services import file_path
from tests.factories import DataFileFactory, ObservationFactory, on_disk
from tests.pages import Element, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
HOSTILE_HDU = 10**12


def inspected(name: str, content: bytes, **fields: Any) -> DataFile:
    """A file on disk with the plan that its import would have stored."""
    file = on_disk(DataFileFactory(file_name=name, **fields), content)
    plan = inspect_file(file_path(file), file_name=name)
    file.plan, file.is_viewable, file.view_reason = plan.to_json(), plan.view.viewable, plan.view.why
    file.wcs = plan.wcs
    file.save()
    return file


def fits_bytes(*hdus: Any) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(buffer)
    return buffer.getvalue()


@pytest.fixture
def ring() -> Observation:
    return ObservationFactory(
        obs_id=OBS_ID,
        observed_at=datetime(2022, 6, 3, 17, 47, 30, tzinfo=UTC),
        t_min_mjd=59733.741325,
        s_ra_deg=151.755115,
        s_dec_deg=-40.437427,
        s_region="POLYGON 151.742 -40.409 151.789 -40.424 151.768 -40.466 151.720 -40.451",
        proposal_pi="Pontoppidan, Klaus M.",
        data_rights="PUBLIC",
        raw={"obs_id": OBS_ID, "t_min": 59733.741325, "srcDen": None, "em_min": 795.0},
    )


@pytest.fixture
def image(ring: Observation) -> DataFile:
    science = fits.ImageHDU(np.arange(60 * 80, dtype=np.float32).reshape(60, 80), name="SCI")
    science.header["BUNIT"] = "MJy/sr"
    science.header["CRVAL1"], science.header["CRVAL2"] = 151.755, -40.437
    cube = fits.ImageHDU(np.zeros((4, 60, 80), np.float32), name="CON")
    return inspected(f"{OBS_ID}_i2d.fits", fits_bytes(science, cube), observation=ring)


def facts(page: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for listed in page.find("dl", class_="facts"):
        found |= {name.text: value.text for name, value in zip(listed.find("dt"), listed.find("dd"), strict=True)}
    return found


# --- observation ------------------------------------------------------------------------------------------------


def test_an_observation_shows_typed_fields_with_units(client: Client, ring: Observation) -> None:
    known = facts(page_of(client.get(f"/observations/{OBS_ID}/")))
    assert known["Date"].startswith("2022-06-03 17:47:30 UTC (MJD 59733.74133)")
    assert known["Position"].startswith("10h07m01.2s −40d26m15s (151.755115°, −40.437427°)")
    assert known["Exposure"].startswith("5,841.1 s")
    assert known["Level"].startswith("3 (combined)")
    assert known["Principal investigator"] == "Pontoppidan, Klaus M."


def test_what_a_person_corrected_is_marked(client: Client, ring: Observation) -> None:
    ring.edited_fields = ["target_name"]
    ring.save()
    assert "corrected by hand" in facts(page_of(client.get(f"/observations/{OBS_ID}/")))["Target"]


def test_every_field_mast_sent_is_there_and_can_be_searched(client: Client, ring: Observation) -> None:
    def fields(query: str = "") -> dict[str, str]:
        table = page_of(client.get(f"/observations/{OBS_ID}/{query}")).one(id="fields").one("tbody")
        return {row.one("th").text: row.one("td").text for row in table.find("tr")}

    assert fields() == {
        "mast_obs_id": OBS_ID, "mast_t_min": "59733.741325", "mast_srcDen": "–", "mast_em_min": "795.0",
    }  # fmt: skip
    assert fields("?find=min") == {"mast_t_min": "59733.741325", "mast_em_min": "795.0"}


def test_the_footprint_is_drawn_with_a_scale(client: Client, ring: Observation) -> None:
    drawing = page_of(client.get(f"/observations/{OBS_ID}/")).one("svg", class_="sky")
    corners = drawing.one("polygon")["points"].split()
    assert len(corners) == 4
    assert all(0 < float(number) < 200 for corner in corners for number in corner.split(","))
    assert "1′" in drawing.text


@pytest.mark.parametrize("s_region", ["", "POLYGON ICRS", "UNION(…)", "CIRCLE 10", "POLYGON 1 2 nonsense"])
def test_a_footprint_that_cannot_be_read_is_left_out(client: Client, ring: Observation, s_region: str) -> None:
    ring.s_region = s_region
    ring.save()
    assert not page_of(client.get(f"/observations/{OBS_ID}/")).find("svg", class_="sky")


def test_tags_and_notes_are_kept(client: Client, ring: Observation) -> None:
    client.post(f"/observations/{OBS_ID}/curate/", {"tags": "ring, to reduce, ring,", "notes": "Look at the shell."})
    page = page_of(client.get(f"/observations/{OBS_ID}/"))
    assert page.one("textarea").text == "Look at the shell."
    assert {tag.name for tag in ring.tags.all()} == {"ring", "to reduce"}


def test_an_observation_that_is_not_held_is_404_in_words(client: Client) -> None:
    assert "not in the library" in page_of(client.get("/observations/jw00000-o000_t000_x/"), 404).text


def test_snippets_name_this_observation_at_this_address(client: Client, ring: Observation) -> None:
    page = page_of(client.get(f"/observations/{OBS_ID}/"))
    assert f"http://testserver/api/observations/{OBS_ID}" in page.one("pre", id="snippet-curl").text
    assert f'obs_id="{OBS_ID}"' in page.one("pre", id="snippet-astroquery").text


# --- file -------------------------------------------------------------------------------------------------------


def test_a_file_page_shows_its_proof_its_hdus_and_its_family(client: Client, image: DataFile) -> None:
    catalogue = DataFileFactory(file_name=f"{OBS_ID}_cat.ecsv", suffix="cat", observation=image.observation)
    page = page_of(client.get(f"/files/{image.pk}/"))
    known = facts(page)
    assert known["SHA-256"].startswith(image.sha256)
    assert known["Reference point"].startswith("151.755, -40.437")
    hdus = [row.one("th").text for row in page.find("table")[0].one("tbody").find("tr")]
    assert hdus == ["PRIMARY", "SCI", "CON"]
    assert catalogue.file_name in [link.text for link in page.find("a")]


def test_an_association_lists_its_members_and_leads_to_those_we_hold(client: Client, image: DataFile) -> None:
    member = DataFileFactory(file_name="jw02733001001_02101_00001_nrca1_cal.fits")
    members = [
        {"expname": member.file_name, "exptype": "science"},
        {"expname": "elsewhere_cal.fits", "exptype": "background"},
    ]
    content = json.dumps({"asn_type": "image3", "products": [{"name": OBS_ID, "members": members}]})
    name = "jw02733-o001_20230127t104421_image3_00001_asn.json"
    asn = inspected(name, content.encode(), suffix="asn", badge="table", observation=image.observation)
    assert client.get(f"/files/{asn.pk}/table/")["Location"] == f"/files/{asn.pk}/members/"
    rows = page_of(client.get(f"/files/{asn.pk}/")).one(id="members").one("tbody").find("tr")
    assert [row.one("th").text for row in rows] == [member.file_name, "elsewhere_cal.fits"]
    assert rows[0].one("a", href=f"/files/{member.pk}/")
    assert not rows[1].find("a")
    assert name in page_of(client.get(f"/files/{image.pk}/")).text


def test_a_damaged_file_says_so_and_can_be_fetched_again(client: Client, image: DataFile) -> None:
    DataFile.objects.update(state="damaged")
    form = page_of(client.get(f"/files/{image.pk}/")).one("div", class_="bad").one("form")
    assert form["action"] == f"/files/{image.pk}/fetch-again/"
    assert form.one("button").text == "Fetch again"


def test_notes_of_a_file_too_long_to_keep_are_refused(client: Client, image: DataFile) -> None:
    page_of(client.post(f"/files/{image.pk}/curate/", {"notes": "x" * 20_001}), 422)
    client.post(f"/files/{image.pk}/curate/", {"notes": "fine", "tags": ""})
    image.refresh_from_db()
    assert image.notes == "fine"


def test_a_file_that_is_not_there_is_404_on_each_of_its_pages(client: Client) -> None:
    for page in ("", "view/", "header/", "table/"):
        page_of(client.get(f"/files/999/{page}"), 404)


# --- view, header, table ----------------------------------------------------------------------------------------


def test_view_shows_the_picture_with_the_header_beside_it(client: Client, image: DataFile) -> None:
    page = page_of(client.get(f"/files/{image.pk}/view/"))
    picture = page.one("figure").one("img")
    assert (picture["width"], picture["height"]) == ("80", "60")
    assert "80 × 60 pixels · MJy/sr" in page.one("figcaption").text
    answer = client.get(picture["src"])
    assert answer["Content-Type"] == "image/png"
    assert "immutable" in answer["Cache-Control"]
    assert "EXTNAME" in [cell.text for cell in page.one("aside", aria_label="Header").find("th")]


def test_the_view_takes_its_state_from_the_address(client: Client, image: DataFile) -> None:
    query = {"hdu": "2", "plane": "3", "stretch": "log", "limits": "minmax", "cmap": "inferno_r", "width": "512"}
    page = page_of(client.get(f"/files/{image.pk}/view/", query))
    chosen = {item.attributes.get("value") for item in page.find("option") if "selected" in item.attributes}
    assert chosen == {"2", "log", "inferno_r", "512"}
    assert client.get(page.one("figure").one("img")["src"]).status_code == 200


@pytest.mark.parametrize("query", ["hdu=9", "stretch=rubber", "cmap=mud", "width=3", "hdu=x"])
def test_a_view_that_cannot_be_shown_is_422_and_names_the_field(client: Client, image: DataFile, query: str) -> None:
    page = page_of(client.get(f"/files/{image.pk}/view/?{query}"), 422)
    assert query.partition("=")[0] in page.one("main").text


def test_view_of_a_table_says_why_there_is_no_picture(client: Client) -> None:
    file = inspected("jw02733-o001_t001_nircam_clear-f090w_cat.ecsv", b"# %ECSV 1.0\n# ---\nlabel\n1\n", badge="table")
    page = page_of(client.get(f"/files/{file.pk}/view/"))
    assert file.view_reason
    assert file.view_reason in page.one("div", class_="note").text
    assert not page.find("img")


def test_the_header_of_any_hdu_can_be_read(client: Client, image: DataFile) -> None:
    page = page_of(client.get(f"/files/{image.pk}/header/?hdu=1"))
    cards = {row.one("th").text: row.find("td")[0].text for row in page.one("tbody").find("tr")}
    assert (cards["EXTNAME"], cards["BUNIT"]) == ("SCI", "MJy/sr")
    assert page.one("a", aria_current="true").text == "1 SCI"


@pytest.mark.parametrize(("hdu", "status"), [("7", 404), ("x", 422), ("-1", 422), (str(HOSTILE_HDU), 422)])
def test_an_hdu_that_is_not_there_is_said_in_words(client: Client, image: DataFile, hdu: str, status: int) -> None:
    page_of(client.get(f"/files/{image.pk}/header/?hdu={hdu}"), status)


def test_a_binary_table_is_shown_by_the_hundred_with_units(client: Client) -> None:
    columns = [
        fits.Column("WAVELENGTH", "D", "um", array=np.linspace(1, 2, 250)),
        fits.Column("FLUX", "3E", "Jy", array=np.ones((250, 3))),
    ]
    content = fits_bytes(fits.BinTableHDU.from_columns(columns, name="EXTRACT1D"))
    file = inspected("jw05224-o001_s00001_nirspec_clear-prism_x1d.fits", content, badge="table", suffix="x1d")
    page = page_of(client.get(f"/files/{file.pk}/table/?start=200"))
    shown = page.one("div", aria_label="Rows")
    assert [cell.text for cell in shown.one("thead").find("th")] == ["WAVELENGTH (um)", "FLUX (Jy)"]
    rows = shown.one("tbody").find("tr")
    assert len(rows) == 50
    assert [cell.text for cell in rows[-1].find("td")] == ["2", "1 1 1 …"]
    assert "rows 201 to 250 of 250" in shown.one("caption").text
    assert [link.text for link in page.one("nav", aria_label="Pages").find("a")] == ["Previous rows"]


def test_a_file_that_left_the_disk_is_said_in_words(client: Client, image: DataFile) -> None:
    file_path(image).unlink()
    assert "not on disk" in page_of(client.get(f"/files/{image.pk}/header/"), 409).text


# --- refresh ----------------------------------------------------------------------------------------------------


def test_refreshing_one_observation_says_field_by_field_what_changed(client: Client, archive: Any) -> None:
    ObservationFactory(obs_id=OBS_ID, obsid="87602454", target_name="wrong", raw={})
    page = page_of(client.post(f"/observations/{OBS_ID}/refresh/", follow=True))
    said = page.one("ul", class_="messages").text
    assert "1 observation read again from MAST" in said
    assert f"{OBS_ID}: target_name was wrong, is now NGC-3132" in said


def test_a_refresh_of_all_lists_what_changed_on_its_page(client: Client, archive: Any, worker: Any, ended: Any) -> None:
    ObservationFactory(obs_id=OBS_ID, obsid="87602454", target_name="wrong", raw={})
    ObservationFactory(obs_id="jw00001-o001_t001_nircam_gone", obsid="1")
    client.post("/refresh/")
    job = ended(ImportJob.objects.get())
    page = page_of(client.get(f"/imports/{job.pk}/"))
    rows = page.one("table").one("tbody").find("tr")
    assert [OBS_ID, "target_name", "wrong", "NGC-3132"] in [
        [cell.text for cell in row.find("th") + row.find("td")] for row in rows
    ]
    assert "jw00001-o001_t001_nircam_gone: MAST does not list it any more." in page.text

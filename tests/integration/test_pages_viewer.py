"""The viewer's pages as the server makes them: picture and form, scene for the scripts, headers, spectra, members."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from django.test import Client

from dashboard import cards
from mast.fits.inspect import inspect_file
from mast.models import DataFile, Observation
from mast.services import file_path
from tests.factories import DataFileFactory, ObservationFactory, on_disk
from tests.pages import Element, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
RAMP = "jw02733001001_02101_00001_nrcb1_uncal.fits"


def held(name: str, content: bytes, **fields: Any) -> DataFile:
    """A file in the library, inspected as its import would have."""
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


def sky_header(ra_deg: float = 151.755, dec_deg: float = -40.437) -> fits.Header:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra_deg, dec_deg], [40.0, 30.0]
    wcs.wcs.cd = np.array([[-8.6e-6, 1e-6], [1e-6, 8.6e-6]])
    return wcs.to_header()


def picture(name: str, observation: Observation, ra_deg: float = 151.755) -> DataFile:
    science = fits.ImageHDU(np.arange(60 * 80, dtype=np.float32).reshape(60, 80), sky_header(ra_deg), name="SCI")
    science.header["BUNIT"] = "MJy/sr"
    quality = fits.ImageHDU(np.zeros((60, 80), np.int32), name="DQ")
    return held(name, fits_bytes(science, quality), observation=observation, suffix="cal")


@pytest.fixture
def ring() -> Observation:
    return ObservationFactory(obs_id=OBS_ID, proposal_id="2733", s_ra_deg=151.755, s_dec_deg=-40.437)


@pytest.fixture
def image(ring: Observation) -> DataFile:
    return picture("jw02733001001_02101_00001_nrcb1_cal.fits", ring)


@pytest.fixture
def ramp(ring: Observation) -> DataFile:
    """Two integrations of three groups, uncalibrated."""
    groups = fits.ImageHDU(np.arange(2 * 3 * 16 * 16, dtype=np.uint16).reshape(2, 3, 16, 16), name="SCI")
    return held(RAMP, fits_bytes(groups), observation=ring, suffix="uncal")


def scene_of(page: Element) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.one("script", id="scene").text)
    return found


# --- the page without scripts, and what the scripts are given ----------------------------------------------------


def test_without_scripts_there_is_a_picture_with_a_form_for_everything(client: Client, image: DataFile) -> None:
    page = page_of(client.get(f"/files/{image.pk}/view/?stretch=sqrt&cmap=magma&limits=99.5%25&gamma=2"))
    source = page.one("noscript").one("img")["src"] if page.find("noscript") else ""
    assert "stretch=sqrt" in source
    assert "limits=99.5%25" in source
    assert client.get(source)["Content-Type"].startswith("image/")
    form = page.one("form", id="look")
    assert {field["name"] for field in [*form.find("select"), *form.find("input")]} >= {
        "hdu",
        "stretch",
        "limits",
        "gamma",
        "cmap",
        "width",
    }
    assert form.one("button", type="submit").text == "Show"


def test_the_scene_holds_the_plane_its_sky_and_the_names_of_the_flags(client: Client, image: DataFile) -> None:
    told = scene_of(page_of(client.get(f"/files/{image.pk}/view/")))
    shown = told["info"]["image"]
    assert (shown["width"], shown["height"], shown["unit"]) == (80, 60, "MJy/sr")
    assert shown["wcs"]["crpix"] == [40.0, 30.0]
    assert shown["qualityHdu"] == 2
    assert told["flags"]["2"] == "JUMP_DET"
    assert told["file"]["v"] == image.sha256[:12]


def test_planes_of_a_ramp_are_turned_by_links(client: Client, ramp: DataFile) -> None:
    page = page_of(client.get(f"/files/{ramp.pk}/view/?plane=0,1"))
    links = {link.text: link["href"] for link in page.one("p", class_="turn").find("a")}
    assert set(links) == {"Integration after", "Group before", "Group after"}
    after = page_of(client.get(f"/files/{ramp.pk}/view/{links['Group after']}"))
    assert scene_of(after)["info"]["plane"] == "0,2"


@pytest.mark.parametrize("query", ["plane=9,9", "plane=x", "gamma=99", "limits=5,1", "limits=mud"])
def test_a_choice_that_cannot_be_drawn_is_refused_in_words(client: Client, ramp: DataFile, query: str) -> None:
    page_of(client.get(f"/files/{ramp.pk}/view/?{query}"), 422)


def test_pictures_near_by_are_offered_to_compare_with(client: Client, ring: Observation, image: DataFile) -> None:
    # Half a degree on the sky is more of right ascension away from the equator.
    just = 0.5 / np.cos(np.radians(40.437))
    near = picture("jw02733001001_02101_00002_nrcb1_cal.fits", ring, ra_deg=151.755 + 0.99 * just)
    picture("jw02733001001_02101_00003_nrcb1_cal.fits", ring, ra_deg=151.755 + 1.01 * just)
    name = "jw00999-o001_t001_nircam_clear-f090w"
    other = ObservationFactory(obs_id=name, proposal_id="999", s_ra_deg=151.76, s_dec_deg=-40.44)
    of_others = picture("jw00999001001_02101_00001_nrcb1_cal.fits", other)
    page = page_of(client.get(f"/files/{image.pk}/view/"))
    offered = [option.text for option in page.one("select", id="with").find("option")]
    assert offered == ["nothing", near.file_name, of_others.file_name], "those of the same program come first"


def test_a_picture_across_ra_0_is_near_by(client: Client) -> None:
    east, west = (
        ObservationFactory(obs_id=f"jw02733-o00{n}_t001_nircam_clear-f090w", s_ra_deg=ra, s_dec_deg=-40.437)
        for n, ra in ((1, 0.02), (2, 359.9))
    )
    first = picture("jw02733001001_02101_00001_nrcb1_cal.fits", east, ra_deg=0.02)
    second = picture("jw02733001001_02101_00002_nrcb1_cal.fits", west, ra_deg=359.9)
    for one, other in ((first, second), (second, first)):
        page = page_of(client.get(f"/files/{one.pk}/view/"))
        assert [option.text for option in page.one("select", id="with").find("option")] == ["nothing", other.file_name]


def test_the_hdus_of_a_multi_slit_file_are_grouped_by_slit(client: Client, ring: Observation) -> None:
    hdus = []
    for version in (1, 2):
        for name in ("SCI", "ERR"):
            hdu = fits.ImageHDU(np.ones((16, 16), np.float32), name=name, ver=version)
            hdu.header["SLTNAME"], hdu.header["SOURCEID"] = f"S20{version}A1", version
            hdus.append(hdu)
    file = held("jw02733001001_02101_00001_nrs1_cal.fits", fits_bytes(*hdus), observation=ring, suffix="cal")
    groups = page_of(client.get(f"/files/{file.pk}/view/")).one("select", id="id_hdu").find("optgroup")
    assert [group["label"] for group in groups] == ["slit S201A1, source 1", "slit S202A1, source 2"]
    assert [option.text for option in groups[1].find("option")] == ["3 SCI,2", "4 ERR,2"]


# --- headers ----------------------------------------------------------------------------------------------------


def test_the_header_search_looks_through_every_hdu(client: Client, image: DataFile) -> None:
    page = page_of(client.get(f"/files/{image.pk}/header/?hdu=all&find=extname"))
    found = [(row.one("th").text, row.find("td")[0].text) for body in page.find("tbody") for row in body.find("tr")]
    assert found == [("EXTNAME", "SCI"), ("EXTNAME", "DQ")]
    assert "1 of" in page.find("caption")[0].text


def test_the_header_search_reads_values_and_meanings_and_says_when_nothing_is_found(
    client: Client, image: DataFile
) -> None:
    assert "BUNIT" in page_of(client.get(f"/files/{image.pk}/header/?hdu=1&find=mjy")).text
    assert "No card holds “rubber”" in page_of(client.get(f"/files/{image.pk}/header/?hdu=all&find=rubber")).text


def test_the_header_search_of_the_viewer_is_a_part(client: Client, image: DataFile) -> None:
    part = client.get(f"/files/{image.pk}/header/?hdu=all&find=bunit", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "MJy/sr" in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_a_file_of_many_headers_is_listed_up_to_a_limit(
    client: Client, image: DataFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "MOST_CARDS", 5)
    page = page_of(client.get(f"/files/{image.pk}/header/?hdu=all"))
    assert sum(len(body.find("tr")) for body in page.find("tbody")) == 5
    assert "HDU 2 and those after it were not looked through" in page.text


# --- spectra ----------------------------------------------------------------------------------------------------


def spectrum_file(ring: Observation, **fields: Any) -> DataFile:
    wavelength = np.linspace(1, 2, 200)
    flux = np.where(np.arange(200) == 100, 9.0, 1.0)
    flux[3] = np.nan
    columns = [
        fits.Column("WAVELENGTH", "D", "um", array=wavelength),
        fits.Column("FLUX", "D", "Jy", array=flux),
        fits.Column("FLUX_ERROR", "D", "Jy", array=np.full(200, 0.25)),
    ]
    tables = [fits.BinTableHDU.from_columns(columns, name="EXTRACT1D", ver=ver) for ver in (1, 2)]
    name = "jw02733-o001_s00001_nirspec_clear-prism_x1d.fits"
    return held(name, fits_bytes(*tables), observation=ring, suffix="x1d", badge="table", **fields)


def test_a_spectrum_is_drawn_with_its_error_and_units_without_scripts(client: Client, ring: Observation) -> None:
    file = spectrum_file(ring)
    page = page_of(client.get(f"/files/{file.pk}/spectrum/"))
    drawing = page.one("svg", class_="drawn")
    assert drawing.one("path", class_="line")["d"].count("L") == 198
    assert drawing.one("path", class_="band")["d"].endswith("Z")
    assert "FLUX in Jy, wavelength in um; the band is the error" in page.one("figcaption").text
    assert "wavelength (um)" in drawing.text


def test_each_spectrum_of_a_file_can_be_chosen(client: Client, ring: Observation) -> None:
    file = spectrum_file(ring)
    page = page_of(client.get(f"/files/{file.pk}/spectrum/?s=2"))
    options = page.one("select", id="choice").find("option")
    assert [option["value"] for option in options] == ["1", "2"]
    assert [option["value"] for option in options if "selected" in option.attributes] == ["2"]
    assert "EXTRACT1D,2" in page.one("figcaption").text
    page_of(client.get(f"/files/{file.pk}/spectrum/?s=7"), 422)


def test_view_is_disabled_for_a_spectrum_with_the_reason_and_its_own_actions(client: Client, ring: Observation) -> None:
    file = spectrum_file(ring)
    page = page_of(client.get(f"/files/{file.pk}/"))
    view = page.one("button", aria_describedby="why")
    assert "disabled" in view.attributes
    assert page.one(id="why").text == file.view_reason
    for action in ("spectrum", "table", "header"):
        assert page.find("a", href=f"/files/{file.pk}/{action}/")


def test_a_file_without_spectra_says_so(client: Client, image: DataFile) -> None:
    assert "holds no spectrum" in page_of(client.get(f"/files/{image.pk}/spectrum/"), 409).text


# --- members ----------------------------------------------------------------------------------------------------


def association(ring: Observation, *members: tuple[str, str]) -> DataFile:
    listed = [{"expname": name, "exptype": role} for name, role in members]
    content = json.dumps({"asn_type": "image3", "products": [{"name": OBS_ID, "members": listed}]}).encode()
    name = "jw02733-o001_20230127t104421_image3_00001_asn.json"
    return held(name, content, observation=ring, suffix="asn", badge="table")


def test_members_lead_to_their_files_or_offer_the_import(client: Client, ring: Observation, image: DataFile) -> None:
    missing = "jw02733001001_02101_00002_nrcb1_cal.fits"
    asn = association(ring, (image.file_name, "science"), (missing, "background"), ("strange.txt", "science"))
    page = page_of(client.get(f"/files/{asn.pk}/members/"))
    held_row, missing_row, strange_row = page.one("tbody").find("tr")
    assert held_row.find("a", href=f"/files/{image.pk}/")
    assert held_row.find("a", href=f"/files/{image.pk}/view/")
    form = missing_row.one("form")
    sent = {field["name"]: field["value"] for field in form.find("input") if field["name"] != "csrfmiddlewaretoken"}
    assert (form["action"], sent) == ("/import/", {"levels": "2", "obs_id": "jw02733001001_02101_00002_nrcb1"})
    assert "not a name MAST gives" in strange_row.text
    assert "1 of 3 in the library" in page.find("h2")[0].text


def test_a_combined_member_is_imported_at_its_own_level(client: Client, ring: Observation) -> None:
    asn = association(ring, ("jw02733-o001_t001_nircam_clear-f187n_i2d.fits", "science"))
    form = page_of(client.get(f"/files/{asn.pk}/members/")).one("tbody").one("form")
    assert form.one("input", name="levels")["value"] == "3"


def test_members_over_rest_name_the_file_or_what_to_import(client: Client, ring: Observation, image: DataFile) -> None:
    missing = "jw02733001001_02101_00002_nrcb1_cal.fits"
    asn = association(ring, (image.file_name, "science"), (missing, "background"))
    product = client.get(f"/api/files/{asn.pk}/members").json()["products"][0]
    assert (product["name"], product["heldCount"]) == (OBS_ID, 1)
    assert [member["fileId"] for member in product["members"]] == [image.pk, None]
    assert product["members"][1] == {
        "fileName": missing, "role": "background", "fileId": None, "obsId": "jw02733001001_02101_00002_nrcb1",
        "calibLevel": 2,
    }  # fmt: skip


@pytest.mark.parametrize("products", [["x"], [{"members": "abc"}], [{"members": [1, None, []]}], [{}], [None]])
def test_an_association_of_another_shape_has_no_members(client: Client, ring: Observation, products: Any) -> None:
    content = json.dumps({"asn_type": "image3", "products": products}).encode()
    name = "jw02733-o001_20230127t104421_image3_00002_asn.json"
    asn = held(name, content, observation=ring, suffix="asn", badge="table")
    assert client.get(f"/api/files/{asn.pk}/members").json() == {"products": []}
    assert "lists no members" in page_of(client.get(f"/files/{asn.pk}/members/")).text
    page_of(client.get(f"/files/{asn.pk}/"))


def test_only_an_association_has_members(client: Client, image: DataFile) -> None:
    assert "no association" in page_of(client.get(f"/files/{image.pk}/members/"), 409).text
    assert client.get(f"/api/files/{image.pk}/members").status_code == 409


# --- tables -----------------------------------------------------------------------------------------------------


@pytest.fixture
def catalogue(ring: Observation) -> DataFile:
    columns = [
        fits.Column("LABEL", "J", array=np.arange(1, 251)),
        fits.Column("FLUX", "D", "Jy", array=np.arange(250)[::-1] / 10),
        fits.Column("SHAPE", "3E", array=np.ones((250, 3))),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="SOURCES")
    table.header.comments["TTYPE2"] = "total flux"
    name = "jw02733-o001_t001_nircam_clear-f090w_x1d.fits"
    return held(name, fits_bytes(table), observation=ring, suffix="x1d", badge="table")


def rows_of(page: Element) -> list[list[str]]:
    rows = page.one("div", aria_label="Rows").one("tbody").find("tr")
    return [[cell.text for cell in row.find("td")] for row in rows]


def test_a_table_is_sorted_by_a_column_and_the_other_way_round(client: Client, catalogue: DataFile) -> None:
    page = page_of(client.get(f"/files/{catalogue.pk}/table/?start=100"))
    link = page.one("a", href="?sort=FLUX")
    page = page_of(client.get(f"/files/{catalogue.pk}/table/{link['href']}"))
    assert [row[1] for row in rows_of(page)[:2]] == ["0", "0.1"]
    assert page.one("th", aria_sort="ascending").text == "FLUX (Jy)"
    assert "by FLUX, smallest first" in page.find("caption")[0].text
    page = page_of(client.get(f"/files/{catalogue.pk}/table/{page.one('a', href='?sort=-FLUX')['href']}"))
    assert [row[0] for row in rows_of(page)[:2]] == ["1", "2"]


def test_a_table_begins_at_the_row_that_was_asked_for_and_is_taken_away_whole(
    client: Client, catalogue: DataFile
) -> None:
    page = page_of(client.get(f"/files/{catalogue.pk}/table/?row=201&sort=LABEL"))
    assert [row[0] for row in rows_of(page)][::49] == ["201", "250"]
    kept = {field["name"]: field["value"] for field in page.one("div", class_="bar").find("input", type="hidden")}
    assert kept == {"sort": "LABEL"}
    whole = next(link for link in page.find("a") if link.text == "CSV")
    answer = client.get(whole["href"])
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    assert text.decode().count("\n") >= 251


def test_the_columns_of_a_table_are_listed_with_unit_type_and_shape(client: Client, catalogue: DataFile) -> None:
    listed = page_of(client.get(f"/files/{catalogue.pk}/table/")).one("div", aria_label="Columns").one("tbody")
    cells = [[cell.text for cell in row.find("td")] for row in listed.find("tr")]
    assert [row[:3] for row in cells] == [["–", "J", "one value"], ["Jy", "D", "one value"], ["–", "3E", "3 values"]]


@pytest.mark.parametrize("query", ["sort=NOTHING", "sort=SHAPE", "row=x"])
def test_an_order_that_cannot_be_had_is_refused(client: Client, catalogue: DataFile, query: str) -> None:
    page_of(client.get(f"/files/{catalogue.pk}/table/?{query}"), 422)


# --- look -------------------------------------------------------------------------------------------------------


def test_a_look_shows_preview_header_and_the_bytes_it_may_read(client: Client, archive: Any) -> None:
    page = page_of(client.get("/look/", {"obs_id": OBS_ID}))
    assert page.one("img", id="reduced")["src"].startswith("/api/mast/look/preview?uri=mast%3AJWST")
    assert "never more than" in page.find("figcaption")[0].text
    assert "EXTNAME" in [cell.text for cell in page.one("div", class_="tall", aria_label="Header of HDU 1").find("th")]
    files = [row.one("th").text for row in page.one("div", aria_label="Files MAST has").one("tbody").find("tr")]
    assert files[0] == f"{OBS_ID}_i2d.fits"
    preview = next(image for image in page.find("img") if image["alt"].startswith("MAST's preview"))
    assert client.get(preview["src"])["Content-Type"] == "image/jpeg"
    assert scene_of(page)["wcs"]["crval"]


def test_another_file_and_hdu_can_be_looked_into(client: Client, archive: Any) -> None:
    uri = f"mast:JWST/product/{OBS_ID}_i2d.fits"
    page = page_of(client.get("/look/", {"obs_id": OBS_ID, "uri": uri, "hdu": "0"}))
    assert "TELESCOP" in page.one("div", class_="tall", aria_label="Header of HDU 0").text
    assert not page.find("img", id="reduced")
    assert "holds no image" in page.one("div", class_="note").text


def test_a_file_that_cannot_be_read_leaves_the_list_and_says_why(client: Client, archive: Any) -> None:
    page = page_of(client.get("/look/", {"obs_id": OBS_ID, "uri": "mast:JWST/product/jw00000_nothing_i2d.fits"}))
    assert "cannot be looked at now" in page.one("div", class_="bad").text
    assert page.find("div", aria_label="Files MAST has")


def test_what_mast_does_not_know_cannot_be_looked_at(client: Client, archive: Any) -> None:
    page_of(client.get("/look/", {"obs_id": "jw00001-o999_t999_nircam_clear-f090w"}), 404)
    page_of(client.get("/look/"), 422)


def test_results_offer_a_look_where_nothing_is_held(client: Client, archive: Any, image: DataFile) -> None:
    page = page_of(client.get("/search/", {"kind": "program", "q": "2733"}))
    offered = {link["href"].partition("=")[2] for link in page.find("a") if link.text.startswith("Look at")}
    assert "jw02733-o002_t001_miri_f1130w" in offered
    assert OBS_ID not in offered


def test_the_page_of_an_observation_that_is_not_held_offers_the_look(client: Client, archive: Any) -> None:
    page = page_of(client.get(f"/observations/{OBS_ID}/"), 404)
    link = next(link for link in page.find("a") if link.text == "Look at it in MAST")
    page_of(client.get(link["href"]))


def test_a_file_that_is_held_already_leads_to_the_library(client: Client, archive: Any, ring: Observation) -> None:
    mine = picture(f"{OBS_ID}_i2d.fits", ring)
    page = page_of(client.get("/look/", {"obs_id": OBS_ID}))
    first = page.one("div", aria_label="Files MAST has").one("tbody").find("tr")[0]
    assert first.one("a")["href"] == f"/files/{mine.pk}/"
    assert "in library" in first.text


def test_what_is_exclusive_is_listed_but_not_read(client: Client, archive: Any) -> None:
    found = client.post("/api/mast/search/program", {"programId": "99999", "calibLevel": None}, "application/json")
    exclusive = next(row for row in found.json()["results"] if row["dataRights"] == "EXCLUSIVE_ACCESS")
    page = page_of(client.get("/look/", {"obs_id": exclusive["obs_id"]}))
    assert page.one("div", aria_label="Files MAST has").one("tbody").find("tr")
    assert not page.find("img", id="reduced")
    assert "no file of it that can be read" in page.one("div", class_="note").text

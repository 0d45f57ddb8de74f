"""The viewer in Chromium over a real archive: what it shows is measured against astropy and numpy on the same files."""

from __future__ import annotations

import io
import json
import re
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from mast.fits.dq import flag_names
from tests.e2e.conftest import Visit, shot
from tests.e2e.holdings import Held, bring, named
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e
WANTED = {
    "jw02733-o001_t001_nircam_clear-f090w": [3],
    "jw02733-o001_t001_nircam_clear-f187n": [3],
    "jw99999005001_02101_00001_guider1": [1, 2],
}
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def files(archive: Archive) -> list[Held]:
    return bring(archive, WANTED)


@pytest.fixture
def mosaic(files: list[Held]) -> Held:
    return named(files, "f090w_i2d.fits")


@pytest.fixture
def exposure(files: list[Held]) -> Held:
    """Calibrated, with SIP distortion and flags."""
    return named(files, "guider1_cal.fits")


def opened(page: Page, address: str) -> Locator:
    """The stage, once everything that is seen of the picture is drawn."""
    page.goto(address)
    stage = page.locator("#stage")
    expect(stage).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
    return stage


def sky_of(header: fits.Header) -> WCS:
    """Astropy's own, which mends dates and warns that it does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(header)


def told(page: Page, name: str) -> Locator:
    return page.locator(f"#readout [data-of={name}]")


def plain(text: str) -> str:
    return text.replace("−", "-")


def number(text: str) -> float:
    return float(plain(text).split()[0])


def in_address(page: Page, **parts: str) -> None:
    """Wait until the address says this."""
    page.wait_for_function(
        "wanted => { const query = new URLSearchParams(location.search);"
        " return Object.entries(wanted).every(([name, value]) => (query.get(name) ?? '') === value); }",
        arg=parts,
    )


# --- what is under the cursor -----------------------------------------------------------------------------------


def test_the_histogram_is_asked_for_when_the_picture_is_there(visit: Visit, mosaic: Held) -> None:
    """It looks at every pixel, and would keep the tiles waiting."""
    asked: list[str] = []
    with visit() as page:
        page.on("request", lambda sent: asked.append(sent.url))
        page.on("requestfinished", lambda done: asked.append(f"whole {done.url}"))
        opened(page, f"/files/{mosaic.pk}/view/")
        expect(page.locator("#levels-note")).not_to_be_empty()
    histogram = next(place for place, url in enumerate(asked) if "/histogram" in url)
    tiles = [url for url in asked[:histogram] if "/tile/" in url and not url.startswith("whole ")]
    assert tiles
    assert {f"whole {url}" for url in tiles} <= set(asked[:histogram])


def test_the_cursor_tells_place_value_and_flags_of_the_real_pixel(visit: Visit, exposure: Held) -> None:
    with fits.open(exposure.path) as hdus:
        science, quality, wcs = hdus["SCI"].data, hdus["DQ"].data, sky_of(hdus["SCI"].header)
    y, x = next((y, x) for y, x in np.argwhere(quality & 4) if 20 < x < 230 and 20 < y < 230 and science[y, x] > 0)
    with visit() as page:
        stage = opened(page, f"{exposure.view}?x={x}&y={y + 1}&z=8")
        stage.focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(told(page, "xy")).to_have_text(f"{x + 1}.0, {y + 1}.0")
        expect(told(page, "flags")).to_have_text(", ".join(flag_names(int(quality[y, x]))))
        assert number(told(page, "value").inner_text()) == pytest.approx(science[y, x], rel=1e-6)
        assert told(page, "value").inner_text().endswith(" MJy/sr")
        ra, dec = (float(part.strip("°")) for part in plain(told(page, "degrees").inner_text()).split())
        there = wcs.all_world2pix(ra, dec, 0)
        assert np.hypot(there[0] - x, there[1] - y) < 0.01
        shot(page, "viewer-cursor", full_page=False)


def test_the_sky_is_that_of_astropy_with_distortion_and_without(
    visit: Visit, mosaic: Held, exposure: Held, files: list[Held]
) -> None:
    """Over the whole picture, corners too, and back again."""
    ask = """async ([wcs, places]) => {
      const { Sky } = await import("/static/viewer/sky.js");
      const sky = new Sky(wcs);
      return places.map(([x, y]) => { const at = sky.toSky(x, y); return [...at, ...sky.toPixel(...at)]; });
    }"""
    with visit() as page:
        for file in (mosaic, exposure):
            opened(page, file.view)
            scene = json.loads(page.locator("#scene").text_content() or "")
            image = scene["info"]["image"]
            grid = np.meshgrid(np.linspace(0, image["width"] - 1, 9), np.linspace(0, image["height"] - 1, 9))
            places = np.array(grid).reshape(2, -1).T
            found = np.array(page.evaluate(ask, [image["wcs"], places.tolist()]))
            with fits.open(file.path) as hdus:
                theirs = sky_of(hdus["SCI"].header).all_world2pix(found[:, :2], 0)
            assert np.abs(theirs - places).max() < 0.01
            assert np.abs(found[:, 2:] - places).max() < 1e-6
    assert image["wcs"]["sip"], "the exposure has no distortion to test"


def test_bits_of_a_context_image_are_the_inputs_it_was_made_of(visit: Visit, mosaic: Held) -> None:
    with fits.open(mosaic.path) as hdus:
        context = hdus["CON"].data
        index = hdus.index_of("CON")
    value = int(context.reshape(-1, *context.shape[-2:])[0][600, 601])
    wanted = [str(bit + 1) for bit in range(32) if value >> bit & 1]
    with visit() as page:
        stage = opened(page, f"{mosaic.view}?hdu={index}&x=601&y=601&z=4")
        stage.focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(told(page, "flags")).to_have_text(f"from input {', '.join(wanted)}")


def test_a_tap_of_a_finger_tells_the_pixel_too(visit: Visit, exposure: Held) -> None:
    with visit(width=400, has_touch=True) as page:
        stage = opened(page, f"{exposure.view}?x=128&y=128&z=4")
        box = stage.bounding_box()
        assert box
        page.touchscreen.tap(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2)
        expect(told(page, "xy")).to_have_text(re.compile(r"^138\.\d, 12[78]\.\d$"))
        expect(told(page, "value")).to_have_text(re.compile("MJy/sr$"))


# --- how it is drawn --------------------------------------------------------------------------------------------


def test_stretch_and_colours_repaint_at_once_and_stay_in_the_address(visit: Visit, mosaic: Held) -> None:
    with visit() as page:
        stage = opened(page, mosaic.view)
        page.get_by_label("Stretch").select_option("sqrt")
        page.get_by_label("Colour map").select_option("inferno")
        in_address(page, stretch="sqrt", cmap="inferno")
        expect(stage).to_have_attribute("data-look", re.compile('"stretch":"sqrt".*"cmap":"inferno"'))
        stage.focus()
        page.keyboard.press("i")
        in_address(page, cmap="inferno_r")
        page.reload()
        expect(page.get_by_label("Colour map")).to_have_value("inferno_r")
        expect(stage).to_have_attribute("data-look", re.compile("inferno_r"))


def test_limits_are_dragged_and_moved_by_keys_in_the_histogram(visit: Visit, mosaic: Held) -> None:
    with visit() as page:
        opened(page, mosaic.view)
        upper = page.get_by_role("slider", name="Upper limit")
        before = float(upper.get_attribute("aria-valuenow") or "nan")
        upper.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => new URLSearchParams(location.search).get('limits')")
        low, high = (float(part) for part in limits_of(page))
        assert high > before
        expect(page.get_by_label("Limits", exact=True)).to_have_value("by hand")
        box, chart = upper.bounding_box(), page.locator("#levels .u-over").bounding_box()
        assert box
        assert chart
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(chart["x"] + chart["width"] * 0.9, box["y"] + 40, steps=5)
        page.mouse.up()
        page.wait_for_function(
            "before => Number(new URLSearchParams(location.search).get('limits').split(',')[1]) > before",
            arg=high * 1.2,
        )
        assert float(limits_of(page)[0]) == low


def limits_of(page: Page) -> list[str]:
    return parse_qs(urlsplit(page.url).query)["limits"][0].split(",")


def test_the_planes_of_a_ramp_have_sliders_and_keys(visit: Visit, files: list[Held]) -> None:
    ramp = named(files, "guider1_uncal.fits")
    with visit() as page:
        stage = opened(page, ramp.view)
        group = page.get_by_role("slider", name="group")
        last = int(group.get_attribute("max") or "")
        expect(group).to_have_value(str(last))
        stage.focus()
        page.keyboard.press(",")
        expect(page.locator("#title")).to_contain_text(f"group {last} of {last + 1}")
        in_address(page, plane=f"0,{last - 1}")
        page.get_by_role("button", name="Last − first group").click()
        in_address(page, plane="difference,0")
        shot(page, "viewer-ramp", full_page=False)
        page.get_by_role("button", name="Last − first group").click()
        expect(page.locator("#title")).to_contain_text(f"group {last} of {last + 1}")


def test_flags_are_drawn_over_the_picture_and_taken_off(visit: Visit, exposure: Held) -> None:
    drawn = re.compile(r"/dq/0/0/0")
    with visit() as page:
        stage = opened(page, exposure.view)
        stage.focus()
        with page.expect_response(drawn) as answer:
            page.keyboard.press("q")
        assert answer.value.ok
        flags = page.get_by_role("button", name="Flags")
        expect(flags).to_have_attribute("aria-pressed", "true")
        in_address(page, dq="1")
        flags.click()
        in_address(page, dq="")


# --- the view ---------------------------------------------------------------------------------------------------


def test_a_view_can_be_mailed(visit: Visit, mosaic: Held) -> None:
    """Place, scale, grid and north of the address are those of the picture, and come back into the address."""
    with visit() as page:
        opened(page, f"{mosaic.view}?x=300&y=900&z=2&grid=1&north=1")
        expect(page.locator("#zoom")).to_have_text("200 %")
        for name in ("North up", "Grid"):
            expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="1:1").click()
        in_address(page, z="1", grid="1", north="1", x="300", y="900")
        page.get_by_role("button", name="Fit").click()
        page.wait_for_function("() => Number(new URLSearchParams(location.search).get('z')) < 1")
        shot(page, "viewer-grid", full_page=False)


def test_wheel_and_drag_move_the_picture(visit: Visit, mosaic: Held) -> None:
    with visit() as page:
        stage = opened(page, f"{mosaic.view}?x=600&y=600&z=1")
        box = stage.bounding_box()
        assert box
        page.mouse.move(box["x"] + 300, box["y"] + 300)
        page.mouse.down()
        page.mouse.move(box["x"] + 400, box["y"] + 300, steps=5)
        page.mouse.up()
        page.wait_for_function("() => Number(new URLSearchParams(location.search).get('x')) < 550")
        page.mouse.wheel(0, -300)
        page.wait_for_function("() => Number(new URLSearchParams(location.search).get('z')) > 1")


def test_the_sheet_of_keys_opens_and_keys_can_be_kept_to_the_picture(visit: Visit, mosaic: Held) -> None:
    with visit() as page:
        stage = opened(page, mosaic.view)
        page.keyboard.press("?")
        sheet = page.get_by_role("dialog", name="Keys")
        expect(sheet).to_be_visible()
        page.get_by_label("Single keys work anywhere").uncheck()
        shot(page, "viewer-keys", full_page=False)
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
        page.locator("h1").click()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("g")
        stage.focus()
        page.keyboard.press("n")
        in_address(page, north="1", grid="")


# --- measuring and taking away ----------------------------------------------------------------------------------


def test_regions_measure_what_numpy_measures_and_are_saved_for_ds9(visit: Visit, mosaic: Held, tmp_path: Path) -> None:
    with fits.open(mosaic.path) as hdus:
        values, header = hdus["SCI"].data, hdus["SCI"].header.copy()
    rows, columns = np.ogrid[: values.shape[0], : values.shape[1]]
    wanted = [values[199:260, 99:150], values[(columns - 599) ** 2 + (rows - 499) ** 2 <= 30**2]]
    with visit(accept_downloads=True) as page:
        opened(page, f"{mosaic.view}?marks=box:100,200,150,260;circle:600,500,30;line:100,100,300,250")
        table = page.get_by_role("region", name="Regions").locator("tbody tr")
        expect(table).to_have_count(3)
        for line, pixels in zip(range(2), wanted, strict=True):
            good = pixels[np.isfinite(pixels)].astype(np.float64)
            expect(table.nth(line).locator("td").nth(3)).to_have_text(str(good.size))
            shown = [number(text) for text in table.nth(line).locator("td").all_inner_texts()[2:]]
            expected = [
                pixels.size,
                good.size,
                good.size,
                good.mean(),
                np.median(good),
                good.std(),
                good.sum(),
                good.min(),
                good.max(),
            ]
            assert shown == pytest.approx(expected, rel=1e-5)
        expect(page.locator("#profile canvas")).to_be_visible()
        shot(page, "viewer-regions")
        with page.expect_download() as saved:
            page.get_by_role("button", name="DS9 regions").click()
        saved.value.save_as(tmp_path / "saved.reg")
    lines = (tmp_path / "saved.reg").read_text().splitlines()
    assert "icrs" in lines
    ra, dec, radius = re.findall(r"circle\(([\d.]+),([-\d.]+),([\d.]+)\"\)", "\n".join(lines))[0]
    assert sky_of(header).all_world2pix(float(ra), float(dec), 1) == pytest.approx([600, 500], abs=0.01)
    assert float(radius) == pytest.approx(
        30 * 3600 * abs(np.linalg.det(sky_of(header).pixel_scale_matrix)) ** 0.5, rel=1e-4
    )


def test_a_box_is_drawn_by_dragging_and_a_circle_by_keys(visit: Visit, mosaic: Held) -> None:
    with visit() as page:
        stage = opened(page, f"{mosaic.view}?x=600&y=600&z=1")
        box = stage.bounding_box()
        assert box
        page.get_by_role("button", name="Box").click()
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 300, box["y"] + 260, steps=5)
        page.mouse.up()
        rows = page.get_by_role("region", name="Regions").locator("tbody tr")
        expect(rows).to_have_count(1)
        stage.focus()
        page.keyboard.press("c")
        for key in ("Shift+ArrowRight", "Enter", *["Shift+ArrowUp"] * 5, "Enter"):
            page.keyboard.press(key)
        expect(rows).to_have_count(2)
        page.wait_for_function("() => /box:.*;circle:.*,5$/.test(new URLSearchParams(location.search).get('marks'))")
        page.keyboard.press("Delete")
        expect(rows).to_have_count(1)


def test_the_saved_png_shows_the_view_and_knows_its_sky(visit: Visit, mosaic: Held, tmp_path: Path) -> None:
    with visit(accept_downloads=True) as page:
        opened(page, f"{mosaic.view}?x=400&y=700&z=1.5&north=1")
        with page.expect_download() as saved:
            page.get_by_role("button", name="PNG").click()
        saved.value.save_as(tmp_path / "view.png")
    with Image.open(tmp_path / "view.png") as picture:
        picture.load()
        kept: dict[str, Any] = dict(picture.text)  # type: ignore[attr-defined]
        size = picture.size
    cards = {name: value for name, value in kept.items() if re.match(r"C(TYPE|RVAL|RPIX|D\d_|UNIT)", name)}
    header = fits.Header({name: value if name[:2] in {"CT", "CU"} else float(value) for name, value in cards.items()})
    theirs = sky_of(header)
    with fits.open(mosaic.path) as hdus:
        ours = sky_of(hdus["SCI"].header)
    middle = theirs.all_pix2world((size[0] + 1) / 2, (size[1] + 1) / 2, 1)
    assert ours.all_world2pix(*middle, 1) == pytest.approx([400, 700], abs=0.05)
    above = theirs.all_pix2world((size[0] + 1) / 2, size[1], 1)
    assert above[1] > middle[1]
    assert ours.all_world2pix(*above, 1)[0] != pytest.approx(400, abs=1)
    assert "Spatial.ReferenceValue" in kept["XML:com.adobe.xmp"]


def test_what_is_seen_is_cut_out_as_fits_with_its_sky(visit: Visit, mosaic: Held) -> None:
    with visit() as page:
        opened(page, f"{mosaic.view}?x=400&y=700&z=4")
        href = page.locator("#cutout").get_attribute("href") or ""
        answer = page.request.get(href)
        assert answer.ok
        body = answer.body()
    asked = {
        name: int(value[0])
        for name, value in parse_qs(urlsplit(href).query).items()
        if name in {"x0", "y0", "x1", "y1"}
    }
    with fits.open(mosaic.path) as whole, fits.open(io.BytesIO(body)) as cut:
        wanted = whole["SCI"].data[asked["y0"] : asked["y1"], asked["x0"] : asked["x1"]]
        science = next(hdu for hdu in cut if hdu.data is not None and hdu.name in {"SCI", "PRIMARY"})
        np.testing.assert_array_equal(science.data, wanted)
        there = sky_of(science.header).all_pix2world(0, 0, 0)
        assert sky_of(whole["SCI"].header).all_world2pix(*there, 0) == pytest.approx(
            [asked["x0"], asked["y0"]], abs=1e-3
        )


# --- two pictures, and the header -------------------------------------------------------------------------------


def test_two_pictures_blink_and_lie_side_by_side(visit: Visit, mosaic: Held, files: list[Held]) -> None:
    other = named(files, "f187n_i2d.fits")
    with visit() as page:
        stage = opened(page, mosaic.view)
        page.get_by_label("With").select_option(label=other.name)
        expect(stage).to_have_attribute("data-shown", "other")
        expect(page.locator("#compare-note")).to_have_text(f"Shown: {other.name}")
        stage.focus()
        page.keyboard.press("b")
        expect(stage).to_have_attribute("data-shown", "this")
        page.get_by_label("Side by side").check()
        second = page.get_by_role("img", name=other.name)
        expect(second).to_be_visible()
        in_address(page, mode="side", **{"with": str(other.pk)})
        second.hover()
        expect(told(page, "sky")).to_have_text(re.compile(r"^10h0[67]m"))
        shot(page, "viewer-side", full_page=False)
        # The right one is dragged and leads; a button of the page moves the left one, and the right one follows again.
        box = second.bounding_box()
        assert box is not None
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 60, middle[1] + 40, steps=5)
        page.mouse.up()
        page.get_by_role("button", name="1:1").click()
        page.wait_for_function("() => new URLSearchParams(location.search).get('z') === '1'")
        page.wait_for_timeout(500)
        page.mouse.move(*middle)
        x, y = (float(part) for part in told(page, "xy").inner_text().split(","))
        query = parse_qs(urlsplit(page.url).query)
        assert (x, y) == pytest.approx((float(query["x"][0]), float(query["y"][0])), abs=2)
        page.get_by_label("With").select_option("")
        expect(second).to_have_count(0)


def test_the_other_picture_is_laid_where_its_sky_is(visit: Visit, mosaic: Held, files: list[Held]) -> None:
    """The place of the second layer, read from OpenSeadragon, against both files' own WCS."""
    other = named(files, "f187n_i2d.fits")
    with visit() as page:
        opened(page, f"{mosaic.view}?with={other.pk}&x=600&y=600&z=1")
        expect(page.locator("#stage")).to_have_attribute("data-shown", "other")
        place = page.evaluate("JSON.parse(document.getElementById('stage').dataset.place)")
    with fits.open(mosaic.path) as first, fits.open(other.path) as second:
        ours, theirs, size = sky_of(first["SCI"].header), sky_of(second["SCI"].header), second["SCI"].data.shape
        width, height = first["SCI"].data.shape[1], first["SCI"].data.shape[0]
    middle = theirs.all_pix2world((size[1] - 1) / 2, (size[0] - 1) / 2, 0)
    x, y = ours.all_world2pix(*middle, 0)
    high = place["width"] * size[0] / size[1]
    assert (place["x"] + place["width"] / 2) * width - 0.5 == pytest.approx(x, abs=0.5)
    assert height - 0.5 - (place["y"] + high / 2) * width == pytest.approx(y, abs=0.5)


def test_the_header_is_searched_beside_the_picture(visit: Visit, mosaic: Held) -> None:
    with visit() as page:
        stage = opened(page, mosaic.view)
        stage.focus()
        page.keyboard.press("/")
        find = page.get_by_role("searchbox", name="Find")
        expect(find).to_be_focused()
        page.get_by_label("Header of", exact=True).select_option("all")
        find.fill("extname")
        names = page.locator("#cards tbody th")
        expect(names.first).to_have_text("EXTNAME")
        expect(page.locator("#cards table")).not_to_have_count(1)
        expect(find).to_be_focused()


def test_without_scripts_there_is_a_picture_and_a_form(visit: Visit, exposure: Held) -> None:
    with visit(java_script_enabled=False) as page:
        page.goto(exposure.view)
        picture = page.get_by_role("img", name=exposure.name)
        expect(picture).to_be_visible()
        page.get_by_label("Colour map").select_option("viridis")
        page.get_by_label("HDU", exact=True).select_option(label="3 DQ")
        page.get_by_role("button", name="Show").click()
        expect(picture).to_have_attribute("src", re.compile("hdu=3.*cmap=viridis"))
        shot(page, "viewer-no-scripts")

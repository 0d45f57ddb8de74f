"""Pictures, tiles, flags and numbers of an image over REST, against astropy and numpy on the same pixels."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization import AsinhStretch, ManualInterval
from astropy.wcs import WCS
from numpy.typing import NDArray
from PIL import Image

from mast import services
from mast.fits.colours import colormap
from mast.imports import derived
from mast.models import DataFile
from mast.schemas import viewer as schemas
from tests.api_fixture import ApiClient, checked, refused
from tests.factories import DataFileFactory, on_disk

pytestmark = pytest.mark.django_db
RNG = np.random.default_rng(8)


@pytest.fixture(autouse=True)
def _own_folders(settings: Any, tmp_path: Path) -> None:
    settings.FILES_DIR = tmp_path / "mast"
    settings.DERIVED_DIR = tmp_path / ".derived"


def fits_file(name: str, hdus: list[Any], **fields: Any) -> DataFile:
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(buffer)
    return on_disk(DataFileFactory(file_name=name, is_viewable=True, **fields), buffer.getvalue())


def sky(shape: tuple[int, ...]) -> NDArray[np.float32]:
    pixels = RNG.normal(1, 0.3, shape).astype("f4")
    pixels[..., :40, :30] = np.nan
    return pixels


def with_wcs(image: fits.ImageHDU) -> fits.ImageHDU:
    image.header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=151.75, CRVAL2=-40.43, CRPIX1=300.5, CRPIX2=200.5,
        CDELT1=-8e-6, CDELT2=8e-6, PC1_1=0.8, PC1_2=-0.6, PC2_1=0.6, PC2_2=0.8, BUNIT="MJy/sr",
    )  # fmt: skip
    return image


@pytest.fixture
def pixels() -> NDArray[np.float32]:
    return sky((500, 700))


@pytest.fixture
def cal(pixels: NDArray[np.float32]) -> DataFile:
    flags = np.zeros((500, 700), "u4")
    flags[100, 200], flags[:, 650:] = 5, 1 << 31
    hdus = [
        with_wcs(fits.ImageHDU(pixels, name="SCI")),
        fits.ImageHDU(pixels * 0.1, name="ERR"),
        fits.ImageHDU(flags, name="DQ"),
    ]
    return fits_file("jw02733001001_02101_00001_nrcb1_cal.fits", hdus, suffix="cal")


def usable(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values limits are made of: finite, and called unusable by none of `cal`'s flags."""
    good = np.isfinite(pixels)
    good[100, 200] = good[:, 650:] = False
    return pixels[good]


def decoded(response: Any) -> NDArray[np.uint8]:
    assert response.status_code == 200, response.content[:500]
    return np.asarray(Image.open(io.BytesIO(response.content)))


# --- what there is ----------------------------------------------------------------------------------------------


def test_cubeinfo_says_what_a_viewer_needs(api: ApiClient, cal: DataFile, pixels: NDArray[np.float32]) -> None:
    found = checked(api.get(f"/api/files/{cal.pk}/cubeinfo"), schemas.CubeInfoRecord)
    assert [(image["label"], image["role"], image["draw"]) for image in found["images"]] == [
        ("SCI", "science", "values"), ("ERR", "error", "values"), ("DQ", "quality", "flags"),
    ]  # fmt: skip
    image = found["image"]
    assert (image["width"], image["height"], image["levels"], image["qualityHdu"]) == (700, 500, 3, 3)
    good = usable(pixels)
    assert image["limits"]["minmax"] == [float(good.min()), float(good.max())]
    assert image["notFinite"] == 1200
    assert image["scale"] == pytest.approx(0.0288, rel=1e-4)
    assert cal.sha256.startswith(found["v"])
    error = checked(api.get(f"/api/files/{cal.pk}/cubeinfo?hdu=2"), schemas.CubeInfoRecord)
    assert (error["title"], error["image"]["wcs"]) == ("ERR", image["wcs"])


def test_what_cannot_be_shown_says_why(api: ApiClient) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1])])
    file = fits_file("jw1_x1d.fits", [table], suffix="x1d", badge="table")
    DataFile.objects.filter(pk=file.pk).update(is_viewable=False, view_reason="Tables only.")
    for what in ("cubeinfo", "thumbnail", "tile/0/0/0", "dq", "stats", "cutout?x0=0&y0=0&x1=1&y1=1"):
        assert refused(api.get(f"/api/files/{file.pk}/{what}"), 409, "file.not_viewable")["detail"] == "Tables only."


# --- tiles ------------------------------------------------------------------------------------------------------


def test_png_tiles_are_astropys_pixels_in_matplotlibs_colours(
    api: ApiClient, cal: DataFile, pixels: NDArray[np.float32]
) -> None:
    query = "format=png&stretch=asinh&limits=0.2,2&cmap=inferno"
    rows = [
        np.hstack([decoded(api.get(f"/api/files/{cal.pk}/tile/0/{x}/{y}?{query}")) for x in range(3)]) for y in range(2)
    ]
    scaled = AsinhStretch()(ManualInterval(0.2, 2)(pixels))[::-1]
    expected = colormap("inferno")[np.clip(np.nan_to_num(scaled) * 256, 0, 255).astype(int)]
    expected[np.isnan(scaled)] = (0x3B, 0x4A, 0x6B)
    np.testing.assert_array_equal(np.vstack(rows), expected)


def test_raw_tiles_are_the_values(api: ApiClient, cal: DataFile, pixels: NDArray[np.float32]) -> None:
    response = api.get(f"/api/files/{cal.pk}/tile/0/1/1?format=f32")
    assert response["X-Shape"] == "244,256"
    values = np.frombuffer(response.content, "<f4").reshape(244, 256)
    np.testing.assert_array_equal(values, pixels[::-1][256:, 256:512])


@pytest.mark.parametrize("place", ["3/0/0", "0/3/0", "0/0/2"])
def test_a_tile_outside_is_404(api: ApiClient, cal: DataFile, place: str) -> None:
    refused(api.get(f"/api/files/{cal.pk}/tile/{place}"), 404, "file.not_found")


def test_nan_may_be_transparent(api: ApiClient, cal: DataFile) -> None:
    for form in ("png", "webp"):
        tile = decoded(api.get(f"/api/files/{cal.pk}/tile/1/0/0?nan=transparent&format={form}&limits=0,2"))
        assert tile.shape == (250, 256, 4)
        assert tile[249, 0, 3] == 0
        assert tile[0, 255, 3] == 255


def test_flags_are_laid_over_the_image(api: ApiClient, cal: DataFile) -> None:
    found = checked(api.get(f"/api/files/{cal.pk}/dq"), schemas.FlagsRecord)
    assert [(flag["name"], flag["count"]) for flag in found["flags"]] == [
        ("DO_NOT_USE", 1), ("JUMP_DET", 1), ("REFERENCE_PIXEL", 25_000),
    ]  # fmt: skip
    far = decoded(api.get(f"/api/files/{cal.pk}/dq/2/0/0"))
    # The one flagged pixel is seen at a quarter of the size too.
    assert far[(499 - 100) // 4, 50, 3] == 255
    chosen = decoded(api.get(f"/api/files/{cal.pk}/dq/2/0/0?bits=4"))
    assert np.count_nonzero(chosen[..., 3]) == 1
    error = api.get(f"/api/files/{cal.pk}/dq/2/0/0?hdu=2")
    assert error.content == api.get(f"/api/files/{cal.pk}/dq/2/0/0").content


def test_an_image_without_flags_has_no_overlay(api: ApiClient, pixels: NDArray[np.float32]) -> None:
    file = fits_file("jw02733-o001_t001_nircam_clear-f090w_i2d.fits", [fits.ImageHDU(pixels, name="SCI")])
    refused(api.get(f"/api/files/{file.pk}/dq"), 409, "file.not_viewable")


# --- pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["stretch=histeq", "gamma=2.2", "limits=percentile:99", "limits=1,99%25", "plane=", "nan=ff0000"]
)
def test_a_preview_takes_every_option(api: ApiClient, cal: DataFile, query: str) -> None:
    plain = decoded(api.get(f"/api/files/{cal.pk}/preview?width=350"))
    other = decoded(api.get(f"/api/files/{cal.pk}/preview?width=350&{query}"))
    assert plain.shape == other.shape == (250, 350, 3)
    assert (query == "plane=") == bool((plain == other).all())


def test_an_exported_part_carries_its_place_on_the_sky(api: ApiClient, cal: DataFile) -> None:
    response = api.get(f"/api/files/{cal.pk}/preview?x0=100&y0=50&x1=300&y1=250&width=200")
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.size == (200, 200)
        words = picture.text  # type: ignore[attr-defined]
    header = fits.Header()
    for name, text in words.items():
        if name[:2] in {"CR", "CD", "PC"}:
            header[name] = float(text)
        elif name[:5] in {"CTYPE", "CUNIT"}:
            header[name] = text
    with fits.open(services.file_path(cal)) as file:
        expected = WCS(file[1].header).all_pix2world(110, 60, 0)
    np.testing.assert_allclose(WCS(header).all_pix2world(10, 10, 0), expected, atol=1e-10)
    refused(api.get(f"/api/files/{cal.pk}/preview?x0=100&y0=50"), 422)
    refused(api.get(f"/api/files/{cal.pk}/preview?x0=700&y0=0&x1=710&y1=10"), 422)


def test_a_thumbnail_is_kept_and_small(api: ApiClient, cal: DataFile) -> None:
    first = api.get(f"/api/files/{cal.pk}/thumbnail?v={cal.sha256[:12]}")
    assert max(Image.open(io.BytesIO(first.content)).size) <= 256
    assert "immutable" in first["Cache-Control"]
    kept = derived.folder_of(cal.sha256) / "thumbnail.webp"
    assert kept.read_bytes() == first.content


# --- the pyramid on disk ----------------------------------------------------------------------------------------


def large(name: str = "jw02733-o001_t001_nircam_clear-f090w_i2d.fits") -> DataFile:
    return fits_file(name, [with_wcs(fits.ImageHDU(sky((1100, 1300)), name="SCI"))])


def forget_open() -> None:
    derived._open.clear()


def test_the_pyramid_is_kept_used_again_and_made_again_when_it_is_gone(api: ApiClient) -> None:
    file = large()
    address = f"/api/files/{file.pk}/tile/2/0/0?format=png"
    first = api.get(address).content
    (place,) = derived.folder_of(file.sha256).glob("*.pyramid")
    made = place.stat().st_ino
    forget_open()
    assert api.get(address).content == first
    assert place.stat().st_ino == made
    place.unlink()
    assert api.get(address).content == first, "an open plane is read on"
    forget_open()
    assert api.get(address).content == first
    assert place.exists()


def test_a_damaged_pyramid_is_made_again(api: ApiClient) -> None:
    file = large()
    address = f"/api/files/{file.pk}/tile/2/0/0?format=png"
    first = api.get(address).content
    (place,) = derived.folder_of(file.sha256).glob("*.pyramid")
    content = place.read_bytes()
    forget_open()
    place.unlink()
    place.write_bytes(content[: len(content) // 2])
    assert api.get(address).content == first
    assert place.stat().st_size == len(content)


def test_a_picture_is_shown_though_nothing_can_be_kept(api: ApiClient, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("in the way")
    settings.DERIVED_DIR = tmp_path / "a-file" / ".derived"
    file = large()
    assert decoded(api.get(f"/api/files/{file.pk}/tile/2/0/0")).shape == (256, 256, 3)
    assert api.get(f"/api/files/{file.pk}/thumbnail").status_code == 200


def test_what_was_derived_goes_with_the_file_and_with_time(api: ApiClient) -> None:
    files = [large(f"jw02733-o00{number}_t001_nircam_clear-f090w_i2d.fits") for number in range(3)]
    for file in files:
        api.get(f"/api/files/{file.pk}/tile/2/0/0")
    folders = [derived.folder_of(file.sha256) for file in files]
    assert all(folder.is_dir() for folder in folders)
    services.delete_files([files[0].pk])
    assert [folder.is_dir() for folder in folders] == [False, True, True]
    held = {file.sha256 for file in files}
    assert derived.prune(held) == 0
    # The one used longest ago goes first when there is too much.
    for folder, age in zip(folders[1:], (1000, 10), strict=True):
        for kept in folder.iterdir():
            os.utime(kept, (kept.stat().st_atime, kept.stat().st_mtime - age))
    assert derived.prune(held, max_bytes=600_000) == 1
    assert [folder.is_dir() for folder in folders] == [False, False, True]
    assert derived.prune(set()) == 1


def test_a_compressed_image_is_unpacked_once_and_shown(api: ApiClient) -> None:
    data = RNG.integers(0, 900, (300, 400)).astype("i2")
    file = fits_file("jw1_i2d.fits", [fits.CompImageHDU(data, name="SCI", compression_type="RICE_1")])
    raw = api.get(f"/api/files/{file.pk}/tile/0/0/0?format=f32")
    np.testing.assert_array_equal(np.frombuffer(raw.content, "<f4").reshape(256, 256), data[::-1][:256, :256])
    copy = derived.unpacked_path(file.sha256)
    made = copy.stat().st_ino
    found = checked(api.get(f"/api/files/{file.pk}/pixel?x=3&y=4"), schemas.Pixel)
    assert (found["value"], copy.stat().st_ino) == (float(data[4, 3]), made)
    header = checked(api.get(f"/api/files/{file.pk}/header?hdu=1"), schemas.Header)
    assert "ZCMPTYPE" in {card["keyword"] for card in header["cards"]}
    copy.unlink()
    forget_open()
    assert api.get(f"/api/files/{file.pk}/tile/0/0/0").status_code == 200


# --- numbers ----------------------------------------------------------------------------------------------------


def test_a_pixel_tells_of_error_flags_and_surroundings(
    api: ApiClient, cal: DataFile, pixels: NDArray[np.float32]
) -> None:
    found = checked(api.get(f"/api/files/{cal.pk}/pixel?x=200&y=100&box=3"), schemas.Pixel)
    assert found["flags"] == ["DO_NOT_USE", "JUMP_DET"]
    assert found["flagValue"] == 5
    assert found["others"] == {"ERR": pytest.approx(float(pixels[100, 200]) * 0.1, rel=1e-6)}
    np.testing.assert_array_equal(np.array(found["values"], "f4"), pixels[99:102, 199:202])
    assert found["sexagesimal"].startswith("10h07m0")
    again = checked(api.get(f"/api/files/{cal.pk}/pixel?ra={found['ra']}&dec={found['dec']}"), schemas.Pixel)
    assert (again["x"], again["y"]) == (200, 100)
    corner = checked(api.get(f"/api/files/{cal.pk}/pixel?x=699&y=0&box=3"), schemas.Pixel)
    assert corner["values"][0] == [None] * 3
    refused(api.get(f"/api/files/{cal.pk}/pixel?x=1&y=1&box=4"), 422)
    refused(api.get(f"/api/files/{cal.pk}/pixel?ra=331.75&dec=40.43"), 422, "file.no_wcs")


def test_statistics_of_a_box_and_a_circle(api: ApiClient, cal: DataFile, pixels: NDArray[np.float32]) -> None:
    box = checked(api.get(f"/api/files/{cal.pk}/stats?x0=20&y0=30&x1=120&y1=90"), schemas.StatisticsRecord)
    part = pixels[30:90, 20:120].astype("f8")
    assert box["count"] == np.isfinite(part).sum() < box["pixels"] == 6000
    for name, value in {"mean": np.nanmean(part), "median": np.nanmedian(part), "std": np.nanstd(part)}.items():
        assert box[name] == pytest.approx(float(value), rel=1e-9)
    assert box["areaArcsec2"] == pytest.approx(6000 * 0.0288**2, rel=1e-3)
    circle = checked(api.get(f"/api/files/{cal.pk}/stats?shape=circle&x=300&y=200&r=10"), schemas.StatisticsRecord)
    assert (circle["pixels"], round(circle["ra"], 4)) == (317, 151.75)
    whole = checked(api.get(f"/api/files/{cal.pk}/stats"), schemas.StatisticsRecord)
    assert whole["sum"] == pytest.approx(float(np.nansum(pixels.astype("f8"))), rel=1e-9)
    assert whole["good"] == whole["count"] - 500 * 50 - 1
    middle = checked(api.get(f"/api/files/{cal.pk}/pixel?x=350&y=250"), schemas.Pixel)
    # The middle of the image lies half a pixel before that pixel's.
    assert (whole["ra"], whole["dec"]) == pytest.approx((middle["ra"], middle["dec"]), abs=2e-5)
    beyond = checked(api.get(f"/api/files/{cal.pk}/stats?x0=600&y0=400&x1=5000&y1=5000"), schemas.StatisticsRecord)
    inside = checked(api.get(f"/api/files/{cal.pk}/stats?x0=600&y0=400&x1=700&y1=500"), schemas.StatisticsRecord)
    assert beyond == inside
    refused(api.get(f"/api/files/{cal.pk}/stats?shape=circle&x=3"), 422)


def test_profile_cutout_and_histogram(api: ApiClient, cal: DataFile, pixels: NDArray[np.float32]) -> None:
    line = checked(api.get(f"/api/files/{cal.pk}/profile?x0=100&y0=60&x1=110&y1=60"), schemas.ProfileRecord)
    assert line["value"] == [float(value) for value in pixels[60, 100:111]]
    cut = api.get(f"/api/files/{cal.pk}/cutout?x0=100&y0=60&x1=110&y1=65&all=true")
    assert cut["Content-Disposition"].endswith('_cal_100-110_60-65.fits"')
    with fits.open(io.BytesIO(cut.content)) as found:
        np.testing.assert_array_equal(found["SCI"].data, pixels[60:65, 100:110])
        assert [hdu.name for hdu in found] == ["PRIMARY", "SCI", "ERR", "DQ"]
    counted = checked(api.get(f"/api/files/{cal.pk}/histogram?bins=10&limits=0,2"), schemas.Histogram)
    good = usable(pixels)
    assert counted["unusable"] == np.isfinite(pixels).sum() - good.size
    assert counted["counts"] == np.histogram(good, 10, (0.0, 2.0))[0].tolist()
    refused(api.get(f"/api/files/{cal.pk}/histogram?limits=zscale"), 422)


def test_a_cube_gives_the_spectrum_of_a_pixel(api: ApiClient) -> None:
    cube = fits.ImageHDU(RNG.normal(size=(7, 20, 30)).astype("f4"), name="SCI")
    cube.header.update(CTYPE3="WAVE", CUNIT3="um", CRVAL3=5.0, CRPIX3=1.0, CDELT3=0.5, BUNIT="MJy/sr")
    file = fits_file("jw02733-o001_t001_miri_ch1-short_s3d.fits", [cube], suffix="s3d")
    found = checked(api.get(f"/api/files/{file.pk}/spectrum-at?x=4&y=5"), schemas.AlongCube)
    assert found["axis"]["values"] == [5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0]
    assert found["value"] == [float(value) for value in cube.data[:, 5, 4]]
    info = checked(api.get(f"/api/files/{file.pk}/cubeinfo?plane=3"), schemas.CubeInfoRecord)
    assert (info["image"]["axes"][0]["at"], info["images"][0]["planes"]) == (3, ["median"])
    assert checked(api.get(f"/api/files/{file.pk}/cubeinfo"), schemas.CubeInfoRecord)["plane"] == "median"


def test_all_headers_come_at_once_for_a_search(api: ApiClient, cal: DataFile) -> None:
    found = checked(api.get(f"/api/files/{cal.pk}/header?hdu=all"), schemas.AllHeaders)
    assert [hdu["name"] for hdu in found["hdus"]] == ["PRIMARY", "SCI", "ERR", "DQ"]
    assert "BUNIT" in {card["keyword"] for card in found["hdus"][1]["cards"]}


# --- tables -----------------------------------------------------------------------------------------------------


@pytest.fixture
def catalogue() -> DataFile:
    columns = [
        fits.Column("ID", "J", null=-1, array=np.array([3, 1, -1, 2, 5])),
        fits.Column("FLUX", "E", "Jy", array=np.array([2.5, np.nan, 1.5, 9.0, 1.5], "f4")),
        fits.Column("NAME", "5A", array=["c", "a", "b", "e", "d"]),
        fits.Column("VECTOR", "3D", array=np.arange(15.0).reshape(5, 3)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="CAT")
    return fits_file("jw1_x1d.fits", [table], suffix="x1d", badge="table")


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("FLUX", [None, 5, 3, 2, 1]),
        ("-FLUX", [2, 3, None, 5, 1]),
        ("ID", [1, 2, 3, 5, None]),
        ("-ID", [5, 3, 2, 1, None]),
        ("NAME", [1, None, 3, 5, 2]),
    ],
)
def test_a_table_is_ordered_by_any_column(api: ApiClient, catalogue: DataFile, sort: str, ids: list[int]) -> None:
    found = checked(api.get(f"/api/files/{catalogue.pk}/table?sort={sort}"), schemas.TablePage)
    assert [row[0] for row in found["rows"]] == ids
    page = checked(api.get(f"/api/files/{catalogue.pk}/table?sort={sort}&start=2&count=2"), schemas.TablePage)
    assert [row[0] for row in page["rows"]] == ids[2:4]


def test_columns_that_cannot_order_are_refused(api: ApiClient, catalogue: DataFile) -> None:
    for sort in ("VECTOR", "NOTHING", "-"):
        refused(api.get(f"/api/files/{catalogue.pk}/table?sort={sort}"), 422)


def test_a_whole_table_comes_as_csv_votable_and_ecsv(api: ApiClient, catalogue: DataFile) -> None:
    from astropy.table import Table

    for form in ("csv", "votable", "ecsv"):
        response = api.get(f"/api/files/{catalogue.pk}/table?format={form}&sort=NAME&columns=NAME,FLUX")
        assert response.status_code == 200
        body = b"".join(response.streaming_content)
        reader = "ascii.csv" if form == "csv" else "ascii.ecsv" if form == "ecsv" else "votable"
        table = Table.read(io.BytesIO(body) if form == "votable" else body.decode(), format=reader)
        assert list(table["NAME"]) == ["a", "b", "c", "d", "e"]
        assert table["FLUX"][1] == 1.5
    refused(api.get(f"/api/files/{catalogue.pk}/table?format=csv&columns=X"), 422)


def test_a_text_table_is_ordered_and_paged_too(api: ApiClient) -> None:
    rows = "\n".join(f'{(number * 37) % 101},{"" if number == 3 else number / 2},"two\nlines"' for number in range(60))
    file = on_disk(DataFileFactory(file_name="jw1_pool.csv", suffix="pool", badge="table"), f"a,b,c\n{rows}\n".encode())
    found = checked(api.get(f"/api/files/{file.pk}/table?sort=-a&count=3"), schemas.TablePage)
    keys = sorted(((number * 37) % 101 for number in range(60)), reverse=True)
    assert ([row[0] for row in found["rows"]], found["total"]) == ([str(key) for key in keys[:3]], 60)
    middle = checked(api.get(f"/api/files/{file.pk}/table?start=30&count=2"), schemas.TablePage)
    assert [row[1] for row in middle["rows"]] == ["15.0", "15.5"]
    last = checked(api.get(f"/api/files/{file.pk}/table?sort=b&start=59"), schemas.TablePage)
    assert last["rows"][0][1] is None


def test_spectra_of_many_integrations_come_coarse_enough_for_one_plot(api: ApiClient) -> None:
    count, length = 40, 300
    wave = np.tile(np.linspace(1, 2, length), (count, 1))
    flux = RNG.normal(size=(count, length))
    flux[3, :10] = np.nan
    columns = [
        fits.Column("INT_NUM", "J", array=np.arange(1, count + 1)),
        fits.Column("WAVELENGTH", f"{length}D", "um", array=wave),
        fits.Column("FLUX", f"{length}D", "Jy", array=flux),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="EXTRACT1D")
    file = fits_file("jw1_x1dints.fits", [table], suffix="x1dints", badge="table")
    found = checked(api.get(f"/api/files/{file.pk}/spectrum?all=true&points=60"), schemas.SpectraAnswer)
    assert (found["total"], found["step"], found["fluxUnit"]) == (count, 5, "Jy")
    assert len(found["spectra"]) == count
    expected = flux[7].reshape(60, 5).mean(axis=1)
    np.testing.assert_allclose(found["spectra"][7]["flux"], expected)
    assert found["spectra"][3]["flux"][:2] == [None, None]
    assert found["spectra"][7]["label"] == "EXTRACT1D, integration 8"
    part = checked(api.get(f"/api/files/{file.pk}/spectrum?all=true&start=38&count=5"), schemas.SpectraAnswer)
    assert [(one["row"], len(one["flux"])) for one in part["spectra"]] == [(38, length), (39, length)]
    refused(api.get(f"/api/files/{file.pk}/spectrum?all=true&start=40"), 422)

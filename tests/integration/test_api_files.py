"""One file over REST: its bytes by range, its picture, header, pixels, tables and spectra."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from mast.models import DataFile
from mast.schemas import viewer as schemas
from tests.api_fixture import ApiClient, checked, fields_of, refused
from tests.factories import DataFileFactory, on_disk

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.FILES_DIR = tmp_path


@pytest.fixture
def file() -> DataFile:
    return on_disk(DataFileFactory(), CONTENT)


def fits_file(name: str, hdus: list[Any], **fields: Any) -> DataFile:
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(buffer)
    return on_disk(DataFileFactory(file_name=name, **fields), buffer.getvalue())


@pytest.fixture
def image() -> DataFile:
    pixels = np.arange(60 * 80, dtype=np.float32).reshape(60, 80)
    pixels[0, 0] = np.nan
    science = fits.ImageHDU(pixels, name="SCI")
    science.header["BUNIT"] = "MJy/sr"
    return fits_file("jw02733-o001_t001_nircam_clear-f090w_i2d.fits", [science], is_viewable=True)


@pytest.fixture
def spectrum() -> DataFile:
    columns = [
        fits.Column("WAVELENGTH", "D", "um", array=np.linspace(1, 2, 30)),
        fits.Column("FLUX", "D", "Jy", array=np.linspace(0, 1, 30)),
        fits.Column("FLUX_ERROR", "D", "Jy", array=np.full(30, 0.1)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="EXTRACT1D")
    return fits_file("jw05224-o001_s001_nirspec_prism_x1d.fits", [table], suffix="x1d", badge="table")


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


# --- bytes ------------------------------------------------------------------------------------------------------


def test_a_download_is_the_file_with_its_checksum_as_etag(api: ApiClient, file: DataFile) -> None:
    response = api.get(f"/api/files/{file.pk}/download")
    assert response.status_code == 200
    assert body_of(response) == CONTENT
    assert response["ETag"] == f'"{file.sha256}"'
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Disposition"] == f'attachment; filename="{file.file_name}"'
    assert response["Content-Type"] == "application/fits"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10000, len(CONTENT)),
        ("bytes=-5", len(CONTENT) - 5, len(CONTENT)),
        ("bytes=0-99999999", 0, len(CONTENT)),
        ("bytes=-99999999", 0, len(CONTENT)),
    ],
)
def test_a_range_is_206_with_those_bytes(api: ApiClient, file: DataFile, asked: str, start: int, stop: int) -> None:
    response = api.get(f"/api/files/{file.pk}/download", headers={"range": asked})
    assert response.status_code == 206
    assert body_of(response) == CONTENT[start:stop]
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert response["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-b", ""])
def test_a_range_this_server_does_not_do_gives_the_whole_file(api: ApiClient, file: DataFile, asked: str) -> None:
    response = api.get(f"/api/files/{file.pk}/download", headers={"range": asked})
    assert response.status_code == 200
    assert body_of(response) == CONTENT


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=99999999-100000000", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(api: ApiClient, file: DataFile, asked: str) -> None:
    response = api.get(f"/api/files/{file.pk}/download", headers={"range": asked})
    refused(response, 416, "request.range_not_satisfiable")
    assert response["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_a_resumed_download_goes_on_only_while_the_file_is_the_same(api: ApiClient, file: DataFile) -> None:
    path = f"/api/files/{file.pk}/download"
    same = api.get(path, headers={"range": "bytes=5-", "if-range": f'"{file.sha256}"'})
    other = api.get(path, headers={"range": "bytes=5-", "if-range": '"another"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert len(body_of(other)) == len(CONTENT)
    same.close()


def test_who_holds_the_file_gets_304(api: ApiClient, file: DataFile) -> None:
    headers = {"if-none-match": f'"other", W/"{file.sha256}"'}
    assert api.get(f"/api/files/{file.pk}/download", headers=headers).status_code == 304


def test_head_says_how_long_the_file_is(api: ApiClient, file: DataFile) -> None:
    response = api.head(f"/api/files/{file.pk}/download")
    assert response.status_code == 200
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["ETag"] == f'"{file.sha256}"'
    response.close()


def test_a_file_that_is_gone_or_shorter_is_409(api: ApiClient, file: DataFile, settings: Any) -> None:
    path = settings.FILES_DIR / file.path
    path.write_bytes(b"short")
    refused(api.get(f"/api/files/{file.pk}/download"), 409, "file.damaged")
    path.unlink()
    refused(api.get(f"/api/files/{file.pk}/download"), 409, "file.damaged")


# --- pictures and numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_preview_is_a_picture_of_the_size_asked_for(api: ApiClient, image: DataFile, form: str) -> None:
    response = api.get(f"/api/files/{image.pk}/preview?width=40&cmap=viridis&stretch=linear&format={form}")
    assert response.status_code == 200
    assert response["Content-Type"] == f"image/{form}"
    assert Image.open(io.BytesIO(response.content)).size == (40, 30)


def test_a_preview_is_kept_by_content(api: ApiClient, image: DataFile) -> None:
    path = f"/api/files/{image.pk}/preview?width=40"
    first = api.get(path)
    assert first["Cache-Control"] == "private, no-cache"
    assert api.get(path, headers={"if-none-match": first["ETag"]}).status_code == 304
    assert api.get(path + "&cmap=viridis", headers={"if-none-match": first["ETag"]}).status_code == 200
    assert "immutable" in api.get(f"{path}&v={image.sha256[:12]}")["Cache-Control"]
    assert "immutable" not in api.get(f"{path}&v=0123456789ab")["Cache-Control"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("width=0", 422),
        ("width=9000", 422),
        ("stretch=cubic", 422),
        ("cmap=nothing", 422),
        ("limits=5,1", 422),
        ("limits=nan,1", 422),
        ("limits=low", 422),
        ("format=gif", 422),
        ("plane=first", 422),
        ("plane=7", 422),
        ("hdu=-1", 422),
        ("hdu=99", 404),
        ("hdu=0", 409),
    ],
)
def test_a_picture_that_cannot_be_made_says_why(api: ApiClient, image: DataFile, query: str, status: int) -> None:
    refused(api.get(f"/api/files/{image.pk}/preview?{query}"), status)


def test_a_table_file_has_no_picture_and_says_why(api: ApiClient, spectrum: DataFile) -> None:
    spectrum.view_reason = "A table of spectra."
    spectrum.save()
    problem = refused(api.get(f"/api/files/{spectrum.pk}/preview"), 409, "file.not_viewable")
    assert problem["detail"] == "A table of spectra."


def test_the_header_is_every_card_of_an_hdu(api: ApiClient, image: DataFile) -> None:
    found = checked(api.get(f"/api/files/{image.pk}/header?hdu=1"), schemas.Header)
    cards = {card["keyword"]: card["value"] for card in found["cards"]}
    assert (cards["NAXIS1"], cards["BUNIT"], cards["EXTNAME"]) == (80, "MJy/sr", "SCI")
    assert [hdu["name"] for hdu in found["hdus"]] == ["PRIMARY", "SCI"]
    refused(api.get(f"/api/files/{image.pk}/header?hdu=9"), 404)


def test_a_pixel_has_its_value_and_unit(api: ApiClient, image: DataFile) -> None:
    found = checked(api.get(f"/api/files/{image.pk}/pixel?x=3&y=2"), schemas.Pixel)
    assert (found["value"], found["unit"], found["fitsX"], found["fitsY"]) == (163.0, "MJy/sr", 4, 3)
    assert checked(api.get(f"/api/files/{image.pk}/pixel?x=0&y=0"), schemas.Pixel)["value"] is None
    refused(api.get(f"/api/files/{image.pk}/pixel?x=80&y=0"), 422)
    assert fields_of(refused(api.get(f"/api/files/{image.pk}/pixel?x=1"), 422)) == {"y"}


def test_a_histogram_counts_every_finite_pixel(api: ApiClient, image: DataFile) -> None:
    found = checked(api.get(f"/api/files/{image.pk}/histogram?bins=16"), schemas.Histogram)
    assert len(found["counts"]) == 16
    assert sum(found["counts"]) + found["below"] + found["above"] == 60 * 80 - 1
    assert found["notFinite"] == 1


def test_a_table_comes_by_rows(api: ApiClient, spectrum: DataFile) -> None:
    found = checked(api.get(f"/api/files/{spectrum.pk}/table?start=28&count=5"), schemas.TablePage)
    assert [(column["name"], column["unit"]) for column in found["columns"]][:2] == [
        ("WAVELENGTH", "um"),
        ("FLUX", "Jy"),
    ]
    assert (found["total"], len(found["rows"])) == (30, 2)
    refused(api.get(f"/api/files/{spectrum.pk}/table?count=1001"), 422)


def test_a_spectrum_comes_with_units_and_choices(api: ApiClient, spectrum: DataFile) -> None:
    found = checked(api.get(f"/api/files/{spectrum.pk}/spectrum"), schemas.SpectrumAnswer)
    assert len(found["wavelength"]) == len(found["flux"]) == 30
    assert (found["wavelengthUnit"], found["fluxUnit"]) == ("um", "Jy")
    assert len(found["choices"]) == 1


def test_an_image_has_no_spectrum(api: ApiClient, image: DataFile) -> None:
    assert api.get(f"/api/files/{image.pk}/spectrum").status_code in {404, 409}
    assert api.get(f"/api/files/{image.pk}/table").status_code in {404, 409}


def test_a_text_table_comes_by_rows_too(api: ApiClient) -> None:
    heads = "# - {name: label, datatype: int64}\n# - {name: flux, unit: Jy, datatype: float64}\n"
    text = f"# %ECSV 1.0\n# ---\n# datatype:\n{heads}label flux\n1 2.5\n2 3.5\n"
    file = on_disk(DataFileFactory(file_name="jw1_cat.ecsv", suffix="cat", badge="table"), text.encode())
    found = checked(api.get(f"/api/files/{file.pk}/table"), schemas.TablePage)
    assert found["rows"] == [[1, 2.5], [2, 3.5]]


@pytest.mark.parametrize("what", ["download", "preview", "header", "histogram", "pixel?x=1&y=1", "table", "spectrum"])
def test_a_file_nobody_has_is_404(api: ApiClient, what: str) -> None:
    refused(api.get(f"/api/files/424242/{what}"), 404, "file.not_found")

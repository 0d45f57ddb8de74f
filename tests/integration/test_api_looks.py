"""Looking at a file at MAST before it is imported: by ranges, within a budget."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mast.imports import looking
from mast.practice import PracticeServer
from mast.schemas import viewer as schemas
from tests.api_fixture import ApiClient, checked, refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mast_stand_in")]
URI = "mast:JWST/product/jw02733-o001_t001_nircam_clear-f090w_i2d.fits"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DERIVED_DIR = tmp_path / ".derived"


def sent(practice: PracticeServer) -> int:
    return sum(practice.sent_bytes.values())


def test_a_look_reads_headers_only_and_a_picture_no_more_than_it_says(api: ApiClient, practice: PracticeServer) -> None:
    seen = checked(api.get(f"/api/mast/look?uri={URI}"), schemas.LookRecord)
    assert seen["viewable"]
    assert [hdu["name"] for hdu in seen["hdus"]][:2] == ["PRIMARY", "SCI"]
    assert 0 < seen["bytesRead"] < seen["totalBytes"]
    assert seen["bytesRead"] <= seen["bytesLimit"]
    cards = checked(api.get(f"/api/mast/look/header?uri={URI}&hdu=1"), schemas.HeaderCards)
    assert "CRVAL1" in {card["keyword"] for card in cards["cards"]}
    picture = api.get(f"/api/mast/look/preview?uri={URI}&width=300")
    assert picture.status_code == 200
    assert max(Image.open(io.BytesIO(picture.content)).size) <= 300
    after = checked(api.get(f"/api/mast/look?uri={URI}"), schemas.LookRecord)
    assert seen["bytesRead"] < after["bytesRead"] <= after["bytesLimit"]
    asked = sent(practice)
    assert api.get(f"/api/mast/look/preview?uri={URI}&cmap=viridis").status_code == 200
    assert sent(practice) == asked, "another colour asks MAST for nothing"


def test_a_large_image_is_seen_by_some_of_its_rows(
    api: ApiClient, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = looking.look(URI)
    whole = looking.look_pyramid(URI)
    monkeypatch.setattr(looking, "LOOK_BYTES", seen.bytes_read + 300_000)
    looking.prune()
    for place in looking.folder().glob("*"):
        place.unlink()
    part = looking.look_pyramid(URI)
    rows, columns = part.shape
    assert rows < whole.shape[0]
    # The proportions stay: a picture made of rows is as flat as the whole.
    assert columns / rows == pytest.approx(whole.shape[1] / whole.shape[0], rel=0.2)
    assert looking.look(URI).bytes_read <= looking.LOOK_BYTES
    values = part.window(0, 0, rows, 0, columns)
    assert np.isfinite(values).any()


@pytest.mark.parametrize(
    "uri", ["http://169.254.169.254/latest", "mast:JWST/product/../../etc/passwd.fits", "mast:JWST/product/a.jpg", "x"]
)
def test_only_fits_files_at_mast_are_looked_at(api: ApiClient, practice: PracticeServer, uri: str) -> None:
    for what in ("look", "look/header", "look/preview"):
        refused(api.get(f"/api/mast/{what}", {"uri": uri}), 422)
    assert sent(practice) == 0


def test_a_file_that_is_not_there_says_so(api: ApiClient) -> None:
    refused(api.get("/api/mast/look?uri=mast:JWST/product/jw99999-o001_t001_nircam_f090w_i2d.fits"), 502)


def test_a_table_has_headers_and_a_reason_but_no_picture(api: ApiClient) -> None:
    from mast.practice.holdings import Catalogue

    catalogue = Catalogue()
    names = (
        str(row["productFilename"]) for one in catalogue.observations() for row in catalogue.products(one["obsid"])
    )
    name = next(name for name in names if name.endswith("_x1d.fits"))
    uri = f"mast:JWST/product/{name}"
    seen = checked(api.get(f"/api/mast/look?uri={uri}"), schemas.LookRecord)
    assert not seen["viewable"]
    assert seen["why"]
    refused(api.get(f"/api/mast/look/preview?uri={uri}"), 409, "file.not_viewable")

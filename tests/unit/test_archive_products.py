"""Choosing files: by their own level and type, once each, with a reason for every one left out."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mast.archive.products import distinct, select
from mast.archive.rows import ProductRow, decode_products
from tests.mast_replies import body_of, envelope

PARENT = "254258368"


def product(name: str, **columns: Any) -> ProductRow:
    sent = {
        "obsID": PARENT,
        "parent_obsid": PARENT,
        "obs_id": name.rpartition("_")[0],
        "dataURI": f"mast:JWST/product/{name}",
        "productFilename": name,
        "productType": "SCIENCE",
        "productSubGroupDescription": name.rpartition("_")[2].partition(".")[0].upper(),
        "calib_level": 3,
        "size": 1000,
        "dataRights": "PUBLIC",
    } | columns
    (row,) = decode_products(body_of(envelope([sent]))).rows
    return row


def names_of(rows: list[ProductRow]) -> list[str]:
    return [row.file_name for row in rows]


I2D = product("jw02733-o001_t001_nircam_clear-f090w_i2d.fits")
EXPOSURE_I2D = product("jw02733001001_02101_00001_nrcb1_i2d.fits", calib_level=2, obsID="1", type="S")
CAL = product("jw02733001001_02101_00001_nrcb1_cal.fits", calib_level=2, obsID="1")
UNCAL = product("jw02733001001_02101_00001_nrcb1_uncal.fits", calib_level=1, obsID="1")
CAT = product("jw02733-o001_t001_nircam_clear-f090w_cat.ecsv")
PICTURE = product("jw02733-o001_t001_nircam_clear-f090w_i2d.jpg", productType="PREVIEW")
ASN3 = product("jw02733-o001_20230127t104421_image3_00001_asn.json", productType="INFO")
ASN2 = product("jw02733-o001_20230127t104421_image2_00001_asn.json", productType="INFO", calib_level=2, obsID="1")
POOL = product("jw02733_20230127t104421_pool.csv", productType="INFO")
ALL = [I2D, EXPOSURE_I2D, CAL, UNCAL, CAT, PICTURE, ASN3, ASN2, POOL]


def test_level_3_brings_level_3_science_and_its_association() -> None:
    selection = select(ALL, levels={3})
    assert selection.chosen == [I2D, CAT, ASN3]


def test_a_files_own_level_counts_and_never_its_suffix() -> None:
    assert EXPOSURE_I2D in select(ALL, levels={2}).chosen
    assert I2D not in select(ALL, levels={2}).chosen
    odd = product("jw02733-o001_t001_nircam_clear-f090w_uncal.fits", calib_level=3)
    assert select([odd], levels={3}).chosen == [odd]


def test_levels_1_and_2_bring_the_members_files_and_their_associations() -> None:
    assert select(ALL, levels={1, 2}).chosen == [EXPOSURE_I2D, CAL, UNCAL, ASN2]


def test_no_levels_means_every_level() -> None:
    assert select(ALL, levels=None).chosen == [I2D, EXPOSURE_I2D, CAL, UNCAL, CAT, ASN3, ASN2]


@pytest.mark.parametrize(
    ("product_type", "chosen"),
    [
        ("PREVIEW", [PICTURE, ASN3]),
        ("science", [I2D, CAT, ASN3]),
        ("INFO", [ASN3, POOL]),
        ("SCIENCE, PREVIEW", [I2D, CAT, PICTURE, ASN3]),
        ("ALL", [I2D, CAT, PICTURE, ASN3, POOL]),
        ("", [I2D, CAT, PICTURE, ASN3, POOL]),
        ("NONSENSE", []),
    ],
)
def test_types_are_products_own_types(product_type: str, chosen: list[ProductRow]) -> None:
    assert select(ALL, levels={3}, product_type=product_type).chosen == chosen


def test_associations_can_stay_behind() -> None:
    assert select(ALL, levels={3}, with_associations=False).chosen == [I2D, CAT]


def test_everything_left_out_has_its_reason_in_words() -> None:
    again = product(I2D.file_name)
    selection = select([*ALL, again], levels={3})
    reasons = {row.file_name: reason for row, reason in selection.left_out}
    assert reasons[UNCAL.file_name] == "it is Level 1"
    assert reasons[PICTURE.file_name] == "its type is PREVIEW"
    assert reasons[POOL.file_name] == "its type is INFO"
    assert reasons[I2D.file_name] == "the same file is listed twice"
    assert len(selection.chosen) + len(selection.left_out) == len(ALL) + 1


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"dataURI": "http://elsewhere.example/x.fits"}, "address"),
        ({"dataURI": "mast:HST/product/x.fits"}, "address"),
        ({"dataURI": "mast:JWST/product/../../etc/passwd"}, "address"),
        ({"dataURI": "mast:JWST/product/a b.fits"}, "address"),
        ({"dataURI": None}, "address"),
        ({"productFilename": "../../etc/passwd"}, "name"),
        ({"productFilename": ".hidden"}, "name"),
        ({"productFilename": "a/b.fits"}, "name"),
        ({"productFilename": ""}, "name"),
        ({"productFilename": "x" * 300}, "name"),
        ({"productFilename": "another.fits"}, "name"),
        ({"calib_level": None}, "calibration level"),
        ({"calib_level": -1}, "planned"),
        ({"productType": None}, "unknown"),
    ],
)
def test_rows_that_cannot_be_trusted_are_left_out_with_the_reason(columns: dict[str, Any], reason: str) -> None:
    selection = select([product("jw02733-o001_t001_nircam_clear-f090w_i2d.fits", **columns)], levels={3})
    assert selection.chosen == []
    ((_, said),) = selection.left_out
    assert reason in said


def test_a_file_listed_by_several_parents_is_one_file_and_its_owners_row_is_kept() -> None:
    member = product("jw05224-o004_s1_nirspec_x_x1d.fits", obsID="2", parent_obsid=PARENT, calib_level=3)
    owned = product("jw05224-o004_s1_nirspec_x_x1d.fits", obsID=PARENT, parent_obsid=PARENT, calib_level=3)
    assert distinct([member, owned, member]) == [owned]
    assert distinct([owned, member]) == [owned]


def test_the_recorded_list_of_718_rows_is_323_files(shared_data: Path) -> None:
    with (shared_data / "products" / "momz14_caom_products_5224.csv").open(newline="") as lines:
        sent = [{name: value or None for name, value in row.items()} for row in csv.DictReader(lines)]
    rows = decode_products(json.dumps(envelope(sent)).encode()).rows
    assert len(rows) == 718
    assert len(distinct(rows)) == 323
    chosen = {
        levels: Counter(row.sub_group for row in select(rows, levels=set(levels)).chosen)
        for levels in [(3,), (1,), (2,), (1, 2, 3)]
    }
    assert chosen[3,] == {"ANNNN_CRF": 2, "ANNNN_S2D": 2, "ANNNN_X1D": 2, "ASN": 1}
    assert chosen[1,] == {"UNCAL": 26}
    assert set(chosen[2,]) == {"CAL", "RATE", "RATEINTS", "S2D", "X1D", "ASN"}
    assert chosen[1, 2, 3].total() == chosen[3,].total() + chosen[1,].total() + chosen[2,].total()
    print({levels: counts.total() for levels, counts in chosen.items()})

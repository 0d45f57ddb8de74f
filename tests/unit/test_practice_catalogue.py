"""The practice catalogue: what it must hold, how its rows and product lists are shaped."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from mast.practice import making
from mast.practice.columns import OBSERVATION, PRODUCT, Row
from mast.practice.holdings import Catalogue
from mast.practice.store import Store
from mast.terms import parse_name

NOW_MJD = 61_367  # a day of 2026: what is exclusive must stay so for years


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture(scope="module")
def rows(catalogue: Catalogue) -> list[Row]:
    return catalogue.observations()


@pytest.fixture(scope="module")
def lists(catalogue: Catalogue, rows: list[Row]) -> dict[str, list[Row]]:
    return {row["obs_id"]: catalogue.products(row["obsid"]) for row in rows}


def test_it_is_as_large_and_as_varied_as_practice_needs(rows: list[Row]) -> None:
    assert len(rows) == 351
    assert len({row["proposal_id"] for row in rows}) == 49
    instruments = {row["instrument_name"].partition("/")[0] for row in rows}
    assert instruments == {"NIRCAM", "NIRSPEC", "NIRISS", "MIRI", "FGS"}
    modes = {row["instrument_name"].partition("/")[2] for row in rows}
    assert {"IMAGE", "CORON", "MSA", "IFU", "SLIT", "WFSS", "SOSS", "AMI", "GRISM", "SLITLESS"} <= modes
    assert Counter(row["calib_level"] for row in rows) == {3: 334, 2: 10, 1: 5, -1: 2}


def test_identifiers_are_unique_numbers(rows: list[Row], lists: dict[str, list[Row]]) -> None:
    for name in ("obsid", "obs_id", "objID"):
        assert len({row[name] for row in rows}) == len(rows), name
    assert all(row["obsid"].isdigit() for row in rows)
    owners: dict[str, str] = {}
    for listed in lists.values():
        for product in listed:
            assert owners.setdefault(product["obsID"], product["obs_id"]) == product["obs_id"]


@pytest.mark.parametrize(
    "obs_id",
    [
        "jw02733-o001_t001_nircam_clear-f090w",
        "jw02731-o002_t017_miri_f770w",
        "jw02736-o001_t001_nircam_clear-f200w",
        "jw02732-o002_t001_miri_f770w",
        "jw03215-o901_t002_nircam_clear-f150w",
    ],
)
def test_famous_observations_are_there_under_their_own_numbers(rows: list[Row], obs_id: str) -> None:
    assert obs_id in {row["obs_id"] for row in rows}


def test_every_state_of_data_is_there(rows: list[Row], lists: dict[str, list[Row]]) -> None:
    planned = [row for row in rows if row["calib_level"] == -1]
    assert all(row["t_min"] is row["t_obs_release"] is row["dataURL"] is None for row in planned)
    assert all(lists[row["obs_id"]] == [] for row in planned)
    exclusive = [row for row in rows if row["dataRights"] == "EXCLUSIVE_ACCESS"]
    assert exclusive
    assert all(row["t_obs_release"] > NOW_MJD for row in exclusive)
    assert all(row["t_obs_release"] < NOW_MJD for row in rows if row["dataRights"] == "PUBLIC" and row["t_obs_release"])
    assert any(row["mtFlag"] for row in rows)
    assert any("-c1" in row["obs_id"] for row in rows)
    assert max(len(listed) for listed in lists.values()) > 5_000


def test_some_pointings_cross_ra_nought_and_some_lie_by_a_pole(catalogue: Catalogue, rows: list[Row]) -> None:
    from mast.practice import portal

    def near(ra: float, dec: float) -> set[str]:
        params = {"ra": ra, "dec": dec, "radius": 0.02}
        return {
            row["target_name"]
            for row in portal.answer({"service": "Mast.Caom.Cone", "params": params}, catalogue)["data"]
        }

    assert near(359.98, -12.3) == near(0.02, -12.3) == {"ACROSS-RA-ZERO"}
    assert near(300.0, 89.99) == {"NEAR-NORTH-POLE"}
    assert near(91.42, -86.63) == {"ESO-005-G-004"}


def test_recorded_rows_come_out_as_recorded(rows: list[Row], shared_data: Path) -> None:
    ours = {row["obsid"]: row for row in rows}
    recorded = json.loads((shared_data / "observations" / "ngc3132_level3_search.json").read_text())["results"]
    ours_alone = {"objID", "jpegURL", "dataURL", "s_ra", "s_dec", "s_region"}
    for real in recorded:
        row = ours[real["obsid"]]
        assert set(row) == set(real)
        for name in set(real) - ours_alone:
            is_number = isinstance(real[name], float)
            assert row[name] == (pytest.approx(real[name], rel=1e-12) if is_number else real[name]), name
        assert real["dataURL"].endswith(row["dataURL"].rpartition("/")[2])
        assert (row["s_ra"], row["s_dec"]) == pytest.approx((real["s_ra"], real["s_dec"]), abs=1e-6)


def test_numbers_of_real_observations_are_those_mast_gave(rows: list[Row], shared_data: Path) -> None:
    real: dict[str, str] = {}
    for name in ("latest", "older"):
        with (shared_data / "observations" / f"yuvalharpaz_caom_i2d_{name}.csv").open(newline="") as lines:
            for row in csv.DictReader(lines):
                real[row["obsid"]] = row["jpegURL"].rpartition("/")[2].removesuffix("_i2d.jpg")
    known = [row for row in rows if row["obsid"] in real]
    assert len(known) > 250
    assert all(real[row["obsid"]] == row["obs_id"] for row in known)


def test_rows_have_exactly_the_columns_of_mast(rows: list[Row], lists: dict[str, list[Row]]) -> None:
    assert all(list(row) == list(OBSERVATION) for row in rows)
    assert all(list(product) == list(PRODUCT) for listed in lists.values() for product in listed)


def test_every_name_follows_the_grammar(lists: dict[str, list[Row]]) -> None:
    names = {product["productFilename"] for listed in lists.values() for product in listed}
    strange = [name for name in names if parse_name(name) is None and not name.endswith("_phot.png")]
    assert strange == []


def test_a_list_is_shaped_as_the_recorded_one(lists: dict[str, list[Row]], shared_data: Path) -> None:
    """The same kinds of rows under the same types, levels and descriptions as MAST lists for a micro-shutter source."""
    ours = lists["jw05437-o003_s000004711_nirspec_clear-prism"]
    with (shared_data / "products" / "momz14_caom_products_5224.csv").open(newline="") as lines:
        real = [row for row in csv.DictReader(lines) if row["parent_obsid"] == "254258482"]
    names = ["calib_level", "type", "productType", "productSubGroupDescription", "productGroupDescription"]
    names += ["description", "dataproduct_type", "filters"]

    def kinds(listed: list[Row]) -> set[tuple[str, ...]]:
        return {tuple(str(row[name] or "") for name in names) for row in listed}

    # Target acquisition images, which ours lack, are the recorded rows with a mirror.
    assert kinds(ours) == {kind for kind in kinds(real) if kind[-1] == "CLEAR;PRISM"}
    assert [row["type"] for row in ours] == sorted((row["type"] for row in ours), reverse=True), "members first"


def test_siblings_repeat_their_members(lists: dict[str, list[Row]]) -> None:
    one, two = (lists[f"jw05437-o003_s00000471{number}_nirspec_clear-prism"] for number in (1, 2))
    shared = {row["dataURI"] for row in one} & {row["dataURI"] for row in two}
    assert len(shared) > 450
    sizes = {row["dataURI"]: row["size"] for row in one}
    assert all(sizes[row["dataURI"]] == row["size"] for row in two if row["dataURI"] in shared)
    uris = [row["dataURI"] for row in one]
    assert len(set(uris)) < len(uris), "pool and shutter configuration are listed once for each member"


def test_a_member_is_listed_under_its_own_number_too(catalogue: Catalogue, lists: dict[str, list[Row]]) -> None:
    member = lists["jw02733-o001_t001_nircam_clear-f090w"][0]
    own = catalogue.products(member["obsID"])
    assert {row["obs_id"] for row in own} == {member["obs_id"]}
    assert {row["parent_obsid"] for row in own} == {member["obsID"]}
    assert catalogue.products("123456") == []


def test_one_file_of_each_kind_is_as_long_as_its_list_says(
    catalogue: Catalogue, rows: list[Row], lists: dict[str, list[Row]], tmp_path: Path
) -> None:
    store, seen = Store(tmp_path), set()
    for row in rows:
        for product in lists[row["obs_id"]]:
            name = product["productFilename"]
            kind = (
                row["instrument_name"],
                product["productSubGroupDescription"],
                name.rpartition(".")[2],
                product["calib_level"],
            )
            if kind in seen:
                continue
            seen.add(kind)
            held = catalogue.find(name)
            assert held is not None
            assert store.path(held).stat().st_size == product["size"] == held.size_bytes, name
            store.path(held).unlink()
    assert len(seen) > 150


def test_associations_name_members_that_exist(catalogue: Catalogue, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name, count in (
        ("jw02733-o001_20230127t104421_image3_00001_asn.json", 32),
        ("jw02733-o001_20230127t104421_image2_00001_asn.json", 1),
    ):
        held = catalogue.find(name)
        assert held is not None
        table = json.loads(store.path(held).read_text())
        members = table["products"][0]["members"]
        assert len(members) == count
        assert all(catalogue.find(member["expname"]) for member in members)
        assert table["degraded_status"]
        assert table["asn_pool"] == "jw02733_20230127t104421_pool"
    pool = catalogue.find("jw02733_20230127t104421_pool.csv")
    assert pool is not None
    lines = store.path(pool).read_text().splitlines()
    assert {line.count("|") for line in lines} == {16}
    assert making.Program(()).exposures == []


def test_nobody_knows_an_unlisted_file(catalogue: Catalogue) -> None:
    for name in ("", "x", "jw02733.fits", "jw02733-o001_t001_nircam_clear-f090w_s3d.fits", "jw00001_x_i2d.fits"):
        assert catalogue.find(name) is None

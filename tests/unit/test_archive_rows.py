"""MAST's JSON as rows: nulls, masks, odd types, and every recorded row."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import lzma
import math
import pickle
import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast import errors, terms
from mast.archive import rows
from mast.archive.rows import ObservationRow, ProductRow, decode_observations, decode_products
from tests.mast_replies import body_of, envelope, observation


@pytest.fixture(autouse=True)
def long_fields() -> Iterator[None]:
    """Recorded footprints are longer than the csv module's default; the limit is the whole process's."""
    before = csv.field_size_limit(10_000_000)
    yield
    csv.field_size_limit(before)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["-999", "NaN", "3", "1e400", -999, -999.0, "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
OBSERVATION_COLUMNS = [
    *("obs_id", "obsid", "calib_level", "dataproduct_type", "target_name", "instrument_name", "filters", "t_exptime"),
    *("t_min", "t_max", "t_obs_release", "proposal_id", "proposal_pi", "obs_title", "wavelength_region", "s_ra"),
    *("s_dec", "s_region", "dataRights", "jpegURL", "dataURL", "distance", "sequence_number", "mtFlag", "srcDen"),
    *("_selected_", "a_column_of_tomorrow"),
]
PRODUCT_COLUMNS = [
    *("obsID", "obs_collection", "dataproduct_type", "obs_id", "description", "type", "dataURI", "productType"),
    *("productGroupDescription", "productSubGroupDescription", "productDocumentationURL", "project", "prvversion"),
    *("proposal_id", "productFilename", "size", "parent_obsid", "dataRights", "calib_level", "filters", "_selected_"),
]


def one(**columns: Any) -> ObservationRow:
    (row,) = decode_observations(body_of(envelope([observation(1) | columns]))).rows
    return row


def _values(row: rows.Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name != "raw_json"}


def assert_settled(row: rows.Row) -> None:
    """Text is text, numbers are finite or None, whatever came."""
    for name in row.texts:
        assert type(getattr(row, name)) is str, name
    for name in row.reals:
        value = getattr(row, name)
        assert value is None or (isinstance(value, float) and math.isfinite(value)), name
    for name in row.wholes:
        value = getattr(row, name)
        assert value is None or type(value) is int, name
    for value in row.to_dict().values():
        assert not (isinstance(value, float) and not math.isfinite(value))
    assert "_selected_" not in row.raw_dict()
    json.dumps(row.to_dict(), allow_nan=False).encode()
    pickle.loads(pickle.dumps(row))


def test_a_row_has_typed_columns_and_keeps_what_was_sent() -> None:
    sent = observation(7, s_ra=151.75, jpegURL="mast:JWST/product/x.jpg", t_exptime=1460.2, new_column=[1, {"a": 2}])
    (row,) = decode_observations(body_of(envelope([sent]))).rows
    assert (row.obs_id, row.obsid, row.calib_level) == (sent["obs_id"], "87600007", 3)
    assert (row.s_ra_deg, row.exposure_s, row.preview_uri) == (151.75, 1460.2, "mast:JWST/product/x.jpg")
    assert json.loads(row.raw) == sent
    assert row.raw_dict()["new_column"] == [1, {"a": 2}]
    assert "_selected_" not in row.raw_dict()


def test_null_is_none_for_numbers_and_nothing_for_text() -> None:
    row = one(**dict.fromkeys(OBSERVATION_COLUMNS))
    assert {value for value in _values(row).values() if value is not None} == {""}
    assert_settled(row)


def test_columns_that_were_not_sent_are_as_null_ones() -> None:
    (row,) = decode_observations(body_of(envelope([{}]))).rows
    assert row.obs_id == ""
    assert row.calib_level is None
    assert row.observed_at is None


@pytest.mark.parametrize("masked", [-999, -999.0, "-999", None, "", "NaN", float("nan"), float("inf"), 1e400, "n/a"])
def test_every_way_of_saying_no_number_is_none(masked: Any) -> None:
    body = json.dumps(envelope([observation(1, t_min=masked, calib_level=masked, s_ra=masked)])).encode()
    (row,) = decode_observations(body).rows
    assert (row.t_min_mjd, row.calib_level, row.s_ra_deg) == (None, None, None)
    assert row.obs_id == observation(1)["obs_id"]
    assert_settled(row)


@pytest.mark.parametrize(("sent", "read"), [(87602450, "87602450"), (2733.0, "2733"), ("02733", "02733"), (1.5, "1.5")])
def test_bare_numbers_under_text_columns_are_text(sent: Any, read: str) -> None:
    row = one(obsid=sent, proposal_id=sent)
    assert (row.obsid, row.proposal_id) == (read, read)


@pytest.mark.parametrize(
    ("sent", "read"), [("3", 3), (2.0, 2), ("-1", -1), (9, None), (10**40, None), (True, None), (2.5, None)]
)
def test_a_level_of_another_type_is_read_if_it_can_be(sent: Any, read: int | None) -> None:
    assert one(calib_level=sent).calib_level == read


def test_numbers_written_as_text_are_numbers() -> None:
    assert one(t_min="59733.5", s_dec="-40.4").t_min_mjd == 59733.5


def test_one_odd_row_does_not_cost_the_others() -> None:
    sent = [observation(1), observation(2, target_name=["a", "list"], t_min={"min": 1}), observation(3)]
    found = decode_observations(body_of(envelope(sent))).rows
    assert [row.obsid for row in found] == ["87600001", "87600002", "87600003"]
    assert found[1].target_name == '["a", "list"]'
    assert found[1].t_min_mjd is None
    assert found[1].raw_dict()["t_min"] == {"min": 1}


def test_characters_no_database_takes_are_left_out() -> None:
    body = body_of(envelope([observation(1, target_name="NGC\x00 3132", obs_title="half \ud800 pair")]))
    (row,) = decode_observations(body).rows
    assert row.target_name == "NGC 3132"
    assert row.obs_title == "half ? pair"
    assert "\x00" not in row.raw_dict()["target_name"]
    row.obs_title.encode()


def test_text_in_another_encoding_is_still_an_answer() -> None:
    body = json.dumps(envelope([observation(1, proposal_pi="Peña")]), ensure_ascii=False).encode("latin-1")
    (row,) = decode_observations(body).rows
    assert row.proposal_pi.startswith("Pe")


def test_sizes_beyond_32_bits_are_kept() -> None:
    (row,) = decode_products(body_of(envelope([{"size": 112_922_409_600, "dataURI": "mast:JWST/product/a.fits"}]))).rows
    assert row.size_bytes == 112_922_409_600
    (row,) = decode_products(body_of(envelope([{"size": -5}]))).rows
    assert row.size_bytes is None


@pytest.mark.parametrize(
    ("columns", "moment"),
    [
        ({"t_min": 59733.5, "t_max": 59734.5}, datetime(2022, 6, 3, 12, tzinfo=UTC)),
        ({"t_min": None, "t_max": 59734.5}, datetime(2022, 6, 4, 12, tzinfo=UTC)),
        ({"t_min": None, "t_max": None, "t_obs_release": 59773.0}, datetime(2022, 7, 13, tzinfo=UTC)),
        ({"t_min": None, "t_max": None, "t_obs_release": None}, None),
        ({"t_min": 1e300, "t_max": -1e300, "t_obs_release": None}, None),
    ],
)
def test_the_observation_date_falls_back_from_start_to_end_to_release(
    columns: dict[str, Any], moment: datetime | None
) -> None:
    assert one(**columns).observed_at == moment


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - made aware below
def test_dates_survive_the_way_to_mjd_and_back(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    back = rows.mjd_to_datetime(rows.mjd_of(aware))
    assert back is not None
    assert abs(back - aware) < timedelta(milliseconds=1)


def test_mjd_agrees_with_astropy() -> None:
    from astropy.time import Time

    for mjd in 59733.741325717594, 60781.133675289355, 50000.0:
        theirs = Time(mjd, format="mjd", scale="utc").to_datetime(UTC)
        ours = rows.mjd_to_datetime(mjd)
        assert ours is not None
        assert abs(theirs - ours) < timedelta(milliseconds=1)


# --- whatever may come ------------------------------------------------------------------------------------------


@given(st.lists(st.dictionaries(st.sampled_from(OBSERVATION_COLUMNS), JSON_VALUES), max_size=4))
def test_observation_rows_of_any_types_are_rows(sent: list[dict[str, Any]]) -> None:
    page = decode_observations(json.dumps(envelope(sent)).encode())
    assert len(page.rows) == len(sent)
    for row in page.rows:
        assert_settled(row)


@given(st.lists(st.dictionaries(st.sampled_from(PRODUCT_COLUMNS), JSON_VALUES), max_size=4))
def test_product_rows_of_any_types_are_rows(sent: list[dict[str, Any]]) -> None:
    page = decode_products(json.dumps(envelope(sent)).encode())
    assert len(page.rows) == len(sent)
    for row in page.rows:
        assert_settled(row)


@given(st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_page_or_a_plain_error(body: bytes) -> None:
    try:
        page = decode_observations(body)
    except errors.ArchiveError:
        return
    assert all(isinstance(row, ObservationRow) for row in page.rows)


@given(st.dictionaries(st.sampled_from(["status", "msg", "data", "fields", "paging", "page"]), JSON_VALUES))
def test_any_envelope_is_a_page_or_a_plain_error(sent: dict[str, Any]) -> None:
    for status in sent.get("status"), "COMPLETE", "ERROR":
        with contextlib.suppress(errors.ArchiveError):
            decode_observations(json.dumps(sent | {"status": status}).encode())


@given(st.data())
def test_an_answer_cut_anywhere_is_never_taken_for_whole(data: st.DataObject) -> None:
    body = body_of(envelope([observation(1), observation(2)]))
    with pytest.raises(errors.MalformedReply):
        decode_observations(body[: data.draw(st.integers(0, len(body) - 1))])


# --- recorded rows ----------------------------------------------------------------------------------------------


def _csv_rows(path: Path, columns: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """Rows of a recording, empty cells as None; only some columns where there are hundreds."""
    packed = path.read_bytes()
    content = lzma.decompress(packed) if path.suffix == ".xz" else packed
    lines = csv.reader(io.StringIO(content.decode(), newline=""))
    header = next(lines)
    wanted = [(name, index) for index, name in enumerate(header) if name and (not columns or name in columns)]
    for cells in lines:
        yield {name: cells[index] or None for name, index in wanted}


def _level3_rows(shared_data: Path) -> list[dict[str, Any]]:
    """The 17,660 recorded Level 3 images as MAST sends such rows; the recorder left out what is put back here."""
    found = []
    for name in "latest", "older":
        for row in _csv_rows(shared_data / "observations" / f"yuvalharpaz_caom_i2d_{name}.csv"):
            file_name = (row["dataURL"] or row["jpegURL"] or "").rpartition("/")[2]
            dates = {key: _mjd(row[key]) for key in ("t_max", "t_obs_release")}
            obs_id = re.sub(r"_i2d\.(fits|jpg)$", "", file_name)
            found.append(row | dates | {"calib_level": 3, "obs_id": obs_id, "obsid": int(row["obsid"])})
    return found


def _mjd(text: str | None) -> float | None:
    return rows.mjd_of(datetime.fromisoformat(text).replace(tzinfo=UTC)) if text else None


KEYWORDS = frozenset(
    {"fileSetName", "filename", "ArchiveFileID", "productLevel", "detector", "targprop", "instrume", "orig-filter"}
    | {"filter", "effexptm", "expstart", "expend", "publicReleaseDate_mjd", "program", "pi_name", "title", "targ_ra"}
    | {"targ_dec", "orig_s_region", "s_region"}
)


def _exposure_rows(shared_data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The 47,130 recorded exposure rows as CAOM rows, each with the name of a file of it."""
    for path in sorted((shared_data / "observations" / "mast_jwst_keywords").glob("*.csv*")):
        for row in _csv_rows(path, KEYWORDS):
            yield _file_name(path.name, row), _as_observation(row)


def _as_observation(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "obs_id": row["fileSetName"],
        "obsid": row["ArchiveFileID"],
        "calib_level": (row["productLevel"] or "")[:1],
        "target_name": row["targprop"],
        "instrument_name": row["instrume"],
        "filters": row.get("orig-filter") or row["filter"],
        "t_exptime": row["effexptm"],
        "t_min": row["expstart"],
        "t_max": row["expend"],
        "t_obs_release": row["publicReleaseDate_mjd"],
        "proposal_id": row["program"],
        "proposal_pi": row["pi_name"],
        "obs_title": row["title"],
        "s_ra": row["targ_ra"],
        "s_dec": row["targ_dec"],
        "s_region": row.get("orig_s_region") or row["s_region"],
        "productLevel": row["productLevel"],
    }


def _file_name(recording: str, row: dict[str, Any]) -> str:
    if not recording.startswith("nirspec"):
        return str(row["filename"])
    # The recorder cut these names short; the level says which suffix they had.
    suffix = {"1b": "uncal", "2a": "rate", "2b": "cal"}[row["productLevel"]]
    return f"{row['fileSetName']}_{row['detector'].lower()}_{suffix}.fits"


def test_every_recorded_level_3_row_is_mapped(shared_data: Path) -> None:
    sent = _level3_rows(shared_data)
    page = decode_observations(body_of(envelope(sent)))
    assert len(page.rows) == len(sent) == 17_660
    for row, before in zip(page.rows, sent, strict=True):
        assert_settled_quickly(row)
        assert row.obsid == str(before["obsid"])
        assert row.observed_at is not None
        assert terms.parse_name(f"{row.obs_id}_i2d.fits"), row.obs_id
    empty = Counter(name for row in page.rows for name in row.texts if not getattr(row, name))
    print(f"{len(page.rows)} Level 3 rows mapped; without data_uri {empty['data_uri']}, pi {empty['proposal_pi']}")
    assert empty["data_uri"] == 91


def test_every_recorded_exposure_row_is_mapped_and_classified(shared_data: Path) -> None:
    named = list(_exposure_rows(shared_data))
    page = decode_observations(body_of(envelope([row for _, row in named])))
    assert len(page.rows) == 47_130
    forms: Counter[str] = Counter()
    badges: Counter[str] = Counter()
    for (name, sent), row in zip(named, page.rows, strict=True):
        assert_settled_quickly(row)
        parsed = terms.parse_name(name)
        assert parsed is not None, name
        badge = terms.badge_of(name)
        assert badge is not terms.Badge.UNCLASSIFIED, name
        assert row.calib_level == int(sent["productLevel"][0])
        assert terms.program_of(parsed.program) == row.proposal_id
        forms[parsed.form] += 1
        badges[badge] += 1
    nulls = sum(value is None for row in page.rows for value in row.raw_dict().values())
    print(f"{len(page.rows)} exposure rows mapped and classified: {dict(forms)}, {dict(badges)}; {nulls} nulls")
    assert sum(forms.values()) == 47_130


def assert_settled_quickly(row: rows.Row) -> None:
    assert all(type(getattr(row, name)) is str for name in row.texts)
    assert all(getattr(row, name) is None or math.isfinite(getattr(row, name)) for name in (*row.reals, *row.wholes))


def test_every_recorded_product_is_mapped_and_classified(shared_data: Path) -> None:
    sent = list(_csv_rows(shared_data / "products" / "momz14_caom_products_5224.csv"))
    page = decode_products(body_of(envelope(sent)))
    assert len(page.rows) == 718
    badges: Counter[str] = Counter()
    for row in page.rows:
        assert_settled(row)
        assert terms.parse_name(row.file_name), row.file_name
        assert row.size_bytes
        assert row.calib_level in {1, 2, 3}
        badges[terms.badge_of(row.file_name)] += 1
    print(f"{len(page.rows)} products mapped and classified: {dict(badges)}")
    assert terms.Badge.UNCLASSIFIED not in badges


def test_the_recorded_search_of_ngc_3132_is_mapped(shared_data: Path) -> None:
    recorded = json.loads((shared_data / "observations" / "ngc3132_level3_search.json").read_text())["results"]
    page = decode_observations(body_of(envelope(recorded)))
    assert [row.raw_dict() for row in page.rows] == recorded
    assert {row.proposal_id for row in page.rows} == {"2733"}
    assert {row.calib_level for row in page.rows} == {3}
    assert all(row.observed_at and row.observed_at.year == 2022 for row in page.rows)


def test_the_recorded_cone_of_program_5224_is_mapped(shared_data: Path) -> None:
    sent = list(_csv_rows(shared_data / "observations" / "momz14_caom_observations_5224.csv"))
    page = decode_observations(body_of(envelope(sent)))
    assert [row.distance_arcsec for row in page.rows] == [0.0, pytest.approx(0.8478833)]
    assert all(row.exposure_s == pytest.approx(15756.003) for row in page.rows)


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("caom", ObservationRow, 19),
        ("advSearch", ObservationRow, 3),
        ("advSearchPos", ObservationRow, 12),
        ("products", ProductRow, 22),
    ],
)
def test_answers_recorded_by_astroquery_are_read_as_they_lie(
    shared_data: Path, name: str, kind: type, count: int
) -> None:
    body = (shared_data / "responses" / "astroquery-0.4.11" / f"{name}.json").read_bytes()
    page = decode_products(body) if kind is ProductRow else decode_observations(body)
    assert len(page.rows) == count
    for row in page.rows:
        assert_settled(row)
        assert row.obsid

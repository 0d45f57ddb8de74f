"""Lists and records of the library: shapes, filters, orders, pages, tables."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from astropy.io import ascii as astropy_ascii
from astropy.io.votable import parse
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mast.models import DataFile, Observation, Tag
from mast.schemas.library import FileList, FileRecord, ObservationDetail, ObservationList
from tests.api_fixture import ApiClient, checked, fields_of, refused
from tests.factories import DataFileFactory, ObservationFactory
from tests.pages import page_of

pytestmark = pytest.mark.django_db
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def names(found: dict[str, Any]) -> list[str]:
    return [row["fileName"] for row in found["results"]]


def files(api: ApiClient, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = checked(api.get(f"/api/files{query}"), FileList)
    return found


@pytest.fixture
def shelf() -> dict[str, DataFile]:
    """Three files of two observations, different in everything a filter looks at."""
    ring = ObservationFactory(
        obs_id="jw02733-o001_t001_nircam_clear-f090w",
        target_name="NGC 3132",
        proposal_pi="Pontoppidan, Klaus M.",
        obs_title="Early release of a ring",
        s_ra_deg=151.755,
        s_dec_deg=-40.437,
        observed_at=datetime(2022, 6, 3, tzinfo=UTC),
        raw={
            "obs_id": "jw02733-o001_t001_nircam_clear-f090w",
            "t_min": 59733.5,
            "em_min": None,
            "jpegURL": "mast:x.jpg",
        },
    )
    deep = ObservationFactory(
        obs_id="jw05224-o001_t001_nirspec_prism",
        target_name="MoM-z14",
        instrument_name="NIRSPEC/MSA",
        filters="CLEAR;PRISM",
        proposal_id="5224",
    )
    made = {
        "mosaic": DataFileFactory(
            observation=ring,
            file_name="jw02733-o001_t001_nircam_clear-f090w_i2d.fits",
            size_bytes=900,
            fetched_at=NOON,
            wcs={"CRVAL1": 151.7, "CRVAL2": -40.4},
            is_viewable=True,
            raw={"productFilename": "jw02733-o001_t001_nircam_clear-f090w_i2d.fits", "dataRights": "PUBLIC"},
        ),
        "catalogue": DataFileFactory(
            observation=ring,
            file_name="jw02733-o001_t001_nircam_clear-f090w_cat.ecsv",
            suffix="cat",
            badge="table",
            size_bytes=50,
            fetched_at=NOON + timedelta(hours=1),
            view_reason="A table.",
        ),
        "exposure": DataFileFactory(
            observation=deep,
            file_name="jw05224001001_03101_00001_nrs1_cal.fits",
            product_obs_id="jw05224001001_03101_00001_nrs1",
            suffix="cal",
            calib_level=2,
            size_bytes=500,
            fetched_at=NOON + timedelta(hours=2),
            state="damaged",
        ),
    }
    made["mosaic"].tags.add(Tag.objects.create(name="planetary nebulae"))
    return made


# --- records ----------------------------------------------------------------------------------------------------


def test_a_file_record_is_what_the_contract_says(api: ApiClient, shelf: dict[str, DataFile]) -> None:
    record = checked(api.get(f"/api/files/{shelf['mosaic'].pk}"), FileRecord)
    expected = {
        "id": shelf["mosaic"].pk,
        "fileName": "jw02733-o001_t001_nircam_clear-f090w_i2d.fits",
        "fileSize": 900,
        "dataType": "image",
        "suffix": "i2d",
        "isViewable": True,
        "calibrationLevel": 3,
        "obsId": "jw02733-o001_t001_nircam_clear-f090w",
        "observationBaseId": "jw02733-o001_t001_nircam_clear-f090w",
        "source": "http",
        "tags": ["planetary nebulae"],
        "notes": "",
    }
    assert expected.items() <= record.items()
    assert record["filePath"].startswith("2733/")
    assert len(record["sha256"]) == 64
    info = record["imageInfo"]
    assert info["observationDate"] == "2022-06-03T00:00:00Z"
    assert info["targetName"] == "NGC 3132"
    assert info["instrument"] == "NIRCAM"
    assert info["filter"] == "F090W"
    assert info["exposureTime"] == 5841.087
    assert info["proposalId"] == "2733"
    assert info["wcs"] == {"CRVAL1": 151.7, "CRVAL2": -40.4}
    metadata = record["metadata"]
    assert metadata["mast_t_min"] == 59733.5
    assert metadata["mast_em_min"] is None
    assert metadata["mast_jpegURL"] == "mast:x.jpg"
    assert metadata["mast_product_dataRights"] == "PUBLIC"


def test_an_observation_comes_with_its_files(api: ApiClient, shelf: dict[str, DataFile]) -> None:
    found = checked(api.get("/api/observations/jw02733-o001_t001_nircam_clear-f090w"), ObservationDetail)
    assert [row["id"] for row in found["files"]] == [shelf["catalogue"].pk, shelf["mosaic"].pk]
    assert found["fileCount"] == 2
    assert found["totalBytes"] == 950
    assert found["ra"] == 151.755


def test_observations_are_listed_with_counts_and_bytes(api: ApiClient, shelf: dict[str, DataFile]) -> None:
    ObservationFactory()  # without a file of ours: not in the library
    found = checked(api.get("/api/observations?ordering=obsId"), ObservationList)
    assert [(row["obsId"], row["fileCount"], row["totalBytes"]) for row in found["results"]] == [
        ("jw02733-o001_t001_nircam_clear-f090w", 2, 950),
        ("jw05224-o001_t001_nirspec_prism", 1, 500),
    ]
    assert found["count"] == 2
    assert found["next"] is None


@pytest.mark.parametrize(
    "path",
    ["/api/files/999999999", "/api/files/99999999999999999999", "/api/observations/jw1", "/api/observations/%00"],
)
def test_what_is_not_in_the_library_is_404(api: ApiClient, path: str) -> None:
    refused(api.get(path), 404)


# --- filters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"mosaic", "catalogue", "exposure"}),
        ("?obsId=jw02733-o001_t001_nircam_clear-f090w", {"mosaic", "catalogue"}),
        ("?observationBaseId=jw05224001001_03101_00001_nrs1", {"exposure"}),
        ("?program=02733", {"mosaic", "catalogue"}),
        ("?program=5224", {"exposure"}),
        ("?target=ngc", {"mosaic", "catalogue"}),
        ("?instrument=nirspec", {"exposure"}),
        ("?filter=PRISM", {"exposure"}),
        ("?level=2", {"exposure"}),
        ("?level=3&suffix=i2d", {"mosaic"}),
        ("?dataType=table", {"catalogue"}),
        ("?state=damaged", {"exposure"}),
        ("?tag=planetary%20nebulae", {"mosaic"}),
        ("?tag=none", set()),
        ("?q=pontoppidan", {"mosaic", "catalogue"}),
        ("?q=_nrs1_", {"exposure"}),
        ("?q=ring&dataType=image", {"mosaic"}),
        ("?q=%25", set()),
    ],
)
def test_files_are_filtered(api: ApiClient, shelf: dict[str, DataFile], query: str, expected: set[str]) -> None:
    found = files(api, query)
    assert set(names(found)) == {shelf[key].file_name for key in expected}
    assert found["count"] == len(expected)
    assert found["countIsExact"] is True


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("program=2733", ["jw02733-o001_t001_nircam_clear-f090w"]),
        ("dataType=table", ["jw02733-o001_t001_nircam_clear-f090w"]),
        ("level=2", ["jw05224-o001_t001_nirspec_prism"]),
        ("tag=planetary+nebulae", ["jw02733-o001_t001_nircam_clear-f090w"]),
        ("q=cat.ecsv", ["jw02733-o001_t001_nircam_clear-f090w"]),
        ("q=mom", ["jw05224-o001_t001_nirspec_prism"]),
    ],
)
def test_observations_are_filtered(api: ApiClient, shelf: dict[str, DataFile], query: str, expected: list[str]) -> None:
    found = checked(api.get(f"/api/observations?{query}"), ObservationList)
    assert [row["obsId"] for row in found["results"]] == expected


def test_a_file_that_two_observations_list_is_found_under_both(api: ApiClient, shelf: dict[str, DataFile]) -> None:
    other = ObservationFactory()
    shelf["mosaic"].observations.add(other)
    assert names(files(api, f"?obsId={other.obs_id}")) == [shelf["mosaic"].file_name]
    assert files(api)["count"] == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("level=9", "level"),
        ("dataType=movie", "dataType"),
        ("state=gone", "state"),
        ("format=xml", "format"),
        ("ordering=sha256", "ordering"),
        ("ordering=--id", "ordering"),
        ("cursor=rubbish", "cursor"),
        ("cursor=WyItaWQiLCAxLCAyXQ", "cursor"),
        ("cursor=bnVsbA", "cursor"),
        ("q=%00", "q"),
        ("q=" + "x" * 201, "q"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(api: ApiClient, query: str, field: str) -> None:
    for form in ("json", "csv"):
        extra = "" if "format=" in query else f"&format={form}"
        assert field in fields_of(refused(api.get(f"/api/files?{query}{extra}"), 422))


# --- order and pages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordering", ["fetchedAt", "fileName", "fileSize", "calibrationLevel", "verifiedAt", "id"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_by_cursor_give_every_file_once_in_order(api: ApiClient, ordering: str, sign: str) -> None:
    observation = ObservationFactory()
    for number in range(23):
        DataFileFactory(
            observation=observation,
            size_bytes=number % 4,
            calib_level=[None, 1, 2, 3][number % 4],
            fetched_at=NOON + timedelta(minutes=number % 5),
        )
    whole = files(api, f"?ordering={sign}{ordering}&limit=1000")
    seen: list[int] = []
    cursor = ""
    for _ in range(10):
        page = files(api, f"?ordering={sign}{ordering}&limit=5&cursor={cursor}")
        seen += [row["id"] for row in page["results"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [row["id"] for row in whole["results"]]
    assert len(set(seen)) == 23
    values = [row[ordering] for row in whole["results"] if row[ordering] is not None]
    assert values == sorted(values, reverse=sign == "-")


@pytest.mark.parametrize(
    "ordering", ["observationDate", "-observationDate", "targetName", "-exposureTime", "-createdAt"]
)
def test_pages_of_observations_hold_missing_values_last(api: ApiClient, ordering: str) -> None:
    for number in range(11):
        observed_at = None if number % 3 == 0 else NOON + timedelta(days=number % 4)
        DataFileFactory(
            observation=ObservationFactory(observed_at=observed_at, exposure_s=None if number % 2 else number)
        )
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = checked(api.get(f"/api/observations?ordering={ordering}&limit=3&cursor={cursor}"), ObservationList)
        seen += [row["obsId"] for row in page["results"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 11
    if ordering.endswith("Date"):
        dates = [Observation.objects.get(obs_id=obs_id).observed_at for obs_id in seen]
        assert all(date is None for date in dates[-4:])


def test_fifty_rows_come_unless_told(api: ApiClient) -> None:
    observation = ObservationFactory()
    for _ in range(51):
        DataFileFactory(observation=observation)
    found = files(api)
    assert len(found["results"]) == 50
    assert found["next"]
    assert found["count"] == 51


def test_a_large_library_is_counted_roughly_and_says_so(api: ApiClient) -> None:
    made = [Observation(obs_id=f"jw{number:05d}-o001") for number in range(1001)]
    observations = Observation.objects.bulk_create(made)
    model = DataFileFactory.build(observation=observations[0])
    fields = {name: getattr(model, name) for name in ("size_bytes", "sha256", "suffix", "badge", "source", "proof")}
    DataFile.objects.bulk_create(
        DataFile(
            **fields,
            observation=observations[number % 1001],
            file_name=f"{number}.fits",
            data_uri=str(number),
            path=str(number),
            verified_at=NOON,
        )
        for number in range(10_010)
    )
    everything = files(api, "?limit=1000")
    assert (len(everything["results"]), everything["countIsExact"]) == (1000, False)
    assert everything["count"] > 10_000
    some = files(api, "?suffix=i2d&limit=1")
    assert (some["count"], some["countIsExact"]) == (10_001, False)
    assert files(api, f"?q={10_009}.fits")["countIsExact"] is True


def queries_of(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        call()
    return len(captured)


@pytest.mark.parametrize("path", ["/api/files", "/api/observations", "/api/files?tag=a&q=b", "/api/files?format=csv"])
def test_the_number_of_queries_does_not_grow_with_the_rows(api: ApiClient, path: str) -> None:
    def fetch() -> None:
        response = api.get(path + ("&" if "?" in path else "?") + "limit=1000")
        assert response.status_code == 200
        b"".join(response) if response.streaming else response.content

    tag = Tag.objects.create(name="a")

    def grow(count: int) -> None:
        for _ in range(count):
            file = DataFileFactory(notes="b")
            file.tags.add(tag)

    grow(10)
    few = queries_of(fetch)
    grow(490)
    assert queries_of(fetch) == few <= 6


# --- tables -----------------------------------------------------------------------------------------------------


def table(api: ApiClient, path: str) -> tuple[Any, bytes]:
    response = api.get(path)
    assert response.status_code == 200
    return response, b"".join(response.streaming_content)


@pytest.mark.parametrize("path", ["/api/files", "/api/observations"])
def test_votable_is_read_by_astropy_at_its_strictest(api: ApiClient, shelf: dict[str, DataFile], path: str) -> None:
    response, body = table(api, f"{path}?format=votable")
    assert response["Content-Type"].startswith("application/x-votable+xml")
    assert response["Content-Disposition"].endswith('.vot"')
    found = parse(io.BytesIO(body), verify="exception").get_first_table().to_table()
    assert len(found) == checked(api.get(path), FileList if "files" in path else ObservationList)["count"]
    assert str(found["exposureTime"].unit) == "s"


def test_ecsv_and_csv_hold_the_same_rows_as_json(api: ApiClient, shelf: dict[str, DataFile]) -> None:
    expected = names(files(api))
    for form in ("ecsv", "csv"):
        _, body = table(api, f"/api/files?format={form}")
        found = astropy_ascii.read(body.decode(), format=form)
        assert list(found["fileName"]) == expected
        assert list(found["fileSize"]) == [500, 50, 900]
        assert found["CRVAL2"][2] == -40.4


def test_a_table_without_a_limit_holds_every_row(api: ApiClient) -> None:
    observation = ObservationFactory()
    for _ in range(60):
        DataFileFactory(observation=observation)
    _, whole = table(api, "/api/files?format=csv")
    _, some = table(api, "/api/files?format=csv&limit=7")
    assert (len(whole.splitlines()), len(some.splitlines())) == (61, 8)
    _, body = table(api, "/api/files?all=true")
    every = FileList.model_validate_json(body)
    assert (len(every.results), every.next, every.count) == (60, None, 60)
    first = api.get("/api/files?limit=3").json()["results"]
    assert json.loads(body)["results"][:3] == first
    empty = json.loads(table(api, "/api/files?all=true&suffix=none")[1])
    assert (empty["results"], empty["count"]) == ([], 0)


def test_the_page_exports_every_row_in_each_format(client: Client) -> None:
    observation = ObservationFactory()
    for _ in range(60):
        DataFileFactory(observation=observation)
    page = page_of(client.get("/?view=files"))
    links = {link.text: link["href"] for link in page.find("a", class_="small") if "/api/files" in link["href"]}
    assert list(links) == ["CSV", "VOTABLE", "ECSV", "JSON"]
    for name, count in (("CSV", b"\n"), ("JSON", b'"fileName"')):
        body = b"".join(client.get(links[name]))  # type: ignore[call-overload]
        assert body.count(count) >= 60, name


def test_a_note_that_is_a_formula_does_not_run_in_a_spreadsheet(api: ApiClient) -> None:
    DataFileFactory(notes='=HYPERLINK("http://evil.test")')
    _, body = table(api, "/api/files?format=csv")
    assert b"'=HYPERLINK" in body


# --- exclusive files --------------------------------------------------------------------------------------------

LATER_MJD, EARLIER_MJD = 99_999.0, 59_000.0


@pytest.mark.parametrize(("release", "is_shown"), [(LATER_MJD, False), (EARLIER_MJD, True), (None, False)])
def test_an_exclusive_file_is_for_administrators_until_its_release(
    api: ApiClient, release: float | None, is_shown: bool
) -> None:
    observation = ObservationFactory(t_obs_release_mjd=release)
    file = DataFileFactory(observation=observation, data_rights="EXCLUSIVE_ACCESS")
    paths = (f"/api/files/{file.pk}", f"/api/files/{file.pk}/download", f"/api/files/{file.pk}/preview")
    assert files(api)["count"] == int(is_shown)
    assert checked(api.get("/api/observations"), ObservationList)["count"] == int(is_shown)
    assert all((api.get(path).status_code == 404) is not is_shown for path in paths)

    api.force_login(User.objects.create_superuser("admin"))
    assert files(api)["count"] == 1

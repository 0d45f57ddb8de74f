"""Queries as values: refused early, repeated in answers, recognised when asked again."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

from mast import errors
from mast.archive.query import Query


@pytest.mark.parametrize(
    "query",
    [
        Query(kind="target", target_name="NGC 3132"),
        Query(kind="target", target_name="x" * 200, radius_deg=10),
        Query(kind="coordinates", ra_deg=0, dec_deg=-90, radius_deg=1e-6),
        Query(kind="coordinates", ra_deg=360, dec_deg=90, calib_levels=None),
        Query(kind="observation", obs_id="jw02733-o001_t001_nircam_clear-f090w", calib_levels=(-1, 0, 1, 2, 3, 4)),
        Query(kind="observation", obs_id="mast:JWST/product/jw02733-o001_t001_nircam_clear-f090w_i2d.fits"),
        Query(kind="program", program_id="2733"),
        Query(kind="program", program_id="02733"),
        Query(kind="recent", days_back=365, limit=200, offset=10_000, instrument="NIRCam"),
    ],
)
def test_good_queries_pass(query: Query) -> None:
    query.check()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("target_name", {"kind": "target", "target_name": "   "}),
        ("target_name", {"kind": "target", "target_name": "x" * 201}),
        ("target_name", {"kind": "target", "target_name": "NGC\x003132"}),
        ("radius_deg", {"kind": "target", "target_name": "M 16", "radius_deg": 0}),
        ("radius_deg", {"kind": "target", "target_name": "M 16", "radius_deg": 11}),
        ("radius_deg", {"kind": "target", "target_name": "M 16", "radius_deg": math.nan}),
        ("radius_deg", {"kind": "coordinates", "ra_deg": 1, "dec_deg": 1, "radius_deg": -0.1}),
        ("ra_deg", {"kind": "coordinates", "ra_deg": 360.1, "dec_deg": 1}),
        ("ra_deg", {"kind": "coordinates", "ra_deg": math.nan, "dec_deg": 1}),
        ("ra_deg", {"kind": "coordinates", "dec_deg": 1}),
        ("dec_deg", {"kind": "coordinates", "ra_deg": 1, "dec_deg": math.inf}),
        ("dec_deg", {"kind": "coordinates", "ra_deg": 1, "dec_deg": -90.5}),
        ("obs_id", {"kind": "observation", "obs_id": ""}),
        ("obs_id", {"kind": "observation", "obs_id": "jw02733; DROP TABLE"}),
        ("obs_id", {"kind": "observation", "obs_id": "%"}),
        ("obs_id", {"kind": "observation", "obs_id": "j" * 301}),
        ("program_id", {"kind": "program", "program_id": ""}),
        ("program_id", {"kind": "program", "program_id": "123456"}),
        ("program_id", {"kind": "program", "program_id": "2733*"}),
        ("program_id", {"kind": "program", "program_id": "²"}),
        ("days_back", {"kind": "recent", "days_back": 0}),
        ("days_back", {"kind": "recent", "days_back": 366}),
        ("limit", {"kind": "recent", "limit": 201}),
        ("offset", {"kind": "recent", "offset": -1}),
        ("instrument", {"kind": "recent", "instrument": "NIRCAM%"}),
        ("calib_levels", {"kind": "program", "program_id": "2733", "calib_levels": ()}),
        ("calib_levels", {"kind": "program", "program_id": "2733", "calib_levels": (3, 5)}),
    ],
)
def test_bad_queries_are_refused_naming_the_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(errors.BadQuery) as caught:
        Query(**values).check()
    assert list(caught.value.details["fields"]) == [field]
    assert caught.value.message.endswith(".")


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(errors.BadQuery) as caught:
        Query(kind="coordinates", ra_deg=-1, dec_deg=100, radius_deg=0, calib_levels=(9,)).check()
    assert set(caught.value.details["fields"]) == {"ra_deg", "dec_deg", "radius_deg", "calib_levels"}


@pytest.mark.parametrize(
    ("query", "params"),
    [
        (
            Query(kind="target", target_name="NGC 3132", radius_deg=0.1),
            {"target_name": "NGC 3132", "radius": 0.1, "calib_level": [3]},
        ),
        (
            Query(kind="coordinates", ra_deg=151.755, dec_deg=-40.437, calib_levels=None),
            {"ra": 151.755, "dec": -40.437, "radius": 0.2, "calib_level": None},
        ),
        (Query(kind="observation", obs_id="jw1", calib_levels=(1, 2)), {"obs_id": "jw1", "calib_level": [1, 2]}),
        (Query(kind="program", program_id="02733"), {"program_id": "02733", "calib_level": [3]}),
        (Query(kind="recent"), {"days_back": 7, "instrument": None, "limit": 50, "offset": 0}),
    ],
)
def test_the_answer_repeats_what_was_asked(query: Query, params: dict[str, Any]) -> None:
    assert query.to_params() == params


def test_queries_that_mean_the_same_have_the_same_key() -> None:
    def key(**values: Any) -> str:
        return Query(**values).key()

    assert key(kind="program", program_id="2733") == key(kind="program", program_id="jw02733")
    assert key(kind="target", target_name="NGC3132") == key(kind="target", target_name="ngc-3132")
    assert key(kind="observation", obs_id="JW1") == key(kind="observation", obs_id=" jw1")
    assert key(kind="program", program_id="1", calib_levels=(3, 2)) == key(
        kind="program", program_id="1", calib_levels=(2, 3, 3)
    )
    assert key(kind="program", program_id="2733") != key(kind="program", program_id="2733", calib_levels=None)
    assert key(kind="target", target_name="M 1") != key(kind="target", target_name="M 1", radius_deg=0.1)
    assert key(kind="recent", offset=0) != key(kind="recent", offset=50)
    assert len(key(kind="recent")) == 64


def test_importing_the_archive_imports_nothing_heavy() -> None:
    code = (
        "import sys, mast.archive.search, mast.archive.products, mast.archive.sky, mast.archive.footprints; "
        "print([name for name in ('astroquery', 'astropy', 'boto3', 'requests', 'urllib3', 'numpy', 'django') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

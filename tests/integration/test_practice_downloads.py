"""Files of the practice archive as transfer code meets them: unsigned boto3, plain HTTP, ranges, refusals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest
import requests
from botocore import UNSIGNED

from mast.practice import PracticeServer
from tests.practice_fixture import bytes_sent

pytestmark = pytest.mark.one_database

NGC3132 = "jw02733-o001_t001_nircam_clear-f090w"
MOSAIC = f"mast:JWST/product/{NGC3132}_i2d.fits"
KEY = f"jwst/public/jw02733/L3/t/o001/{NGC3132}_i2d.fits"
EXCLUSIVE = "mast:JWST/product/jw99999-o003_t003_miri_f770w_i2d.fits"


@pytest.fixture
def s3(practice: PracticeServer) -> Iterator[Any]:
    client = boto3.client(
        "s3",
        endpoint_url=f"{practice.url}/s3",
        region_name="us-east-1",
        config=botocore.config.Config(signature_version=UNSIGNED, retries={"max_attempts": 1}),
    )
    yield client
    client.close()


def test_s3_gives_ranges_of_one_version(s3: Any) -> None:
    head = s3.head_object(Bucket="stpubdata", Key=KEY)
    assert head["AcceptRanges"] == "bytes"
    part = s3.get_object(Bucket="stpubdata", Key=KEY, Range="bytes=2880-5759", IfMatch=head["ETag"])
    assert part["ContentRange"] == f"bytes 2880-5759/{head['ContentLength']}"
    assert len(part["Body"].read()) == 2880


def test_s3_refuses_what_is_not_there_or_not_the_same(s3: Any, practice: PracticeServer) -> None:
    etag = s3.head_object(Bucket="stpubdata", Key=KEY)["ETag"]
    practice.store.revisions[f"{NGC3132}_i2d.fits"] += 1
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        s3.get_object(Bucket="stpubdata", Key=KEY, IfMatch=etag)
    assert caught.value.response["Error"]["Code"] == "PreconditionFailed"
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="stpubdata", Key="jwst/public/none.fits")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        s3.head_object(Bucket="stpubdata", Key="jwst/public/none.fits")
    assert caught.value.response["Error"]["Code"] == "404"
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        s3.get_object(Bucket="stpubdata", Key=KEY, Range="bytes=99999999999-")
    assert caught.value.response["Error"]["Code"] == "InvalidRange"
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        s3.get_object(Bucket="another", Key=KEY)
    assert caught.value.response["Error"]["Code"] == "NoSuchBucket"


def test_exclusive_files_are_not_in_the_bucket(s3: Any, practice: PracticeServer) -> None:
    lookup = requests.get(f"{practice.url}/api/v0.1/path_lookup/", params={"uri": EXCLUSIVE}, timeout=10).json()
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="stpubdata", Key=lookup[EXCLUSIVE]["path"].lstrip("/"))


def test_the_etag_of_a_small_object_is_its_md5(s3: Any) -> None:
    key = KEY.replace("_i2d.fits", "_i2d.jpg")
    answer = s3.get_object(Bucket="stpubdata", Key=key)
    assert answer["ETag"] == f'"{hashlib.md5(answer["Body"].read(), usedforsecurity=False).hexdigest()}"'


def download(practice: PracticeServer, uri: str = MOSAIC, method: str = "GET", **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(
        method, f"{practice.url}/api/v0.1/Download/file", params={"uri": uri}, headers=named, timeout=10
    )


def test_http_keeps_a_range_bound_to_its_validator(practice: PracticeServer) -> None:
    head = download(practice, method="HEAD")
    size, etag, date = (head.headers[name] for name in ("Content-Length", "ETag", "Last-Modified"))
    assert head.headers["Accept-Ranges"] == "bytes"
    for validator in (etag, date):
        part = download(practice, Range="bytes=0-99", If_Range=validator)
        assert (part.status_code, len(part.content)) == (206, 100)
        assert part.headers["Content-Range"] == f"bytes 0-99/{size}"
    practice.store.revisions[f"{NGC3132}_i2d.fits"] += 1
    whole = download(practice, Range="bytes=0-99", If_Range=etag)
    assert (whole.status_code, whole.headers["Content-Length"]) == (200, size)
    assert whole.headers["ETag"] != etag


def test_http_answers_every_form_of_range(practice: PracticeServer) -> None:
    size = int(download(practice, method="HEAD").headers["Content-Length"])
    for asked, status, length in (
        ("bytes=-100", 206, 100),
        (f"bytes={size - 10}-", 206, 10),
        (f"bytes=0-{size * 2}", 206, size),
        (f"bytes={size}-", 416, 0),
        ("bytes=0-1,5-6", 200, size),
        ("bytes=9-1", 200, size),
        ("words=0-1", 200, size),
    ):
        response = download(practice, Range=asked)
        assert (response.status_code, len(response.content)) == (status, length), asked
    assert download(practice, If_None_Match=download(practice, method="HEAD").headers["ETag"]).status_code == 304
    assert download(practice, uri="mast:JWST/product/none.fits").status_code == 404


@pytest.mark.parametrize("how", ["Authorization", "Cookie"])
def test_a_token_opens_exclusive_files(practice: PracticeServer, how: str) -> None:
    value = {"Authorization": f"token {practice.token}", "Cookie": f"mast_token={practice.token}"}[how]
    assert download(practice, EXCLUSIVE, "HEAD").status_code == 401
    assert download(practice, EXCLUSIVE, "HEAD", **{how: value}).status_code == 200
    assert download(practice, EXCLUSIVE, "HEAD", Authorization="token wrong").status_code == 401
    who = requests.get(f"{practice.url}/whoami", headers={how: value}, timeout=10).json()
    assert who["anon"] is False


def test_a_rate_limit_slows_one_connection(practice: PracticeServer) -> None:
    practice.rate = 4.0
    response = download(practice, Range="bytes=0-1999999")
    assert response.elapsed.total_seconds() + 0.5 > 0.4
    assert len(response.content) == 2_000_000
    assert bytes_sent(practice, "http", 2_000_000) == 2_000_000

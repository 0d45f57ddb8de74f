"""Reading the headers a transfer depends on."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast.transfer.headers import (
    ContentRange,
    Validator,
    content_length,
    content_range,
    retry_after_s,
    s3_etag_md5,
    unsatisfied_total,
    whole_file_sums,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(first=st.integers(0, 2**62), length=st.integers(1, 2**40), after=st.integers(0, 2**40))
def test_a_content_range_is_read_exactly(first: int, length: int, after: int) -> None:
    total = first + length + after
    told = f"bytes {first}-{first + length - 1}/{total}"
    if len(str(total)) < 20:
        assert content_range(told) == ContentRange(first, first + length, total)


@given(st.text().filter(lambda text: not text.strip().startswith("bytes ")))
def test_any_other_text_is_no_content_range(text: str) -> None:
    assert content_range(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "bytes 0-9/*", "bytes */10", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9", "0-9/10", "bytes -1-9/10",
     "bytes 0-9/10, 20-29/30", "bytes 0 - 9/10", "BYTES 0-9/10", f"bytes 0-1/{10**30}", "bytes ٠-٩/١٠"],
)  # fmt: skip
def test_an_impossible_content_range_is_none(text: str) -> None:
    assert content_range(text) is None


def test_the_total_of_a_refused_range_is_read() -> None:
    assert unsatisfied_total("bytes */1000") == 1000
    assert unsatisfied_total("bytes 0-9/1000") is None


@pytest.mark.parametrize(
    ("text", "length"), [("0", 0), (" 12 ", 12), ("-1", None), ("1e3", None), ("", None), (None, None)]
)
def test_a_length_is_digits_or_nothing(text: str | None, length: int | None) -> None:
    assert content_length(text) == length


@given(st.integers(0, 10**30))
def test_retry_after_in_seconds_is_never_negative_and_never_fails(seconds: int) -> None:
    found = retry_after_s(str(seconds))
    assert found is not None
    assert found >= 0


@given(st.integers(0, 253_000_000_000))
def test_retry_after_as_a_date_counts_from_now(unix_s: int) -> None:
    moment = datetime.fromtimestamp(unix_s, UTC)
    found = retry_after_s(format_datetime(moment, usegmt=True), NOW)
    assert found == max(0.0, (moment - NOW).total_seconds())


@given(st.text())
def test_garbage_in_retry_after_never_fails(text: str) -> None:
    found = retry_after_s(text, NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize("text", ["soon", "-5", "1.5", "Mon, 99 Xyz", "", None])
def test_what_is_no_retry_after_is_none(text: str | None) -> None:
    assert retry_after_s(text, NOW) is None


def test_a_date_without_a_zone_is_taken_as_utc() -> None:
    told = format_datetime(NOW + timedelta(seconds=30)).replace(" +0000", " -0000")
    assert retry_after_s(told, NOW) == 30


# --- validators -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pinned", "came", "is_allowed"),
    [
        (Validator('"a"'), Validator('"a"'), True),
        (Validator('"a"'), Validator('"b"'), False),
        (Validator('"a"'), Validator('W/"a"'), False),
        (Validator('"a"', "Mon"), Validator("", "Mon"), False),
        (Validator("", "Mon"), Validator("", "Mon"), True),
        (Validator("", "Mon"), Validator('"a"', "Mon"), True),
        (Validator("", "Mon"), Validator("", "Tue"), False),
        (Validator("", "Mon"), Validator(), False),
        (Validator(), Validator('"a"', "Mon"), True),
    ],
)
def test_a_reply_belongs_to_a_version_only_when_it_shows_the_same_validator(
    pinned: Validator, came: Validator, is_allowed: bool
) -> None:
    assert pinned.allows(came) is is_allowed


def test_only_a_strong_etag_is_strong() -> None:
    assert Validator('"a"').is_strong
    assert not Validator('W/"a"').is_strong
    assert not Validator("", "Wed, 01 Oct 2025 10:00:00 GMT").is_strong


# --- checksums --------------------------------------------------------------------------------------------------

DIGEST = bytes(range(32))
IN_BASE64 = base64.b64encode(DIGEST).decode()


def test_a_full_object_checksum_is_read() -> None:
    headers = {"x-amz-checksum-sha256": IN_BASE64, "x-amz-checksum-type": "FULL_OBJECT"}
    assert whole_file_sums(headers, is_whole=True) == {"sha256": DIGEST.hex()}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-sha256": IN_BASE64, "x-amz-checksum-type": "COMPOSITE"},
        {"x-amz-checksum-sha256": IN_BASE64 + "-4"},
        {"x-amz-checksum-crc32c": IN_BASE64},
        {"x-amz-checksum-sha256": "no base64"},
        {},
    ],
)
def test_a_sum_of_sums_or_a_broken_one_is_left_out(headers: dict[str, str]) -> None:
    assert whole_file_sums(headers, is_whole=True) == {}


def test_beside_a_part_only_the_digest_of_the_whole_counts() -> None:
    headers = {
        "x-amz-checksum-sha256": IN_BASE64,
        "content-md5": "AAAA",
        "repr-digest": f"sha-256=:{IN_BASE64}:, x=:y:",
    }
    assert whole_file_sums(headers, is_whole=False) == {"sha256": DIGEST.hex()}


def test_an_etag_is_an_md5_only_for_single_part_objects_under_amazons_keys() -> None:
    tag = '"0123456789abcdef0123456789abcdef"'
    assert s3_etag_md5({"etag": tag}) == tag.strip('"')
    assert s3_etag_md5({"etag": tag.replace('f"', 'f-4"')}) == ""
    assert s3_etag_md5({"etag": tag, "x-amz-server-side-encryption": "aws:kms"}) == ""
    assert s3_etag_md5({"etag": tag, "x-amz-server-side-encryption-customer-algorithm": "AES256"}) == ""

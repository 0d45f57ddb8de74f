"""Reading the header fields a transfer depends on. Whatever cannot be read exactly counts as absent."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MAX_FILE_BYTES: Final = 1 << 50
"""A petabyte: no JWST product comes near, and a server that says more is not believed."""

_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII)
_UNSATISFIED: Final = re.compile(r"bytes \*/(\d{1,19})", re.ASCII)
_DIGITS: Final = re.compile(r"\d{1,19}", re.ASCII)
_SECONDS: Final = re.compile(r"\d+", re.ASCII)
_MD5_ETAG: Final = re.compile(r'"([0-9a-f]{32})"', re.ASCII)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """Bytes `start` to `stop` (exclusive) of `total`."""

    start: int
    stop: int
    total: int


def content_range(value: str) -> ContentRange | None:
    """`bytes 0-99/1000`; None for anything else, an unknown total (`*`) and impossible numbers included."""
    match = _CONTENT_RANGE.fullmatch(value.strip())
    if match is None:
        return None
    first, last, total = (int(group) for group in match.groups())
    return ContentRange(first, last + 1, total) if first <= last < total else None


def unsatisfied_total(value: str) -> int | None:
    """The total in the `bytes */1000` of a 416."""
    match = _UNSATISFIED.fullmatch(value.strip())
    return int(match[1]) if match else None


def content_length(value: str | None) -> int | None:
    """A length in bytes; None when the field is absent or is no plain number."""
    # Stripped once: `int` knows less white space than `strip`, and would raise at `\x1c10`.
    text = (value or "").strip()
    return int(text) if _DIGITS.fullmatch(text) else None


def retry_after_s(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds a server asks us to wait, never negative; None for garbage. The caller bounds it."""
    if not value:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text[:12])
    try:
        # Few servers write a date, and what reads one is slow to load.
        from email.utils import parsedate_to_datetime

        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Validator:
    """What tells one version of a file from another, exactly as the server sent it."""

    etag: str = ""
    last_modified: str = ""

    @property
    def is_strong(self) -> bool:
        """Whether equal means byte for byte equal: a strong ETag. A date has a resolution of a second."""
        return bool(self.etag) and not self.etag.startswith("W/")

    @property
    def text(self) -> str:
        return self.etag or self.last_modified

    def allows(self, other: Validator) -> bool:
        """Whether a reply with `other` may belong to the version this one pins.

        A reply that lacks the ETag we pinned is refused: it cannot show which version it is from.
        """
        if self.etag:
            return self.etag == other.etag
        return not self.last_modified or self.last_modified == other.last_modified


def validator_of(headers: Mapping[str, str]) -> Validator:
    return Validator(headers.get("etag", ""), headers.get("last-modified", ""))


_AMZ_SUMS: Final = ("sha256", "sha1", "crc64nvme", "crc32c", "crc32")
_REPR_SUMS: Final = {"sha-256": "sha256", "sha": "sha1", "md5": "md5"}
_DIGEST_BYTES: Final = {"sha256": 32, "sha1": 20, "md5": 16, "crc64nvme": 8, "crc32c": 4, "crc32": 4}


def whole_file_sums(headers: Mapping[str, str], *, is_whole: bool) -> dict[str, str]:
    """Checksums of the whole file by algorithm, in hex, from the headers of a reply that brings all of it or a part.

    Beside a part only `Repr-Digest` is about the whole file. S3's sums of sums (`-4` at the end, or type COMPOSITE)
    say nothing about its bytes and are left out.
    """
    found = {}
    if is_whole and headers.get("x-amz-checksum-type", "FULL_OBJECT") == "FULL_OBJECT":
        found = {name: headers.get(f"x-amz-checksum-{name}", "") for name in _AMZ_SUMS}
    for member in headers.get("repr-digest", "").split(","):
        label, _, value = member.strip().partition("=")
        if label.lower() in _REPR_SUMS:
            found.setdefault(_REPR_SUMS[label.lower()], value.strip().strip(":"))
    if is_whole and headers.get("content-md5"):
        found["md5"] = headers["content-md5"]
    in_hex = {name: _hex(name, value) for name, value in found.items()}
    return {name: value for name, value in in_hex.items() if value}


def _hex(name: str, value: str) -> str:
    try:
        raw = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == _DIGEST_BYTES[name] else ""


def s3_etag_md5(headers: Mapping[str, str]) -> str:
    """The MD5 in a single-part S3 ETag, in hex; empty for multi-part ETags and objects under a customer's key."""
    if "x-amz-server-side-encryption-customer-algorithm" in headers:
        return ""
    if headers.get("x-amz-server-side-encryption", "").startswith("aws:kms"):
        return ""
    match = _MD5_ETAG.fullmatch(headers.get("etag", ""))
    return match[1] if match else ""

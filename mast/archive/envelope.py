"""The answer around the rows: its status, its paging, and the rows cut apart but not decoded."""

from __future__ import annotations

import json
from typing import Final, TypeAlias

import msgspec

from mast import errors
from mast.archive.values import clean

Body: TypeAlias = bytes | bytearray
_ESCAPED_NUL: Final = b"\\u0000"


class Paging(msgspec.Struct, rename={"pages": "pagesFiltered", "total": "rowsFiltered"}):
    page: int | None = None
    pages: int | None = None
    total: int | None = None


class Envelope(msgspec.Struct):
    """An answer cut into rows that are not decoded yet."""

    status: str | None = None
    msg: str | None = None
    data: list[msgspec.Raw] | None = None
    paging: Paging | None = None


_ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)


def read_envelope(body: Body) -> Envelope:
    """The answer's status, paging and uncut rows.

    Raises
    ------
    MalformedReply : when the body is not the JSON MAST answers with
    """
    if _ESCAPED_NUL in body:
        # PostgreSQL takes no NUL in text.
        return _read_odd_envelope(body)
    try:
        return _ENVELOPE.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _read_odd_envelope(body)


def _read_odd_envelope(body: Body) -> Envelope:
    # JSON has no NaN, but Python's writers emit it and its reader takes it; msgspec writes it back as null.
    try:
        tolerated = msgspec.json.encode(clean(json.loads(bytes(body).decode("utf-8", "replace"))))
        return _ENVELOPE.decode(tolerated)
    except (ValueError, msgspec.MsgspecError, RecursionError) as exc:
        raise errors.MalformedReply(_describe_garbage(body), first_bytes=_first_bytes(body)) from exc


def _describe_garbage(body: Body) -> str:
    start = bytes(body[:200]).lstrip().lower()
    if not start:
        return "MAST sent an empty answer. Try again in a few minutes."
    if start.startswith(b"<"):
        return "MAST answered with a web page instead of data, as it does during maintenance. Try again later."
    return "MAST's answer is damaged or incomplete. Try again in a few minutes."


def _first_bytes(body: Body) -> str:
    return bytes(body[:80]).decode("utf-8", "replace")


def check_complete(envelope: Envelope) -> None:
    """Refuse an answer that is not a finished one."""
    if envelope.status == "ERROR":
        said = (envelope.msg or "no reason given").strip()
        raise errors.ArchiveRefused(f"MAST could not carry out the query: {said[:300]}")
    if envelope.status != "COMPLETE":
        raise errors.MalformedReply(
            f"MAST's answer has the status {envelope.status!r} instead of COMPLETE. Try again in a few minutes."
        )
    if envelope.data is None:
        raise errors.MalformedReply("MAST's answer has no rows at all, not even an empty list. Try again later.")

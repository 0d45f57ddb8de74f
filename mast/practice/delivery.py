"""Which bytes of a file a request gets: conditions, validators and ranges of HTTP (RFC 9110), for both file servers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """A status, the half-open range of bytes to send, and the headers that go with it."""

    status: int
    start: int
    stop: int
    headers: dict[str, str]


def plan(headers: Message, size: int, etag: str, modified: int) -> Delivery:
    """The answer to a GET or HEAD of a file of `size` bytes."""
    base = {"ETag": etag, "Last-Modified": formatdate(modified, usegmt=True), "Accept-Ranges": "bytes"}
    if "If-Match" in headers and not _matches(headers["If-Match"], etag):
        return Delivery(412, 0, 0, base)
    if "If-None-Match" in headers and _matches(headers["If-None-Match"], etag):
        return Delivery(304, 0, 0, base)
    asked = _range(headers.get("Range", ""), size)
    if asked is None or not _range_holds(headers.get("If-Range"), etag, modified):
        return Delivery(200, 0, size, base | {"Content-Length": str(size)})
    start, stop = asked
    if start >= stop:
        return Delivery(416, 0, 0, base | {"Content-Range": f"bytes */{size}"})
    ranged = {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "Content-Length": str(stop - start)}
    return Delivery(206, start, stop, base | ranged)


def _matches(condition: str, etag: str) -> bool:
    return condition.strip() == "*" or etag in (part.strip() for part in condition.split(","))


def _range_holds(condition: str | None, etag: str, modified: int) -> bool:
    """If-Range takes a strong ETag or exactly the Last-Modified date."""
    if condition is None:
        return True
    if condition.startswith('"'):
        return condition.strip() == etag
    try:
        return int(parsedate_to_datetime(condition).timestamp()) == modified
    except ValueError:
        return False


def _range(text: str, size: int) -> tuple[int, int] | None:
    """Start and stop of `bytes=a-b`, `bytes=a-`, `bytes=-n`; None for no range, several, or nonsense."""
    match = re.fullmatch(r"\s*bytes=(\d*)-(\d*)\s*", text)
    if not match or match[0].strip() == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return max(0, size - int(last)), size if int(last) else 0
    if last and int(last) < int(first):
        return None
    stop = min(size, int(last) + 1) if last else size
    return int(first), stop

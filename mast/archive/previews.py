"""MAST's own preview pictures, small jpegs and pngs beside the products."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from mast import errors
from mast.archive.deadline import Deadline

if TYPE_CHECKING:
    from mast.archive.client import ArchiveConfig

LARGEST_BYTES: Final = 8 * 1024 * 1024
TIMEOUT_S: Final = 20.0
_URI: Final = re.compile(r"mast:JWST/product/[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.(?:jpe?g|png)")


def uri_of(jpeg_url: str) -> str:
    """The `mast:` URI in what MAST sends as `jpegURL`, bare or inside a download address; empty when there is none."""
    inside = parse_qs(urlsplit(jpeg_url).query).get("uri", [jpeg_url])[0]
    return inside if _URI.fullmatch(inside) else ""


def fetch(uri: str, config: ArchiveConfig) -> bytes:
    """The picture's bytes. Asked for without a token: what is exclusive stays unseen.

    Raises
    ------
    BadQuery : the URI is not that of a preview
    ArchiveError : whatever went wrong on the way
    """
    # requests is imported by the first query, not with the package.
    from mast.archive.wire import Wire

    if not _URI.fullmatch(uri):
        raise errors.BadQuery("This is not the address of a preview.", fields={"uri": "is not a preview's"})
    wire = Wire(config.base_url, Deadline(min(TIMEOUT_S, config.timeout_s)), largest_body=LARGEST_BYTES)
    address = f"{config.base_url.rstrip('/')}/api/v0.1/Download/file"
    try:
        return bytes(wire.fetch("GET", address, params={"uri": uri}))
    finally:
        wire.close()

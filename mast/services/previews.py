"""Thumbnails of MAST's previews, so that a search result can be looked at before anything is imported."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings

from mast import errors
from mast.archive import previews
from mast.imports import upstream

SIDE: Final = 120
MOST_PIXELS: Final = 40_000_000
WAIT_S: Final = 10.0
LINE_WAIT_S: Final = 8.0
"""a browser asks for six at once: those beyond the line wait a little before they are refused"""
# A page of results asks for many at once. Two are fetched, two more stand in line, and few of this process's other
# threads wait for a place in it: the rest stay free for pages and searches.
_in_line = threading.BoundedSemaphore(4)
_at_once = threading.BoundedSemaphore(2)


def preview_thumbnail(uri: str, side: int = SIDE) -> bytes:
    """A jpeg of at most `side` pixels a side, fetched once and then kept on disk.

    Raises
    ------
    BadQuery, ArchiveError, Overloaded
    """
    kept = _place_of(uri, side)
    if kept.is_file():
        return kept.read_bytes()
    with _turn(_in_line, wait_s=LINE_WAIT_S), _turn(_at_once, wait_s=WAIT_S):
        thumbnail = _reduced(previews.fetch(uri, upstream.archive_config()), side)
    _keep(kept, thumbnail)
    return thumbnail


@contextmanager
def _turn(places: threading.BoundedSemaphore, *, wait_s: float) -> Iterator[None]:
    if not places.acquire(timeout=wait_s):
        raise errors.Overloaded("Many previews are being fetched; this one comes a little later.")
    try:
        yield
    finally:
        places.release()


def _place_of(uri: str, side: int) -> Path:
    name = hashlib.sha256(f"{uri} {side}".encode()).hexdigest()
    return Path(settings.DERIVED_DIR) / "previews" / name[:2] / f"{name}.jpg"


def _reduced(body: bytes, side: int) -> bytes:
    """A picture from outside as a small one of ours: what is damaged, huge or no picture is refused."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body), formats=["JPEG", "PNG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise errors.MalformedReply("MAST's preview is too large to show.")
            picture.draft("RGB", (2 * side, 2 * side))
            small = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise errors.MalformedReply("MAST's preview is not a picture that can be read.") from exc
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _keep(place: Path, thumbnail: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    part.write_bytes(thumbnail)
    part.replace(place)

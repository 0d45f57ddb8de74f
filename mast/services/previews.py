"""Thumbnails of MAST's previews, so that a search result can be looked at before anything is imported."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from pathlib import Path
from typing import Final

from django.conf import settings

from mast import conf, errors
from mast.archive import previews

SIDE: Final = 120
MOST_PIXELS: Final = 40_000_000
WAIT_S: Final = 10.0
# A page of results asks for many at once; searches and downloads come first.
_at_once = threading.BoundedSemaphore(2)


def preview_thumbnail(uri: str) -> bytes:
    """A jpeg of at most 120 pixels a side, fetched once and then kept on disk.

    Raises
    ------
    BadQuery, ArchiveError, Overloaded
    """
    kept = _place_of(uri)
    if kept.is_file():
        return kept.read_bytes()
    if not _at_once.acquire(timeout=WAIT_S):
        raise errors.Overloaded("Too many previews are being fetched; they come as you scroll.")
    try:
        thumbnail = _reduced(previews.fetch(uri, conf.archive_config()))
    finally:
        _at_once.release()
    _keep(kept, thumbnail)
    return thumbnail


def _place_of(uri: str) -> Path:
    name = hashlib.sha256(uri.encode()).hexdigest()
    return Path(settings.DERIVED_DIR) / "previews" / name[:2] / f"{name}.jpg"


def _reduced(body: bytes) -> bytes:
    """A picture from outside as a small one of ours: what is damaged, huge or no picture is refused."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body), formats=["JPEG", "PNG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise errors.MalformedReply("MAST's preview is too large to show.")
            picture.draft("RGB", (2 * SIDE, 2 * SIDE))
            small = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise errors.MalformedReply("MAST's preview is not a picture that can be read.") from exc
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _keep(place: Path, thumbnail: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    part.write_bytes(thumbnail)
    part.replace(place)

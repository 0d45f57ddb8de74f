"""Looking at a file before it is imported: its headers and a reduced picture, read from MAST by ranges."""

from __future__ import annotations

from mast.fits.options import MIME_TYPES, Look
from mast.imports.looking import look, look_header, look_pyramid

__all__ = ["look", "look_header", "look_picture"]


def look_picture(
    uri: str, chosen: Look, *, width: int = 1024, fmt: str = "png", hdu: int | None = None
) -> tuple[bytes, str]:
    """A reduced picture of a remote file and its MIME type.

    Raises
    ------
    NotViewable, BadQuery, TransferError, FileError, Overloaded
    """
    from mast.fits import render

    return render.encode(render.picture(look_pyramid(uri, hdu), chosen, width), fmt), MIME_TYPES[fmt]

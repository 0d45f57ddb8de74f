"""The first picture of a file, made on the server: plane, limits, stretch, colours, PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mast.errors import BadQuery
from mast.fits import colours
from mast.fits.options import MAX_SIDE, MIME_TYPES, Limits
from mast.fits.plan import Plan, Plane
from mast.fits.planes import PlaneRows, open_plane
from mast.fits.reduce import block_mean, extremes, finite_sample, fitting_factor, nearest
from mast.fits.stretch import stretched, zscale_of_sample

# Level 3 takes a third of the time of PIL's level 6 for a few per cent more bytes.
_SAVE_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "png": {"compress_level": 3},
    "jpeg": {"quality": 88},
    "webp": {"quality": 85, "method": 2},
}


def first_picture(
    path: str | Path,
    plan: Plan,
    *,
    width: int = 1024,
    stretch: str = "asinh",
    limits: Limits = "zscale",
    cmap: str = "gray",
    hdu: int | None = None,
    plane: Plane | None = None,
    fmt: str = "png",
) -> bytes:
    """A picture of one plane, its longer side at most `width` pixels, y up as astronomers draw it.

    Limits are those of the whole plane at full size; the stretch is applied to the block means.

    Raises
    ------
    NotViewable : the file, or the HDU asked for, is no image
    BadQuery : an option has a value that cannot be used
    DamagedFile : the file is not the one that was inspected
    """
    _check(width, fmt)
    with open_plane(path, plan, hdu, plane) as pixels:
        factor = fitting_factor(pixels.shape, width)
        if plan.view.is_labels and hdu in {None, plan.view.hdu}:
            painted = colours.paint_labels(nearest(pixels, factor))
        else:
            painted = _paint(pixels, factor, limits, stretch, cmap)
    return encode(painted[::-1], fmt)


def _check(width: int, fmt: str) -> None:
    if not 1 <= width <= MAX_SIDE:
        raise BadQuery(f"A picture can be 1 to {MAX_SIDE} pixels wide, not {width}.")
    if fmt not in MIME_TYPES:
        raise BadQuery(f"{fmt!r} is no kind of picture made here; there are {', '.join(MIME_TYPES)}.")


def _paint(pixels: PlaneRows, factor: int, limits: Limits, stretch: str, cmap: str) -> NDArray[np.uint8]:
    reduced = block_mean(pixels, factor)
    if limits == "zscale":
        limits = zscale_of_sample(finite_sample(pixels, reduced.finite_per_row))
    elif limits == "minmax":
        limits = extremes(pixels)
    elif isinstance(limits, str):
        raise BadQuery(f"{limits!r} is no kind of limits; there are zscale, minmax, or two values: `0.1,5`.")
    return colours.paint(stretched(reduced.mean, limits, stretch), cmap)


def encode(painted: NDArray[np.uint8], fmt: str) -> bytes:
    """An array of colours, shape (y, x, 3 or 4), top row first, as a picture file."""
    image = Image.fromarray(np.ascontiguousarray(painted))
    if fmt == "jpeg" and image.mode == "RGBA":
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, format=fmt, **_SAVE_OPTIONS[fmt])
    return buffer.getvalue()

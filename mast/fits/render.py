"""Pictures made on the server: a plane or a part of it, a tile, the overlay of its flags; each as a picture file."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from mast.errors import BadQuery
from mast.fits import colours
from mast.fits.limits import knots_of, limits_of
from mast.fits.options import MAX_SIDE, MIME_TYPES, Limits, Look
from mast.fits.overview import build, build_file, is_small
from mast.fits.plan import Plan, Plane
from mast.fits.planes import choose_plane, plane_of
from mast.fits.pyramid import Pyramid, level_shape
from mast.fits.quality import flags_beside
from mast.fits.roles import draw_of
from mast.fits.stretch import stretched

Values = NDArray[Any]
Bytes = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels of the picture, from its upper left corner, as slices count"""

# Level 1 takes a quarter of the time of PIL's level 6 for a tenth more bytes.
_SAVE_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "png": {"compress_level": 1},
    "jpeg": {"quality": 90},
    "webp": {"quality": 85, "method": 0},
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
    look = Look(stretch=stretch, limits=limits, cmap=cmap)
    image, chosen = choose_plane(plan, hdu, plane)
    pixels, draw = plane_of(path, plan, image.index, chosen), draw_of(plan, image)
    flags = flags_beside(path, plan, image, chosen)
    if is_small(pixels):
        return encode(picture(build(pixels, draw, flags), look, width), fmt)
    # On disk: the pyramid of a mosaic of 4 GB is a third of one.
    with tempfile.TemporaryDirectory(prefix="jwst-picture-") as folder:
        return encode(picture(build_file(pixels, Path(folder) / "pyramid", draw, flags), look, width), fmt)


def picture(pyramid: Pyramid, look: Look, width: int, box: Box | None = None) -> Bytes:
    """A plane or a part of it as colours, its longer side at most `width` pixels."""
    if not 1 <= width <= MAX_SIDE:
        raise BadQuery(f"A picture can be 1 to {MAX_SIDE} pixels wide, not {width}.")
    return paint(pyramid, reduced(pyramid, width, box or whole(pyramid)), look)


def whole(pyramid: Pyramid) -> Box:
    height, width = pyramid.shape
    return 0, 0, width, height


def factor_of(box: Box, width: int) -> int:
    """By which whole number a part must be made smaller for its longer side to be at most `width` pixels."""
    return max(1, -(-max(box[2] - box[0], box[3] - box[1]) // width))


def reduced(pyramid: Pyramid, width: int, box: Box) -> Values:
    """A part of a plane made smaller by a whole number, so that its longer side is at most `width` pixels.

    Means of blocks, from the largest level that is small enough; at the right and lower edges of what is left.
    """
    left, top, right, bottom = box
    factor = factor_of(box, width)
    level = min(factor.bit_length() - 1, pyramid.level_count - 1)
    rows, columns = level_shape(pyramid.shape, level)
    # The blocks of the level that the box touches.
    first, last = (left >> level, top >> level), (-(-right >> level), -(-bottom >> level))
    values = pyramid.window(level, first[1], min(rows, last[1]), first[0], min(columns, last[0]))
    rest = factor / (1 << level)
    shape = -(-(bottom - top) // factor), -(-(right - left) // factor)
    if rest == 1 and values.shape == shape:
        return values
    offset = top / (1 << level) - first[1], left / (1 << level) - first[0]
    if pyramid.facts.draw != "values":
        return _sampled(values, rest, shape, offset)
    return _area_means(np.asarray(values, np.float32), rest, shape, offset)


def _sampled(values: Values, scale: float, shape: tuple[int, int], offset: tuple[float, float]) -> Values:
    rows, columns = (
        np.minimum(((np.arange(count) + 0.5) * scale + start).astype(int), length - 1)
        for count, start, length in zip(shape, offset, values.shape, strict=True)
    )
    chosen: Values = values[rows][:, columns]
    return chosen


def _area_means(
    values: NDArray[np.float32], scale: float, shape: tuple[int, int], offset: tuple[float, float]
) -> Values:
    """Means over squares of `scale` pixels that may begin and end inside a pixel; NaN is left out."""
    finite = np.isfinite(values)
    total = _resized(np.where(finite, values, np.float32(0)), scale, shape, offset)
    if finite.all():
        return total
    share = _resized(finite.astype(np.float32), scale, shape, offset)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(share > 1e-6, total / share, np.nan), np.float32)


def _resized(values: NDArray[np.float32], scale: float, shape: tuple[int, int], offset: tuple[float, float]) -> Values:
    rows, columns = shape
    top, left = offset
    bottom, right = top + rows * scale, left + columns * scale
    # PIL's box may not reach beyond the picture: the last square is what is left of it.
    within = left, top, min(right, values.shape[1]), min(bottom, values.shape[0])
    picture = Image.fromarray(np.ascontiguousarray(values)).resize((columns, rows), Image.Resampling.BOX, box=within)
    return np.asarray(picture)


def paint(pyramid: Pyramid, values: Values, look: Look) -> Bytes:
    """Values of a plane as colours, shape (y, x, 4)."""
    if pyramid.facts.draw == "labels":
        return colours.paint_labels(values)
    if pyramid.facts.draw == "flags":
        return colours.paint_flags(values.astype(np.uint32))
    limits = limits_of(pyramid, look.limits)
    knots = knots_of(pyramid) if look.stretch == "histeq" else None
    if values.dtype.kind != "f" or values.dtype.itemsize < 4:
        values = values.astype(np.float64)
    levels = stretched(values, limits, look.stretch, gamma=look.gamma, knots=knots)
    return colours.paint(levels, look.cmap, look.nan)


def tile(pyramid: Pyramid, look: Look, level: int, column: int, row: int, fmt: str) -> bytes:
    """One tile as a picture file.

    Raises
    ------
    FileNotFound : the picture has no such tile
    """
    return encode(paint(pyramid, pyramid.tile(level, column, row), look), fmt)


def encode(painted: Bytes, fmt: str, words: Mapping[str, str] | None = None) -> bytes:
    """An array of colours, shape (y, x, 4), top row first, as a picture file; `words` are written into a PNG."""
    if fmt not in MIME_TYPES:
        raise BadQuery(f"{fmt!r} is no kind of picture made here; there are {', '.join(MIME_TYPES)}.")
    height, width = painted.shape[:2]
    pixels = np.ascontiguousarray(painted)
    has_holes = fmt != "jpeg" and bool((pixels[..., 3] != 255).any())
    if has_holes:
        image = Image.frombuffer("RGBA", (width, height), pixels, "raw", "RGBA", 0, 1)
    else:
        image = Image.frombytes("RGB", (width, height), pixels.tobytes(), "raw", "RGBX")
    options = dict(_SAVE_OPTIONS[fmt])
    if fmt == "png" and words:
        options["pnginfo"] = _text_chunks(words)
    buffer = io.BytesIO()
    image.save(buffer, format=fmt, **options)
    return buffer.getvalue()


def _text_chunks(words: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for name, text in words.items():
        chunks.add_text(name, text)
    return chunks

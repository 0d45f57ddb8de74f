"""What is under the cursor: one pixel's value, unit, quality flags and place on the sky."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from mast.errors import BadQuery
from mast.fits.dq import flag_names
from mast.fits.plan import Plan, Plane, PlanHdu
from mast.fits.planes import PlaneRows, choose_plane, plane_of
from mast.fits.quality import flags_beside
from mast.fits.roles import role_of
from mast.fits.wcs import image_wcs

MAX_AROUND: Final = 65
MAX_OTHERS: Final = 12
_BESIDE: Final = frozenset({"science", "error", "variance", "weight"})


@dataclass(frozen=True, slots=True)
class Pixel:
    """One pixel. `x`, `y` count from 0 as arrays do, `fits_x`, `fits_y` from 1 as FITS does."""

    x: int
    y: int
    fits_x: int
    fits_y: int
    hdu: str
    value: float | int | None
    """None where the pixel is NaN"""
    unit: str
    ra_deg: float | None
    dec_deg: float | None
    flags: list[str] = field(default_factory=list)
    """names of its data-quality bits"""
    flag_value: int | None = None
    others: dict[str, float | None] = field(default_factory=dict)
    """the same pixel of the other images of the same size and version, by name"""
    values: list[list[float | None]] | None = None
    """rows around the pixel, the lowest first"""
    flag_values: list[list[int | None]] | None = None
    """their data-quality bits"""


def pixel(
    path: str | Path,
    plan: Plan,
    x: int,
    y: int,
    hdu: int | None = None,
    plane: Plane | None = None,
    *,
    box: int = 0,
    pixels: PlaneRows | None = None,
) -> Pixel:
    """The pixel at array position `x`, `y` (from 0) of an image; without `hdu` and `plane` of what is shown first.

    `box` is the odd side of a square of values around it; `pixels` the plane itself where the caller has it.
    """
    image, chosen = choose_plane(plan, hdu, plane)
    plane_rows = pixels or plane_of(path, plan, image.index, chosen)
    value = _value_at(plane_rows, x, y)
    ra_deg, dec_deg = _sky_at(plan, image, x, y)
    quality = _quality_rows(path, plan, image, chosen, plane_rows)
    flags = int(_value_at(quality, x, y)) if quality else None
    return Pixel(
        x=x,
        y=y,
        fits_x=x + 1,
        fits_y=y + 1,
        hdu=image.label,
        value=_finite(value),
        unit=image.unit,
        ra_deg=ra_deg,
        dec_deg=dec_deg,
        flags=flag_names(flags or 0),
        flag_value=flags,
        others=_others_at(path, plan, image, chosen, x, y),
        values=_around(plane_rows, x, y, box) if box else None,
        flag_values=_whole(_around(quality, x, y, box)) if box and quality else None,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _value_at(pixels: PlaneRows, x: int, y: int) -> float | int:
    height, width = pixels.shape
    if not (0 <= x < width and 0 <= y < height):
        raise BadQuery(f"The image has {width} x {height} pixels, counted from 0; {x}, {y} is outside.")
    value: float | int = pixels.window(y, y + 1, x, x + 1)[0, 0].item()
    return value


def _around(pixels: PlaneRows, x: int, y: int, side: int) -> list[list[float | None]]:
    """A square of values, None outside the image and where there is no number."""
    if not 1 <= side <= MAX_AROUND or side % 2 == 0:
        raise BadQuery(f"The square around a pixel has an odd side of at most {MAX_AROUND}.")
    height, width = pixels.shape
    half = side // 2
    bottom, top, left, right = max(0, y - half), min(height, y + half + 1), max(0, x - half), min(width, x + half + 1)
    square = np.full((side, side), np.nan)
    start = bottom - (y - half), left - (x - half)
    square[start[0] : start[0] + top - bottom, start[1] : start[1] + right - left] = pixels.window(
        bottom, top, left, right
    )
    return [[_finite(value) for value in row] for row in square.tolist()]


def _sky_at(plan: Plan, image: PlanHdu, x: int, y: int) -> tuple[float | None, float | None]:
    wcs = image_wcs(plan, image)
    if wcs is None:
        return None, None
    ra_deg, dec_deg = wcs.pixel_to_sky(float(x), float(y))
    return float(ra_deg), float(dec_deg)


def _quality_rows(path: str | Path, plan: Plan, image: PlanHdu, plane: Plane, pixels: PlaneRows) -> PlaneRows | None:
    """The plane itself when it is a quality image, else that of the image's flags; None where there is none."""
    if role_of(image) == "quality":
        return pixels
    return flags_beside(path, plan, image, plane)


def _whole(square: list[list[float | None]]) -> list[list[int | None]]:
    return [[None if value is None else int(value) for value in row] for row in square]


def _others_at(path: str | Path, plan: Plan, image: PlanHdu, plane: Plane, x: int, y: int) -> dict[str, float | None]:
    """Error, variances and weight at the same place."""
    if isinstance(plane, str):
        return {}
    found: dict[str, float | None] = {}
    for other in plan.hdus:
        is_same = other.is_image and other.ver == image.ver and other.shape == image.shape
        if is_same and other.index != image.index and role_of(other) in _BESIDE and len(found) < MAX_OTHERS:
            found[other.name] = _finite(_value_at(plane_of(path, plan, other.index, plane), x, y))
    return found

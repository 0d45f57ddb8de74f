"""What is under the cursor: one pixel's value, unit, quality flags and place on the sky; and a plane's histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from mast.errors import BadQuery, NoCelestialWcs
from mast.fits.dq import flag_names
from mast.fits.plan import Plan, Plane, PlanHdu
from mast.fits.planes import open_plane
from mast.fits.reduce import block_mean, extremes, finite_sample
from mast.fits.stored import bands
from mast.fits.stretch import zscale_of_sample
from mast.fits.wcs import tan_wcs

MAX_BINS: Final = 4096
_QUALITY: Final = frozenset({"DQ", "PIXELDQ", "GROUPDQ"})


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


def pixel(path: str | Path, plan: Plan, x: int, y: int, hdu: int | None = None, plane: Plane | None = None) -> Pixel:
    """The pixel at array position `x`, `y` (from 0) of an image; without `hdu` and `plane` of what is shown first."""
    image = plan.image(hdu)
    value = _value_at(path, plan, image.index, plane, x, y)
    ra_deg, dec_deg = _sky_at(plan, image, x, y)
    return Pixel(
        x=x,
        y=y,
        fits_x=x + 1,
        fits_y=y + 1,
        hdu=image.label,
        value=value if value is not None and math.isfinite(value) else None,
        unit=image.unit,
        ra_deg=ra_deg,
        dec_deg=dec_deg,
        flags=_flags_at(path, plan, image, plane, x, y, value),
    )


def _value_at(path: str | Path, plan: Plan, hdu: int, plane: Plane | None, x: int, y: int) -> float | int | None:
    with open_plane(path, plan, hdu, plane) as pixels:
        height, width = pixels.shape
        if not (0 <= x < width and 0 <= y < height):
            raise BadQuery(f"The image has {width} x {height} pixels, counted from 0; {x}, {y} is outside.")
        value: float | int = pixels.rows(y, y + 1)[0, x].item()
        return value


def _sky_at(plan: Plan, image: PlanHdu, x: int, y: int) -> tuple[float | None, float | None]:
    cards = plan.wcs_cards(image)
    if len(image.shape) == 2 and cards.get("WCSAXES", 2) != 2:
        # A spectrogram: its header places three world axes, wavelength among them, on two of pixels.
        return None, None
    try:
        ra_deg, dec_deg = tan_wcs(cards).pixel_to_sky(float(x), float(y))
    except NoCelestialWcs:
        return None, None
    return float(ra_deg), float(dec_deg)


def _flags_at(
    path: str | Path, plan: Plan, image: PlanHdu, plane: Plane | None, x: int, y: int, value: float | int | None
) -> list[str]:
    """Names of the bits of the pixel itself when it is a quality image, else of its place in the image's DQ."""
    if image.name in _QUALITY:
        return flag_names(int(value or 0))
    quality = plan.find("DQ", image.ver)
    if quality is None or not quality.is_image or quality.shape[-2:] != image.shape[-2:] or plane == "median":
        return []
    if len(quality.shape) == 2:
        plane = ()
    elif quality.shape != image.shape:
        return []
    elif plane is None and image.index == plan.view.hdu:
        plane = plan.view.plane
    return flag_names(int(_value_at(path, plan, quality.index, plane, x, y) or 0)) if plane != "median" else []


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of a plane's finite pixels in bins of equal width."""

    low: float
    high: float
    counts: list[int]
    below: int
    above: int
    not_finite: int
    minimum: float
    maximum: float


def histogram(
    path: str | Path,
    plan: Plan,
    bins: int = 256,
    limits: tuple[float, float] | None = None,
    hdu: int | None = None,
    plane: Plane | None = None,
) -> Histogram:
    """The histogram of a plane between two limits; by default zscale's, widened by their distance on either side."""
    if not 1 <= bins <= MAX_BINS:
        raise BadQuery(f"A histogram has 1 to {MAX_BINS} bins, not {bins}.")
    with open_plane(path, plan, hdu, plane) as pixels:
        finite_per_row = block_mean(pixels, max(pixels.shape)).finite_per_row
        minimum, maximum = extremes(pixels)
        low, high = limits or _widened(zscale_of_sample(finite_sample(pixels, finite_per_row)), minimum, maximum)
        edges = np.linspace(low, high, bins + 1)
        counts = np.zeros(bins, np.int64)
        below = above = 0
        for start, stop in bands(pixels.shape[0], 1, pixels.row_bytes):
            values = pixels.rows(start, stop).ravel()
            values = values[np.isfinite(values)]
            counts += np.histogram(values, edges)[0]
            below += int(np.count_nonzero(values < low))
            above += int(np.count_nonzero(values > high))
    missing = pixels.shape[0] * pixels.shape[1] - int(finite_per_row.sum())
    return Histogram(low, high, counts.tolist(), below, above, missing, minimum, maximum)


def _widened(limits: tuple[float, float], minimum: float, maximum: float) -> tuple[float, float]:
    low, high = limits
    low, high = max(minimum, low - (high - low)), min(maximum, high + (high - low))
    return (low, high) if low < high else (low - 0.5, low + 0.5)

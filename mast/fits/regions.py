"""Parts of a plane: statistics of a box or a circle, the profile along a line, the spectrum at a place of a cube."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.limits import percentiles
from mast.fits.plan import Plan
from mast.fits.planes import Buffer, DiskPlane, PlaneRows, plane_offset
from mast.fits.quality import UsablePixels
from mast.fits.stored import InspectedFile, bands

Values = NDArray[Any]
Floats = NDArray[np.float64]
MAX_POINTS: Final = 8192
MAX_ACROSS: Final = 101
MAX_APERTURE: Final = 64


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an image: array positions from 0, y from the bottom; `right` and `upper` are outside, as in slices."""

    left: int
    lower: int
    right: int
    upper: int

    def within(self, shape: tuple[int, int]) -> Box:
        """What of it lies inside an image.

        Raises
        ------
        BadQuery : nothing does
        """
        height, width = shape
        cut = Box(max(0, self.left), max(0, self.lower), min(width, self.right), min(height, self.upper))
        if cut.left >= cut.right or cut.lower >= cut.upper:
            raise BadQuery(f"The region lies outside the image, which has {width} x {height} pixels counted from 0.")
        return cut

    @property
    def shape(self) -> tuple[int, int]:
        return self.upper - self.lower, self.right - self.left


@dataclass(frozen=True, slots=True)
class Circle:
    """The pixels whose centres are at most `r` from a position."""

    x: float
    y: float
    r: float

    @property
    def box(self) -> Box:
        return Box(
            math.ceil(self.x - self.r),
            math.ceil(self.y - self.r),
            math.floor(self.x + self.r) + 1,
            math.floor(self.y + self.r) + 1,
        )


class Part:
    """A region of a plane as a plane of its own; outside a circle it is NaN."""

    is_made = False

    def __init__(self, plane: PlaneRows, region: Box | Circle) -> None:
        self._plane = plane
        self._circle = region if isinstance(region, Circle) else None
        self.box = (region if isinstance(region, Box) else region.box).within(plane.shape)
        self.shape = self.box.shape
        self.row_bytes = self.shape[1] * max(1, plane.row_bytes // plane.shape[1])

    def rows(self, start: int, stop: int) -> Values:
        return self.window(start, stop, 0, self.shape[1])

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        box = self.box
        values = self._plane.window(box.lower + top, box.lower + bottom, box.left + left, box.left + right, into)
        if self._circle is None:
            return values
        if values.dtype.kind != "f":
            values = values.astype(np.float64)
        y, x = np.ogrid[box.lower + top : box.lower + bottom, box.left + left : box.left + right]
        distant = (x - self._circle.x) ** 2 + (y - self._circle.y) ** 2 > self._circle.r**2
        values[distant] = np.nan
        return values

    def pixel_count(self) -> int:
        if self._circle is None:
            return math.prod(self.shape)
        y = np.arange(self.box.lower, self.box.upper)[:, None]
        x = np.arange(self.box.left, self.box.right)
        near = ((x - self._circle.x) ** 2 + (row - self._circle.y) ** 2 <= self._circle.r**2 for row in y)
        return sum(int(np.count_nonzero(row)) for row in near)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the finite pixels of a region; `std` is that of the population. None where there is none."""

    count: int
    good: int
    """those of them that no flag calls unusable"""
    pixels: int
    mean: float | None
    median: float | None
    std: float | None
    sum: float | None
    min: float | None
    max: float | None


def statistics(plane: PlaneRows, region: Box | Circle, flags: PlaneRows | None = None) -> Statistics:
    """Read in bands: the region may be the whole of a mosaic."""
    part = Part(plane, region)
    good = sum(len(values) for values in _finite_bands(Part(UsablePixels(plane, flags), region))) if flags else None
    count, mean, squares = 0, 0.0, 0.0
    low, high = math.inf, -math.inf
    for values in _finite_bands(part):
        wide = values.astype(np.float64)
        number, middle = len(wide), float(wide.mean())
        # Sums of squares about each band's own mean, joined as Chan, Golub & LeVeque (1979) do: nothing cancels.
        squares += float(((wide - middle) ** 2).sum()) + (middle - mean) ** 2 * count * number / (count + number)
        mean += (middle - mean) * number / (count + number)
        count += number
        low, high = min(low, float(wide.min())), max(high, float(wide.max()))
    pixels = part.pixel_count()
    if not count:
        return Statistics(0, 0, pixels, None, None, None, None, None, None)
    median = percentiles(part, (50.0,))[0]
    good = count if good is None else good
    return Statistics(count, good, pixels, mean, median, math.sqrt(squares / count), mean * count, low, high)


def _finite_bands(part: Part) -> Iterator[Values]:
    for start, stop in bands(part.shape[0], part.row_bytes):
        values = part.rows(start, stop)
        finite = values[np.isfinite(values)]
        if finite.size:
            yield finite


# --- lines ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """The pixels nearest to points a pixel apart along a line. None is NaN."""

    distance: list[float]
    x: list[float]
    y: list[float]
    value: list[float | None]


def profile(plane: PlaneRows, start: tuple[float, float], stop: tuple[float, float], across: int = 1) -> Profile:
    """From one array position to another; `across` pixels are averaged at right angles to the line."""
    length = math.hypot(stop[0] - start[0], stop[1] - start[1])
    if length > MAX_POINTS - 1:
        raise BadQuery(f"A profile is at most {MAX_POINTS - 1:,} pixels long, not {length:,.0f}.")
    if not 1 <= across <= MAX_ACROSS:
        raise BadQuery(f"A profile is 1 to {MAX_ACROSS} pixels wide, not {across}.")
    along = np.linspace(0.0, length, math.ceil(length) + 1)
    unit = np.array([stop[0] - start[0], stop[1] - start[1]]) / length if length else np.zeros(2)
    x, y = start[0] + along * unit[0], start[1] + along * unit[1]
    offsets = np.arange(across) - (across - 1) / 2
    lines = [_nearest(plane, x - offset * unit[1], y + offset * unit[0]) for offset in offsets]
    return Profile(along.tolist(), x.tolist(), y.tolist(), plain(_mean_of(np.array(lines))))


def _mean_of(lines: Floats) -> Floats:
    finite = np.isfinite(lines)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(finite, lines, 0.0).sum(axis=0) / finite.sum(axis=0), np.float64)


def _nearest(plane: PlaneRows, x: Floats, y: Floats) -> Floats:
    """The pixels at these positions, NaN outside; each row that is crossed is read once."""
    columns, rows = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    height, width = plane.shape
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    values = np.full(len(x), np.nan)
    for row in np.unique(rows[inside]).tolist():
        chosen = inside & (rows == row)
        left, right = int(columns[chosen].min()), int(columns[chosen].max()) + 1
        values[chosen] = plane.window(row, row + 1, left, right)[0][columns[chosen] - left]
    return values


def plain(values: Values) -> list[float | None]:
    """Numbers for JSON: None for what is not finite."""
    finite = np.isfinite(values)
    return [value if good else None for value, good in zip(values.tolist(), finite.tolist(), strict=True)]


# --- along a cube -----------------------------------------------------------------------------------------------


def along_cube(path: str | Path, plan: Plan, hdu: int | None, x: int, y: int, r: float = 0.0) -> list[float | None]:
    """The values of a pixel, or the mean over a circle, in every plane of an image of three axes."""
    image = plan.image(hdu)
    if len(image.shape) != 3:
        raise BadQuery(f"{image.label} is no cube.")
    if not 0 <= r <= MAX_APERTURE:
        raise BadQuery(f"The circle's radius is 0 to {MAX_APERTURE} pixels, not {r:g}.")
    file = InspectedFile(path, plan)
    region = Circle(x, y, r)
    found = []
    for index in range(image.shape[0]):
        part = Part(DiskPlane(file, image, plane_offset(image, (index,))), region)
        values = part.rows(0, part.shape[0])
        finite = values[np.isfinite(values)]
        found.append(float(finite.mean(dtype=np.float64)) if finite.size else math.nan)
    return plain(np.array(found))

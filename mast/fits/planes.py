"""The planes of an image: which there are, and their rows read by offset."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.plan import Plan, Plane, PlanHdu
from mast.fits.stored import Values, bands, open_inspected, read_exactly, stored_dtype, to_numbers

MEDIAN_BYTES: Final = 1 << 30
"""of the largest cube whose median is made on request"""


class PlaneRows(Protocol):
    """Something with rows of pixels: a plane on disk, or the median of a cube."""

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def row_bytes(self) -> int: ...

    def rows(self, start: int, stop: int) -> Values: ...


@dataclass(frozen=True)
class DiskPlane:
    """The plane of one HDU at one place of its leading axes."""

    descriptor: int
    hdu: PlanHdu
    offset: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.hdu.shape[-2], self.hdu.shape[-1]

    @property
    def row_bytes(self) -> int:
        return self.shape[1] * abs(self.hdu.bitpix) // 8

    def rows(self, start: int, stop: int) -> Values:
        """Rows `start` to `stop`, shape (stop - start, width)."""
        raw = read_exactly(self.descriptor, self.offset + start * self.row_bytes, (stop - start) * self.row_bytes)
        stored = np.frombuffer(raw, stored_dtype(self.hdu.bitpix)).reshape(stop - start, self.shape[1])
        return to_numbers(stored, self.hdu)


class MedianPlane:
    """The median along the first axis of a cube [plane, y, x], NaN and infinities left out."""

    def __init__(self, descriptor: int, hdu: PlanHdu) -> None:
        self._planes = [DiskPlane(descriptor, hdu, plane_offset(hdu, (index,))) for index in range(hdu.shape[0])]
        height, width = self._planes[0].shape
        self._median = np.empty((height, width), np.float32)
        for start, stop in bands(height, 1, width * 8 * hdu.shape[0]):
            self._median[start:stop] = self._median_of(start, stop)

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self._median.shape
        return height, width

    @property
    def row_bytes(self) -> int:
        return self.shape[1] * 4

    def rows(self, start: int, stop: int) -> Values:
        return self._median[start:stop].copy()

    def _median_of(self, start: int, stop: int) -> NDArray[np.float32]:
        # Each pixel's spectrum is made contiguous, then sorted: NaN comes last, and sorting is what numpy does fastest.
        spectra = np.stack([plane.rows(start, stop).astype(np.float32) for plane in self._planes], axis=-1)
        spectra[~np.isfinite(spectra)] = np.nan
        spectra.sort(axis=-1)
        count = np.count_nonzero(~np.isnan(spectra), axis=-1)
        low, high = np.maximum(count - 1, 0) // 2, count // 2
        high = np.minimum(high, np.maximum(count - 1, 0))
        middle = [np.take_along_axis(spectra, at[..., None], axis=-1)[..., 0] for at in (low, high)]
        return np.asarray((middle[0] + middle[1]) / 2, np.float32)


def plane_offset(hdu: PlanHdu, plane: tuple[int, ...]) -> int:
    """Where in the file the plane at these indexes of the leading axes begins, in bytes."""
    index = 0
    for at, length in zip(plane, hdu.shape[:-2], strict=True):
        index = index * length + at
    return hdu.data_offset + index * hdu.shape[-2] * hdu.shape[-1] * abs(hdu.bitpix) // 8


def check_plane(hdu: PlanHdu, plane: Plane) -> None:
    """Whether the HDU has this plane.

    Raises
    ------
    BadQuery : with the planes it does have
    """
    leading = hdu.shape[:-2]
    if plane == "median":
        if len(leading) != 1 or hdu.data_bytes > MEDIAN_BYTES:
            raise BadQuery(f"The median is made of cubes [plane, y, x] up to {MEDIAN_BYTES >> 30} GiB; choose a plane.")
        return
    if len(plane) != len(leading) or not all(0 <= at < length for at, length in zip(plane, leading, strict=True)):
        have = " x ".join(str(length) for length in leading) or "one"
        raise BadQuery(f"{hdu.label} has {have} planes, counted from 0; {','.join(map(str, plane))!r} is none of them.")


def parse_plane(text: str) -> Plane:
    """`3`, `0,4` or `median` as a plane."""
    if text.strip() == "median":
        return "median"
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadQuery(f"{text!r} names no plane; write `3`, `0,4` or `median`.") from error


@contextlib.contextmanager
def open_plane(path: str | Path, plan: Plan, hdu: int | None = None, plane: Plane | None = None) -> Iterator[PlaneRows]:
    """A plane of an inspected file; without `hdu` and `plane` the one the plan shows first."""
    image = plan.image(hdu)
    if plane is None:
        plane = plan.view.plane if image.index == plan.view.hdu else first_plane(image)
    check_plane(image, plane)
    with open_inspected(path, plan) as descriptor:
        if plane == "median":
            yield MedianPlane(descriptor, image)
        else:
            yield DiskPlane(descriptor, image, plane_offset(image, plane))


def first_plane(hdu: PlanHdu) -> Plane:
    return (0,) * (len(hdu.shape) - 2)

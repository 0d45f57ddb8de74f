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
from mast.fits.plan import MEDIAN_BYTES, Plan, Plane, PlanHdu
from mast.fits.stored import BAND_BYTES, Values, open_inspected, read_exactly, stored_dtype, to_numbers

SPECTRA_BYTES: Final = 32 << 20
"""of the part of a cube that is sorted at once"""


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
        self._descriptor = descriptor
        self._hdu = hdu
        count, height, width = hdu.shape
        self._median = np.empty((height, width), np.float32)
        step = max(1, SPECTRA_BYTES // (4 * count * width))
        for start in range(0, height, step):
            stop = min(start + step, height)
            self._median[start:stop] = _median_of(self._spectra(start, stop)).reshape(stop - start, width)

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self._median.shape
        return height, width

    @property
    def row_bytes(self) -> int:
        return self.shape[1] * 4

    def rows(self, start: int, stop: int) -> Values:
        return self._median[start:stop].copy()

    def _spectra(self, start: int, stop: int) -> NDArray[np.float32]:
        """The spectra of the pixels of some rows, each contiguous: shape (pixels, planes)."""
        count, height, width = self._hdu.shape
        spectra = np.empty(((stop - start) * width, count), np.float32)
        plane_bytes = height * width * abs(self._hdu.bitpix) // 8
        # Many whole planes at once: a read for each plane of each band would cost more than the bytes.
        step = max(1, BAND_BYTES // plane_bytes)
        for first in range(0, count, step):
            last = min(first + step, count)
            raw = read_exactly(
                self._descriptor, self._hdu.data_offset + first * plane_bytes, (last - first) * plane_bytes
            )
            stored = np.frombuffer(raw, stored_dtype(self._hdu.bitpix)).reshape(last - first, height, width)
            with np.errstate(over="ignore"):
                spectra[:, first:last] = to_numbers(stored[:, start:stop], self._hdu).reshape(last - first, -1).T
        return spectra


def _median_of(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median of each row of finite values; NaN where there is none. Sorts its argument: NaN comes last."""
    spectra[~np.isfinite(spectra)] = np.nan
    spectra.sort(axis=-1)
    count = np.count_nonzero(~np.isnan(spectra), axis=-1)
    last = np.maximum(count - 1, 0)
    each = np.arange(len(spectra))
    return np.asarray((spectra[each, last // 2] + spectra[each, np.minimum(count // 2, last)]) / 2, np.float32)


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
            raise BadQuery(f"The median is made of cubes [plane, y, x] up to {MEDIAN_BYTES >> 20} MiB; choose a plane.")
        return
    if len(plane) != len(leading) or not all(0 <= at < length for at, length in zip(plane, leading, strict=True)):
        have = " x ".join(str(length) for length in leading) or "one"
        raise BadQuery(f"{hdu.label} has {have} planes, counted from 0; {','.join(map(str, plane))!r} is none of them.")


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

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
from mast.fits.roles import draw_of, integration_of, is_ramp
from mast.fits.stored import BAND_BYTES, InspectedFile, Values, read_exactly, read_strided, stored_dtype, to_numbers
from mast.fits.views import first_plane
from mast.terms import suffix_of

Buffer = NDArray[np.uint8]
SPECTRA_BYTES: Final = 32 << 20
"""of the part of a cube that is sorted at once"""


class PlaneRows(Protocol):
    """Something with rows of pixels: a plane on disk, or one made of several."""

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def row_bytes(self) -> int: ...

    @property
    def is_made(self) -> bool:
        """Whether its pixels are computed, so that reading them again costs more than the bytes."""
        ...

    def rows(self, start: int, stop: int) -> Values: ...

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        """Pixels of rows `top` to `bottom` and columns `left` to `right`, as slices count.

        `into` is a buffer for the bytes that the caller uses again: fresh memory costs as much as reading into it.
        """
        ...


@dataclass(frozen=True)
class DiskPlane:
    """The plane of one HDU at one place of its leading axes."""

    file: InspectedFile
    hdu: PlanHdu
    offset: int
    is_made = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.hdu.shape[-2], self.hdu.shape[-1]

    @property
    def pixel_bytes(self) -> int:
        return abs(self.hdu.bitpix) // 8

    @property
    def row_bytes(self) -> int:
        return self.shape[1] * self.pixel_bytes

    def rows(self, start: int, stop: int) -> Values:
        """Rows `start` to `stop`, shape (stop - start, width)."""
        return self.window(start, stop, 0, self.shape[1])

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        offset = self.offset + top * self.row_bytes + left * self.pixel_bytes
        width_bytes = (right - left) * self.pixel_bytes
        raw = read_strided(self.file.descriptor, offset, self.row_bytes, bottom - top, width_bytes, into)
        stored = raw.view(stored_dtype(self.hdu.bitpix)).reshape(bottom - top, right - left)
        return to_numbers(stored, self.hdu)


class ArrayPlane:
    """A plane that is in memory already, the lowest row first."""

    is_made = False

    def __init__(self, values: Values) -> None:
        self._values = values

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self._values.shape
        return height, width

    @property
    def row_bytes(self) -> int:
        return self.shape[1] * self._values.itemsize

    def rows(self, start: int, stop: int) -> Values:
        return self.window(start, stop, 0, self.shape[1])

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        return self._values[top:bottom, left:right].copy()


class DifferencePlane:
    """The last group of an integration minus its first: what the detector collected meanwhile."""

    is_made = False

    def __init__(self, file: InspectedFile, hdu: PlanHdu, integration: int) -> None:
        last = hdu.shape[1] - 1
        self._last = DiskPlane(file, hdu, plane_offset(hdu, (integration, last)))
        self._first = DiskPlane(file, hdu, plane_offset(hdu, (integration, 0)))

    @property
    def shape(self) -> tuple[int, int]:
        return self._last.shape

    @property
    def row_bytes(self) -> int:
        return self.shape[1] * 4

    def rows(self, start: int, stop: int) -> Values:
        return self.window(start, stop, 0, self.shape[1])

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        last = self._last.window(top, bottom, left, right).astype(np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            last -= self._first.window(top, bottom, left, right)
        return last


class MedianPlane:
    """The median along the first axis of a cube [plane, y, x], NaN and infinities left out."""

    is_made = True

    def __init__(self, file: InspectedFile, hdu: PlanHdu) -> None:
        self._file = file
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

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        return self._median[top:bottom, left:right].copy()

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
                self._file.descriptor, self._hdu.data_offset + first * plane_bytes, (last - first) * plane_bytes
            )
            stored = raw.view(stored_dtype(self._hdu.bitpix)).reshape(last - first, height, width)
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


def check_plane(plan: Plan, hdu: PlanHdu, plane: Plane) -> None:
    """Whether the HDU has this plane.

    Raises
    ------
    BadQuery : with the planes it does have
    """
    leading = hdu.shape[:-2]
    if isinstance(plane, str):
        if plane != "median":
            _check_difference(plan, hdu, plane)
        elif not _has_median(plan, hdu):
            raise BadQuery(
                f"The median is made of cubes of numbers [plane, y, x] up to {MEDIAN_BYTES >> 20} MiB; choose a plane."
            )
        return
    if len(plane) != len(leading) or not all(0 <= at < length for at, length in zip(plane, leading, strict=True)):
        have = " x ".join(str(length) for length in leading) or "one"
        raise BadQuery(f"{hdu.label} has {have} planes, counted from 0; {','.join(map(str, plane))!r} is none of them.")


def made_planes(plan: Plan, hdu: PlanHdu) -> list[str]:
    """The names of planes that can be made of this HDU."""
    if _has_median(plan, hdu) and hdu.shape[0] > 1:
        return ["median"]
    return ["difference"] if _has_difference(plan, hdu) else []


def _has_median(plan: Plan, hdu: PlanHdu) -> bool:
    return len(hdu.shape) == 3 and hdu.data_bytes <= MEDIAN_BYTES and draw_of(plan, hdu) == "values"


def _has_difference(plan: Plan, hdu: PlanHdu) -> bool:
    return is_ramp(suffix_of(plan.file_name), hdu) and hdu.shape[1] > 1 and draw_of(plan, hdu) == "values"


def _check_difference(plan: Plan, hdu: PlanHdu, plane: str) -> None:
    if not _has_difference(plan, hdu):
        raise BadQuery(f"{hdu.label} is no ramp of several groups, so there is no difference of its last and first.")
    if not 0 <= integration_of(plane) < hdu.shape[0]:
        raise BadQuery(f"{hdu.label} has {hdu.shape[0]} integrations, counted from 0; {plane!r} names none of them.")


def choose_plane(plan: Plan, hdu: int | None = None, plane: Plane | None = None) -> tuple[PlanHdu, Plane]:
    """The HDU and plane meant: those asked for, else the ones the plan shows first.

    Raises
    ------
    NotViewable, FileNotFound, BadQuery
    """
    image = plan.image(hdu)
    if plane is None:
        plane = plan.view.plane if image.index == plan.view.hdu else first_plane(image)
    check_plane(plan, image, plane)
    return image, plane


def plane_of(path: str | Path, plan: Plan, hdu: int | None = None, plane: Plane | None = None) -> PlaneRows:
    """A plane of an inspected file; it holds the file open for as long as it is held itself."""
    image, plane = choose_plane(plan, hdu, plane)
    file = InspectedFile(path, plan)
    if plane == "median":
        return MedianPlane(file, image)
    if isinstance(plane, str):
        return DifferencePlane(file, image, integration_of(plane))
    return DiskPlane(file, image, plane_offset(image, plane))


@contextlib.contextmanager
def open_plane(path: str | Path, plan: Plan, hdu: int | None = None, plane: Plane | None = None) -> Iterator[PlaneRows]:
    """The same for one use."""
    yield plane_of(path, plan, hdu, plane)

"""Bytes of an inspected file, read by offset, and the numbers they mean.

Values have the type astropy gives them: big-endian floats as they are, unsigned integers from BZERO, others scaled to
floating point.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import DamagedFile
from mast.fits.plan import Plan, PlanHdu

Values = NDArray[Any]
BAND_BYTES: Final = 8 << 20


class InspectedFile:
    """The open file a plan was made of. It closes itself when nobody holds it any more, as planes that are kept do.

    Raises
    ------
    DamagedFile : the file is gone or has another size than when it was inspected
    """

    def __init__(self, path: str | Path, plan: Plan) -> None:
        self.descriptor = -1
        try:
            self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise DamagedFile(f"{plan.file_name} is not on disk any more: {error.strerror}.") from error
        if os.fstat(self.descriptor).st_size != plan.size_bytes:
            raise DamagedFile(f"{plan.file_name} changed on disk since it was inspected.")

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # Bound here: when the interpreter ends, the module is emptied before the last planes go.
        if self.descriptor >= 0:
            close(self.descriptor)


@contextlib.contextmanager
def open_inspected(path: str | Path, plan: Plan) -> Iterator[int]:
    """A file descriptor of the file the plan was made of, as `InspectedFile` checks it."""
    file = InspectedFile(path, plan)
    yield file.descriptor


def read_exactly(descriptor: int, offset: int, count: int, into: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """`count` bytes at `offset`, into the beginning of a buffer that is used again or into a new one."""
    # Not a bytearray, which would be filled with zeros first.
    buffer = np.empty(count, np.uint8) if into is None else into[:count]
    view, filled = buffer.data, 0
    while filled < count:
        read = os.preadv(descriptor, [view[filled:]], offset + filled)
        if read == 0:
            raise DamagedFile("The file ends before its headers say it should.")
        filled += read
    return buffer


def read_strided(
    descriptor: int, offset: int, stride: int, rows: int, count: int, into: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """`count` bytes at the same place of each of some rows that begin `stride` bytes apart."""
    if count == stride:
        return read_exactly(descriptor, offset, rows * count, into)
    buffer = np.empty(rows * count, np.uint8) if into is None else into[: rows * count]
    view = buffer.data
    for row in range(rows):
        line = view[row * count : (row + 1) * count]
        if os.preadv(descriptor, [line], offset + row * stride) < count:
            line[:] = read_exactly(descriptor, offset + row * stride, count).data
    return buffer


def bands(height: int, row_bytes: int) -> Iterator[tuple[int, int]]:
    """Rows in bands of at most `BAND_BYTES`, a row at least."""
    at_once = max(1, BAND_BYTES // max(1, row_bytes))
    yield from ((start, min(start + at_once, height)) for start in range(0, height, at_once))


def stored_dtype(bitpix: int) -> np.dtype[Any]:
    """The big-endian type of a BITPIX."""
    return np.dtype(f">{'f' if bitpix < 0 else 'u' if bitpix == 8 else 'i'}{abs(bitpix) // 8}")


def to_numbers(raw: Values, hdu: PlanHdu) -> Values:
    """Stored numbers as the values they mean, in native byte order; what was read is turned round where it lies.

    Source: astropy ``_ImageBaseHDU._scale_data``, whose types and order of operations these are.
    """
    native = raw if raw.dtype.isnative else raw.byteswap(inplace=True).view(raw.dtype.newbyteorder("="))
    is_scaled = hdu.bscale != 1.0 or hdu.bzero != 0.0
    if not is_scaled and hdu.blank is None:
        return native
    if hdu.bscale == 1.0 and hdu.bitpix in {16, 32, 64} and hdu.bzero == 2.0 ** (hdu.bitpix - 1):
        # The sign bit turned round is the same as adding 2 ** (bits - 1), without leaving the integers.
        unsigned = native.view(f"u{hdu.bitpix // 8}")
        unsigned ^= unsigned.dtype.type(1 << (hdu.bitpix - 1))
        return unsigned
    if hdu.bscale == 1.0 and hdu.bitpix == 8 and hdu.bzero == -128.0:
        return (native ^ np.uint8(128)).view(np.int8)
    scaled = native.astype(_scaled_dtype(hdu.bitpix))
    with np.errstate(over="ignore", invalid="ignore"):
        if hdu.bscale != 1.0:
            scaled *= hdu.bscale
        if hdu.bzero != 0.0:
            scaled += hdu.bzero
    if hdu.blank is not None and hdu.bitpix > 0:
        scaled[native == hdu.blank] = np.nan
    return scaled


def _scaled_dtype(bitpix: int) -> str:
    if bitpix < 0:
        return f"f{-bitpix // 8}"
    return "f4" if bitpix <= 16 else "f8"

"""Bytes of an inspected file, read by offset, and the numbers they mean.

Values have the type astropy gives them: big-endian floats as they are, unsigned integers from BZERO, others scaled to
floating point.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import DamagedFile
from mast.fits.plan import Plan, PlanHdu

Values = NDArray[Any]
BAND_BYTES: Final = 8 << 20


@contextlib.contextmanager
def open_inspected(path: str | Path, plan: Plan) -> Iterator[int]:
    """A file descriptor of the file the plan was made of.

    Raises
    ------
    DamagedFile : the file is gone or has another size than when it was inspected
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise DamagedFile(f"{plan.file_name} is not on disk any more: {error.strerror}.") from error
    try:
        if os.fstat(descriptor).st_size != plan.size_bytes:
            raise DamagedFile(f"{plan.file_name} changed on disk since it was inspected.")
        yield descriptor
    finally:
        os.close(descriptor)


def read_exactly(descriptor: int, offset: int, count: int) -> bytearray:
    """`count` bytes at `offset`, into a buffer that can be written to."""
    buffer = bytearray(count)
    view, filled = memoryview(buffer), 0
    while filled < count:
        read = os.preadv(descriptor, [view[filled:]], offset + filled)
        if read == 0:
            raise DamagedFile("The file ends before its headers say it should.")
        filled += read
    return buffer


def bands(height: int, factor: int, row_bytes: int) -> Iterator[tuple[int, int]]:
    """Rows in bands of at most `BAND_BYTES`: whole groups of `factor` rows, or parts of one group where one is larger.

    A last group that is not full comes alone.
    """
    at_once = max(1, BAND_BYTES // max(1, row_bytes))
    whole = height // factor * factor
    if at_once >= factor:
        step = at_once // factor * factor
        yield from ((start, min(start + step, whole)) for start in range(0, whole, step))
        group_starts = range(whole, height, factor)
    else:
        group_starts = range(0, height, factor)
    for group in group_starts:
        end = min(group + factor, height)
        yield from ((start, min(start + at_once, end)) for start in range(group, end, at_once))


def stored_dtype(bitpix: int) -> np.dtype[Any]:
    """The big-endian type of a BITPIX."""
    return np.dtype(f">{'f' if bitpix < 0 else 'u' if bitpix == 8 else 'i'}{abs(bitpix) // 8}")


def to_numbers(raw: Values, hdu: PlanHdu) -> Values:
    """Stored numbers as the values they mean, in native byte order.

    Source: astropy ``_ImageBaseHDU._scale_data``, whose types and order of operations these are.
    """
    native = raw.astype(raw.dtype.newbyteorder("="))
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

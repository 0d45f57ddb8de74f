"""The columns of a binary table: their types, places in a row, units, and how stored numbers become values.

Source: FITS Standard 4.0, section 7.3.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import HostileFits
from mast.fits.plan import PlanHdu
from mast.fitscards import Header

_FORM: Final = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])")
_TYPES: Final = {
    "L": "u1",
    "X": "u1",
    "B": "u1",
    "I": ">i2",
    "J": ">i4",
    "K": ">i8",
    "E": ">f4",
    "D": ">f8",
    "C": ">c8",
    "M": ">c16",
    "P": ">i4",
    "Q": ">i8",
}
_UNSIGNED: Final = {"I": 15, "J": 31, "K": 63}
_INTEGERS: Final = frozenset("BIJK")
_NUMBERS: Final = frozenset("BIJKEDCM")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `shape` is that of one cell, () for a single value."""

    name: str
    unit: str
    form: str
    code: str
    """the letter of TFORM; `P` and `Q` are arrays of varying length"""
    shape: tuple[int, ...]
    description: str
    offset: int
    """bytes from the start of a row"""
    dtype: np.dtype[Any]
    scale: float
    zero: float
    null: int | None

    def values(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Stored numbers as the values they mean: TZERO and TSCAL applied, native byte order."""
        native = stored.astype(stored.dtype.newbyteorder("="))
        if self.code in _UNSIGNED and self.scale == 1 and self.zero == 2.0 ** _UNSIGNED[self.code]:
            unsigned = native.view(f"u{native.dtype.itemsize}")
            unsigned ^= unsigned.dtype.type(1 << _UNSIGNED[self.code])
            return unsigned
        if self.code not in _NUMBERS or (self.scale == 1 and self.zero == 0):
            return native
        return np.asarray(native * self.scale + self.zero)

    def is_null(self, stored: NDArray[Any]) -> NDArray[np.bool_]:
        """Where the table says that there is no value: TNULL of a column of integers."""
        if self.null is None or self.code not in _INTEGERS:
            return np.zeros(stored.shape, bool)
        return np.asarray(stored == self.null)


def columns_of(header: Header, hdu: PlanHdu) -> list[Column]:
    """The columns a table's header describes, in order.

    Raises
    ------
    HostileFits : the header's columns do not fill its rows, or a TFORM is none
    """
    count = header.integer("TFIELDS", 0) or 0
    if not 0 <= count <= 999:
        raise HostileFits(f"{hdu.label} claims {count} columns; 999 are possible.")
    columns: list[Column] = []
    offset = 0
    for number in range(1, count + 1):
        columns.append(_column(header, hdu, number, offset))
        offset += columns[-1].dtype.itemsize
    if offset > hdu.shape[1]:
        raise HostileFits(f"The columns of {hdu.label} take {offset:,} bytes, its rows have {hdu.shape[1]:,}.")
    return columns


def _column(header: Header, hdu: PlanHdu, number: int, offset: int) -> Column:
    form = header.text(f"TFORM{number}").strip()
    match = _FORM.match(form)
    if not match:
        raise HostileFits(f"Column {number} of {hdu.label} has TFORM {form!r}, which is none.")
    repeat, code = int(match[1] or 1), match[2]
    if repeat > 16 * hdu.shape[1]:
        raise HostileFits(f"Column {number} of {hdu.label} is longer than a row.")
    dtype, shape = _cell(repeat, code, _dimensions(header.text(f"TDIM{number}")))
    return Column(
        name=header.text(f"TTYPE{number}", 80).strip() or f"column {number}",
        unit=header.text(f"TUNIT{number}", 80),
        form=form,
        code=code,
        shape=shape,
        description=header.text(f"TCOMM{number}"),
        offset=offset,
        dtype=dtype,
        scale=_real(header, f"TSCAL{number}", 1.0),
        zero=_real(header, f"TZERO{number}", 0.0),
        null=header.integer(f"TNULL{number}"),
    )


def _real(header: Header, keyword: str, default: float) -> float:
    value = header.get(keyword)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _dimensions(text: str) -> tuple[int, ...]:
    """`(16,10)` of a TDIM as numpy's order, (10, 16); empty when there is none."""
    numbers = re.fullmatch(r"\s*\(\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)\s*\)\s*", text)
    return tuple(int(part) for part in reversed(numbers[1].split(","))) if numbers else ()


def _cell(repeat: int, code: str, dimensions: tuple[int, ...]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Type of one cell as it is stored, and its shape; a TDIM that does not fit the length is left out."""
    if code == "A":
        if len(dimensions) > 1 and math.prod(dimensions) == repeat and dimensions[-1]:
            shape = dimensions[:-1]
            return np.dtype((f"S{dimensions[-1]}", shape)), shape
        return np.dtype(f"S{repeat}"), ()
    if code in "PQ":
        return np.dtype((_TYPES[code], (2 * min(repeat, 1),))), ()
    if code == "X":
        return np.dtype((_TYPES[code], (-(-repeat // 8),))), (repeat,)
    shape = dimensions if dimensions and math.prod(dimensions) == repeat else (repeat,)
    if repeat == 1 and not dimensions:
        return np.dtype(_TYPES[code]), ()
    return np.dtype((_TYPES[code], shape)), shape


def row_dtype(columns: list[Column], row_bytes: int) -> np.dtype[Any]:
    """The type of a whole row; fields are `c0`, `c1`, … because column names may repeat."""
    return np.dtype(
        {
            "names": [f"c{number}" for number in range(len(columns))],
            "formats": [column.dtype for column in columns],
            "offsets": [column.offset for column in columns],
            "itemsize": row_bytes,
        }
    )

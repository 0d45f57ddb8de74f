"""What a FITS file consists of before any of its bytes exist: enough to know its exact size.

Every header is given a fixed number of 2,880-byte blocks and filled up with blank cards, as pipelines do that reserve
room; so the size in a product list is a sum, and a list of 5,000 products needs no file to be made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

BLOCK: Final = 2880
CARDS_PER_BLOCK: Final = 36
PRIMARY_BLOCKS: Final = 5
_ITEM_BYTES: Final = {"u1": 1, "u2": 2, "i2": 2, "i4": 4, "u4": 4, "f4": 4, "f8": 8}
_TFORM_BYTES: Final = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "E": 4, "K": 8, "D": 8}
BITPIX: Final = {"u1": 8, "u2": 16, "i2": 16, "i4": 32, "u4": 32, "f4": -32, "f8": -64}
ASDF_BYTES: Final = BLOCK


@dataclass(frozen=True, slots=True)
class Image:
    """An image extension; `shape` in numpy order, `dtype` without byte order (`u2` and `u4` are stored with BZERO)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    unit: str = ""
    ver: int = 1
    blocks: int = 1

    @property
    def data_bytes(self) -> int:
        return _ITEM_BYTES[self.dtype] * math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a binary table; `form` is its TFORM (`D`, `16A`, `40D`), `dim` its TDIM in FITS order."""

    name: str
    form: str
    unit: str = ""
    unsigned: bool = False

    @property
    def repeat(self) -> int:
        return int(self.form[:-1] or 1)

    @property
    def code(self) -> str:
        return self.form[-1]

    @property
    def row_bytes(self) -> int:
        return self.repeat * _TFORM_BYTES[self.code]


@dataclass(frozen=True, slots=True)
class Table:
    """A binary table extension."""

    name: str
    columns: tuple[Column, ...]
    rows: int
    ver: int = 1

    @property
    def blocks(self) -> int:
        # Eight fixed cards, up to four a column, room for EXTNAME, EXTVER and twelve of its own.
        return math.ceil((8 + 4 * len(self.columns) + 16) / CARDS_PER_BLOCK)

    @property
    def row_bytes(self) -> int:
        return sum(column.row_bytes for column in self.columns)

    @property
    def data_bytes(self) -> int:
        return self.row_bytes * self.rows


@dataclass(frozen=True, slots=True)
class Filler:
    """Zeros that bring a made file to the length a recorded list gives; a hole, so that it costs no disk."""

    data_bytes: int
    name: str = "FILL"
    ver: int = 1
    blocks: int = 1


Part = Image | Table | Filler
ASDF: Final = Table("ASDF", (Column("ASDF_METADATA", f"{ASDF_BYTES}B"),), 1)
"""The last extension of every pipeline product: the data model's own metadata."""


@dataclass(frozen=True)
class Layout:
    """The parts of one file after its primary HDU, which holds no data; the ASDF extension closes it."""

    parts: tuple[Part, ...]
    primary_blocks: int = PRIMARY_BLOCKS

    @property
    def all_parts(self) -> tuple[Part, ...]:
        return (*self.parts, ASDF)

    @cached_property
    def size_bytes(self) -> int:
        headers = self.primary_blocks + sum(part.blocks for part in self.all_parts)
        return headers * BLOCK + sum(padded(part.data_bytes) for part in self.all_parts)

    def filled(self, size_bytes: int) -> Layout:
        """The same parts in a file of another length: more blank cards, or a part of zeros when much is missing."""
        missing = size_bytes - self.size_bytes
        if missing < 0 or missing % BLOCK:
            raise ValueError(f"{self.size_bytes} bytes cannot be filled up to {size_bytes}")
        if missing <= 4 * BLOCK:
            return Layout(self.parts, self.primary_blocks + missing // BLOCK)
        return Layout((*self.parts, Filler(missing - BLOCK)), self.primary_blocks)


def padded(size: int) -> int:
    """A length filled up to whole blocks."""
    return -(-size // BLOCK) * BLOCK


def columns(text: str) -> tuple[Column, ...]:
    """`WAVELENGTH D um, DQ J+` as columns; `+` marks unsigned integers."""
    made = []
    for part in text.split(","):
        name, form, *unit = part.split()
        made.append(Column(name, form.rstrip("+"), unit[0] if unit else "", form.endswith("+")))
    return tuple(made)

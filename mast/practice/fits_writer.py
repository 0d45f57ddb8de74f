"""FITS bytes from cards and arrays: the few rules of the standard that JWST products need, with numpy alone.

astropy would do it too, at half a second per start and without the fixed header sizes `fits_layout` promises; the tests
open every file with astropy and have it verify each HDU.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mast.practice.fits_layout import BITPIX, BLOCK, CARDS_PER_BLOCK, Column, Filler, Image, Layout, Part, Table, padded

Value = bool | int | float | str | None
Card = tuple[str, Value, str]
"""keyword, value, comment; an empty keyword is a heading of its own"""
Array = NDArray[Any]

_DTYPES = {"L": "i1", "B": "u1", "I": ">i2", "J": ">i4", "E": ">f4", "K": ">i8", "D": ">f8"}


class HeaderTooLong(ValueError):
    """A header outgrew the blocks its layout reserves."""


def write(
    stream: IO[bytes],
    layout: Layout,
    primary: Iterable[Card],
    cards: Mapping[tuple[str, int], Iterable[Card]],
    data: Iterable[Array],
) -> None:
    """Write a whole file: the primary header, then each part with its cards and the next array of `data`."""
    head: list[Card] = [
        ("SIMPLE", True, "conforms to FITS standard"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 0, "number of array dimensions"),
        ("EXTEND", True, ""),
    ]
    stream.write(header([*head, *primary], layout.primary_blocks))
    for part, array in zip(layout.all_parts, data, strict=True):
        stream.write(header([*structure(part), *cards.get((part.name, part.ver), ())], part.blocks))
        if isinstance(part, Filler):
            stream.seek(part.data_bytes, os.SEEK_CUR)
        else:
            _write_data(stream, part, array)


def structure(part: Part) -> list[Card]:
    """The mandatory cards of an extension and its name."""
    named: list[Card] = [("EXTNAME", part.name, "extension name"), ("EXTVER", part.ver, "extension value")]
    if isinstance(part, Filler):
        return [*_image_cards(Image(part.name, "u1", (part.data_bytes,))), *named]
    if isinstance(part, Image):
        return [*_image_cards(part), *named, *_scaling(part)]
    return [*_table_cards(part), *named]


def _image_cards(part: Image) -> list[Card]:
    return [
        ("XTENSION", "IMAGE", "Image extension"),
        ("BITPIX", BITPIX[part.dtype], "array data type"),
        ("NAXIS", len(part.shape), "number of array dimensions"),
        *((f"NAXIS{axis}", size, "") for axis, size in enumerate(reversed(part.shape), 1)),
        ("PCOUNT", 0, "number of parameters"),
        ("GCOUNT", 1, "number of groups"),
    ]


def _scaling(part: Image) -> list[Card]:
    cards: list[Card] = [("BUNIT", part.unit, "physical units of the array values")] if part.unit else []
    if part.dtype in {"u2", "u4"}:
        cards += [("BSCALE", 1, ""), ("BZERO", _zero(part.dtype), "unsigned integers")]
    return cards


def _zero(dtype: str) -> int:
    return 1 << (15 if dtype == "u2" else 31)


def _table_cards(part: Table) -> list[Card]:
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", part.row_bytes, "length of dimension 1"),
        ("NAXIS2", part.rows, "length of dimension 2"),
        ("PCOUNT", 0, "number of group parameters"),
        ("GCOUNT", 1, "number of groups"),
        ("TFIELDS", len(part.columns), "number of table fields"),
    ]
    for number, column in enumerate(part.columns, 1):
        cards += _column_cards(number, column)
    return cards


def _column_cards(number: int, column: Column) -> list[Card]:
    cards: list[Card] = [(f"TTYPE{number}", column.name, ""), (f"TFORM{number}", column.form, "")]
    if column.unit:
        cards.append((f"TUNIT{number}", column.unit, ""))
    if column.unsigned:
        cards.append((f"TZERO{number}", _zero("u2" if column.code == "I" else "u4"), ""))
    return cards


def record_dtype(table: Table) -> np.dtype[Any]:
    """The rows of a table as FITS stores them, big-endian and packed."""
    fields: list[tuple[str, Any] | tuple[str, Any, tuple[int, ...]]] = []
    for column in table.columns:
        if column.code == "A":
            fields.append((column.name, f"S{column.repeat}"))
        elif column.repeat == 1:
            fields.append((column.name, _DTYPES[column.code]))
        else:
            fields.append((column.name, _DTYPES[column.code], (column.repeat,)))
    return np.dtype(fields)


def _write_data(stream: IO[bytes], part: Image | Table, array: Array) -> None:
    stored = _stored(part, array)
    if stored.nbytes != part.data_bytes:
        raise ValueError(f"{part.name}: {stored.nbytes} bytes where the layout has {part.data_bytes}")
    stream.write(stored.reshape(-1).view("u1").data)
    stream.write(bytes(padded(stored.nbytes) - stored.nbytes))


def _stored(part: Image | Table, array: Array) -> Array:
    if isinstance(part, Table):
        return np.ascontiguousarray(array)
    if part.dtype in {"u2", "u4"}:
        # Unsigned integers are stored signed with BZERO: flipping the top bit is the same as subtracting it.
        wide = np.ascontiguousarray(array, dtype=part.dtype)
        signed: Array = (wide ^ wide.dtype.type(_zero(part.dtype))).astype(f">{part.dtype.replace('u', 'i')}")
        return signed
    return np.ascontiguousarray(array, dtype=f">{part.dtype}" if part.dtype != "u1" else "u1")


def header(cards: Iterable[Card], blocks: int) -> bytes:
    """The text of a header, filled with blank cards so that it takes exactly `blocks` blocks."""
    text = "".join(_card(*card) for card in cards)
    room = blocks * CARDS_PER_BLOCK - 1
    if len(text) // 80 > room:
        raise HeaderTooLong(f"{len(text) // 80} cards where {room} fit")
    return (text.ljust(room * 80) + "END".ljust(80)).encode("ascii").ljust(blocks * BLOCK)


def _card(keyword: str, value: Value, comment: str) -> str:
    if not keyword:
        return f"        {comment}"[:80].ljust(80)
    if isinstance(value, str):
        return _text_card(keyword, value, comment)
    return _with_comment(f"{keyword:<8}= {_literal(value):>20}", comment)


def _literal(value: bool | int | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return str(value)
    text = repr(float(value)).upper()
    return text if any(mark in text for mark in ".E") else f"{text}.0"


def _with_comment(card: str, comment: str) -> str:
    room = 80 - len(card) - 3
    return (f"{card} / {comment[:room]}" if comment and room > 3 else card).ljust(80)


def _text_card(keyword: str, value: str, comment: str) -> str:
    quoted = value.replace("'", "''")
    if len(quoted) <= 68:
        return _with_comment(f"{keyword:<8}= '{quoted:<8}'".ljust(30), comment)
    # The OGIP long-string convention: every piece but the last ends in an ampersand.
    pieces = _pieces(quoted)
    lines = [f"{keyword:<8}= '{pieces[0]}&'".ljust(80)]
    lines += [f"CONTINUE  '{piece}&'".ljust(80) for piece in pieces[1:-1]]
    lines.append(f"CONTINUE  '{pieces[-1]}'".ljust(80))
    return "".join(lines)


def _pieces(quoted: str) -> list[str]:
    pieces = []
    while quoted:
        length = 67
        while quoted[:length].count("'") % 2:  # never between the two halves of a doubled quote
            length -= 1
        pieces.append(quoted[:length])
        quoted = quoted[length:]
    return pieces

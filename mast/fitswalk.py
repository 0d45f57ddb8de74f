"""A bounded walk over the blocks of a FITS file: which HDUs it has, where each one's data lie, what its cards say.

Standard library only, because two rooms need it where numpy and astropy must not be: the proof of a downloaded file
(`transfer.verify`) and the limited child that inspects files (`fits.inspect`). Every length in a header is checked
against what JWST files have and against the file's true size before it is used, so that no header, however false,
costs more than reading the headers themselves.

The last HDU must end exactly where the file ends. Padding of zero blocks after it, which some tape-era writers left,
is refused on purpose: zeros at the end are what a preallocated file looks like whose last ranges never came.

Source: FITS Standard 4.0, sections 3 (blocks), 4 (headers), 6 (random groups), 7 (extensions), 10 (compression).
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from mast.errors import HostileFits, NotFits, TruncatedFits
from mast.fitscards import CARD, Header

BLOCK: Final = 2880
BITPIXES: Final = frozenset({8, 16, 32, 64, -32, -64})


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """What is more than any JWST file has. Bytes, counts and pixels."""

    hdus: int = 16_000
    """a level-2 WFSS `cal` has seven for each source and order, and up to 1,000 sources (spacetelescope/jwst#9282)"""
    header_bytes: int = 8 << 20
    all_header_bytes: int = 64 << 20
    axes: int = 8
    axis: int = 10_000_000
    data_bytes: int = 1 << 40
    compressed_pixels: int = 4_000_000_000


LIMITS: Final = WalkLimits()


@dataclass(frozen=True, slots=True)
class Hdu:
    """One header-data unit."""

    index: int
    name: str
    """EXTNAME in capitals; `PRIMARY` for the first, empty where there is none"""
    ver: int
    kind: str
    """`primary`, `image`, `bintable`, `table` (ASCII), `compressed` (a tile-compressed image), `groups` or `other`"""
    bitpix: int
    shape: tuple[int, ...]
    """numpy order, `(NAXISn, …, NAXIS1)`; of a compressed image that of the picture, of a table (rows, row bytes)"""
    header_offset: int
    data_offset: int
    data_bytes: int
    """without the padding to a whole block"""
    cards: Header = field(repr=False)

    @property
    def end_offset(self) -> int:
        return self.data_offset + _padded(self.data_bytes)

    @property
    def label(self) -> str:
        return f"HDU {self.index} ({self.name})" if self.name else f"HDU {self.index}"


def _padded(count: int) -> int:
    return -(-count // BLOCK) * BLOCK


class _Walk:
    """One walk over one open file: its size, the headers read so far, the limits."""

    def __init__(self, file: BinaryIO, limits: WalkLimits) -> None:
        self.file = file
        self.limits = limits
        self.size = file.seek(0, os.SEEK_END)
        self.header_total = 0

    def hdus(self) -> list[Hdu]:
        found: list[Hdu] = []
        offset = 0
        while offset < self.size or not found:
            if len(found) == self.limits.hdus:
                raise HostileFits(f"The file has more than {self.limits.hdus:,} HDUs.")
            found.append(self.hdu(len(found), offset))
            offset = found[-1].end_offset
        return found

    def hdu(self, index: int, offset: int) -> Hdu:
        header, data_offset = self.header(index, offset)
        hdu = _describe(index, offset, data_offset, header, self.limits)
        missing = hdu.end_offset - self.size
        if missing > 0:
            raise TruncatedFits(
                f"The file ends {missing:,} bytes too early: {hdu.label} reaches to byte {hdu.end_offset:,}, "
                f"the file has {self.size:,}."
            )
        return hdu

    def header(self, index: int, offset: int) -> tuple[Header, int]:
        """The header at an offset, up to its END card, and where its data begin."""
        raw = b""
        while True:
            piece = self.read(offset + len(raw), 4 * BLOCK if not raw else 32 * BLOCK)
            if not raw:
                _check_first_card(index, offset, piece)
            end = _find_end(piece)
            raw += piece
            self.check_header_size(index, len(raw) if end is None else len(raw) - len(piece) + end)
            if end is not None:
                raw = raw[: len(raw) - len(piece) + end]
                self.header_total += len(raw)
                return Header(raw), offset + _padded(len(raw) + CARD)
            if offset + len(raw) >= self.size:
                raise TruncatedFits(f"The file ends inside the header of HDU {index}, before its END card.")

    def check_header_size(self, index: int, size: int) -> None:
        if size > self.limits.header_bytes:
            raise HostileFits(f"The header of HDU {index} has no END within {self.limits.header_bytes >> 20} MiB.")
        if self.header_total + size > self.limits.all_header_bytes:
            raise HostileFits(f"The headers take more than {self.limits.all_header_bytes >> 20} MiB.")

    def read(self, offset: int, count: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(count)


def _find_end(piece: bytes) -> int | None:
    """Offset of the END card in a piece that starts at a card border."""
    at = piece.find(b"END     ")
    while at > 0 and at % CARD:
        at = piece.find(b"END     ", at + 1)
    return at if at >= 0 else None


def _check_first_card(index: int, offset: int, piece: bytes) -> None:
    if index == 0:
        if not piece:
            raise NotFits("The file is empty.")
        if piece.startswith(b"\x1f\x8b"):
            raise NotFits("The file is gzip-compressed; unpack it first.")
        if not re.match(rb"SIMPLE  = +T *(/|$)", piece[:CARD]):
            raise NotFits("The file does not begin with `SIMPLE = T`, as every FITS file does.")
    elif not piece.startswith(b"XTENSION= "):
        raise TruncatedFits(
            f"After the last HDU, at byte {offset:,}, the file goes on with something that is no HDU: "
            "bytes were added or overwritten."
        )


_KINDS: Final = {
    "IMAGE": "image",
    "IUEIMAGE": "image",
    "BINTABLE": "bintable",
    "A3DTABLE": "bintable",
    "TABLE": "table",
}
_TABLES: Final = frozenset({"bintable", "table"})


def _describe(index: int, offset: int, data_offset: int, header: Header, limits: WalkLimits) -> Hdu:
    name = header.text("EXTNAME").strip().upper() or ("PRIMARY" if index == 0 else "")
    label = f"HDU {index} ({name})" if name else f"HDU {index}"
    kind = "primary" if index == 0 else _KINDS.get(header.text("XTENSION").strip(), "other")
    axis_limit = limits.data_bytes if kind in _TABLES else limits.axis
    axes, bitpix = _axes(label, header, "", limits.axes, axis_limit), _bitpix(label, header, "BITPIX")
    if index == 0 and axes[:1] == [0] and header.get("GROUPS") is True:
        kind = "groups"
    data_bytes = _data_bytes(label, header, kind, bitpix, axes)
    if data_bytes > limits.data_bytes:
        raise HostileFits(f"{label} claims {data_bytes:,} bytes of data, more than any JWST file has.")
    if kind == "bintable" and header.get("ZIMAGE") is True:
        kind = "compressed"
        axes, bitpix = _axes(label, header, "Z", limits.axes, limits.axis), _bitpix(label, header, "ZBITPIX")
        if math.prod(axes) > limits.compressed_pixels:
            raise HostileFits(f"{label} claims {math.prod(axes):,} compressed pixels, more than any JWST file has.")
    ver = header.integer("EXTVER", 1) or 1
    shape = tuple(reversed(axes))
    return Hdu(index, name, ver, kind, bitpix, shape, offset, data_offset, data_bytes, header)


def _bitpix(label: str, header: Header, keyword: str) -> int:
    bitpix = header.integer(keyword)
    if bitpix not in BITPIXES:
        raise HostileFits(f"{label} has {keyword} = {header.get(keyword)!r}, which is no FITS number format.")
    return bitpix or 0


def _axes(label: str, header: Header, prefix: str, axes_limit: int, axis_limit: int) -> list[int]:
    """NAXIS1, NAXIS2, … each checked."""
    count = header.integer(f"{prefix}NAXIS")
    if count is None or not 0 <= count <= axes_limit:
        given = header.get(f"{prefix}NAXIS")
        raise HostileFits(f"{label} has {prefix}NAXIS = {given!r}; 0 to {axes_limit} axes are possible.")
    lengths = []
    for number in range(1, count + 1):
        keyword = f"{prefix}NAXIS{number}"
        length = header.integer(keyword)
        if length is None or not 0 <= length <= axis_limit:
            raise HostileFits(f"{label} has {keyword} = {header.get(keyword)!r}; 0 to {axis_limit:,} are possible.")
        lengths.append(length)
    return lengths


def _data_bytes(label: str, header: Header, kind: str, bitpix: int, axes: list[int]) -> int:
    if not axes:
        return 0
    parameters, groups = header.integer("PCOUNT", 0), header.integer("GCOUNT", 1)
    if parameters is None or groups is None or parameters < 0 or groups < 0:
        raise HostileFits(f"{label} has PCOUNT = {parameters}, GCOUNT = {groups}; neither can be negative.")
    elements = math.prod(axes[1:] if kind == "groups" else axes)
    return abs(bitpix) // 8 * groups * (parameters + elements)


# --- what other rooms call --------------------------------------------------------------------------------------


def walk(source: str | Path | BinaryIO, limits: WalkLimits = LIMITS) -> list[Hdu]:
    """Every HDU of a FITS file, which must end exactly where its last HDU does.

    Raises
    ------
    NotFits : it does not begin as FITS does
    TruncatedFits : it ends before its headers say, or goes on after its last HDU
    HostileFits : a header asks for more than `limits`
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb", buffering=0) as file:
            return _Walk(file, limits).hdus()
    return _Walk(source, limits).hdus()


def read_header(source: str | Path | BinaryIO, offset: int = 0, limits: WalkLimits = LIMITS) -> Header:
    """The one header that begins at a byte offset (`Hdu.header_offset`); `.cards()` are all its cards."""
    if isinstance(source, str | Path):
        with Path(source).open("rb", buffering=0) as file:
            return read_header(file, offset, limits)
    return _Walk(source, limits).header(0 if offset == 0 else 1, offset)[0]

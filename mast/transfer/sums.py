"""Checksums of whole files, and those that FITS files carry inside."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

import google_crc32c

from mast import fitswalk
from mast.errors import ChecksumMismatch

BLOCK_BYTES: Final = 1 << 20
Beat = Callable[[int], None]
"""called with the bytes done so far; what it raises ends the work"""


class Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> object: ...

    def hexdigest(self) -> str: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


class _Crc32c:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview) -> None:
        self._value = int(google_crc32c.extend(self._value, bytes(data)))

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def _crc64nvme() -> Digest:
    # Loaded here: numpy takes 0.1 s to import, and few sources state this sum.
    from mast.transfer.crc64 import Crc64Nvme

    return Crc64Nvme()


_MAKERS: Final[dict[str, Callable[[], Digest]]] = {
    "sha256": hashlib.sha256,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc32": _Crc32,
    "crc32c": _Crc32c,
    "crc64nvme": _crc64nvme,
}
KNOWN: Final = frozenset(_MAKERS)


class Digests:
    """Several checksums of one stream of bytes, those of the names that are known here."""

    def __init__(self, names: Iterable[str]) -> None:
        self._digests = {name: _MAKERS[name]() for name in sorted({*names} & KNOWN)}

    def update(self, data: bytes | memoryview) -> None:
        for digest in self._digests.values():
            digest.update(data)

    def hex(self) -> dict[str, str]:
        return {name: digest.hexdigest() for name, digest in self._digests.items()}


def digest_file(path: Path, names: Iterable[str], beat: Beat) -> dict[str, str]:
    """Checksums of a file on disk, in one read of 1 MiB at a time."""
    digests = Digests(names)
    done = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            digests.update(block)
            done += len(block)
            beat(done)
    return digests.hex()


def check_fits_sums(path: Path, hdus: list[fitswalk.Hdu], beat: Beat) -> int:
    """Compare the DATASUM and CHECKSUM cards of a file with its bytes.

    Returns the number of HDUs whose data a card vouches for; raises `ChecksumMismatch` where one disagrees.

    Source: FITS Standard 4.0, 4.4.2.7 and appendix J: 32-bit ones' complement sums, of the data as a decimal number,
    of the whole HDU such that it comes out as all ones.
    """
    with_sums = [hdu for hdu in hdus if hdu.cards.get("DATASUM") or hdu.cards.get("CHECKSUM")]
    if not with_sums:
        return 0
    vouched = 0
    with path.open("rb", buffering=0) as file:
        for hdu in with_sums:
            datasum = str(hdu.cards.get("DATASUM") or "").strip()
            has_checksum = bool(str(hdu.cards.get("CHECKSUM") or "").strip())
            if not datasum.isdigit() and not has_checksum:
                continue
            data = _ones_sum(file.fileno(), hdu.data_offset, hdu.end_offset, beat)
            if datasum.isdigit() and data != int(datasum):
                raise ChecksumMismatch(f"The data of {hdu.label} do not give the DATASUM in its header.", is_own=True)
            head = _ones_sum(file.fileno(), hdu.header_offset, hdu.data_offset, beat)
            if has_checksum and _add(head, data) != _ALL_ONES:
                raise ChecksumMismatch(f"{hdu.label} does not give the CHECKSUM in its header.", is_own=True)
            vouched += 1
    return vouched


_ALL_ONES: Final = 0xFFFFFFFF


def _add(first: int, second: int) -> int:
    total = first + second
    return (total & _ALL_ONES) + (total >> 32)


def _ones_sum(fd: int, start: int, stop: int, beat: Beat) -> int:
    """The 32-bit ones' complement sum of bytes whose count is a multiple of four."""
    # Loaded here: most files carry no sums, and numpy takes 0.1 s to import.
    import numpy as np

    total = 0
    while start < stop:
        block = os.pread(fd, min(BLOCK_BYTES, stop - start), start)
        if not block:
            break
        total += int(np.frombuffer(block[: len(block) // 4 * 4], dtype=">u4").sum(dtype=np.uint64))
        start += len(block)
        beat(start)
    while total > _ALL_ONES:
        total = (total & _ALL_ONES) + (total >> 32)
    return total

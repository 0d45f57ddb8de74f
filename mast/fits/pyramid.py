"""A plane at every size: made smaller by 4, 8, 16 … once, kept in a file beside it, read by tile.

Rows count from the top of the picture, which is the last row of the file: blocks begin where a picture begins, so that
the levels lie exactly on one another whatever the height. Levels 0 and 1 are read from the plane itself.
"""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import DamagedFile, FileNotFound
from mast.fits.planes import Buffer, PlaneRows
from mast.fits.quality import usable_plane
from mast.fits.shrink import Bits, Means, Samples, Shrinking

Values = NDArray[Any]

TILE: Final = 256
VERSION: Final = 2
_MAGIC: Final = b"JWSTPYR1"
_FOOTER: Final = struct.Struct("<8sQ")

SHRINKINGS: Final[dict[str, Shrinking]] = {"values": Means(), "flags": Bits(), "labels": Samples()}


@dataclass(frozen=True)
class Facts:
    """What one pass over a plane found."""

    shape: tuple[int, int]
    draw: str
    """`values`, `flags` or `labels`: which of `SHRINKINGS` made it"""
    first: int
    """the first level that is kept"""
    zscale: tuple[float, float]
    minimum: float
    maximum: float
    finite: int
    usable: int
    """those of the finite pixels that are not flagged as unusable: limits are made of them"""
    version: int = VERSION


def level_count(shape: tuple[int, int]) -> int:
    """Levels until the whole plane fits one tile."""
    return 1 + max(0, math.ceil(math.log2(max(shape) / TILE)))


def level_shape(shape: tuple[int, int], level: int) -> tuple[int, int]:
    return -(-shape[0] >> level), -(-shape[1] >> level)


class Upright:
    """A plane with its top row first."""

    def __init__(self, plane: PlaneRows) -> None:
        self.plane = plane
        self.shape = plane.shape

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        height = self.shape[0]
        return self.plane.window(height - bottom, height - top, left, right, into)[::-1]


class Pyramid:
    """A plane, its smaller levels, and what is known of its values."""

    def __init__(
        self,
        plane: PlaneRows,
        facts: Facts,
        levels: dict[int, Values],
        usable_per_row: NDArray[np.int64],
        flags: PlaneRows | None = None,
    ) -> None:
        self.plane = plane
        self.facts = facts
        self.usable = usable_plane(plane, flags, facts.usable, facts.finite)
        """the plane with NaN for the pixels that are flagged as unusable"""
        self.usable_per_row = usable_per_row
        """pixels of the file's rows, the lowest first"""
        self.found: dict[str, Any] = {}
        """what was computed of the plane later, by name"""
        self._levels = levels
        self._upright = Upright(plane)
        self._shrinking = SHRINKINGS[facts.draw]

    @property
    def shape(self) -> tuple[int, int]:
        return self.facts.shape

    @property
    def level_count(self) -> int:
        return level_count(self.shape)

    def window(self, level: int, top: int, bottom: int, left: int, right: int) -> Values:
        """Pixels of a level, top row first; the window must lie inside it."""
        if level in self._levels:
            return self._levels[level][top:bottom, left:right]
        height, width = self.shape
        scale = 1 << level
        values = self._upright.window(top * scale, min(height, bottom * scale), left * scale, min(width, right * scale))
        if level == 0:
            return values
        # Levels from the second on are kept.
        return self._shrinking.half(values, finite_mask(values))

    def tile(self, level: int, column: int, row: int) -> Values:
        """One tile of at most `TILE` x `TILE` pixels, counted from the upper left.

        Raises
        ------
        FileNotFound : the picture has no such tile
        """
        if not 0 <= level < self.level_count:
            raise FileNotFound(f"There is no level {level}; there are {self.level_count}, counted from 0.")
        height, width = level_shape(self.shape, level)
        top, left = row * TILE, column * TILE
        if not (0 <= top < height and 0 <= left < width):
            raise FileNotFound(f"Level {level} is {width} x {height} pixels and has no tile {column}, {row}.")
        return self.window(level, top, min(height, top + TILE), left, min(width, left + TILE))


def finite_mask(values: Values) -> NDArray[np.bool_] | None:
    """Which pixels are finite; None when all are, as all whole numbers are."""
    if values.dtype.kind != "f":
        return None
    finite = np.isfinite(values)
    return None if finite.all() else finite


# --- the file ---------------------------------------------------------------------------------------------------


def kept_levels(facts_shape: tuple[int, int], first: int) -> range:
    return range(first, max(first + 1, level_count(facts_shape)))


def layout(shape: tuple[int, int], first: int, dtype: np.dtype[Any]) -> tuple[dict[int, int], int]:
    """Where in the file each kept level begins, and where the counts of the rows do."""
    offsets, at = {}, 0
    for level in kept_levels(shape, first):
        offsets[level] = at
        at += math.prod(level_shape(shape, level)) * dtype.itemsize
    return offsets, -(-at // 8) * 8


def write_end(descriptor: int, at: int, facts: Facts, usable_per_row: NDArray[np.int64]) -> None:
    """The counts of the rows, the facts, and the footer that says the file is whole."""
    words = json.dumps(asdict(facts)).encode()
    end = usable_per_row.astype("<u4").tobytes() + words + _FOOTER.pack(_MAGIC, len(words))
    os.pwrite(descriptor, end, at)


def read(path: Path, plane: PlaneRows, flags: PlaneRows | None = None) -> Pyramid | None:
    """The pyramid kept in a file, or None when there is none that can be used."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            facts, words_bytes = _read_end(file, size)
        shrinking = SHRINKINGS[facts.draw]
        offsets, counts_at = layout(facts.shape, facts.first, shrinking.dtype)
        rows_bytes = facts.shape[0] * 4
        if facts.shape != plane.shape or counts_at + rows_bytes + words_bytes + _FOOTER.size != size:
            return None
        mapped = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    levels = {level: _view(mapped, at, level_shape(facts.shape, level), shrinking) for level, at in offsets.items()}
    counts = np.frombuffer(mapped[counts_at : counts_at + rows_bytes], "<u4").astype(np.int64)
    return Pyramid(plane, facts, levels, counts, flags)


def _read_end(file: Any, size: int) -> tuple[Facts, int]:
    file.seek(size - _FOOTER.size)
    magic, length = _FOOTER.unpack(file.read(_FOOTER.size))
    if magic != _MAGIC or length > 1 << 20:
        raise ValueError
    file.seek(size - _FOOTER.size - length)
    stored = json.loads(file.read(length))
    facts = Facts(**(stored | {"shape": tuple(stored["shape"]), "zscale": tuple(stored["zscale"])}))
    if facts.version != VERSION:
        raise ValueError
    return facts, length


def _view(mapped: NDArray[np.uint8], at: int, shape: tuple[int, int], shrinking: Shrinking) -> Values:
    size = math.prod(shape) * shrinking.dtype.itemsize
    if at + size > len(mapped):
        raise DamagedFile("The pyramid is shorter than its facts say.")
    return mapped[at : at + size].view(shrinking.dtype).reshape(shape)

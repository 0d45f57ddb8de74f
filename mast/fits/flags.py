"""Which quality flags occur in a plane, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mast.fits.colours import flag_colour
from mast.fits.dq import FLAGS
from mast.fits.options import plane_text
from mast.fits.plan import Plan, Plane
from mast.fits.planes import choose_plane, plane_of
from mast.fits.stored import bands


@dataclass(frozen=True, slots=True)
class FlagFound:
    """One bit of a plane of flags."""

    bit: int
    name: str
    count: int
    colour: str


@dataclass(frozen=True, slots=True)
class FlagsFound:
    hdu: int
    plane: str
    flags: list[FlagFound]


def flag_counts(path: str | Path, plan: Plan, hdu: int, plane: Plane | None = None) -> FlagsFound:
    """The bits that are set anywhere in a plane, lowest first, with the number of their pixels."""
    image, chosen = choose_plane(plan, hdu, plane)
    pixels = plane_of(path, plan, hdu, chosen)
    counts = np.zeros(32, np.int64)
    for start, stop in bands(pixels.shape[0], pixels.row_bytes):
        values = pixels.rows(start, stop).astype(np.int64).astype(np.uint32)
        occurring = int(np.bitwise_or.reduce(values, axis=None))
        for bit in range(32):
            if occurring >> bit & 1:
                counts[bit] += np.count_nonzero(values & np.uint32(1 << bit))
    found = [
        FlagFound(bit, FLAGS.get(bit, f"bit {bit}"), count, f"#{flag_colour(bit)}")
        for bit, count in enumerate(counts.tolist())
        if count
    ]
    return FlagsFound(image.index, plane_text(chosen), found)

"""Which quality flags occur in a plane, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mast.fits.colours import flag_colour
from mast.fits.dq import FLAGS
from mast.fits.options import plane_text
from mast.fits.plan import Plan, Plane, PlanHdu
from mast.fits.planes import plane_of
from mast.fits.quality import JoinedFlags
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


def flag_counts(path: str | Path, plan: Plan, parts: Sequence[tuple[PlanHdu, Plane]]) -> FlagsFound:
    """The bits that are set anywhere in any of some planes of flags, lowest first, with the number of their pixels."""
    image, chosen = parts[0]
    pixels = JoinedFlags([plane_of(path, plan, each.index, at) for each, at in parts])
    counts = np.zeros(32, np.int64)
    for start, stop in bands(pixels.shape[0], pixels.row_bytes):
        values = pixels.rows(start, stop)
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

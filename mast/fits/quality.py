"""The quality flags of a plane, and the plane without the pixels they call unusable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mast.fits.dq import UNUSABLE
from mast.fits.plan import Plan, Plane, PlanHdu
from mast.fits.planes import Buffer, PlaneRows, plane_of
from mast.fits.roles import draw_of, qualities_of
from mast.fits.stored import Values


class JoinedFlags:
    """Planes of flags as one: a bit is set where any of them sets it."""

    is_made = False

    def __init__(self, parts: Sequence[PlaneRows]) -> None:
        self._parts = parts
        self.shape = parts[0].shape
        self.row_bytes = sum(part.row_bytes for part in parts)

    def rows(self, start: int, stop: int) -> Values:
        return self.window(start, stop, 0, self.shape[1])

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        """As uint32."""
        joined: Values = np.zeros((bottom - top, right - left), np.uint32)
        for part in self._parts:
            joined |= part.window(top, bottom, left, right).astype(np.int64).astype(np.uint32)
        return joined


class UsablePixels:
    """A plane whose unusable pixels are NaN."""

    is_made = False

    def __init__(self, plane: PlaneRows, flags: PlaneRows) -> None:
        self._plane = plane
        self._flags = flags
        self.shape = plane.shape
        self.row_bytes = plane.row_bytes + flags.row_bytes

    def rows(self, start: int, stop: int) -> Values:
        return self.window(start, stop, 0, self.shape[1])

    def window(self, top: int, bottom: int, left: int, right: int, into: Buffer | None = None) -> Values:
        values = self._plane.window(top, bottom, left, right, into)
        if values.dtype.kind != "f":
            values = values.astype(np.float64)
        values[is_unusable(self._flags.window(top, bottom, left, right))] = np.nan
        return values


def usable_plane(plane: PlaneRows, flags: PlaneRows | None, usable: int, finite: int) -> PlaneRows:
    """The plane limits are made of, when so many of its finite pixels are usable."""
    return UsablePixels(plane, flags) if flags and usable < finite else plane


def is_unusable(flags: Values) -> Values:
    unusable: Values = (flags & np.uint32(UNUSABLE)) != 0
    return unusable


def flags_beside(path: str | Path, plan: Plan, image: PlanHdu, plane: Plane) -> JoinedFlags | None:
    """The flags that belong to a plane of values; None where there are none."""
    parts = qualities_of(plan, image, plane)
    if not parts or draw_of(plan, image) != "values":
        return None
    return JoinedFlags([plane_of(path, plan, quality.index, at) for quality, at in parts])

"""What one file shows: read from its name and its observation's row, so that any file can be made from those two."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mast.practice import optics, sphere
from mast.practice.columns import Row

_DETECTOR: Final = re.compile(r"_(nrc[ab](?:[1-4]|long)|mirimage|mirifu(?:short|long)|nis|nrs[12]|guider[12])(?:_|$)")
_SPECTROSCOPIC: Final = frozenset({"IFU", "MSA", "SLIT", "SLITLESS", "SOSS", "GRISM", "WFSS"})
_LONG_DETECTORS: Final = frozenset({"nrcalong", "nrcblong"})
_SINGLE_ARCSEC: Final = {"sw": 64.0, "lw": 129.0}
_MODULE_ARCSEC: Final = 86.0
"""Half the distance between the centres of NIRCam's two modules."""


@dataclass(frozen=True)
class Frame:
    """The pixels of a picture on the sky: a tangent plane about the target."""

    shape: tuple[int, int]
    """numpy order: rows, columns"""
    scale_arcsec: float
    angle_deg: float
    """position angle of the picture's y axis, north through east"""
    centre_arcsec: tuple[float, float]
    """east and north of the target"""
    crval: tuple[float, float]

    @cached_property
    def crpix(self) -> tuple[float, float]:
        """FITS pixel of the target: one-based, pixel centres whole."""
        east, north = self.centre_arcsec
        x, y = self.to_axes(-east, -north)
        rows, columns = self.shape
        return columns / 2 + 0.5 + x / self.scale_arcsec, rows / 2 + 0.5 + y / self.scale_arcsec

    def to_axes(self, east: float, north: float) -> tuple[float, float]:
        """An offset on the sky along the picture's x and y."""
        turn = math.radians(self.angle_deg)
        return -east * math.cos(turn) + north * math.sin(turn), east * math.sin(turn) + north * math.cos(turn)

    @cached_property
    def corners(self) -> list[tuple[float, float]]:
        rows, columns = self.shape
        turn = math.radians(self.angle_deg)
        found = []
        for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
            along, up = x * columns * self.scale_arcsec, y * rows * self.scale_arcsec
            east = self.centre_arcsec[0] - along * math.cos(turn) + up * math.sin(turn)
            north = self.centre_arcsec[1] + along * math.sin(turn) + up * math.cos(turn)
            found.append(sphere.offset(*self.crval, east / 3600, north / 3600))
        return found


@dataclass(frozen=True)
class Subject:
    """A file of an observation; `row` is the observation as MAST lists it, `scene` how its sky is painted."""

    file_name: str
    row: Row
    scene: str = "field"

    @cached_property
    def stem(self) -> str:
        return self.file_name.rpartition(".")[0].removesuffix("_thumb")

    @property
    def extension(self) -> str:
        return self.file_name.rpartition(".")[2]

    @cached_property
    def suffix(self) -> str:
        return self.stem.rpartition("_")[2]

    @cached_property
    def is_exposure(self) -> bool:
        return "-" not in self.file_name.partition("_")[0]

    @cached_property
    def is_guide_star(self) -> bool:
        return "_gs-" in self.file_name

    @cached_property
    def detector(self) -> str:
        match = _DETECTOR.search(self.stem)
        return match[1] if match else "guider1" if self.is_guide_star else ""

    @cached_property
    def instrument(self) -> str:
        return "fgs" if self.is_guide_star else str(self.row["instrument_name"]).partition("/")[0].lower()

    @cached_property
    def mode(self) -> str:
        return str(self.row["instrument_name"]).partition("/")[2]

    @cached_property
    def is_time_series(self) -> bool:
        return bool(self.row["dataproduct_type"] == "timeseries")

    @cached_property
    def is_dispersed(self) -> bool:
        """Whether the detector saw spectra instead of sky."""
        return self.is_exposure and not self.is_guide_star and self.mode in _SPECTROSCOPIC

    @property
    def program(self) -> str:
        return str(self.row["proposal_id"])

    @cached_property
    def elements(self) -> list[str]:
        """Optical elements of the observation, without the clear ones."""
        return [part for part in str(self.row["filters"] or "").split(";") if part and part != "CLEAR"]

    @cached_property
    def seed(self) -> int:
        return zlib.crc32(self.file_name.encode())

    @cached_property
    def sky_seed(self) -> int:
        """The same for every file of one target of a program: one sky, many filters."""
        return zlib.crc32(f"{self.program} {self.row['target_name']}".encode())

    @cached_property
    def band_um(self) -> float:
        low, high = self.row["em_min"], self.row["em_max"]
        return (low + high) / 2000 if low and high else 2.0

    @cached_property
    def dither(self) -> int:
        match = re.search(r"_(\d{5})(?:-seg\d+)?_", self.file_name) if self.is_exposure else None
        return int(match[1]) - 1 if match else 0

    @cached_property
    def segment(self) -> int:
        match = re.search(r"-seg(\d{3})", self.file_name)
        return int(match[1]) if match else 0

    @cached_property
    def pointing(self) -> tuple[float, float]:
        """RA and Dec of the target, degrees; of a row without them 0, 0."""
        return float(self.row["s_ra"] or 0.0), float(self.row["s_dec"] or 0.0)

    @cached_property
    def field(self) -> tuple[float, float, float, tuple[float, float]]:
        """Width and height (arcsec), angle (degrees) and centre (arcsec from the target) of the footprint."""
        corners = [sphere.plane(*corner, *self.pointing) for corner in sphere.corners_of(self.row["s_region"])]
        if len(corners) < 4:
            width, height = optics.field_arcsec(self.instrument, self.mode)
            return width, height, 0.0, (0.0, 0.0)
        (e0, n0), (e1, n1), (e2, n2) = corners[:3]
        width, height = math.hypot(e1 - e0, n1 - n0) * 3600, math.hypot(e2 - e1, n2 - n1) * 3600
        angle = math.degrees(math.atan2(n1 - n0, e0 - e1)) % 360
        centre = ((e0 + e2) * 1800, (n0 + n2) * 1800)
        return max(width, 0.1), max(height, 0.1), angle, centre

    def exposure_frame(self, shape: tuple[int, int]) -> Frame:
        """The sky under one detector at one dither position."""
        width, height, angle, (east, north) = self.field
        span = self._detector_arcsec
        turn = math.radians(angle)
        x, y = self._detector_offset(max(width, height))
        x += 2.9 * (self.dither % 4 - 1.5)
        y += 2.9 * (self.dither // 4 % 4 - 0.5)
        centre = (east - x * math.cos(turn) + y * math.sin(turn), north + x * math.sin(turn) + y * math.cos(turn))
        return Frame(shape, span / max(shape), angle, centre, self.pointing)

    @cached_property
    def _detector_arcsec(self) -> float:
        if self.detector.startswith("nrc"):
            return _SINGLE_ARCSEC["lw" if self.detector in _LONG_DETECTORS else "sw"]
        return max(optics.field_arcsec(self.instrument, self.mode))

    def _detector_offset(self, field_arcsec: float) -> tuple[float, float]:
        """Of a NIRCam detector's centre from the middle of the field; both modules only in a wide field."""
        if not self.detector.startswith("nrc"):
            return 0.0, 0.0
        module = (-1 if self.detector[3] == "a" else 1) * (_MODULE_ARCSEC if field_arcsec > 200 else 0.0)
        if self.detector in _LONG_DETECTORS:
            return module, 0.0
        quadrant = int(self.detector[4]) - 1
        return module + (33.5 if quadrant % 2 else -33.5), 33.5 if quadrant // 2 else -33.5

    def mosaic_frame(self, shape: tuple[int, int]) -> Frame:
        """The sky of a combined image: its footprint with a narrow margin."""
        width, _, angle, centre = self.field
        return Frame(shape, width * 1.03 / shape[1], angle, centre, self.pointing)

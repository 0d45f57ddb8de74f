"""Pixels of image extensions: the subject's sky as each kind of product records it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mast.practice import dispersed, scene
from mast.practice.fits_layout import Image
from mast.practice.kinds import CHANNELS, RATE
from mast.practice.scene import Picture
from mast.practice.subject import Frame, Subject

Array = NDArray[Any]
_DN_PER_MJY = 0.55
_BIAS_DN = 9_000
DO_NOT_USE, JUMP, OUTLIER = 1, 4, 16


class Painter:
    """Draws the extensions of one file; pictures that several of them share are drawn once."""

    def __init__(self, subject: Subject, frame: Frame) -> None:
        self.subject = subject
        self.frame = frame

    @cached_property
    def sky(self) -> Picture:
        """The noiseless picture, MJy/sr, without blanks."""
        if self.subject.is_dispersed:
            return dispersed.paint(self.subject.mode, self.subject.sky_seed, self.frame.shape)
        return scene.paint(self.subject.scene, self.subject.sky_seed, self.frame, self.subject.band_um)

    @cached_property
    def bad(self) -> Array:
        """Detector pixels that are never good."""
        return np.random.default_rng([self.subject.seed % 97, 11]).random(self.frame.shape, dtype=np.float32) < 0.0015

    def image(self, part: Image) -> Array:
        """The data of one extension, by its name."""
        name = part.name
        if name in {"DQ", "PIXELDQ", "GROUPDQ"}:
            return self._quality(part)
        if name in {"SCI", "CTRD", "FIT", "SLOPE", "ZEROFRAME", "N_CTRD", "N_FIT"}:
            return self._science(part)
        if name in {"AREA", "BARSHADOW", "PATHLOSS_UN", "WEIGHTS"}:
            return np.ones(part.shape, np.float32)
        if name == "WAVELENGTH":
            return self._wavelengths(part)
        if name in {"ERR", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "SIGSLOPE", "SIGYINT"}:
            return self._uncertainty(part)
        if name in {"CON", "WHT", "WMAP"}:
            return self._weight(part)
        if name == "SHUTTER_IMAGE":
            return (np.random.default_rng([self.subject.seed, 5]).random(part.shape) < 0.02).astype(np.int16)
        if name == "REFOUT":
            return np.full(part.shape, _BIAS_DN, np.uint16)
        return scene.noise(self.subject.seed, part.shape)

    # --- SCI of each kind ---

    def _science(self, part: Image) -> Array:
        suffix = self.subject.suffix
        if part.dtype == "u2":
            return self._ramp(part).clip(0, 65535).astype(np.uint16)
        if len(part.shape) == 4:
            return self._ramp(part)
        if suffix == "segm":
            return self._segments()
        if part.shape[-1] == CHANNELS["s2d"]:
            return self._spectrum(part)
        if suffix == "s3d":
            return self._cube(part)
        if len(part.shape) == 3:
            return self._stack(part)
        return self._exposed(part)

    def _exposed(self, part: Image) -> Picture:
        """One picture with noise, in the unit of the extension, NaN where it is blank."""
        factor = _DN_PER_MJY if part.unit == RATE else 1.0
        picture = (self.sky + scene.noise(self.subject.seed, self.frame.shape)) * np.float32(factor)
        if self.subject.suffix == "i2d":
            scene.blank_border(picture, self.subject.sky_seed)
        elif part.unit != RATE:
            picture[self.bad] = np.nan
        return picture

    def _stack(self, part: Image) -> Picture:
        """Integrations, PSFs or fringes: the same picture with other noise; in a time series a transit."""
        factor = _DN_PER_MJY if part.unit == RATE else 1.0
        count, rows, columns = part.shape
        base = self.sky[:rows, :columns] if self.sky.shape != (rows, columns) else self.sky
        seeds = [self.subject.seed + index for index in range(count)]
        frames = [base * self._dip(index, count) + scene.noise(seed, base.shape) for index, seed in enumerate(seeds)]
        return np.stack(frames) * np.float32(factor)

    def _dip(self, index: int, count: int) -> np.float32:
        if not self.subject.is_time_series:
            return np.float32(1.0)
        return np.float32(1.0 - 0.01 * math.exp(-(((index - count / 2) / (count / 6)) ** 4)))

    def _ramp(self, part: Image) -> Picture:
        """Counts that climb group by group above a bias, with a cosmic ray here and there."""
        shape = part.shape if len(part.shape) == 4 else (part.shape[0], 1, *part.shape[1:])
        rows, columns = shape[-2:]
        slope = (self.sky[:rows, :columns] * np.float32(_DN_PER_MJY * 40)).clip(0, 12_000)
        noise = scene.noise(self.subject.seed, shape, 12.0)
        groups = np.arange(1, shape[1] + 1, dtype=np.float32)[None, :, None, None]
        ramp = noise + groups * slope + np.float32(_BIAS_DN)
        hits = np.random.default_rng([self.subject.seed, 6]).random((rows, columns), dtype=np.float32) < 0.0008
        ramp[:, shape[1] // 2 :, hits] += 3_000
        return np.asarray(ramp.reshape(part.shape), np.float32)

    def _spectrum(self, part: Image) -> Picture:
        """A trace along the dispersion: continuum, lines, sky background."""
        rows, columns = part.shape[-2:]
        wave = np.linspace(0, 1, columns, dtype=np.float32)
        random = np.random.default_rng([self.subject.sky_seed, part.ver])
        light = 4 * np.exp(-((wave - random.uniform(0.2, 0.8)) ** 2) * 3)
        for centre, height in zip(random.uniform(0.05, 0.95, 6), random.uniform(3, 30, 6), strict=True):
            light = light + height * np.exp(-(((wave - centre) / 0.006) ** 2))
        profile = np.exp(-(((np.arange(rows) - rows / 2) / (rows / 12)) ** 2))[:, None]
        picture = (profile * light[None, :] + 0.2 + scene.noise(self.subject.seed + part.ver, (rows, columns))).astype(
            np.float32
        )
        picture[:1] = picture[-1:] = np.nan
        picture[:, :3] = np.nan
        return np.asarray(picture)

    def _cube(self, part: Image) -> Picture:
        planes, rows, columns = part.shape
        wave = np.linspace(0, 1, planes, dtype=np.float32)
        random = np.random.default_rng([self.subject.sky_seed, 8])
        y, x = np.mgrid[:rows, :columns].astype(np.float32)
        blob = np.exp(-(((x - columns / 2) / 6) ** 2 + ((y - rows / 2) / 5) ** 2))
        ring = np.exp(-((np.hypot(x - columns / 2, y - rows / 2) - 12) ** 2) / 8)
        line = sum(
            (
                height * np.exp(-(((wave - at) / 0.012) ** 2))
                for at, height in zip(random.uniform(0.1, 0.9, 5), random.uniform(5, 60, 5), strict=True)
            ),
            np.zeros(planes),
        )
        cube = 20 * blob[None] * (0.6 + wave)[:, None, None] + line[:, None, None] * ring[None]
        cube = (cube + scene.noise(self.subject.seed, part.shape, 0.2)).astype(np.float32)
        cube[:, np.hypot(x - columns / 2, y - rows / 2) > 26] = np.nan
        return np.asarray(cube)

    def _segments(self) -> Array:
        """Labels of the brightest sources: numbered squares' worth of connected pixels."""
        labels = np.zeros(self.frame.shape, np.int32)
        rows, columns = self.frame.shape
        for number, (x, y, radius) in enumerate(self.catalogued, 1):
            top, left = max(0, y - radius), max(0, x - radius)
            yy, xx = np.ogrid[top : min(rows, y + radius + 1), left : min(columns, x + radius + 1)]
            disc = (yy - y) ** 2 + (xx - x) ** 2 <= radius**2
            labels[top : top + disc.shape[0], left : left + disc.shape[1]][disc] = number
        return labels

    @cached_property
    def catalogued(self) -> list[tuple[int, int, int]]:
        """Zero-based pixel and radius of the sources of the catalogue, brightest first."""
        sources = scene.stars(self.subject.scene, self.subject.sky_seed)
        peaks = sources.in_band(self.subject.band_um)
        x, y = scene.pixels(self.frame, sources.east, sources.north)
        rows, columns = self.frame.shape
        inside = np.flatnonzero((x > 4) & (y > 4) & (x < columns - 5) & (y < rows - 5))
        order = inside[np.argsort(-peaks[inside], kind="stable")][:60]
        return [(round(float(x[i])), round(float(y[i])), 2 + int(math.log10(1 + peaks[i]) * 2)) for i in order]

    # --- what stands beside SCI ---

    def _quality(self, part: Image) -> Array:
        flags = np.zeros(part.shape, np.uint8 if part.dtype == "u1" else np.uint32)
        if part.shape[-2:] == self.frame.shape:
            flags[..., self.bad] = DO_NOT_USE
            hits = np.random.default_rng([self.subject.seed, 6]).random(self.frame.shape, dtype=np.float32) < 0.0008
            flags[..., hits] |= OUTLIER if "crf" in self.subject.suffix else JUMP
        return flags

    def _uncertainty(self, part: Image) -> Picture:
        factor = np.float32(_DN_PER_MJY if RATE in part.unit else 1.0)
        level = np.float32(scene.NOISE)
        if part.shape[-2:] == self.frame.shape:
            variance = (level**2 + np.float32(4e-4) * self.sky.clip(0)) * factor**2
        else:
            variance = np.full(part.shape[-2:], level**2, np.float32)
        share = {"VAR_POISSON": 0.6, "VAR_RNOISE": 0.3, "VAR_FLAT": 0.1}.get(part.name)
        values = variance * np.float32(share) if share else np.sqrt(variance)
        if self.subject.suffix == "i2d" and values.shape == self.frame.shape:
            scene.blank_border(values, self.subject.sky_seed)
        return np.broadcast_to(values, part.shape)

    def _weight(self, part: Image) -> Array:
        """How many exposures reached a pixel: one bit of CON each, their time in WHT."""
        rows, columns = part.shape[-2:]
        weight = np.full((rows, columns), 8.0, np.float32)
        if part.shape[-2:] == self.frame.shape and self.subject.suffix == "i2d":
            scene.blank_border(weight, self.subject.sky_seed)
            np.nan_to_num(weight, copy=False)
        if part.name != "CON":
            return np.broadcast_to(weight * 181.0 if part.name == "WHT" else weight, part.shape)
        return np.where(weight > 0, (1 << int(weight.max())) - 1, 0).astype(np.int32)[None]

    def _wavelengths(self, part: Image) -> Picture:
        low, high = self.subject.row["em_min"] or 1000.0, self.subject.row["em_max"] or 5000.0
        along = np.linspace(low / 1000, high / 1000, part.shape[-1], dtype=np.float32)
        return np.broadcast_to(along, part.shape)

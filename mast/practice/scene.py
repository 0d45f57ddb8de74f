"""Pictures that look like sky: stars with six spikes, nebulae, galaxies, noise. One target, one sky, in every filter.

Everything is drawn in arcseconds about the target from seeded random numbers, then sampled by a frame's pixels, so
that dithers, detectors and filters of one target show the same things in the same places.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mast.practice.subject import Frame

Picture = NDArray[np.float32]
Grid = NDArray[Any]
NOISE: Final = 0.03
"""Standard deviation of the sky, MJy/sr."""
_FIELD_ARCSEC: Final = 260.0
_STARS: Final = {
    "planetary": 700,
    "nebula": 2200,
    "stars": 2500,
    "galaxy": 250,
    "cluster": 60,
    "field": 70,
    "star": 40,
    "planet": 15,
}
_GALAXIES: Final = {
    "cluster": 600,
    "field": 900,
    "galaxy": 60,
    "planetary": 40,
    "nebula": 10,
    "stars": 5,
    "star": 30,
    "planet": 0,
}


class Sources(NamedTuple):
    """Point sources about a target: arcsec east and north, peak in MJy/sr, colour (slope with wavelength)."""

    east: Grid
    north: Grid
    peak: Grid
    colour: Grid

    def in_band(self, band_um: float) -> Grid:
        return self.peak * (band_um / 2.0) ** self.colour


@lru_cache(maxsize=32)
def stars(scene: str, seed: int) -> Sources:
    random = np.random.default_rng([seed, 1])
    count = _STARS.get(scene, 200)
    spread = (
        _FIELD_ARCSEC * np.sqrt(random.uniform(0, 1, count)) if scene != "stars" else random.exponential(45.0, count)
    )
    turn = random.uniform(0, 2 * math.pi, count)
    bright = 4.0 if scene in {"planetary", "nebula"} else 0.4  # above the glow they stand in
    peak = bright * random.pareto(0.75, count).clip(0, 4000) + 0.2
    east, north = spread * np.cos(turn), spread * np.sin(turn)
    if scene in {"star", "planetary"}:
        east[0] = north[0] = 0.0
        peak[0] = 6000.0 if scene == "star" else 300.0
    return Sources(east, north, peak, random.normal(-0.9, 0.4, count))


def paint(scene: str, seed: int, frame: Frame, band_um: float) -> Picture:
    """Surface brightness of a frame, MJy/sr, without noise."""
    picture = _enlarge(_diffuse(scene, seed, frame, band_um), frame.shape)
    _add_galaxies(picture, scene, seed, frame, band_um)
    sources = stars(scene, seed)
    x, y = pixels(frame, sources.east, sources.north)
    _add_stars(picture, x, y, sources.in_band(band_um))
    if scene == "planet":
        _add_disc(picture, frame)
    return picture


def pixels(frame: Frame, east: Grid, north: Grid) -> tuple[Grid, Grid]:
    """Zero-based pixel coordinates of offsets from the target."""
    turn = math.radians(frame.angle_deg)
    along = (-east * math.cos(turn) + north * math.sin(turn)) / frame.scale_arcsec
    up = (east * math.sin(turn) + north * math.cos(turn)) / frame.scale_arcsec
    return along + frame.crpix[0] - 1, up + frame.crpix[1] - 1


# --- diffuse light ----------------------------------------------------------------------------------------------


def _coordinates(frame: Frame, step: int) -> tuple[Grid, Grid]:
    """Arcsec east and north of every `step`-th pixel."""
    rows, columns = frame.shape
    x = (np.arange(0, columns + step, step) - frame.crpix[0] + 1)[None, :] * frame.scale_arcsec
    y = (np.arange(0, rows + step, step) - frame.crpix[1] + 1)[:, None] * frame.scale_arcsec
    turn = math.radians(frame.angle_deg)
    return -x * math.cos(turn) + y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)


def _step(frame: Frame) -> int:
    return max(1, max(frame.shape) // 160)


def _diffuse(scene: str, seed: int, frame: Frame, band_um: float) -> Grid:
    east, north = _coordinates(frame, _step(frame))
    dust = 0.4 + 0.35 * math.log1p(band_um)
    if scene == "planetary":
        return _planetary(seed, east, north, dust)
    if scene == "nebula":
        return _cliffs(seed, east, north, dust)
    if scene == "galaxy":
        return _spiral(seed, east, north, dust)
    return np.full(np.broadcast(east, north).shape, 0.15 * dust)


def _waves(seed: int, east: Grid, north: Grid, size_arcsec: float, octaves: int = 5) -> Grid:
    """Smooth noise of about unit amplitude with detail down to `size / 2**octaves`."""
    random = np.random.default_rng([seed, 7])
    total: Grid = np.zeros(np.broadcast(east, north).shape)
    for octave in range(octaves):
        for _ in range(6):
            turn, phase = random.uniform(0, 2 * math.pi, 2)
            pace = 2 * math.pi * 2**octave / size_arcsec * random.uniform(0.7, 1.4)
            total += (
                0.4 * 0.62**octave * np.sin(pace * (east * math.cos(turn) + north * math.sin(turn)) + phase + total)
            )
    return total


def _planetary(seed: int, east: Grid, north: Grid, dust: float) -> Grid:
    noise = _waves(seed, east, north, 40.0)
    radius = np.hypot(east / 30.0, north / 22.0) * (1 + 0.08 * noise)
    shell = 14 * np.exp(-(((radius - 1.0) / 0.16) ** 2)) * (1.4 + noise).clip(0.2)
    inside = 3.0 * np.exp(-((radius / 0.9) ** 4))
    halo: Grid = 5.0 * dust * np.exp(-((radius / 1.7) ** 1.5)) * (0.6 + 0.5 * np.abs(noise))
    halo += shell * dust + inside / dust + 0.2
    return halo


def _cliffs(seed: int, east: Grid, north: Grid, dust: float) -> Grid:
    noise = _waves(seed, east, north, 170.0, octaves=6)
    edge = north / 30.0 + 1.6 * noise
    gas = 1 / (1 + np.exp(edge * 2.2))
    ridge = np.exp(-(edge**2) * 1.5)
    light: Grid = 2.0 + dust * (12 * gas * (1.3 + 0.8 * noise).clip(0.15) + 22 * ridge) + 1.5 * (1 - gas)
    return light


def _spiral(seed: int, east: Grid, north: Grid, dust: float) -> Grid:
    x, y = east, (north * 1.5)
    radius = np.hypot(x, y) + 1e-3
    arms = np.cos(2 * np.arctan2(y, x) - 3.2 * np.log1p(radius / 9.0))
    noise = _waves(seed, east, north, 30.0)
    bulge = 40 * np.exp(-((radius / 7.0) ** 0.8))
    disc: Grid = dust * 9 * np.exp(-radius / 45.0) * (0.9 + 0.8 * arms + 0.5 * noise).clip(0.08)
    disc += bulge + 0.2
    return disc


def _enlarge(coarse: Grid, shape: tuple[int, int]) -> Picture:
    """Linear interpolation of a grid of every n-th pixel to all of them."""
    rows, columns = shape
    step = max(1, max(shape) // 160)
    if step == 1:
        return np.ascontiguousarray(coarse[:rows, :columns], dtype=np.float32)
    wide = _stretch(coarse.astype(np.float32), columns, step)
    return np.ascontiguousarray(_stretch(np.ascontiguousarray(wide.T), rows, step).T)


def _stretch(grid: Picture, length: int, step: int) -> Picture:
    where = np.arange(length)
    left = where // step
    part = ((where % step) / step).astype(np.float32)
    return grid[:, left] * (1 - part) + grid[:, left + 1] * part


# --- things in it -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _psf(radius: int) -> Picture:
    """A star of unit peak: core, wings and the spikes of six hexagon edges and the horizontal strut."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    distance = np.hypot(x, y)
    shape = np.exp(-(distance**2) / 2.2) + 0.006 / (1 + distance) ** 1.6
    for degrees, strength in ((90, 1.0), (30, 1.0), (150, 1.0), (0, 0.35)):
        turn = math.radians(degrees)
        across = np.abs(-x * math.sin(turn) + y * math.cos(turn))
        shape += strength * 0.05 * np.exp(-((across / 0.8) ** 2)) / (1 + distance / 3.0) ** 1.5
    edge = (1 - (distance / (radius + 1)) ** 2).clip(0)
    return np.asarray(shape * edge, dtype=np.float32)


def _add_stars(picture: Picture, x: Grid, y: Grid, peaks: Grid) -> None:
    for column, row, peak in zip(np.rint(x).astype(int), np.rint(y).astype(int), peaks, strict=True):
        radius = next((r for r, limit in ((3, 1.0), (7, 10.0), (18, 100.0), (45, 900.0)) if peak < limit), 110)
        _stamp(picture, _psf(radius), int(column), int(row), float(peak))


def _stamp(picture: Picture, stamp: Picture, column: int, row: int, factor: float) -> None:
    """Add a square stamp about a pixel; what falls outside is cut."""
    radius = stamp.shape[0] // 2
    rows, columns = picture.shape
    top, left = max(0, row - radius), max(0, column - radius)
    bottom, right = min(rows, row + radius + 1), min(columns, column + radius + 1)
    if top < bottom and left < right:
        cut = stamp[top - row + radius : bottom - row + radius, left - column + radius : right - column + radius]
        picture[top:bottom, left:right] += cut * np.float32(factor)


def _add_galaxies(picture: Picture, scene: str, seed: int, frame: Frame, band_um: float) -> None:
    random = np.random.default_rng([seed, 2])
    count = _GALAXIES.get(scene, 30)
    spread = (
        random.exponential(55.0, count) if scene == "cluster" else _FIELD_ARCSEC * np.sqrt(random.uniform(0, 1, count))
    )
    turn, tilt = random.uniform(0, 2 * math.pi, (2, count))
    size = (0.25 + random.exponential(0.45, count)).clip(0, 4.0)
    flat = random.uniform(0.25, 1.0, count)
    peak = 0.25 * random.pareto(1.1, count).clip(0, 60) * (band_um / 2.0) ** random.normal(0.3, 0.5, count)
    x, y = pixels(frame, spread * np.cos(turn), spread * np.sin(turn))
    rows, columns = frame.shape
    for index in np.flatnonzero((x > -60) & (x < columns + 60) & (y > -60) & (y < rows + 60)):
        scale = float(size[index] / frame.scale_arcsec)
        angle = float(tilt[index] + math.radians(frame.angle_deg))
        _stamp(
            picture,
            _disc(scale, float(flat[index]), angle),
            round(float(x[index])),
            round(float(y[index])),
            float(peak[index]),
        )


def _disc(scale: float, flat: float, angle: float) -> Picture:
    """An exponential disc seen at an angle, unit peak."""
    radius = int(min(60, max(3, 6 * scale)))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = (-x * math.sin(angle) + y * math.cos(angle)) / flat
    return np.asarray(np.exp(-np.hypot(along, across) / max(scale, 0.6)), dtype=np.float32)


def _add_disc(picture: Picture, frame: Frame) -> None:
    """A planet: a limb-darkened disc at the target."""
    rows, columns = frame.shape
    y = (np.arange(rows) - frame.crpix[1] + 1)[:, None]
    x = (np.arange(columns) - frame.crpix[0] + 1)[None, :]
    radius = max(2.0, 0.12 * min(frame.shape))
    inside = (1 - (x**2 + (y * 1.06) ** 2) / radius**2).clip(0)
    bands = 1 + 0.12 * np.sin(y / radius * 18)
    picture += (80 * np.sqrt(inside) * bands).astype(np.float32)


def noise(seed: int, shape: tuple[int, ...], sigma: float = NOISE) -> Picture:
    return np.random.default_rng([seed, 3]).standard_normal(shape, dtype=np.float32) * np.float32(sigma)


def blank_border(picture: Picture, seed: int) -> None:
    """NaN where no exposure reached: a stepped border, as a mosaic of dithers leaves it."""
    rows, columns = picture.shape
    width = max(2, min(rows, columns) // 90)
    picture[:width] = picture[-width:] = np.nan
    picture[:, :width] = picture[:, -width:] = np.nan
    random = np.random.default_rng([seed, 4])
    for corner in range(4):
        tall, wide = (int(part) for part in random.integers(width, 5 * width, 2))
        vertical = slice(0, tall) if corner < 2 else slice(rows - tall, rows)
        across = slice(0, wide * 2) if corner % 2 else slice(columns - wide * 2, columns)
        picture[vertical, across] = np.nan

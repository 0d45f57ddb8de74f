"""Detector pictures of spectrographs: light spread along traces, slices or orders instead of sky."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mast.practice.scene import Picture

Array = NDArray[Any]


def paint(mode: str, seed: int, shape: tuple[int, int]) -> Picture:
    """Surface brightness on the detector of a spectroscopic mode, MJy/sr, without noise."""
    random = np.random.default_rng([seed, 21])
    picture = np.full(shape, 0.3, np.float32)
    if mode == "IFU":
        _slices(picture, random)
    elif mode == "SOSS":
        _orders(picture, random)
    else:
        for _ in range({"MSA": 45, "WFSS": 60}.get(mode, 1)):
            _trace(picture, random, alone=mode not in {"MSA", "WFSS"})
    return picture


def _spectrum(random: np.random.Generator, count: int) -> Array:
    """Continuum with a slope and a few emission lines, about unit brightness."""
    place = np.linspace(0, 1, count)
    light = random.uniform(0.3, 1.0) + random.uniform(-0.3, 0.6) * place
    for centre, height in zip(random.uniform(0.05, 0.95, 5), random.uniform(1, 8, 5), strict=True):
        light = light + height * np.exp(-(((place - centre) / 0.008) ** 2))
    return np.asarray(light)


def _trace(picture: Picture, random: np.random.Generator, *, alone: bool) -> None:
    """One spectrum along the rows, three pixels tall; of a multi-object exposure a part of the width only."""
    rows, columns = picture.shape
    row = rows // 2 if alone else int(random.integers(4, rows - 4))
    start = 0 if alone else int(random.integers(0, columns // 2))
    stop = columns if alone else start + columns // 2
    light = _spectrum(random, stop - start) * (60 if alone else random.pareto(1.2) + 0.5)
    for offset, share in ((-1, 0.4), (0, 1.0), (1, 0.4)):
        picture[row + offset, start:stop] += (light * share).astype(np.float32)


def _slices(picture: Picture, random: np.random.Generator) -> None:
    """The slices of an integral-field unit stand side by side, each with the same lines and its own brightness."""
    rows, columns = picture.shape
    width = max(4, columns // 26)
    light = _spectrum(random, rows)[:, None]
    bow = (3 * np.sin(np.linspace(0, np.pi, rows))).astype(int)
    for number, left in enumerate(range(3, columns - width - 3, width)):
        level = 6 * np.exp(-(((number - 12) / 5) ** 2)) + 0.4
        profile = np.exp(-((np.linspace(-1, 1, width - 2) * 1.5) ** 2))[None, :]
        block = (level * light * profile).astype(np.float32)
        for row in range(rows):
            picture[row, left + bow[row] : left + bow[row] + width - 2] += block[row]


def _orders(picture: Picture, random: np.random.Generator) -> None:
    """The curved first and second order of a slitless grism."""
    rows, columns = picture.shape
    along = np.arange(columns)
    for order, (height, level) in enumerate(((0.35, 90.0), (0.75, 25.0))):
        centre = rows * (height + 0.2 * ((along / columns) - 0.5) ** 2 * (1 + order))
        light = _spectrum(random, columns) * level
        profile = np.exp(-(((np.arange(rows)[:, None] - centre[None, :]) / 2.5) ** 2))
        picture += (profile * light[None, :]).astype(np.float32)

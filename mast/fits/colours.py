"""Colours of a picture: matplotlib's maps from a table file, a colour of its own for NaN, colours for labels."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.options import COLORMAPS, INVERTED

Bytes = NDArray[np.uint8]

NAN_COLOUR: Final = (59, 74, 107)
"""slate blue: no pixel is black or white for want of data"""


@cache
def _tables() -> dict[str, Bytes]:
    words = (Path(__file__).parent / "colormaps.txt").read_text("ascii").splitlines()
    tables: dict[str, list[str]] = {}
    name = ""
    for line in words:
        if line in COLORMAPS:
            name = line
            tables[name] = []
        elif not line.startswith("#"):
            tables[name] += line.split()
    return {name: _bytes_of(colours) for name, colours in tables.items()}


def _bytes_of(colours: list[str]) -> Bytes:
    table = np.frombuffer(bytes.fromhex("".join(colours)), np.uint8).reshape(256, 3)
    table.flags.writeable = False
    return table


def colormap(name: str) -> Bytes:
    """The 256 colours of a map, shape (256, 3); `viridis_r` is `viridis` inverted."""
    plain = name.removesuffix(INVERTED)
    if plain not in COLORMAPS:
        raise BadQuery(f"{name!r} is no colour map; there are {', '.join(COLORMAPS)}, each also with `{INVERTED}`.")
    table = _tables()[plain]
    return table if plain == name else table[::-1]


def paint(levels: NDArray[Any], name: str) -> Bytes:
    """Values 0 to 1 as colours, shape (y, x, 3), NaN in its own colour; the index is matplotlib's, int(256 x)."""
    table = np.vstack([colormap(name), np.array([NAN_COLOUR], np.uint8)])
    index = np.where(np.isnan(levels), 256.0, np.clip(levels * 256, 0, 255))
    return table[index.astype(np.intp)]


def paint_labels(labels: NDArray[Any]) -> Bytes:
    """Whole numbers as colours far from their neighbours', shape (y, x, 4); 0 is transparent."""
    numbers = labels.astype(np.int64)
    colours = _label_colours()[numbers % 256]
    alpha = np.where(numbers == 0, 0, 255).astype(np.uint8)
    return np.dstack([colours, alpha])


@cache
def _label_colours() -> Bytes:
    """256 colours whose hues go round by the golden angle, so that labels that follow one another differ most."""
    hue = np.arange(256) * 0.618033988749895 % 1.0
    brightness = 0.75 + 0.25 * (np.arange(256) % 3) / 2
    channels = [brightness * (0.6 + 0.4 * np.cos(2 * np.pi * (hue - shift))) for shift in (0.0, 1 / 3, 2 / 3)]
    return np.asarray(np.stack(channels, axis=-1) * 255, np.uint8)

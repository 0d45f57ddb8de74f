"""Colours of a picture: matplotlib's maps from a table file, a colour of its own for NaN, colours for labels."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.options import COLORMAPS, INVERTED, NAN_COLOUR, TRANSPARENT, Look

Bytes = NDArray[np.uint8]


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


def paint(levels: NDArray[Any], name: str, nan: str = NAN_COLOUR) -> Bytes:
    """Values 0 to 1 as colours, NaN in its own; the index is matplotlib's, int(256 x).

    Shape (y, x, 4); alpha is 0 only where NaN is to be transparent.
    """
    missing = np.isnan(levels)
    with np.errstate(invalid="ignore"):
        index = np.minimum(levels * levels.dtype.type(256), 255).astype(np.uint8)
    painted = _words(name)[index]
    if missing.any():
        painted[missing] = _nan_word(nan)
    return np.asarray(painted.view(np.uint8).reshape(*levels.shape, 4))


@cache
def _words(name: str) -> NDArray[np.uint32]:
    """A map's colours with alpha, four bytes as one number each: looked up four times as fast."""
    opaque = np.full((256, 1), 255, np.uint8)
    return np.ascontiguousarray(np.hstack([colormap(name), opaque])).view(np.uint32).ravel()


@cache
def _nan_word(nan: str) -> np.uint32:
    alpha = 0 if nan == TRANSPARENT else 255
    word = np.array([*Look(nan=nan).nan_rgb, alpha], np.uint8).view(np.uint32)[0]
    return np.uint32(word)


def paint_labels(labels: NDArray[Any]) -> Bytes:
    """Whole numbers as colours far from their neighbours', shape (y, x, 4); 0 is transparent."""
    numbers = labels.astype(np.int64)
    colours = _label_colours()[numbers % 256]
    alpha = np.where(numbers == 0, 0, 255).astype(np.uint8)
    # Black under the transparent parts, for pictures that have no alpha.
    return np.dstack([np.where(alpha[..., None], colours, np.uint8(0)), alpha])


@cache
def _label_colours() -> Bytes:
    """256 colours whose hues go round by the golden angle, so that labels that follow one another differ most."""
    hue = np.arange(256) * 0.618033988749895 % 1.0
    brightness = 0.75 + 0.25 * (np.arange(256) % 3) / 2
    channels = [brightness * (0.6 + 0.4 * np.cos(2 * np.pi * (hue - shift))) for shift in (0.0, 1 / 3, 2 / 3)]
    return np.asarray(np.stack(channels, axis=-1) * 255, np.uint8)


# --- quality flags ----------------------------------------------------------------------------------------------

FLAG_COLOURS: Final = {
    0: "e5484d",
    1: "ffb224",
    2: "d6409f",
    4: "12a5b5",
    5: "8e4ec6",
    9: "6e7781",
    11: "f76b15",
    31: "687076",
}
OTHER_FLAGS: Final = "46a758"
"""the bits that a person asks about first have colours of their own; a pixel wears that of its lowest"""


def flag_colour(bit: int) -> str:
    """`RRGGBB` of a quality bit."""
    return FLAG_COLOURS.get(bit, OTHER_FLAGS)


def paint_flags(flags: NDArray[np.uint32], bits: int = 0xFFFFFFFF) -> Bytes:
    """Quality flags as colours, shape (y, x, 4); transparent where none of `bits` is set."""
    chosen = flags & np.uint32(bits)
    lowest = chosen & (~chosen + np.uint32(1))
    # The exponent of a power of two is the number of its bit; of 0 it is 0, which stands for "none".
    number = np.frexp(lowest.astype(np.float64))[1]
    return _flag_words()[number].view(np.uint8).reshape(*flags.shape, 4)


@cache
def _flag_words() -> NDArray[np.uint32]:
    colours = [(0, 0, 0, 0), *((*bytes.fromhex(flag_colour(bit)), 255) for bit in range(32))]
    return np.array(colours, np.uint8).view(np.uint32).ravel()

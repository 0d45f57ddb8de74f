"""Pixels to sky by the cards of a plan: gnomonic projection (TAN) with SIP distortion, in numpy.

Sources: FITS WCS papers I and II (Greisen & Calabretta 2002; Calabretta & Greisen 2002); SIP (Shupe et al. 2005).
Every JWST image has one of these two; its exact model, the ASDF extension's GWCS, agrees with `i2d` and differs from
`cal` and `rate` by what SIP cannot say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mast.errors import NoCelestialWcs
from mast.fitscards import Value

Floats = NDArray[np.float64]
Cards = Mapping[str, Value]


@dataclass(frozen=True)
class TanWcs:
    """A celestial WCS of an image's two axes. Angles in degrees."""

    reference_pixel: tuple[float, float]
    """CRPIX1, CRPIX2: FITS convention, the centre of the first pixel is 1"""
    matrix: Floats
    """degrees per pixel, shape (2, 2); rows are longitude and latitude"""
    reference_sky: tuple[float, float]
    pole: float
    """LONPOLE"""
    distortion: tuple[Floats, Floats] | None
    """SIP polynomials of both axes, coefficient [p, q] of u**p v**q"""

    def pixel_to_sky(self, x: Floats | float, y: Floats | float) -> tuple[Floats, Floats]:
        """ICRS right ascension (0 to 360) and declination of array positions; (0, 0) is the first pixel's centre."""
        u = np.asarray(x, np.float64) + 1 - self.reference_pixel[0]
        v = np.asarray(y, np.float64) + 1 - self.reference_pixel[1]
        if self.distortion:
            u, v = (axis + np.polynomial.polynomial.polyval2d(u, v, terms) for axis, terms in
                    zip((u, v), self.distortion, strict=True))  # fmt: skip
        along, across = (row[0] * u + row[1] * v for row in self.matrix)
        return self._from_plane(along, across)

    def _from_plane(self, along: Floats, across: Floats) -> tuple[Floats, Floats]:
        """Tangent plane to sky: native spherical coordinates, then the rotation to celestial ones."""
        phi = np.arctan2(along, -across) - math.radians(self.pole)
        theta = np.arctan2(math.degrees(1.0), np.hypot(along, across))
        ra0, dec0 = (math.radians(angle) for angle in self.reference_sky)
        sin_dec = np.sin(theta) * math.sin(dec0) + np.cos(theta) * math.cos(dec0) * np.cos(phi)
        east = -np.cos(theta) * np.sin(phi)
        north = np.sin(theta) * math.cos(dec0) - np.cos(theta) * math.sin(dec0) * np.cos(phi)
        ra = np.degrees(ra0 + np.arctan2(east, north)) % 360.0
        dec = np.degrees(np.arctan2(sin_dec, np.hypot(east, north)))
        return ra, dec


def tan_wcs(cards: Cards) -> TanWcs:
    """The WCS of an image from its cards.

    Raises
    ------
    NoCelestialWcs : no sky coordinates, another projection, or axes that are not the sky's
    """
    types = [str(cards.get(f"CTYPE{axis}") or "").upper() for axis in (1, 2)]
    order = [_axis_of(types, "RA--"), _axis_of(types, "DEC-")]
    matrix = _matrix(cards)[[axis - 1 for axis in order]]
    dec0 = _number(cards, f"CRVAL{order[1]}")
    return TanWcs(
        reference_pixel=(_number(cards, "CRPIX1", 0.0), _number(cards, "CRPIX2", 0.0)),
        matrix=matrix,
        reference_sky=(_number(cards, f"CRVAL{order[0]}"), dec0),
        pole=_number(cards, "LONPOLE", 0.0 if dec0 >= 90 else 180.0),
        distortion=_distortion(cards),
    )


def _axis_of(types: list[str], prefix: str) -> int:
    for axis, name in enumerate(types, start=1):
        if name.startswith(prefix) and name[4:8] == "-TAN" and name[8:] in {"", "-SIP"}:
            return axis
    raise NoCelestialWcs(f"The image's axes are {types[0] or 'unnamed'} and {types[1] or 'unnamed'}, not the sky's.")


def _number(cards: Cards, keyword: str, default: float | None = None) -> float:
    value = cards.get(keyword, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoCelestialWcs(f"The header's {keyword} is {value!r}, which is no number.")
    return float(value)


def _matrix(cards: Cards) -> Floats:
    """Degrees per pixel from CDi_j, from PCi_j and CDELTi, or from CDELTi and CROTA2."""
    for axis in (1, 2):
        if str(cards.get(f"CUNIT{axis}") or "deg").strip().lower() not in {"deg", "degree", "degrees"}:
            raise NoCelestialWcs(f"The sky coordinates are in {cards[f'CUNIT{axis}']}, not in degrees.")
    pairs = [(1, 1), (1, 2), (2, 1), (2, 2)]
    if any(f"CD{i}_{j}" in cards for i, j in pairs):
        return np.array([_number(cards, f"CD{i}_{j}", 0.0) for i, j in pairs]).reshape(2, 2)
    scale = np.array([_number(cards, "CDELT1", 1.0), _number(cards, "CDELT2", 1.0)])
    if "CROTA2" in cards and not any(f"PC{i}_{j}" in cards for i, j in pairs):
        turn = math.radians(_number(cards, "CROTA2"))
        rotation: Floats = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        return np.asarray(rotation * scale, np.float64)
    turned: Floats = np.array([_number(cards, f"PC{i}_{j}", float(i == j)) for i, j in pairs]).reshape(2, 2)
    return np.asarray(turned * scale[:, None], np.float64)


def _distortion(cards: Cards) -> tuple[Floats, Floats] | None:
    if "A_ORDER" not in cards or "B_ORDER" not in cards:
        return None
    first, second = (_polynomial(cards, letter) for letter in "AB")
    return first, second


def _polynomial(cards: Cards, letter: str) -> Floats:
    # SIP goes to the ninth order.
    order = int(min(9.0, max(0.0, _number(cards, f"{letter}_ORDER"))))
    terms = np.zeros((order + 1, order + 1))
    for p in range(order + 1):
        for q in range(order + 1 - p):
            terms[p, q] = _number(cards, f"{letter}_{p}_{q}", 0.0)
    return terms

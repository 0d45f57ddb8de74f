"""Pixels to sky by the cards of a plan: gnomonic projection (TAN) with SIP distortion, in numpy.

Sources: FITS WCS papers I and II (Greisen & Calabretta 2002; Calabretta & Greisen 2002); SIP (Shupe et al. 2005).
Every JWST image has one of these two; its exact model, the ASDF extension's GWCS, agrees with `i2d` and differs from
`cal` and `rate` by what SIP cannot say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import NoCelestialWcs
from mast.fits.plan import Plan, PlanHdu
from mast.fits.roles import spectral_type
from mast.fitscards import Value

Floats = NDArray[np.float64]
Cards = Mapping[str, Value]


_HALVES: Final = (np.array([0.5, 0.0]), np.array([0.0, 0.5]))


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

    def sky_to_pixel(self, ra_deg: float, dec_deg: float) -> tuple[float, float]:
        """The array position of a place on the sky.

        Raises
        ------
        NoCelestialWcs : the place is on the far side of the sky, or no pixel leads there
        """
        along, across = self._to_plane(ra_deg, dec_deg)
        try:
            target = np.linalg.solve(self.matrix, np.array([along, across]))
        except np.linalg.LinAlgError as error:
            raise NoCelestialWcs("The image's matrix of sky coordinates cannot be inverted.") from error
        u, v = self._undistorted(target) if self.distortion else target
        return float(u) + self.reference_pixel[0] - 1, float(v) + self.reference_pixel[1] - 1

    def _undistorted(self, target: Floats) -> Floats:
        """The position that SIP moves to `target`: distortions are small, so that each guess is far better."""
        guess = target.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(30):
                here = self._distorted(guess)
                # Newton's method; half a pixel either way is the slope of a smooth polynomial.
                slope = np.array([self._distorted(guess + half) - self._distorted(guess - half) for half in _HALVES]).T
                step = np.linalg.solve(slope, target - here) if np.isfinite(slope).all() else np.full(2, np.nan)
                guess = guess + step
                if not np.isfinite(guess).all():
                    break
                if float(np.abs(step).max()) < 1e-7:
                    return guess
        raise NoCelestialWcs("No pixel of the image's distorted coordinates leads to this place.")

    def _distorted(self, at: Floats) -> Floats:
        moved = [np.polynomial.polynomial.polyval2d(at[0], at[1], terms) for terms in self.distortion or ()]
        return np.asarray(at + np.array(moved), np.float64)

    def _to_plane(self, ra_deg: float, dec_deg: float) -> tuple[float, float]:
        """Sky to tangent plane, in degrees: the inverse of `_from_plane`."""
        ra, dec = math.radians(ra_deg), math.radians(dec_deg)
        ra0, dec0 = (math.radians(angle) for angle in self.reference_sky)
        cosine = math.sin(dec0) * math.sin(dec) + math.cos(dec0) * math.cos(dec) * math.cos(ra - ra0)
        if cosine <= 1e-6:
            raise NoCelestialWcs("The place is on the other side of the sky.")
        east = math.cos(dec) * math.sin(ra - ra0) / cosine
        north = (math.cos(dec0) * math.sin(dec) - math.sin(dec0) * math.cos(dec) * math.cos(ra - ra0)) / cosine
        turn = math.radians(self.pole - 180.0)
        along = east * math.cos(turn) - north * math.sin(turn)
        across = east * math.sin(turn) + north * math.cos(turn)
        return math.degrees(along), math.degrees(across)

    def scale_arcsec(self, x: float, y: float) -> float:
        """The side of a pixel there: the square root of its area, in arcseconds."""
        return math.sqrt(abs(float(np.linalg.det(self._jacobian(x, y))))) * 3600

    def north_east(self, x: float, y: float) -> tuple[float, float]:
        """The directions of north and east there, in degrees from the picture's up, counter-clockwise."""
        inverse = np.linalg.inv(self._jacobian(x, y))
        north, east = inverse @ np.array([0.0, 1.0]), inverse @ np.array([1.0, 0.0])
        return tuple(math.degrees(math.atan2(-direction[0], direction[1])) for direction in (north, east))  # type: ignore[return-value]

    def _jacobian(self, x: float, y: float) -> Floats:
        """Degrees on the sky, east and north, for a pixel along x and along y; shape (2, 2)."""
        ra, dec = self.pixel_to_sky(np.array([x - 0.5, x + 0.5, x, x]), np.array([y, y, y - 0.5, y + 0.5]))
        cosine = math.cos(math.radians(float(dec.mean())))
        east = [((ra[right] - ra[left] + 180) % 360 - 180) * cosine for left, right in ((0, 1), (2, 3))]
        north = [dec[right] - dec[left] for left, right in ((0, 1), (2, 3))]
        return np.array([east, north], np.float64)

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


def sky_cards(plan: Plan, image: PlanHdu) -> Cards:
    """The cards that place an image's pixels on the sky, its own or those of its SCI; none of a spectrogram.

    A spectrogram's header puts three world axes, wavelength among them, on two axes of pixels: x and y are not RA and
    Dec, though the first two are named so.
    """
    cards = plan.wcs_cards(image)
    return cards if cards.get("WCSAXES", 2) == 2 or spectral_type(plan, image) else {}


def image_wcs(plan: Plan, image: PlanHdu) -> TanWcs | None:
    """The celestial WCS of an image's pixels, or None: spectra, spectrograms, images without."""
    try:
        return tan_wcs(sky_cards(plan, image))
    except NoCelestialWcs:
        return None

"""Instruments as the catalogue needs them: fields of view, wavelengths of filters, detectors of a mode."""

from __future__ import annotations

import re
from typing import Final

FIELD_ARCSEC: Final = {
    "nircam": (129.0, 129.0),
    "miri": (112.6, 73.5),
    "niriss": (133.0, 133.0),
    "fgs": (138.0, 138.0),
    "nirspec": (204.0, 216.0),
}
"""Width and height of one pointing."""
_MODE_FIELDS: Final = {
    ("nirspec", "IFU"): (3.2, 3.2),
    ("nirspec", "SLIT"): (3.2, 0.4),
    ("miri", "IFU"): (6.6, 7.7),
    ("miri", "SLIT"): (4.7, 0.51),
    ("miri", "CORON"): (24.0, 24.0),
    ("nircam", "CORON"): (20.0, 20.0),
    ("niriss", "AMI"): (5.2, 5.2),
    ("niriss", "SOSS"): (133.0, 16.6),
}

DETECTORS: Final = {
    "swa": ["nrca1", "nrca2", "nrca3", "nrca4"],
    "swb": ["nrcb1", "nrcb2", "nrcb3", "nrcb4"],
    "sw": ["nrca1", "nrca2", "nrca3", "nrca4", "nrcb1", "nrcb2", "nrcb3", "nrcb4"],
    "lw": ["nrcalong", "nrcblong"],
    "lwa": ["nrcalong"],
    "lwb": ["nrcblong"],
    "mir": ["mirimage"],
    "mrs": ["mirifushort", "mirifulong"],
    "nis": ["nis"],
    "nrs": ["nrs1", "nrs2"],
    "g1": ["guider1"],
    "g2": ["guider2"],
}
"""Names the catalogue gives to sets of detectors that expose together."""

_KNOWN_NM: Final = {
    "F070W": (624, 781),
    "F090W": (795, 1005),
    "F115W": (1013, 1282),
    "F150W": (1331, 1668),
    "F150W2": (1007, 2380),
    "F200W": (1755, 2226),
    "F277W": (2416, 3127),
    "F322W2": (2430, 4012),
    "F356W": (3140, 3980),
    "F444W": (3880, 4986),
    "F187N": (1863, 1884),
    "F212N": (2109, 2134),
    "F405N": (4028, 4074),
    "F470N": (4683, 4733),
    "F560W": (5000, 6200),
    "F770W": (6600, 8800),
    "F1000W": (9000, 11000),
    "F1130W": (10950, 11650),
    "F1280W": (11600, 14000),
    "F1500W": (13500, 16600),
    "F1800W": (16500, 19500),
    "F2100W": (18500, 23500),
    "F2550W": (23500, 29500),
    "PRISM": (600, 5300),
    "P750L": (5000, 14000),
    "GR700XD": (600, 2800),
    "F070LP": (700, 1270),
    "F100LP": (970, 1890),
    "F170LP": (1660, 3170),
    "F290LP": (2870, 5270),
}
_CHANNELS_NM: Final = {"1": (4900, 7650), "2": (7510, 11700), "3": (11550, 17980), "4": (17700, 27900)}
_WIDTHS: Final = {"W2": 0.35, "W": 0.13, "M": 0.05, "N": 0.006, "C": 0.03}
"""Half width of a band as a part of its centre."""


def field_arcsec(instrument: str, mode: str) -> tuple[float, float]:
    return _MODE_FIELDS.get((instrument, mode), FIELD_ARCSEC[instrument])


def filters_of(optics: str) -> str:
    """`clear-f090w` as MAST's `filters`, `F090W`; the wider of two elements first, `CLEAR` kept beside a prism only."""
    elements = [part.upper() for part in re.split(r"[-_]", optics) if not part.startswith(("sub", "s1600", "s200"))]
    if "PRISM" in elements:
        return "CLEAR;PRISM"
    kept = [part for part in elements if part not in {"CLEAR", "CLEARP"}]
    bands = sorted((part for part in kept if _band(part)), key=_width, reverse=True)
    return ";".join([*bands, *(part for part in kept if part not in bands)])


def _width(element: str) -> float:
    low, high = _band(element) or (0.0, 0.0)
    return high - low


def _band(element: str) -> tuple[float, float] | None:
    if element in _KNOWN_NM:
        return _KNOWN_NM[element]
    channel = re.match(r"CH([1-4])", element)
    if channel:
        return _CHANNELS_NM[channel[1]]
    match = re.fullmatch(r"F(\d{3,4})(W2|W|M|N|C)", element)
    if not match:
        return None
    centre = int(match[1]) * 10.0
    half = centre * _WIDTHS[match[2]]
    return centre - half, centre + half


def wavelengths_nm(filters: str) -> tuple[float, float] | tuple[None, None]:
    """Shortest and longest wavelength of the widest element of a `filters` value."""
    bands = [band for element in filters.split(";") if (band := _band(element))]
    if not bands:
        return None, None
    low, high = max(bands, key=lambda band: band[1] - band[0])
    return float(low), float(high)

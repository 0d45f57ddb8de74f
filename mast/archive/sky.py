"""Positions on the sky: reading every way people write them, writing them, how far apart they are. ICRS, degrees.

The trap this module exists for: told that the first number is an hour angle, astropy reads `151.7575 -40.4364` as
RA 116.36° without a word. Here two plain numbers are degrees, always; hours need `h`, colons or several numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from mast import errors

LARGEST_RADIUS_DEG: Final = 10.0

_SIGNS: Final = str.maketrans(
    dict.fromkeys("−–—‐‑﹣－", "-")
    | dict.fromkeys("＋", "+")
    | dict.fromkeys("º˚", "°")
    | dict.fromkeys("’′‘", "'")
    | dict.fromkeys("″”“", '"')
    | dict.fromkeys(",;", " ")
    | {"ʰ": "h", "ᵐ": "m", "ˢ": "s"}
)
_FRAMES: Final = re.compile(r"\b(?:icrs|fk5|j2000(?:\.0)?|ra|dec)\b[\s:=]*", re.IGNORECASE)
_NUMBER: Final = r"(?:\d+\.?\d*|\.\d+)"
_DEGREES: Final = re.compile(rf"([+-]?{_NUMBER}(?:e[+-]?\d+)?)\s*(?:d|°|deg|degrees?)?", re.IGNORECASE | re.ASCII)
_COMPACT: Final = re.compile(
    r"j?\s*(\d\d)(\d\d)(\d\d(?:\.\d*)?)\s*([+-])(\d\d)(\d\d)(\d\d(?:\.\d*)?)", re.IGNORECASE | re.ASCII
)
_ANGLE: Final = re.compile(
    rf"""(?P<sign>[+-])?\s*(?P<whole>{_NUMBER})
    (?: (?: \s*(?P<unit>h|d|°|deg|:)\s* | \s+ ) (?P<minutes>{_NUMBER})
        (?: (?: \s*(?:m|'|:)\s* | \s+ ) (?P<seconds>{_NUMBER}) \s*(?:s|"|''|:)? | \s*(?:m|') )?
      | \s*(?P<lone_unit>h|d|°|deg)
    )?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_RADIUS: Final = re.compile(
    rf"""(?P<size>{_NUMBER}(?:e[+-]?\d+)?)\s*
    (?: (?P<degrees>d|°|deg|degrees?)?
      | (?P<minutes>'|m|am|arcmins?|arcminutes?)
      | (?P<seconds>"|''|s|as|arcsecs?|arcseconds?) )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
EXAMPLES: Final = "151.7575 −40.4364 (degrees) or 10h07m01.8s −40d26m11s"


@dataclass(frozen=True)
class _Angle:
    """One coordinate as it was written; `value` in hours where `in_hours`, else in degrees."""

    value: float
    unit: str
    is_plain: bool


def parse_coordinates(text: str) -> tuple[float, float]:
    """Right ascension and declination, ICRS, in degrees: RA in [0, 360), Dec in [−90, 90].

    Two plain decimals are degrees. Anything with colons, letters or four to six numbers is sexagesimal, RA in hours
    unless its first number carries a `d` or `°`.

    Raises
    ------
    BadQuery : for anything else, with a sentence that shows how to write it
    """
    plain = _FRAMES.sub(" ", text.translate(_SIGNS))
    plain = " ".join(plain.split())
    compact = _COMPACT.fullmatch(plain)
    if compact:
        hours, minutes, seconds, sign, *dec = compact.groups()
        return _checked(_sexagesimal(hours, minutes, seconds) * 15, _signed(sign, _sexagesimal(*dec)))
    first, second = _halves(plain.removeprefix("J").removeprefix("j"))
    return _position(_read_angle(first), _read_angle(second))


def _halves(text: str) -> tuple[str, str]:
    """The text of RA and of Dec: cut before the second sign, or in the middle."""
    pair = text.split()
    if len(pair) == 2 and all(_DEGREES.fullmatch(part) for part in pair):
        return pair[0], pair[1]
    # Not after an exponent's `e`.
    signed = re.fullmatch(r"([+-]?[^+-]+)([+-][^+-]+)", text)
    if signed:
        return signed[1].strip(), signed[2].strip()
    if len(pair) in {2, 4, 6}:
        middle = len(pair) // 2
        return " ".join(pair[:middle]), " ".join(pair[middle:])
    raise _unreadable()


def _read_angle(text: str) -> _Angle:
    degrees = _DEGREES.fullmatch(text)
    if degrees:
        is_plain = text[-1].isdigit() or text[-1] == "."
        return _Angle(float(degrees[1]), "" if is_plain else "d", is_plain)
    match = _ANGLE.fullmatch(text)
    if not match:
        raise _unreadable()
    value = _sexagesimal(match["whole"], match["minutes"] or "0", match["seconds"] or "0")
    unit = (match["unit"] or match["lone_unit"] or ":").lower()
    return _Angle(_signed(match["sign"], value), unit, is_plain=False)


def _position(first: _Angle, second: _Angle) -> tuple[float, float]:
    if second.unit == "h":
        raise errors.BadQuery(f"The declination is in degrees, not in hours. Write {EXAMPLES}.")
    if first.is_plain and second.unit not in {"", "d", "°", "deg"} and first.value <= 24:
        raise errors.BadQuery(
            f"It is not clear whether the right ascension {first.value:g} is in hours or in degrees. Write {EXAMPLES}."
        )
    is_hours = first.unit in {"h", ":"}
    return _checked(first.value * 15 if is_hours else first.value, second.value)


def _checked(ra_deg: float, dec_deg: float) -> tuple[float, float]:
    if not 0 <= ra_deg <= 360:
        raise errors.BadQuery("The right ascension is between 0 and 360 degrees, or 0h and 24h.")
    if not -90 <= dec_deg <= 90:
        raise errors.BadQuery("The declination is between −90 and 90 degrees.")
    return ra_deg % 360, dec_deg


def _sexagesimal(whole: str, minutes: str, seconds: str) -> float:
    if float(minutes) >= 60 or float(seconds) >= 60:
        raise errors.BadQuery("Minutes and seconds of a coordinate are below 60.")
    if ("." in whole and minutes != "0") or ("." in minutes and seconds != "0"):
        raise _unreadable()
    return float(whole) + float(minutes) / 60 + float(seconds) / 3600


def _signed(sign: str | None, value: float) -> float:
    # Apart from the number: −00 30 00 is south of the equator.
    return -value if sign == "-" else value


def _unreadable() -> errors.BadQuery:
    return errors.BadQuery(f"These coordinates cannot be read. Write {EXAMPLES}.")


def parse_radius(text: str) -> float:
    """A radius in degrees from `0.1`, `0.1d`, `6'`, `6arcmin` or `30"`; a bare number is degrees.

    Raises
    ------
    BadQuery : when it is no angle, or not more than 0 and at most 10 degrees
    """
    match = _RADIUS.fullmatch(text.translate(_SIGNS).strip())
    if not match:
        raise errors.BadQuery("The radius cannot be read. Write 0.1 (degrees), 6' or 30\".")
    parts = 60 if match["minutes"] else 3600 if match["seconds"] else 1
    radius_deg = float(match["size"]) / parts
    if not 0 < radius_deg <= LARGEST_RADIUS_DEG:
        raise errors.BadQuery(f"The radius is more than 0 and at most {LARGEST_RADIUS_DEG:g} degrees.")
    return radius_deg


def format_sexagesimal(ra_deg: float, dec_deg: float) -> tuple[str, str]:
    """`10h07m01.8s` and `−40d26m11s`: to a tenth of a second of time and to an arcsecond."""
    # Rounded once, as whole tenths, so that 59.96 s becomes the next minute and never 60.0 s.
    tenths = round(ra_deg % 360 * 2400) % 864_000
    seconds, tenth = divmod(tenths, 10)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    arcseconds = round(abs(dec_deg) * 3600)
    sign = "−" if dec_deg < 0 and arcseconds else "+"
    arcminutes, arcsecond = divmod(arcseconds, 60)
    degree, arcminute = divmod(arcminutes, 60)
    return f"{hour:02d}h{minute:02d}m{second:02d}.{tenth}s", f"{sign}{degree:02d}d{arcminute:02d}m{arcsecond:02d}s"


def format_position(ra_deg: float, dec_deg: float) -> str:
    """`10h07m01.8s −40d26m11s`."""
    return " ".join(format_sexagesimal(ra_deg, dec_deg))


def format_angle(angle_deg: float) -> str:
    """An angle in the unit it is best read in: `1.2°`, `6.0′` or `30″`."""
    # The limits are those of the rounded numbers: 59.97′ is 1.0°.
    if angle_deg * 60 >= 59.95:
        return f"{angle_deg:.1f}°"
    if angle_deg * 3600 >= 59.5:
        return f"{angle_deg * 60:.1f}′"
    return f"{angle_deg * 3600:.0f}″"


def separation(ra1_deg: float, dec1_deg: float, ra2_deg: float, dec2_deg: float) -> float:
    """Angle between two positions in degrees; Vincenty's formula, exact near 0 and near 180 degrees."""
    delta = math.radians(ra2_deg - ra1_deg)
    dec1, dec2 = math.radians(dec1_deg), math.radians(dec2_deg)
    across = math.cos(dec2) * math.sin(delta)
    along = math.cos(dec1) * math.sin(dec2) - math.sin(dec1) * math.cos(dec2) * math.cos(delta)
    inner = math.sin(dec1) * math.sin(dec2) + math.cos(dec1) * math.cos(dec2) * math.cos(delta)
    return math.degrees(math.atan2(math.hypot(across, along), inner))

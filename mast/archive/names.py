"""Target names: their usual spelling, and the places JWST is most asked for, for when no resolver answers."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_CATALOGUES: Final = {
    "ngc": "NGC",
    "ic": "IC",
    "m": "M",
    "messier": "M",
    "hd": "HD",
    "hip": "HIP",
    "hr": "HR",
    "hh": "HH",
    "gj": "GJ",
    "ugc": "UGC",
    "arp": "Arp",
    "abell": "Abell",
    "mrk": "Mrk",
    "markarian": "Mrk",
    "sh2": "Sh2",
    "toi": "TOI",
    "wasp": "WASP",
    "hat-p": "HAT-P",
    "vv": "VV",
    "wr": "WR",
    "ab": "Abell",
    "pgc": "PGC",
}
_CATALOGUE_NAME: Final = re.compile(
    rf"(?P<catalogue>{'|'.join(sorted(_CATALOGUES, key=len, reverse=True))})[\s_-]*(?P<number>\d+)\s*(?P<rest>[a-z]?)",
    re.IGNORECASE,
)
_DASHED: Final = frozenset({"WASP", "TOI", "HAT-P", "Sh2"})
_DASHES: Final = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")


@dataclass(frozen=True)
class Place:
    """A well-known target. Position in ICRS degrees, good to about an arcminute."""

    name: str
    ra_deg: float
    dec_deg: float


def normalise_target(name: str) -> str:
    """`NGC3132`, `ngc-3132` and `NGC  3132` as resolvers like it best: `NGC 3132`."""
    text = unicodedata.normalize("NFKC", name).translate(_DASHES)
    text = " ".join(text.split())
    match = _CATALOGUE_NAME.fullmatch(text)
    if not match:
        return text
    catalogue = _CATALOGUES[match["catalogue"].lower()]
    joint = "-" if catalogue in _DASHED else " "
    rest = match["rest"]
    return f"{catalogue}{joint}{int(match['number'])}{f' {rest}' if rest and joint == '-' else rest.upper()}"


def lookup_key(name: str) -> str:
    """What spellings of one name have in common: `carinanebula` for `Carina Nebula`."""
    plain = unicodedata.normalize("NFKD", normalise_target(name).casefold())
    return "".join(character for character in plain if character.isalnum() or character == "+")


def well_known(name: str) -> Place | None:
    """The place of a target in the table below, by any of its names."""
    return _PLACES.get(lookup_key(name))


def suggestions(name: str, *, most: int = 5) -> list[str]:
    """Names of the table that look like this one, the likest first."""
    key = lookup_key(name)
    near = difflib.get_close_matches(key, _PLACES, n=2 * most, cutoff=0.6)
    spellings = (_SPELLINGS[found] for found in near)
    return list(dict.fromkeys(spellings))[:most]


_TABLE: Final = """
NGC 3132 = Southern Ring Nebula = Eight-Burst Nebula | 151.7572 -40.4364
Carina Nebula = NGC 3372 = Eta Carinae             | 161.2650 -59.6844
NGC 3324 = Cosmic Cliffs                            | 159.2200 -58.6200
SMACS J0723.3-7327 = SMACS 0723 = SMACS J0723       | 110.8270 -73.4540
Stephan's Quintet = HCG 92 = NGC 7320               | 339.0150  33.9600
"""


def _read_table(table: str) -> tuple[dict[str, Place], dict[str, str]]:
    places, spellings = {}, {}
    for line in table.strip().splitlines():
        spelled, position = line.split("|")
        ra, dec = (float(number) for number in position.split())
        first, *others = (name.strip() for name in spelled.split("="))
        for name in (first, *others):
            places[lookup_key(name)] = Place(first, ra, dec)
            spellings[lookup_key(name)] = name
    return places, spellings


_PLACES, _SPELLINGS = _read_table(_TABLE)

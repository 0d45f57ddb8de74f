"""Which kind of search a text means: one box takes a name, a position, an observation or a program."""

from __future__ import annotations

import re
from typing import Final

from mast.archive.query import Kind
from mast.archive.sky import parse_coordinates
from mast.errors import BadQuery

_PROGRAM: Final = re.compile(
    r"(?:(?:jwst[\s-]*)?(?:program(?:me)?|proposal|pid|id|go|gto|ers|ddt?)[\s:#-]*)?0*(\d{1,5})",
    re.IGNORECASE | re.ASCII,
)
_PROGRAM_ID: Final = re.compile(r"jw0*(\d{1,5})", re.IGNORECASE | re.ASCII)
_OBSERVATION: Final = re.compile(r"(?:mast:jwst/product/)?jw\d{5}\S*", re.IGNORECASE | re.ASCII)


def kind_of(text: str) -> Kind:
    """`2733` is a program, `jw02733-o001…` an observation, two numbers a position; whatever is nothing else, a name."""
    text = text.strip()
    if program_in(text):
        return "program"
    if _OBSERVATION.fullmatch(text):
        return "observation"
    try:
        parse_coordinates(text)
    except BadQuery:
        return "target"
    return "coordinates"


def program_in(text: str) -> str:
    """The number of `2733`, `02733`, `jw02733`, `GO 2733` or `program 2733`; empty for anything else."""
    found = _PROGRAM.fullmatch(text.strip()) or _PROGRAM_ID.fullmatch(text.strip())
    return found[1] if found and int(found[1]) else ""

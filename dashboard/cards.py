"""Header cards as a page lists them: of one HDU or of all, and only those that hold what is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from mast import services
from mast.fits.plan import Plan
from mast.fitscards import Card
from mast.models import DataFile

MOST_HDUS = 1000
MOST_CARDS = 2000
"""of one page: a multi-slit file has hundreds of headers of two hundred cards"""


@dataclass(frozen=True)
class Section:
    """The cards of one HDU."""

    index: int
    label: str
    cards: list[Card]
    total: int


@dataclass(frozen=True)
class Found:
    """The cards of some HDUs, and the index of the first HDU that was not looked through any more."""

    sections: list[Section]
    stopped_at: int | None = None


def found(file: DataFile, plan: Plan, hdu: int | None, find: str = "") -> Found:
    """The cards of this HDU (None: of every one) whose keyword, value or meaning holds `find`."""
    wanted = find.strip().lower()
    if hdu is not None:
        return Found([_section(file, plan, hdu, wanted, MOST_CARDS)])
    sections: list[Section] = []
    left = MOST_CARDS
    for each in plan.hdus:
        if left <= 0 or each.index >= MOST_HDUS:
            return Found(sections, each.index)
        section = _section(file, plan, each.index, wanted, left)
        left -= len(section.cards)
        if section.cards:
            sections.append(section)
    return Found(sections)


def _section(file: DataFile, plan: Plan, index: int, wanted: str, most: int) -> Section:
    cards = services.file_header(file.pk, index)
    matching = (card for card in cards if not wanted or wanted in _text(card))
    label = plan.hdu(index).label if plan.hdu(index).name else ("PRIMARY" if index == 0 else f"HDU {index}")
    return Section(index, label, list(islice(matching, most)), len(cards))


def _text(card: Card) -> str:
    keyword, value, comment = card
    return f"{keyword} {'' if value is None else value} {comment}".lower()

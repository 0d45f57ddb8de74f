"""Header cards as a page lists them: of one HDU or of all, and only those that hold what is looked for."""

from __future__ import annotations

from collections.abc import Iterator
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


def found(file: DataFile, plan: Plan, hdu: int | None, find: str = "") -> list[Section]:
    """The cards of this HDU (None: of every one) whose keyword, value or meaning holds `find`."""
    if hdu is not None:
        return [_section(file, plan, hdu, find.strip().lower(), MOST_CARDS)]
    return list(_sections(file, plan, find.strip().lower()))


def _sections(file: DataFile, plan: Plan, wanted: str) -> Iterator[Section]:
    left = MOST_CARDS
    for hdu in plan.hdus[:MOST_HDUS]:
        section = _section(file, plan, hdu.index, wanted, left)
        if section.cards:
            yield section
        left -= len(section.cards)
        if left <= 0:
            return


def _section(file: DataFile, plan: Plan, index: int, wanted: str, most: int) -> Section:
    cards = services.file_header(file.pk, index)
    matching = (card for card in cards if not wanted or wanted in _text(card))
    label = plan.hdu(index).label if plan.hdu(index).name else ("PRIMARY" if index == 0 else f"HDU {index}")
    return Section(index, label, list(islice(matching, most)), len(cards))


def _text(card: Card) -> str:
    keyword, value, comment = card
    return f"{keyword} {'' if value is None else value} {comment}".lower()

"""The cards of a FITS header: keyword, value, comment; parsed only when asked for. Standard library only.

Source: FITS Standard 4.0, section 4; `CONTINUE` section 4.2.1.2; `HIERARCH` as ESO registered it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

CARD: Final = 80
"""bytes of a card"""

Value = str | int | float | bool | None
"""A card's value. None is undefined; complex numbers and values no rule reads stay text."""


class Card(NamedTuple):
    """One line of a header; `CONTINUE` lines are already joined to the line they continue."""

    keyword: str
    value: Value
    comment: str


_STRING: Final = re.compile(r"\s*'((?:[^']|'')*)'\s*(?:/(.*))?", re.DOTALL)
# Pieces of a continued string. Writers, astropy among them, may cut between the two quotes that stand for one.
_CONTINUED: Final = re.compile(r"\s*'(.*)&'\s*(?:/(.*))?", re.DOTALL)
_LOOSE_STRING: Final = re.compile(r"\s*'(.*)'\s*(?:/([^']*))?", re.DOTALL)
_INTEGER: Final = re.compile(r"[+-]?\d+")
_REAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?")
_COMMENTARY: Final = frozenset({"", "COMMENT", "HISTORY", "CONTINUE", "END"})


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "replace")


def _number_or_text(word: str) -> Value:
    if not word:
        return None
    if word in {"T", "F"}:
        return word == "T"
    if _INTEGER.fullmatch(word):
        return int(word)
    if _REAL.fullmatch(word):
        number = float(word.upper().replace("D", "E"))
        # 1E999 is no number JSON or a viewer can use.
        return number if math.isfinite(number) else word
    return word


def _split_value(text: str) -> tuple[Value, str]:
    """Value and comment of the part of a card after its `= `."""
    string = _STRING.match(text)
    if string:
        return string[1].replace("''", "'").rstrip(), (string[2] or "").strip()
    token, _, comment = text.partition("/")
    return _number_or_text(token.strip()), comment.strip()


def parse_card(raw: bytes) -> Card:
    """One 80-byte card. Commentary cards have their text as value."""
    keyword = _text(raw[:8]).rstrip()
    if raw[8:10] == b"= " and keyword not in _COMMENTARY:
        return Card(keyword, *_split_value(_text(raw[10:])))
    if keyword == "HIERARCH" and b"=" in raw:
        name, _, rest = _text(raw[8:]).partition("=")
        return Card(name.strip(), *_split_value(rest))
    return Card(keyword, _text(raw[8:]).rstrip(), "")


class Header(Mapping[str, Value]):
    """The cards of one header, each parsed when asked for: most of a JWST header is never looked at.

    Of a keyword that occurs twice the first counts, as in astropy. `HIERARCH` names and commentary are in `cards()`.
    """

    __slots__ = ("_index", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._index = {raw[at : at + 8]: at for at in range(len(raw) - CARD, -1, -CARD)}

    def __getitem__(self, keyword: str) -> Value:
        return self._card_at(self._index[keyword.encode().ljust(8)])[0].value

    def __contains__(self, keyword: object) -> bool:
        return isinstance(keyword, str) and keyword.encode().ljust(8) in self._index

    def __iter__(self) -> Iterator[str]:
        return (_text(key).rstrip() for key in reversed(self._index))

    def __len__(self) -> int:
        return len(self._index)

    def integer(self, keyword: str, default: int | None = None) -> int | None:
        """The value when it is a whole number, else `default`."""
        value = self.get(keyword)
        return value if type(value) is int else default

    def text(self, keyword: str, limit: int = 200) -> str:
        """The value when it is a string, cut to `limit` characters, else empty."""
        value = self.get(keyword)
        return value[:limit] if isinstance(value, str) else ""

    def cards(self) -> list[Card]:
        """Every card in order, `CONTINUE` joined."""
        cards, at = [], 0
        while at < len(self.raw):
            card, at = self._card_at(at)
            cards.append(card)
        return cards

    def _card_at(self, at: int) -> tuple[Card, int]:
        """The card at an offset with its continuations, and the offset after them."""
        first, after = self.raw[at : at + CARD], at + CARD
        texts = [_text(first[10:])]
        while self.raw[after : after + 8] == b"CONTINUE" and _CONTINUED.fullmatch(texts[-1]):
            texts.append(_text(self.raw[after + 8 : after + CARD]))
            after += CARD
        if len(texts) == 1 or first[8:10] != b"= ":
            return parse_card(first), at + CARD
        found = [
            _CONTINUED.fullmatch(text) or _STRING.fullmatch(text) or _LOOSE_STRING.fullmatch(text) for text in texts
        ]
        value = "".join(piece[1] for piece in found if piece).replace("''", "'").rstrip()
        comments = [piece[2].strip() for piece in found if piece and piece[2]]
        return Card(_text(first[:8]).rstrip(), value, comments[-1] if comments else ""), after

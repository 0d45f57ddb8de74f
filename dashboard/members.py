"""The members of an association: what the pipeline joined, and which of it we hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from dashboard import lineage
from mast import terms
from mast.models import DataFile


@dataclass(frozen=True)
class Line:
    """One member: the file when we hold it, else what Import would be asked for."""

    name: str
    role: str
    file: DataFile | None
    obs_id: str
    """the exposure or product it belongs to; empty for names of no known form"""
    level: int

    @property
    def can_import(self) -> bool:
        return self.file is None and bool(self.obs_id)


@dataclass(frozen=True)
class Product:
    """What the association makes, and of what."""

    name: str
    lines: list[Line]

    @property
    def held(self) -> int:
        return sum(line.file is not None for line in self.lines)


def products_of(file: DataFile) -> list[Product]:
    """The products of an association file, in its order."""
    members: Sequence[lineage.Member] = lineage.of(file).members
    return [Product(name, [_line(member) for member in group]) for name, group in groupby(members, lambda m: m.product)]


def _line(member: lineage.Member) -> Line:
    parsed = terms.parse_name(member.name)
    known = terms.SUFFIXES.get(parsed.suffix) if parsed else None
    level = int(known.levels[0] if known else terms.CalibLevel.CALIBRATED)
    if parsed and parsed.form == "stage3":
        level = int(terms.CalibLevel.SCIENCE)
    return Line(member.name, member.role, member.file, parsed.root if parsed else "", level)

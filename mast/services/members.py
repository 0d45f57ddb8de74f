"""The members of an association: what the pipeline joined, and which of it is here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from mast import terms, visibility
from mast.errors import NotViewable
from mast.fits.others import JSON_BYTES
from mast.models import DataFile
from mast.services.library import file_path
from mast.services.viewer import plan_of

MOST_MEMBERS: Final = 5000


@dataclass(frozen=True)
class Member:
    """One input: the file when we hold it, else what an import would be asked for."""

    name: str
    role: str
    file: DataFile | None
    obs_id: str
    """the exposure or product it belongs to; empty for names of no known form"""
    calib_level: int

    @property
    def can_import(self) -> bool:
        return self.file is None and bool(self.obs_id)


@dataclass(frozen=True)
class AssociationProduct:
    """What the association makes, and of what."""

    name: str
    members: list[Member]

    @property
    def held_count(self) -> int:
        return sum(member.file is not None for member in self.members)


def association_products(file: DataFile) -> list[AssociationProduct]:
    """The products of an association file with their members, in its order; the first 5,000 members.

    Raises
    ------
    NotViewable : it is no association
    FileNotFound, DamagedFile : its bytes are not there
    """
    if plan_of(file).kind != "association":
        raise NotViewable(f"{file.file_name} is no association, so it has no members.")
    with file_path(file).open("rb") as opened:
        listed = list(_listed(json.loads(opened.read(JSON_BYTES))))[:MOST_MEMBERS]
    names = {name for _, name, _ in listed}
    held = {row.file_name: row for row in visibility.my_files().filter(file_name__in=names).defer("plan", "raw")}
    return [
        AssociationProduct(product, [_member(name, role, held.get(name)) for _, name, role in group])
        for product, group in groupby(listed, lambda line: line[0])
    ]


def _listed(association: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Product, file name and role of each member; inspection has seen to it that `products` is a list."""
    for product in association["products"]:
        members = product.get("members") if isinstance(product, dict) else None
        for member in members if isinstance(members, list) else ():
            if isinstance(member, dict):
                yield str(product.get("name", "")), str(member.get("expname", "")), str(member.get("exptype", ""))


def _member(name: str, role: str, file: DataFile | None) -> Member:
    parsed = terms.parse_name(name)
    known = terms.SUFFIXES.get(parsed.suffix) if parsed else None
    level = int(known.levels[0] if known else terms.CalibLevel.CALIBRATED)
    if parsed and parsed.form == "stage3":
        level = int(terms.CalibLevel.SCIENCE)
    return Member(name, role, file, parsed.root if parsed else "", level)

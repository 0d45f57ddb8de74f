"""What may be looked at of an observation that is not in the library: its preview, and its files read by ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mast import library, services, terms
from mast.archive import previews
from mast.archive.query import Query
from mast.archive.rows import ObservationRow, ProductRow
from mast.models import DataFile
from mast.visibility import Reader

MOST_FILES = 300


@dataclass(frozen=True)
class Offer:
    """One file MAST has; `file` when we hold it."""

    row: ProductRow
    file: DataFile | None

    @property
    def can_look(self) -> bool:
        """FITS files alone are read by ranges; what is exclusive is not read at all."""
        return self.row.file_name.endswith(".fits") and self.row.data_rights != terms.Rights.EXCLUSIVE.value

    @property
    def badge(self) -> str:
        return str(terms.badge_of(self.row.file_name))


@dataclass(frozen=True)
class Offered:
    """An observation as MAST has it."""

    row: ObservationRow
    files: list[Offer]
    total: int

    @property
    def preview_uri(self) -> str:
        return previews.uri_of(self.row.preview_uri)

    @property
    def first(self) -> Offer | None:
        """What is looked at when no file was chosen: the observation's own picture, the smallest step first."""
        can = [offer for offer in self.files if offer.can_look]
        named = [offer for offer in can if offer.row.data_uri == self.row.data_uri]
        pictures = [offer for offer in can if offer.badge == "image" and offer.row.obs_id == self.row.obs_id]
        return next(iter([*named, *pictures, *can]), None)


def offered(obs_id: str, user: Reader) -> Offered | None:
    """The observation and its science files, its own before those of its members; None where MAST has none of it."""
    found = services.search(Query(kind="observation", obs_id=obs_id, calib_levels=None)).answer.rows
    row = next((row for row in found if row.obs_id == obs_id), None)
    if row is None:
        return None
    listed = services.list_products(obs_id, None, "SCIENCE").rows
    ordered = sorted(listed, key=lambda item: _place(item, obs_id))
    return Offered(row, _offers(ordered[:MOST_FILES], user), len(listed))


def _place(row: ProductRow, obs_id: str) -> tuple[bool, bool, int, str]:
    """What can be looked at first, the observation's own before its members'."""
    return row.obs_id != obs_id, not row.file_name.endswith(".fits"), -(row.calib_level or 0), row.file_name


def _offers(rows: Sequence[ProductRow], user: Reader) -> list[Offer]:
    names = [row.file_name for row in rows]
    held = {
        file.file_name: file for file in library.visible_files(user).filter(file_name__in=names).defer("plan", "raw")
    }
    return [Offer(row, held.get(row.file_name)) for row in rows]

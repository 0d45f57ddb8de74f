"""The files of observations: listing them, choosing among them, and where they lie on S3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from mast import terms
from mast.archive.client import ArchiveConfig, Client
from mast.archive.rows import ProductRow

OBSIDS_A_REQUEST: Final = 500
URIS_A_REQUEST: Final = 40
"""More make the address of the request too long."""
DATA_URI: Final = re.compile(r"mast:JWST/[A-Za-z0-9][A-Za-z0-9._/-]{0,280}")
_S3_KEY: Final = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9._/+-]{0,500}")
ANY_TYPE: Final = "ALL"
ASSOCIATION: Final = "ASN"


@dataclass
class Selection:
    """What an import takes of a product list, and the rest with the reason in words."""

    chosen: list[ProductRow] = field(default_factory=list)
    left_out: list[tuple[ProductRow, str]] = field(default_factory=list)


def products(
    obsids: Sequence[str], config: ArchiveConfig, *, cancelled: Callable[[], bool] | None = None
) -> list[ProductRow]:
    """Every file MAST lists for observations, those of their members included; duplicates are kept.

    Parameters
    ----------
    obsids : MAST's product-group numbers, not obs_ids; asked for 500 a request
    """
    wanted = [obsid for obsid in dict.fromkeys(obsids) if obsid.isascii() and obsid.isdigit()]
    rows: list[ProductRow] = []
    for batch in batches(wanted, OBSIDS_A_REQUEST):
        rows += Client(config, cancelled=cancelled).products(batch)
    return rows


def path_lookup(
    uris: Sequence[str], config: ArchiveConfig, *, cancelled: Callable[[], bool] | None = None
) -> dict[str, str | None]:
    """The S3 key of each file, without a leading slash; None where MAST knows none."""
    keys: dict[str, str | None] = {}
    for batch in batches(list(dict.fromkeys(uris)), URIS_A_REQUEST):
        answer = Client(config, cancelled=cancelled).path_lookup(batch)
        keys |= {uri: _key_of(answer.get(uri)) for uri in batch}
    return keys


def _key_of(entry: object) -> str | None:
    path = entry.get("path") if isinstance(entry, dict) and entry.get("status_code", 200) == 200 else None
    if not isinstance(path, str) or not _S3_KEY.fullmatch(path) or ".." in path.split("/"):
        return None
    return path.removeprefix("/")


def distinct(rows: Iterable[ProductRow]) -> list[ProductRow]:
    """One row for each file, in the order of first appearance.

    A file is listed once per parent, and a pool once per exposure; the row of the observation itself is kept before
    that of a member, and then the highest level's.
    """
    best: dict[str, ProductRow] = {}
    for row in rows:
        known = best.get(row.data_uri)
        if known is None or _rank(row) > _rank(known):
            best[row.data_uri] = row
    return list(best.values())


def _rank(row: ProductRow) -> tuple[bool, int]:
    return row.is_own, row.calib_level if row.calib_level is not None else terms.CalibLevel.PLANNED


def select(
    rows: Iterable[ProductRow],
    *,
    levels: set[int] | None,
    product_type: str = "SCIENCE",
    with_associations: bool = True,
    suffixes: set[str] | None = None,
) -> Selection:
    """The files of the asked levels and type, each file's own; never judged by its suffix.

    Parameters
    ----------
    levels : accepted calibration levels; None for every level
    product_type : SCIENCE, PREVIEW, AUXILIARY, INFO, several with commas, or ALL
    with_associations : bring the association tables of the chosen levels along, whatever their type
    suffixes : accepted kinds of file, `i2d` say; None for every kind
    """
    types = {part.strip().upper() for part in product_type.split(",") if part.strip()} or {ANY_TYPE}
    selection = Selection()
    fitting: list[ProductRow] = []
    companions: list[ProductRow] = []
    for row in rows:
        reason = _distrust(row) or _wrong_level(row, levels) or _wrong_kind(row, suffixes)
        if reason:
            selection.left_out.append((row, reason))
        elif ANY_TYPE in types or row.product_type.upper() in types:
            fitting.append(row)
        elif with_associations and row.sub_group.upper() == ASSOCIATION:
            companions.append(row)
        else:
            selection.left_out.append((row, _wrong_type(row)))
    # An association explains files; without any of them it is nothing anybody asked for.
    selection.left_out += [] if fitting else [(row, _wrong_type(row)) for row in companions]
    fitting += companions if fitting else []
    selection.chosen = distinct(fitting)
    kept = {id(row) for row in selection.chosen}
    selection.left_out += [(row, "the same file is listed twice") for row in fitting if id(row) not in kept]
    return selection


def _distrust(row: ProductRow) -> str:
    """Why a row from outside may not become a file here; empty when it may."""
    if not DATA_URI.fullmatch(row.data_uri) or ".." in row.data_uri:
        return "its address is not one of MAST's JWST files"
    if not terms.is_safe_name(row.file_name):
        return "its name cannot be used as a file name"
    if row.data_uri.rpartition("/")[2] != row.file_name:
        return "its name is not the one in its address"
    return ""


def _wrong_level(row: ProductRow, levels: set[int] | None) -> str:
    if row.calib_level == terms.CalibLevel.PLANNED:
        return "it is planned and does not exist yet"
    if levels is None or row.calib_level in levels:
        return ""
    return "its calibration level is unknown" if row.calib_level is None else f"it is Level {row.calib_level}"


def _wrong_kind(row: ProductRow, suffixes: set[str] | None) -> str:
    suffix = terms.suffix_of(row.file_name)
    return "" if suffixes is None or suffix in suffixes else f"{suffix or 'its kind'} was not chosen"


def _wrong_type(row: ProductRow) -> str:
    return f"its type is {row.product_type or 'unknown'}"


def batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Consecutive parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

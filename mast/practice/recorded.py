"""Recorded rows and files of the real MAST served in place of the catalogue.

The folder is laid out as `observations/` (CSV with CAOM columns, JSON with `results`), `products/` (CSV with MAST's 20
product columns) and `fits/` (files by name, in any depth). Files of other columns are left alone.
"""

from __future__ import annotations

import csv
import json
import re
import threading
import zlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from mast.practice import columns, making, names, recorded_headers, sphere
from mast.practice.catalogue import PRODUCT_URI
from mast.practice.columns import MJD_EPOCH, Row
from mast.practice.holdings import Held, key_of
from mast.practice.subject import Subject

_NEEDED: Final = frozenset({"obs_id", "obsid", "calib_level", "dataURL"})
_PRODUCT_NEEDED: Final = frozenset(columns.PRODUCT) - {"filters"}
_NOTE_NEEDED: Final = frozenset(
    {
        "obsid",
        "proposal_id",
        "proposal_pi",
        "target_name",
        "instrument_name",
        "obs_title",
        "jpegURL",
        "t_max",
        "t_obs_release",
    }
)
_REWRITTEN: Final = re.compile(r"https?://[^?]*\?uri=(.*)")


class Recorded:
    """What a folder of recordings holds, as the portal and the file servers need it.

    With `fill` a listed file that is not in the folder is made, of the right kind and of the recorded length.
    """

    def __init__(self, folder: Path, *, fill: bool = False) -> None:
        self._fill = fill
        self._paths = {path.name: path for path in sorted((folder / "fits").rglob("*.fits"))}
        rows = {row["obsid"]: row for row in _observations(folder / "observations")}
        self._products = _products(folder / "products")
        self._add_files_without_rows(rows, folder / "observations")
        self._rows = rows
        self._regions = {obsid: sphere.read_region(row["s_region"]) for obsid, row in rows.items()}
        self._files: dict[str, tuple[Row, Row]] = {}
        self._guard = threading.Lock()

    def observations(self) -> list[Row]:
        return list(self._rows.values())

    def region(self, obsid: str) -> tuple[sphere.Shape, ...]:
        return self._regions[obsid]

    def resolve(self, name: str) -> list[Row]:
        return names.resolve(name, self._rows.values())

    def products(self, obsid: str) -> list[Row]:
        """The recorded list of an observation; of one without a recording, what its own row points to."""
        if obsid in self._products:
            return self._products[obsid]
        row = self._rows.get(obsid)
        if row is not None:
            return [self._derived(row, uri) for uri in (row["dataURL"], row["jpegURL"]) if uri]
        rows = (row for listed in self._products.values() for row in listed if row["obsID"] == obsid)
        own = {row["dataURI"]: row | {"parent_obsid": obsid} for row in rows}
        return list(own.values())

    def find(self, file_name: str) -> Held | None:
        """The file of this name if it is listed, and lies in the folder or can be made."""
        with self._guard:
            if not self._files:
                self._index()
        if file_name not in self._files:
            return None
        row, product = self._files[file_name]
        subject = Subject(file_name, row)
        path = self._paths.get(file_name)
        is_exclusive = product["dataRights"] != "PUBLIC"
        if path is not None:
            return Held(subject, path.stat().st_size, is_exclusive, key_of(file_name), not is_exclusive, path=path)
        if not self._fill:
            return None
        size = making.size_filled(subject, product["size"])
        make = partial(making.fill, subject, size)
        return Held(subject, size, is_exclusive, key_of(file_name), not is_exclusive, make)

    def _index(self) -> None:
        for obsid, row in self._rows.items():
            for product in self.products(obsid):
                self._files.setdefault(product["productFilename"], (row, product))

    def _derived(self, row: Row, uri: str) -> Row:
        """A product row for a file that only an observation's row names."""
        name = uri.rpartition("/")[2]
        is_preview = not name.endswith(".fits")
        path = self._paths.get(name)
        suffix = name.rpartition(".")[0].rpartition("_")[2].upper()
        size = path.stat().st_size if path else making.size_filled(Subject(name, row), None) if self._fill else None
        return {
            "obsID": row["obsid"],
            "obs_collection": "JWST",
            "dataproduct_type": row["dataproduct_type"],
            "obs_id": row["obs_id"],
            "description": "Preview-Full" if is_preview else "exposure/target (L2b/L3)",
            "type": "D",
            "dataURI": uri,
            "productType": "PREVIEW" if is_preview else "SCIENCE",
            "productGroupDescription": None if is_preview else "Minimum Recommended Products",
            "productSubGroupDescription": None if is_preview else suffix,
            "productDocumentationURL": None,
            "project": "CALJWST",
            "prvversion": None,
            "proposal_id": row["proposal_id"],
            "productFilename": name,
            "size": size,
            "parent_obsid": row["obsid"],
            "dataRights": row["dataRights"],
            "calib_level": row["calib_level"],
            "filters": row["filters"],
        }

    def _add_files_without_rows(self, rows: dict[str, Row], folder: Path) -> None:
        """Observation rows for files that no recorded row names, from the files' own headers."""
        named = {str(row["dataURL"]).rpartition("/")[2] for row in rows.values()}
        named |= {product["productFilename"] for listed in self._products.values() for product in listed}
        missing = {name: path for name, path in self._paths.items() if name not in named}
        noted = _notes(folder) if missing else {}
        for name, path in missing.items():
            made = {"obsid": str(900_000_000 + zlib.crc32(name.encode()) % 90_000_000), "dataURL": PRODUCT_URI + name}
            told = recorded_headers.observation(path)
            row = _empty() | made | noted.get(told["obs_id"], {})
            row |= {column: value for column, value in told.items() if value is not None}
            rows[row["obsid"]] = row


def _empty() -> Row:
    return dict.fromkeys(columns.OBSERVATION)


def _observations(folder: Path) -> Iterator[Row]:
    for path in sorted(folder.glob("*")):
        for row in _rows_of(path, _NEEDED):
            known = _empty() | {
                name: _value(row[name], kind) for name, kind in columns.OBSERVATION.items() if name in row
            }
            # The recorder turned `mast:` URIs into addresses; MAST sends the URIs.
            yield known | {name: _original(known[name]) for name in ("dataURL", "jpegURL")}


def _notes(folder: Path) -> dict[str, Row]:
    """By obs_id what shorter tables without coordinates say; their times are text where MAST sends MJD."""
    found: dict[str, Row] = {}
    for path in sorted(folder.glob("*.csv")):
        for row in _rows_of(path, _NOTE_NEEDED):
            if "obs_id" in row:
                break  # a full table, read already
            obs_id = row["jpegURL"].rpartition("/")[2].removesuffix("_i2d.jpg")
            found[obs_id] = {name: row[name] or None for name in _NOTE_NEEDED - {"jpegURL"}}
            found[obs_id] |= {name: _mjd(row[name]) for name in ("t_max", "t_obs_release")}
    return found


def _mjd(text: str) -> float | None:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - MJD_EPOCH).total_seconds() / 86_400 if text else None


def _products(folder: Path) -> dict[str, list[Row]]:
    listed: dict[str, list[Row]] = defaultdict(list)
    for path in sorted(folder.glob("*.csv")):
        for row in _rows_of(path, _PRODUCT_NEEDED):
            product = {name: _value(row.get(name), kind) for name, kind in columns.PRODUCT.items()}
            listed[product["parent_obsid"]].append(product)
    return dict(listed)


def _rows_of(path: Path, needed: frozenset[str]) -> list[Row]:
    """Rows of a file that has the columns asked for; none of a file that is something else."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as lines:
            table = csv.DictReader(lines)
            return list(table) if needed <= set(table.fieldnames or ()) else []
    if path.suffix == ".json":
        content = json.loads(path.read_bytes())
        rows = content.get("results") if isinstance(content, dict) else None
        return rows if rows and needed <= set(rows[0]) else []
    return []


def _value(value: Any, kind: str) -> Any:
    """A recorded value as MAST sends it: CSV's empty text is null, and so is NaN."""
    if value is None or value == "" or value != value or str(value).lower() in {"nan", "--"}:
        return None
    if kind == "float":
        return float(value)
    if kind == "int":
        return int(float(value))
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    return str(value)


def _original(address: str | None) -> str | None:
    match = _REWRITTEN.fullmatch(address or "")
    return unquote(match[1]) if match else address

"""What goes into a transfer and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mast.terms import Proof

if TYPE_CHECKING:
    from mast.transfer.sources import Source

Phase = Literal["downloading", "waiting", "verifying"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to bring home.

    Parameters
    ----------
    file_name : the product's name, already checked with `terms.is_safe_name`
    sources : in order of preference; the next is tried where one does not have the file, refuses it or fails
    partial_dir : where part files and journals lie; on the file system of `final_path`
    final_path : appears complete and verified, or not at all; its directory is made when missing
    catalog_bytes : the size the catalogue gives: the witness where the server gives none, else only compared
    """

    file_name: str
    sources: Sequence[Source]
    partial_dir: Path
    final_path: Path
    catalog_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a transfer is. `done_bytes` are on disk and in the journal; they go down only with `restarted`."""

    done_bytes: int
    total_bytes: int | None
    source: str
    phase: Phase
    message: str = ""
    until: datetime | None = None
    """while waiting: when the next attempt is due, UTC"""
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A finished file: fsynced, under its final name, read-only."""

    path: Path
    size_bytes: int
    sha256: str
    proof: Proof
    proof_notes: list[str]
    validator: str
    """ETag, or Last-Modified where there was none, as the source sent it; empty when it sent neither"""
    source: str
    """the source that gave most of the bytes: `s3`, `http`, or `existing` when the file already lay there"""
    source_bytes: dict[str, int] = field(default_factory=dict)
    """bytes by source, earlier attempts included"""
    reused_bytes: int = 0
    """bytes that earlier attempts had left in the part file"""


@dataclass(frozen=True, slots=True)
class Verified:
    """What one reading of a file on disk proved."""

    size_bytes: int
    sha256: str
    proof: Proof
    notes: list[str]

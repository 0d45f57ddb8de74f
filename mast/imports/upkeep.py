"""What lies on disk read again, and what nobody needs any more removed."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db.models import QuerySet

from mast import conf, terms
from mast.imports import records, searchcache
from mast.models import DataFile, Transfer

log = logging.getLogger(__name__)

KEPT_S: Final = 14 * 24 * 3600
"""how long parts of downloads that nobody waits for are kept"""
_READ_BYTES: Final = 4 << 20


@dataclass(frozen=True)
class Checked:
    """One file read again. `why` says what is wrong, in words; empty when nothing is."""

    file: DataFile
    state: DataFile.State
    why: str = ""


def verify(files: QuerySet[DataFile]) -> Iterator[Checked]:
    """Read every byte of these files and compare with what was registered; the record's state follows."""
    for file in files.order_by("pk").iterator():
        checked = _check(file)
        if checked.state != DataFile.State.HELD or file.state != DataFile.State.HELD:
            log.warning("%s is %s: %s", file.file_name, checked.state, checked.why)
        records.mark(file, checked.state)
        yield checked


def _check(file: DataFile) -> Checked:
    path = records.path_of(file)
    if path.is_symlink() or not path.is_file():
        return Checked(file, DataFile.State.MISSING, "it is not on disk any more")
    size = path.stat().st_size
    if size != file.size_bytes:
        return Checked(file, DataFile.State.DAMAGED, f"it has {size} bytes, not {file.size_bytes}")
    if _sha256(path) != file.sha256:
        return Checked(file, DataFile.State.DAMAGED, "its bytes are not those that were registered")
    return Checked(file, DataFile.State.HELD)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(_READ_BYTES)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return digest.hexdigest()


def tidy() -> None:
    """Remove what nobody needs: old parts, old cached answers."""
    remove_old_parts()
    searchcache.prune()


def remove_old_parts() -> int:
    """Remove parts untouched for two weeks, unless a live job waits for them; returns how many files went."""
    folder = conf.partial_dir()
    if not folder.is_dir():
        return 0
    live = Transfer.objects.filter(items__job__state__in=terms.LIVE).exclude(state__in=terms.ENDED)
    wanted = set(live.values_list("file_name", flat=True))
    count = 0
    for path in folder.iterdir():
        is_old = time.time() - path.stat().st_mtime > KEPT_S
        if is_old and path.is_file() and not any(name in path.name for name in wanted):
            path.unlink(missing_ok=True)
            count += 1
    return count

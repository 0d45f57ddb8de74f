"""Files on disk, made when first asked for: each written aside and renamed, so that half a file is never served."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from mast.practice.holdings import Held

_PART_BYTES: Final = 8 << 20
_WHOLE_MD5_BYTES: Final = 1 << 20
"""Larger objects count as uploaded in parts: their ETag is no MD5 of the file, as for most of the real bucket."""
_MJD_OF_UNIX: Final = 40_587
_SECONDS_PER_DAY: Final = 86_400


class Store:
    """The data directory of the practice archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "files"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.revisions: Counter[str] = Counter()
        """How often a file was replaced; a change gives it new ETags, as reprocessing at MAST does."""
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._md5: dict[str, str] = {}

    def path(self, held: Held) -> Path:
        """Where the file lies, made first if need be."""
        if held.path is not None:
            return held.path
        path = self.folder / held.subject.file_name
        with self._guard:
            lock = self._locks[path.name]
        with lock:
            if held.make is not None and not path.exists():
                self._make(held.make, path, modified(held))
        return path

    def _make(self, make: Callable[[IO[bytes]], None], path: Path, changed: int) -> None:
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                make(stream)
            os.utime(name, (changed, changed))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def etag(self, held: Held) -> str:
        """The strong validator of `Download/file`, quoted."""
        name = held.subject.file_name
        text = f"{name} {held.size_bytes} {self.revisions[name]}"
        return f'"{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:20]}"'

    def object_etag(self, held: Held) -> str:
        """The bucket's ETag, quoted: the MD5 of a small object, `<md5>-<parts>` of one that came in parts."""
        name = held.subject.file_name
        if held.size_bytes <= _WHOLE_MD5_BYTES and not self.revisions[name]:
            return f'"{self._content_md5(held)}"'
        text = f"{name} {held.size_bytes} {self.revisions[name]}"
        parts = -(-held.size_bytes // _PART_BYTES)
        return f'"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}-{parts}"'

    def _content_md5(self, held: Held) -> str:
        name = held.subject.file_name
        if name not in self._md5:
            content = self.path(held).read_bytes()
            self._md5[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self._md5[name]


def modified(held: Held) -> int:
    """When the archive says the file was last changed, whole seconds of Unix time."""
    release = held.subject.row["t_obs_release"] or held.subject.row["t_max"] or 60_000.0
    return int((float(release) - _MJD_OF_UNIX) * _SECONDS_PER_DAY)

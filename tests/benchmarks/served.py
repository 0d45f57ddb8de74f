"""Files to be fetched: valid FITS of a wanted length whose every byte depends on its place, and their SHA-256."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 2880
PREFIX = "jwst/public/"
BUCKET = "stpubdata"
_NOISE_BYTES = 1 << 20


@dataclass(frozen=True)
class Sample:
    """One file that a server offers."""

    name: str
    path: Path
    size_bytes: int
    sha256: str

    @property
    def key(self) -> str:
        return PREFIX + self.name


class Shelf:
    """A folder of samples, laid out as the bucket is: `stpubdata/jwst/public/NAME`. Made once and kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = root / BUCKET / PREFIX
        self.files.mkdir(parents=True, exist_ok=True)
        self._known = root / "known.json"
        self._sums: dict[str, str] = json.loads(self._known.read_text()) if self._known.exists() else {}

    def one(self, name: str, about_bytes: int) -> Sample:
        """A file of the largest whole number of FITS blocks that fits into `about_bytes`."""
        size = about_bytes - about_bytes % BLOCK_BYTES
        path, label = self.files / name, f"{name} {size}"
        if label not in self._sums or not path.exists() or path.stat().st_size != size:
            self._sums[label] = _write(path, size)
            self._known.write_text(json.dumps(self._sums, indent=0))
        return Sample(name, path, size, self._sums[label])

    def many(self, count: int, about_bytes: int) -> list[Sample]:
        names = (f"jw{2733 + n // 999:05d}{n % 999 + 1:03d}001_02101_00001_nrca1_i2d.fits" for n in range(count))
        return [self.one(name, about_bytes) for name in names]

    def hollow(self, name: str, about_bytes: int) -> Sample:
        """A sparse file: a FITS header and zeros; its SHA-256 is not known."""
        size = about_bytes - about_bytes % BLOCK_BYTES
        path = self.files / name
        path.write_bytes(_header(size))
        with path.open("r+b") as file:
            file.truncate(size)
        return Sample(name, path, size, "")


def warm(samples: Sequence[Sample]) -> None:
    """Bring files into the page cache: an idle machine takes it away."""
    for sample in samples:
        with sample.path.open("rb", buffering=0) as file:
            while file.read(8 << 20):
                pass


def _header(size: int) -> bytes:
    data_bytes = size - BLOCK_BYTES
    cards = {"SIMPLE": "T", "BITPIX": "8", "NAXIS": "2", "NAXIS1": "2880", "NAXIS2": str(data_bytes // BLOCK_BYTES)}
    lines = [f"{name:8}= {value:>20}".ljust(80) for name, value in cards.items()]
    return "".join([*lines, "END".ljust(80)]).ljust(BLOCK_BYTES).encode("ascii")


def _write(path: Path, size: int) -> str:
    """Noise, cut at another place in each MiB, so that no two places of the file look alike."""
    draw = random.Random(path.name)
    noise = draw.randbytes(2 * _NOISE_BYTES)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        piece = _header(size)
        written = 0
        while written < size:
            piece = piece[: size - written]
            file.write(piece)
            digest.update(piece)
            written += len(piece)
            at = draw.randrange(_NOISE_BYTES)
            piece = written.to_bytes(8, "big") + noise[at : at + _NOISE_BYTES - 8]
    return digest.hexdigest()

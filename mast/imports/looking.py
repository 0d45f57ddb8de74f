"""A file at MAST looked at by ranges: its headers, and a few hundred of its rows as a reduced picture.

Never more than `LOOK_BYTES` of it are read, and what was read is kept for a day, so that other colours cost nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from django.conf import settings

from mast import errors
from mast.fits.plan import Plan, PlanHdu
from mast.fits.probe import fits_plan
from mast.fits.views import describe, first_plane
from mast.fitscards import Card
from mast.fitswalk import WalkLimits, read_header
from mast.imports.remote import Remote, open_remote
from mast.terms import suffix_of

if TYPE_CHECKING:
    from mast.fits.pyramid import Pyramid

LOOK_BYTES: Final = 32 << 20
ROWS: Final = 384
"""of a picture that is too large to be read whole"""
CONNECTIONS: Final = 6
LIMITS: Final = WalkLimits(hdus=200, header_bytes=1 << 20, all_header_bytes=8 << 20)
KEPT_S: Final = 24 * 3600
_at_once = threading.BoundedSemaphore(2)
WAIT_S: Final = 10.0


@dataclass(frozen=True)
class Look:
    """What was seen of a remote file."""

    uri: str
    plan: Plan
    headers: list[bytes] = field(repr=False)
    bytes_read: int = 0

    @property
    def viewable(self) -> bool:
        return self.plan.view.viewable and not self._is_compressed

    @property
    def _is_compressed(self) -> bool:
        return self.plan.view.hdu is not None and self.plan.hdu(self.plan.view.hdu).is_packed_image

    @property
    def why(self) -> str:
        if self._is_compressed:
            return "The image in this file is tile-compressed; it can be shown once it is imported."
        return self.plan.view.why

    @property
    def title(self) -> str:
        """What the picture shows: a plane of a cube, where View would show the median of all."""
        if self.hdu is None:
            return self.plan.view.title
        image = self.plan.hdu(self.hdu)
        return describe(suffix_of(self.plan.file_name), image, self.plane_of(image))

    def plane_of(self, image: PlanHdu) -> tuple[int, ...]:
        """The plane that is read of an image: one, for a made one would need them all."""
        plane = self.plan.view.plane if image.index == self.hdu else first_plane(image)
        return tuple(length // 2 for length in image.shape[:-2]) if isinstance(plane, str) else plane

    @property
    def hdu(self) -> int | None:
        return self.plan.view.hdu

    @property
    def hdus(self) -> Sequence[PlanHdu]:
        return self.plan.hdus

    @property
    def total_bytes(self) -> int:
        return self.plan.size_bytes

    @property
    def bytes_limit(self) -> int:
        return LOOK_BYTES


# --- what is asked for ------------------------------------------------------------------------------------------


def look(uri: str) -> Look:
    """What a remote file holds.

    Raises
    ------
    BadQuery, TransferError, FileError, Overloaded
    """
    place = _place(uri, "plan.json")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return _read_look(uri, place)
    with _turn():
        remote = open_remote(uri, LOOK_BYTES)
        plan = fits_plan(cast("BinaryIO", remote), uri.rpartition("/")[2], remote.total, LIMITS)
        headers = [read_header(cast("BinaryIO", remote), hdu.header_offset, LIMITS).raw for hdu in plan.hdus]
    found = Look(uri, plan, headers, remote.bytes_read)
    _keep_look(found)
    return found


def _read_look(uri: str, place: Path) -> Look:
    stored = json.loads(_fresh(place).read_bytes())
    headers = [text.encode("latin-1") for text in stored["headers"]]
    return Look(uri, Plan.from_json(stored["plan"]), headers, stored["read"])


def _keep_look(seen: Look) -> None:
    headers = [raw.decode("latin-1") for raw in seen.headers]
    words = {"plan": seen.plan.to_json(), "headers": headers, "read": seen.bytes_read}
    _write(_place(seen.uri, "plan.json"), lambda file: file.write(json.dumps(words).encode()))


def look_header(uri: str, hdu: int = 0) -> list[Card]:
    """The cards of one HDU of a remote file."""
    from mast.fitscards import Header

    seen = look(uri)
    seen.plan.hdu(hdu)
    return Header(seen.headers[hdu]).cards()


def look_pyramid(uri: str, hdu: int | None = None) -> Pyramid:
    """A reduced image of a remote file: the whole plane where it is small, else rows at equal distances.

    Raises
    ------
    NotViewable, BadQuery, TransferError, FileError, Overloaded
    """
    from mast.fits.overview import build
    from mast.fits.planes import ArrayPlane
    from mast.fits.roles import draw_of

    seen = look(uri)
    if not seen.viewable:
        raise errors.NotViewable(seen.why)
    image = seen.plan.image(hdu)
    return build(ArrayPlane(_rows(uri, seen, image)), draw_of(seen.plan, image))


def _rows(uri: str, seen: Look, image: PlanHdu) -> Any:
    import numpy as np

    place = _place(uri, f"{image.index}.npy")
    with contextlib.suppress(OSError, ValueError):
        return np.load(_fresh(place), allow_pickle=False)
    with _turn():
        remote = open_remote(uri, LOOK_BYTES - seen.bytes_read)
        values = _read_rows(remote, seen, image)
    _write(place, lambda file: np.save(file, values))
    _keep_look(replace(seen, bytes_read=seen.bytes_read + remote.bytes_read))
    return values


def _read_rows(remote: Remote, seen: Look, image: PlanHdu) -> Any:
    import numpy as np

    from mast.fits.planes import plane_offset
    from mast.fits.stored import stored_dtype, to_numbers

    height, width = image.shape[-2:]
    row_bytes = width * abs(image.bitpix) // 8
    start = plane_offset(image, seen.plane_of(image))
    room = max(1, remote.budget_bytes // row_bytes)
    step = 1 if height <= room else -(-height // min(ROWS, room))
    at_once = 1 << 20 if step == 1 else row_bytes
    stop = start + height * row_bytes
    starts = range(start, stop, at_once) if step == 1 else range(start + step // 2 * row_bytes, stop, step * row_bytes)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        raw = b"".join(pool.map(lambda at: remote.fetch(at, min(stop, at + at_once)), starts))
    stored = np.frombuffer(bytearray(raw), stored_dtype(image.bitpix)).reshape(-1, width)
    values = to_numbers(stored, image)
    return values if step == 1 else _narrowed(values, step)


def _narrowed(values: Any, step: int) -> Any:
    """Means of `step` pixels along each row, so that the picture keeps its proportions."""
    import numpy as np

    columns = -(-values.shape[1] // step)
    padded = np.full((len(values), columns * step), np.nan, np.float32)
    padded[:, : values.shape[1]] = values
    parts = padded.reshape(len(values), columns, step)
    finite = np.isfinite(parts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(finite, parts, 0).sum(axis=2) / finite.sum(axis=2), np.float32)


# --- what is kept -----------------------------------------------------------------------------------------------


def folder() -> Path:
    return Path(settings.DERIVED_DIR) / "looks"


def _place(uri: str, end: str) -> Path:
    return folder() / f"{hashlib.sha256(uri.encode()).hexdigest()[:40]}.{end}"


def _fresh(place: Path) -> Path:
    """The same, while it is not too old.

    Raises
    ------
    OSError : it is not there, or too old
    """
    if time.time() - place.stat().st_mtime > KEPT_S:
        raise FileNotFoundError(place)
    return place


def _write(place: Path, write: Callable[[BinaryIO], object]) -> None:
    """Under its name when it is whole; without room it is not kept."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.{os.getpid()}-{threading.get_ident()}.part")
        with part.open("wb") as file:
            write(file)
        part.rename(place)


def prune() -> None:
    """Remove what is older than a day."""
    for place in folder().glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - place.stat().st_mtime > KEPT_S:
                place.unlink()


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Two remote files are looked at at once: the other threads stay free for pages."""
    if not _at_once.acquire(timeout=WAIT_S):
        raise errors.Overloaded("Several remote files are being looked at; try again shortly.")
    try:
        yield
    finally:
        _at_once.release()

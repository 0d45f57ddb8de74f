"""What is computed of files and can be computed again: pyramids and thumbnails, by the content they were made of.

They lie in the hidden folder `.derived`, `pyramids/<ab>/<sha256>/<hdu>-<plane>`. Nothing else refers to them, so that
the oldest can be removed at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from django.conf import settings

from mast import conf
from mast.fits.options import plane_text
from mast.fits.plan import Plan, Plane

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mast.fits.pyramid import Pyramid

log = logging.getLogger(__name__)

KEPT_IN_MEMORY: Final = 48
"""planes that a process has open; a small one takes up to half a megabyte, a large one is mapped"""
MAX_BYTES: Final = 50 * conf.GB
UNUSED_S: Final = 90 * 24 * 3600
TOUCH_S: Final = 3600

_open: OrderedDict[tuple[str, int, str], Pyramid] = OrderedDict()
_lock = threading.Lock()


def folder() -> Path:
    return Path(settings.DERIVED_DIR) / "pyramids"


def folder_of(sha256: str) -> Path:
    """Where everything lies that was derived from this content."""
    return folder() / sha256[:2] / sha256


def pyramid(path: Path, plan: Plan, sha256: str, hdu: int | None = None, plane: Plane | None = None) -> Pyramid:
    """The pyramid of a plane: one that is open, else the one kept on disk, else made now.

    Raises
    ------
    NotViewable, FileNotFound, BadQuery, DamagedFile
    """
    from mast.fits.planes import choose_plane

    image, chosen = choose_plane(plan, hdu, plane)
    key = (sha256, image.index, plane_text(chosen))
    with _lock:
        if key in _open:
            _open.move_to_end(key)
            return _open[key]
    made = _kept_or_made(path, plan, folder_of(sha256) / f"{key[1]}-{key[2] or 'image'}.pyramid", image.index, chosen)
    with _lock:
        _open[key] = made
        while len(_open) > KEPT_IN_MEMORY:
            _open.popitem(last=False)
    return made


def _kept_or_made(path: Path, plan: Plan, place: Path, hdu: int, plane: Plane) -> Pyramid:
    from mast.fits import overview
    from mast.fits import pyramid as pyramids
    from mast.fits.planes import plane_of
    from mast.fits.quality import flags_beside
    from mast.fits.roles import draw_of

    draw, flags = draw_of(plan, plan.hdu(hdu)), flags_beside(path, plan, plan.hdu(hdu), plane)
    if not isinstance(plane, str):
        pixels = plane_of(path, plan, hdu, plane)
        if overview.is_small(pixels):
            return overview.build(pixels, draw, flags)
    with _alone(place):
        pixels = plane_of(path, plan, hdu, plane)
        if found := pyramids.read(place, pixels, flags):
            _touch(place)
            return found
        try:
            return overview.build_file(pixels, place, draw, flags)
        except OSError as error:
            log.warning("the pyramid of %s is not kept: %s", plan.file_name, error)
            return overview.build(pixels, draw, flags)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One thread of one process makes a pyramid; others wait for it."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        # A full or read-only disk: each makes its own, in memory.
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _touch(place: Path) -> None:
    """Note that it is still looked at, now and then; removal goes by this."""
    with contextlib.suppress(OSError):
        if time.time() - place.stat().st_mtime > TOUCH_S:
            os.utime(place)


def unpacked_path(sha256: str) -> Path:
    """Where the unpacked copy of a tile-compressed file lies."""
    return folder_of(sha256) / "unpacked.fits"


def pixels(path: Path, plan: Plan, sha256: str) -> tuple[Path, Plan]:
    """Where the pixels of a file are read: in itself, or in the unpacked copy of a tile-compressed one.

    Raises
    ------
    NotViewable : it cannot be unpacked
    """
    if plan.view.hdu is None or not plan.hdu(plan.view.hdu).is_packed_image:
        return path, plan
    from mast.fits.inspect import inspect_file
    from mast.fits.unpack import unpack

    place = unpacked_path(sha256)
    with _alone(place):
        if place.is_file():
            return place, inspect_file(place, file_name=plan.file_name)
        return place, unpack(path, plan, place)


# --- thumbnails -------------------------------------------------------------------------------------------------

THUMBNAIL_SIDE: Final = 256


def thumbnail(path: Path, plan: Plan, sha256: str) -> bytes:
    """A small WebP picture of what View shows first, kept beside the pyramid."""
    place = folder_of(sha256) / "thumbnail.webp"
    with contextlib.suppress(OSError):
        return place.read_bytes()
    from mast.fits import render
    from mast.fits.options import Look

    body = render.encode(render.picture(pyramid(path, plan, sha256), Look(), THUMBNAIL_SIDE), "webp")
    _write(place, lambda file: file.write(body))
    return body


# --- arrays -----------------------------------------------------------------------------------------------------


def array(sha256: str, name: str, make: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64]:
    """Numbers that take long to find and little room: the order of a table's rows, where the lines of a text begin."""
    import numpy as np

    place = folder_of(sha256) / f"{name}.npy"
    with contextlib.suppress(OSError, ValueError):
        return np.load(place, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
    with _alone(place):
        with contextlib.suppress(OSError, ValueError):
            return np.load(place, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
        made = make()
        _write(place, lambda file: np.save(file, made))
    return made


def _write(place: Path, write: Callable[[BinaryIO], object]) -> None:
    """Under its name when it is whole and synced; without room it is not kept."""
    part = place.with_name(f"{place.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fdatasync(file.fileno())
        part.rename(place)
    except OSError as error:
        log.warning("%s is not kept: %s", place.name, error)
        with contextlib.suppress(OSError):
            part.unlink()


# --- removal ----------------------------------------------------------------------------------------------------


def forget(sha256: str) -> None:
    """Remove what was derived from a content."""
    with _lock:
        for key in [key for key in _open if key[0] == sha256]:
            del _open[key]
    shutil.rmtree(folder_of(sha256), ignore_errors=True)


def prune(held: set[str], *, max_bytes: int = MAX_BYTES) -> int:
    """Remove what belongs to no file, what nobody looked at for long, and the oldest beyond `max_bytes`."""
    kept: list[tuple[float, int, Path]] = []
    removed = 0
    for place in folder().glob("*/*"):
        used, size = _use_of(place)
        if place.name not in held or time.time() - used > UNUSED_S:
            forget(place.name)
            removed += 1
        else:
            kept.append((used, size, place))
    total = sum(size for _, size, _ in kept)
    short = max(0, conf.min_free_bytes() - conf.free_bytes())
    for _, size, place in sorted(kept):
        if total <= max_bytes and short <= 0:
            break
        forget(place.name)
        total, short, removed = total - size, short - size, removed + 1
    return removed


def _use_of(place: Path) -> tuple[float, int]:
    """When anything in a folder was last made or used, and how many bytes it holds."""
    used, size = 0.0, 0
    for file in place.iterdir():
        with contextlib.suppress(OSError):
            state = file.stat()
            used, size = max(used, state.st_mtime), size + state.st_size
    return used, size

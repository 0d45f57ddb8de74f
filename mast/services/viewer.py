"""Looking into a file: its planes and their pyramids, tiles, statistics, cut-outs. The one door for pages and API."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mast import errors
from mast.fits.options import MIME_TYPES, Look
from mast.fits.plan import Plan, Plane
from mast.imports import derived
from mast.models import DataFile
from mast.services.library import file_path, file_plan, get_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mast.fits.cube import CubeInfo
    from mast.fits.flags import FlagsFound
    from mast.fits.plan import PlanHdu
    from mast.fits.pyramid import Pyramid

Corners = tuple[int, int, int, int]
"""x0, y0, x1, y1 in array pixels from 0, y from the bottom; x1 and y1 are outside"""
Place = tuple[int, int, int]
"""level, column and row of a tile, the row from the top"""


_PLANS_KEPT: Final = 32
_plans: OrderedDict[str, Plan] = OrderedDict()
_lock = threading.Lock()


def pixels_of(file: DataFile) -> tuple[Path, Plan]:
    """Where a file's pixels are read, and the plan that says how."""
    if not file.is_viewable:
        raise errors.NotViewable(file.view_reason)
    path, plan = file_path(file), plan_of(file)
    if plan.view.hdu is None or not plan.hdu(plan.view.hdu).is_packed_image:
        return path, plan
    return _unpacked(path, plan, file.sha256)


def _unpacked(path: Path, plan: Plan, sha256: str) -> tuple[Path, Plan]:
    """The plain copy of a tile-compressed file, and its plan, which is inspected once."""
    key = f"unpacked {sha256}"
    with _lock:
        known = _plans.get(key)
    if known and derived.unpacked_path(sha256).is_file():
        return derived.unpacked_path(sha256), known
    place, found = derived.pixels(path, plan, sha256)
    _remember(key, found)
    return place, found


def plan_of(file: DataFile) -> Plan:
    """The file's plan. Those used last are kept: the plan of a thousand slits takes longer to read than a tile."""
    with _lock:
        if file.sha256 in _plans:
            _plans.move_to_end(file.sha256)
            return _plans[file.sha256]
    plan = file_plan(file)
    _remember(file.sha256, plan)
    return plan


def _remember(key: str, plan: Plan) -> None:
    with _lock:
        _plans[key] = plan
        if len(_plans) > _PLANS_KEPT:
            _plans.popitem(last=False)


def pyramid_of(file: DataFile, hdu: int | None = None, plane: Plane | None = None) -> Pyramid:
    """A plane of a file at every size; made now when it is not kept."""
    path, plan = pixels_of(file)
    return derived.pyramid(path, plan, file.sha256, hdu, plane)


def file_picture(file_id: int, *, fmt: str = "png", **options: Any) -> tuple[bytes, str]:
    """A picture of a file and its MIME type; options as `Look` and `picture_of` take them.

    Raises
    ------
    FileNotFound, NotViewable, BadQuery, DamagedFile
    """
    chosen = {name: options.pop(name) for name in ("width", "corners", "hdu", "plane") if name in options}
    return picture_of(get_file(file_id), Look(**options), fmt=fmt, **chosen)


def picture_of(
    file: DataFile,
    look: Look,
    *,
    width: int = 1024,
    fmt: str = "png",
    corners: Corners | None = None,
    hdu: int | None = None,
    plane: Plane | None = None,
) -> tuple[bytes, str]:
    """A plane, or the part of it between two corners in array pixels; a PNG says where on the sky its pixels lie."""
    from mast.fits import cutout, render
    from mast.fits.regions import Box

    pyramid = pyramid_of(file, hdu, plane)
    height = pyramid.shape[0]
    part = Box(*corners).within(pyramid.shape) if corners else Box(0, 0, pyramid.shape[1], height)
    # Pictures count from the top, arrays from the bottom.
    box = part.left, height - part.upper, part.right, height - part.lower
    painted = render.picture(pyramid, look, width, box)
    words = {}
    if fmt == "png":
        _, plan = pixels_of(file)
        words = cutout.picture_cards(plan, hdu, part, painted.shape[0], render.factor_of(box, width))
    return render.encode(painted, fmt, words), MIME_TYPES[fmt]


def tile_of(
    file: DataFile, look: Look, place: Place, *, fmt: str, hdu: int | None = None, plane: Plane | None = None
) -> tuple[bytes, str]:
    """A tile of a plane as a picture; `place` is level, column, row."""
    from mast.fits import render

    return render.tile(pyramid_of(file, hdu, plane), look, *place, fmt), MIME_TYPES[fmt]


def tile_values(
    file: DataFile, place: Place, *, hdu: int | None = None, plane: Plane | None = None
) -> NDArray[np.float32]:
    """The values of a tile as little-endian float32."""
    import numpy as np

    with np.errstate(over="ignore"):
        return np.ascontiguousarray(pyramid_of(file, hdu, plane).tile(*place), "<f4")


# --- quality flags ----------------------------------------------------------------------------------------------


def _qualities_of(file: DataFile, hdu: int | None, plane: Plane | None) -> list[tuple[PlanHdu, Plane]]:
    """The planes of flags that belong to a plane; of one of flags itself.

    Raises
    ------
    NotViewable : the image has no flags
    """
    from mast.fits.planes import choose_plane
    from mast.fits.roles import draw_of, qualities_of

    _, plan = pixels_of(file)
    image, chosen = choose_plane(plan, hdu, plane)
    if draw_of(plan, image) == "flags":
        return [(image, chosen)]
    qualities = qualities_of(plan, image, chosen)
    if not qualities:
        raise errors.NotViewable(f"{image.label} has no quality flags for this plane.")
    return qualities


def flags_of(file: DataFile, hdu: int | None = None, plane: Plane | None = None) -> FlagsFound:
    """The flags that occur in the plane that belongs to an image."""
    from mast.fits.flags import flag_counts

    path, plan = pixels_of(file)
    return flag_counts(path, plan, _qualities_of(file, hdu, plane))


def flag_tile(
    file: DataFile, place: Place, bits: int, *, hdu: int | None = None, plane: Plane | None = None
) -> tuple[bytes, str]:
    """A tile of flags to be laid over the image's."""
    import numpy as np

    from mast.fits import colours, render

    tiles = [pyramid_of(file, each.index, at).tile(*place) for each, at in _qualities_of(file, hdu, plane)]
    values = np.bitwise_or.reduce([tile.astype(np.uint32) for tile in tiles])
    return render.encode(colours.paint_flags(values, bits), "png"), MIME_TYPES["png"]


def file_thumbnail(file: DataFile) -> bytes:
    """A WebP picture of at most 256 pixels a side."""
    path, plan = pixels_of(file)
    return derived.thumbnail(path, plan, file.sha256)


def cube_info(file: DataFile, hdu: int | None = None, plane: Plane | None = None) -> CubeInfo:
    """What can be looked at in a file, and how the chosen plane is drawn."""
    from dataclasses import replace

    from mast.fits import cube

    path, plan = pixels_of(file)
    found = cube.describe_file(path, plan, hdu, plane)
    pyramid = derived.pyramid(path, plan, file.sha256, hdu, plane)
    return replace(found, image=cube.shown(path, plan, pyramid, hdu, plane))

"""Which HDU and plane of a file are shown first, or why it cannot be shown. Standard library only.

Decided by the HDUs that are there; the suffix only chooses among them. Source: the JWST pipeline's data products,
which keep SCI in HDU 1 of science products, have no SCI in `amilg` and `fitopt`, and order the others as they like.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from mast.fits.plan import MEDIAN_BYTES, UNPACKED_BYTES, Plane, PlanHdu, View
from mast.fits.roles import axis_names, integration_of, is_ramp

_FIRST_HDU: Final = {"amilg": "CTRD", "msa": "SHUTTER_IMAGE"}
_SPECTRA: Final = frozenset({"x1d", "x1dints", "c1d"})
_LAST: Final = frozenset({"dark"})
_MIDDLE: Final = frozenset({"fitopt", "s3d"})


def choose_view(hdus: Sequence[PlanHdu], suffix: str) -> View:
    """What View shows first of these HDUs."""
    images = [hdu for hdu in hdus if hdu.is_image] or _packed(hdus)
    if not images:
        return View(viewable=False, why=_why_not(hdus, suffix))
    hdu = _choose_hdu(images, suffix)
    is_labels = suffix == "segm" and hdu.bitpix > 0
    plane = _choose_plane(hdu, suffix)
    return View(viewable=True, title=describe(suffix, hdu, plane), hdu=hdu.index, plane=plane, is_labels=is_labels)


def _packed(hdus: Sequence[PlanHdu]) -> list[PlanHdu]:
    """Tile-compressed images, where all of them together may be unpacked."""
    packed = [hdu for hdu in hdus if hdu.is_packed_image]
    total = sum(math.prod(hdu.shape) * abs(hdu.bitpix) // 8 for hdu in packed)
    return packed if total <= UNPACKED_BYTES else []


def _choose_hdu(images: list[PlanHdu], suffix: str) -> PlanHdu:
    for name in (_FIRST_HDU.get(suffix), "SCI"):
        named = [hdu for hdu in images if hdu.name == name]
        if named:
            return named[0]
    return images[0]


def _choose_plane(hdu: PlanHdu, suffix: str) -> Plane:
    """The first plane of an image of any number of axes: indexes of its leading axes."""
    leading = hdu.shape[:-2]
    if not leading:
        return ()
    if suffix == "s3d" and len(leading) == 1 and hdu.data_bytes <= MEDIAN_BYTES:
        return "median"
    if suffix in _LAST:
        return tuple(length - 1 for length in leading)
    if suffix in _MIDDLE:
        return tuple(length // 2 for length in leading)
    # The last group of a ramp has the most signal.
    return (0, leading[1] - 1) if is_ramp(suffix, hdu) else first_plane(hdu)


def first_plane(hdu: PlanHdu) -> tuple[int, ...]:
    return (0,) * (len(hdu.shape) - 2)


def describe(suffix: str, hdu: PlanHdu, plane: Plane) -> str:
    """`SCI, integration 1 of 3, group 5 of 5`."""
    if isinstance(plane, str):
        return _describe_made(hdu, plane)
    words = axis_names(suffix, hdu)
    parts = [f"{word} {at + 1} of {of}" for word, at, of in zip(words, plane, hdu.shape[:-2], strict=True)]
    return ", ".join([hdu.label, *parts])


def _describe_made(hdu: PlanHdu, plane: str) -> str:
    if plane == "median":
        return f"{hdu.label}, median of {hdu.shape[0]} planes"
    return f"{hdu.label}, integration {integration_of(plane) + 1} of {hdu.shape[0]}, group {hdu.shape[1]} minus group 1"


def _why_not(hdus: Sequence[PlanHdu], suffix: str) -> str:
    kinds = {hdu.kind for hdu in hdus if hdu.data_bytes}
    if "compressed" in kinds:
        return (
            f"The image in this file is tile-compressed and larger than the {UNPACKED_BYTES >> 20} MiB unpacked here."
        )
    if "groups" in kinds:
        return "This file holds random groups (interferometer visibilities), not an image."
    if suffix in _SPECTRA and "bintable" in kinds:
        return "This file holds spectra in tables, not an image; Spectrum plots them and Table shows the rows."
    if kinds & {"bintable", "table"}:
        return "This file holds tables, not an image; Table shows their rows."
    if kinds & {"primary", "image"}:
        return "This file holds one-dimensional data, not an image."
    return "This file holds headers only, no data."

"""What the scripts of the viewer are told of a file: its planes, its sky, and what it may be compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, When

from mast import library
from mast.fits.dq import FLAGS
from mast.fits.plan import Plan
from mast.models import DataFile
from mast.visibility import Reader

MOST_CANDIDATES = 60
MOST_LOOKED_AT = 2000
NEAR_DEG = 0.5


@dataclass(frozen=True)
class Candidate:
    """A file whose picture may lie on the same piece of sky."""

    pk: int
    file_name: str


def of(file: DataFile, info: dict[str, Any]) -> dict[str, Any]:
    """The scene of one file; `info` is `services.cube_info` of the plane that is shown first."""
    return {
        "file": {"id": file.pk, "name": file.file_name, "v": file.sha256[:12], "observation": file.observation.obs_id},
        "api": f"/api/files/{file.pk}",
        "info": info,
        "flags": FLAGS,
    }


def remote(plan: Plan, hdu: int) -> dict[str, Any] | None:
    """The picture of a remote file, seen at reduced size only; None where the HDU holds none."""
    # numpy is loaded when the first picture is looked at, not when the web process starts.
    from mast.fits.cube import wcs_record
    from mast.fits.wcs import image_wcs

    image = plan.hdu(hdu)
    if not image.is_image:
        return None
    wcs = image_wcs(plan, image)
    height, width = image.shape[-2:]
    return {"width": width, "height": height, "unit": image.unit, "wcs": wcs_record(wcs) if wcs else None}


def neighbours(image: dict[str, Any]) -> list[tuple[str, str]]:
    """The planes before and after along each axis, as words and text, for pages without scripts."""
    at = [axis["at"] for axis in image["axes"]]
    if not at or None in at:
        return [("First plane", ",".join("0" for _ in at))] if at else []
    found = []
    for number, axis in enumerate(image["axes"]):
        for word, step in (("before", -1), ("after", 1)):
            index = at[number] + step
            if 0 <= index < axis["length"]:
                plane = [*at[:number], index, *at[number + 1 :]]
                found.append((f"{axis['name']} {word}".capitalize(), ",".join(str(part) for part in plane)))
    return found


def candidates(file: DataFile, user: Reader) -> list[Candidate]:
    """Pictures of the sky nearby, those of the same program first, then the highest level."""
    here = _reference(file.wcs)
    if here is None:
        return []
    files = library.visible_files(user).filter(_around(*here), is_viewable=True).exclude(pk=file.pk)
    is_other = Case(When(observation__proposal_id=file.observation.proposal_id, then=0), default=1)
    rows = files.order_by(is_other, "-calib_level", "file_name").values_list("pk", "file_name", "wcs")
    found = []
    for pk, file_name, wcs in rows[:MOST_LOOKED_AT]:
        there = _reference(wcs)
        if there and _distance(here, there) < NEAR_DEG:
            found.append(Candidate(pk, file_name))
    return found[:MOST_CANDIDATES]


def _around(ra_deg: float, dec_deg: float) -> Q:
    """Observations whose middle lies in a box that holds the circle, with room for reference points off the middle."""
    reach = 2 * NEAR_DEG
    near = Q(observation__s_dec_deg__range=(dec_deg - reach, dec_deg + reach))
    cosine = math.cos(math.radians(min(90.0, abs(dec_deg) + reach)))
    if cosine * 180 <= reach:
        return near
    low, high = ra_deg - reach / cosine, ra_deg + reach / cosine
    inside = Q(observation__s_ra_deg__range=(low, high))
    if low < 0:
        inside |= Q(observation__s_ra_deg__gte=low + 360)
    if high > 360:
        inside |= Q(observation__s_ra_deg__lte=high - 360)
    return near & inside


def _reference(wcs: dict[str, Any] | None) -> tuple[float, float] | None:
    try:
        return float((wcs or {})["CRVAL1"]), float((wcs or {})["CRVAL2"])
    except (KeyError, TypeError, ValueError):
        return None


def _distance(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Great circle between two places in degrees, exact for small ones too."""
    (ra1, dec1), (ra2, dec2) = ((math.radians(ra), math.radians(dec)) for ra, dec in (first, second))
    half = math.sin((dec2 - dec1) / 2) ** 2 + math.cos(dec1) * math.cos(dec2) * math.sin((ra2 - ra1) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))

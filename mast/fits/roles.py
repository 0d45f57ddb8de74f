"""What the images of a JWST file are for, and how each is drawn. Standard library only.

Source: the JWST pipeline's data products; names of extensions as `jwst.datamodels` writes them.
"""

from __future__ import annotations

from typing import Final

from mast.fits.plan import Plan, PlanHdu

_ROLES: Final = {
    "science": "SCI CTRD FIT RESID N_CTRD N_FIT N_RESID ZEROFRAME SHUTTER_IMAGE PRIMARY",
    "error": "ERR",
    "quality": "DQ PIXELDQ GROUPDQ",
    "weight": "WHT WMAP AREA FLATFIELD_POINT FLATFIELD_UNIFORM PATHLOSS_PS PATHLOSS_UN BARSHADOW",
    "context": "CON",
}
_ROLE_OF: Final = {name: role for role, names in _ROLES.items() for name in names.split()}
_FLAGS: Final = frozenset({"quality", "context"})


def role_of(hdu: PlanHdu) -> str:
    """`science`, `error`, `variance`, `quality`, `weight`, `context`, or `other`."""
    if hdu.name.startswith("VAR_"):
        return "variance"
    return _ROLE_OF.get(hdu.name, "other")


def draw_of(plan: Plan, hdu: PlanHdu) -> str:
    """How an image is drawn: `values`, `labels` (each number a colour), or `flags` (each bit a colour)."""
    if plan.view.is_labels and hdu.index == plan.view.hdu:
        return "labels"
    is_whole = hdu.bitpix > 0 and hdu.bscale == 1.0
    return "flags" if is_whole and role_of(hdu) in _FLAGS else "values"


def quality_of(plan: Plan, image: PlanHdu) -> PlanHdu | None:
    """The quality flags that belong to an image: of the same version and size."""
    for name in ("DQ", "GROUPDQ", "PIXELDQ"):
        quality = plan.find(name, image.ver)
        if quality is None or not quality.is_image or quality.index == image.index:
            continue
        if quality.shape == image.shape or (len(quality.shape) == 2 and quality.shape == image.shape[-2:]):
            return quality
    return None

"""What the images of a JWST file are for, and how each is drawn. Standard library only.

Source: the JWST pipeline's data products; names of extensions as `jwst.datamodels` writes them.
"""

from __future__ import annotations

from typing import Final

from mast.fits.plan import Plan, Plane, PlanHdu
from mast.terms import suffix_of

_ROLES: Final = {
    "science": "SCI CTRD FIT RESID N_CTRD N_FIT N_RESID ZEROFRAME SHUTTER_IMAGE PRIMARY",
    "error": "ERR",
    "quality": "DQ PIXELDQ GROUPDQ",
    "weight": "WHT WMAP AREA FLATFIELD_POINT FLATFIELD_UNIFORM PATHLOSS_PS PATHLOSS_UN BARSHADOW",
    "context": "CON",
}
_ROLE_OF: Final = {name: role for role, names in _ROLES.items() for name in names.split()}
_FLAGS: Final = frozenset({"quality", "context"})
_RAMPS: Final = frozenset({"uncal", "ramp", "dark"})
_AXES: Final = {"psfalign": ("integration", "reference"), "fitopt": ("integration", "segment")}
_THIRD_AXES: Final = {
    "trapsfilled": "trap family",
    "psfstack": "reference",
    "psfalign": "reference",
    "s3d": "wavelength",
    "dark": "group",
}
_WITH_INTEGRATIONS: Final = frozenset(
    {"uncal", "ramp", "rateints", "calints", "crfints", "bsubints", "psfsub", "amilg"}
)
_WAVES: Final = ("WAVE", "AWAV", "FREQ", "VRAD", "VOPT", "VELO")


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


def is_ramp(suffix: str, image: PlanHdu) -> bool:
    """Whether an image is [integration, group, y, x], read again and again while light is collected."""
    return len(image.shape) == 4 and suffix in _RAMPS


def axis_names(suffix: str, image: PlanHdu) -> tuple[str, ...]:
    """What the leading axes of an image are, outermost first."""
    leading = len(image.shape) - 2
    if is_ramp(suffix, image):
        return "integration", "group"
    if leading == 1:
        if suffix in _WITH_INTEGRATIONS:
            return ("integration",)
        return ("plane" if image.name == "CON" else _THIRD_AXES.get(suffix, "plane"),)
    named = _AXES.get(suffix, ())
    return named if len(named) == leading else tuple(f"axis {number}" for number in range(leading + 2, 2, -1))


def spectral_type(plan: Plan, image: PlanHdu) -> str:
    """`WAVE-TAB` or the like of a cube [wavelength, y, x]; empty of all else.

    Spectra of integrations name the wavelength as their third axis too, where the third axis of pixels is another.
    """
    if len(image.shape) != 3 or axis_names(suffix_of(plan.file_name), image) == ("integration",):
        return ""
    science = plan.find("SCI", image.ver)
    cards = plan.wcs_cards(image) if science is None or science.shape == image.shape else {}
    kind = str(cards.get("CTYPE3") or "").upper()
    return kind if kind[:4] in _WAVES else ""


def qualities_of(plan: Plan, image: PlanHdu, plane: Plane) -> list[tuple[PlanHdu, Plane]]:
    """The planes of flags that belong to a plane, those of all groups (PIXELDQ) among them; joined they are its flags.

    They are of the same version and size. The flags of a difference of groups are those of the last one.
    """
    found: list[tuple[PlanHdu, Plane]] = []
    for name in ("DQ", "GROUPDQ", "PIXELDQ"):
        quality = plan.find(name, image.ver)
        if quality is None or not quality.is_image or quality.index == image.index:
            continue
        if len(quality.shape) == 2 and quality.shape == image.shape[-2:]:
            found.append((quality, ()))
        elif quality.shape == image.shape and (at := _numbered(image, plane)) is not None:
            found.append((quality, at))
    return found


def _numbered(image: PlanHdu, plane: Plane) -> tuple[int, ...] | None:
    """Indexes of the plane on disk whose flags are those of a plane; None of the median, which is of all."""
    if not isinstance(plane, str):
        return plane
    return (integration_of(plane), image.shape[1] - 1) if plane.startswith("difference") else None


def integration_of(plane: str) -> int:
    """2 of `difference,2`; 0 of `difference`; -1 of what is neither."""
    number = plane.partition(",")[2]
    return int(number) if number.isdigit() and len(number) < 10 else 0 if plane == "difference" else -1

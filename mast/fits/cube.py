"""What can be looked at in a file, and how its chosen plane is drawn: all that a viewer needs to know at first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mast.fits.axes import Axis, axes_of
from mast.fits.options import plane_text
from mast.fits.plan import Plan, Plane, PlanHdu
from mast.fits.planes import choose_plane, made_planes
from mast.fits.pyramid import TILE, Pyramid, level_count
from mast.fits.roles import draw_of, integration_of, qualities_of, role_of
from mast.fits.views import describe
from mast.fits.wcs import TanWcs, image_wcs
from mast.fitswalk import read_header
from mast.terms import suffix_of

MAX_SOURCES: Final = 2000
"""whose headers are read for their names"""
_SOURCE_CARDS: Final = {"SLTNAME": "slit", "SOURCEID": "source", "SPORDER": "order", "SLITID": "slit"}


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """One image of a file."""

    hdu: int
    name: str
    ver: int
    label: str
    role: str
    draw: str
    unit: str
    width: int
    height: int
    axes: list[Axis]
    planes: list[str]
    """planes that are made, beside the numbered ones"""
    is_compressed: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One of several images of the same name: a slit, a source, an order."""

    hdu: int
    ver: int
    label: str


@dataclass(frozen=True, slots=True)
class TableChoice:
    hdu: int
    name: str
    ver: int
    label: str
    rows: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    hdu: int
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class SelectedAxis:
    """An axis with the place on it that is shown; None of a plane that is made of all."""

    name: str
    length: int
    unit: str
    values: list[float]
    at: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """The chosen plane."""

    hdu: int
    plane: str
    label: str
    role: str
    draw: str
    unit: str
    width: int
    height: int
    tile_size: int
    levels: int
    limits: dict[str, tuple[float, float]] | None
    finite: int
    not_finite: int
    axes: list[SelectedAxis]
    quality_hdu: int | None
    wcs: dict[str, Any] | None
    scale: float | None
    """arcseconds of a pixel at the middle"""
    north: float | None
    east: float | None


@dataclass(frozen=True, slots=True)
class CubeInfo:
    file_name: str
    kind: str
    title: str
    hdu: int
    plane: str
    images: list[ImageChoice]
    versions: list[Version]
    tables: list[TableChoice]
    left: list[LeftOut]
    image: Shown | None = field(default=None)


def describe_file(path: str | Path, plan: Plan, hdu: int | None = None, plane: Plane | None = None) -> CubeInfo:
    """Everything but the pixels; costs a few header reads."""
    image, chosen = choose_plane(plan, hdu, plane)
    images = [each for each in plan.hdus if each.is_image]
    return CubeInfo(
        file_name=plan.file_name,
        kind=plan.kind,
        title=describe(suffix_of(plan.file_name), image, chosen),
        hdu=image.index,
        plane=plane_text(chosen),
        images=[_choice(plan, each) for each in images],
        versions=_versions(path, [each for each in images if each.name == image.name]),
        tables=[
            TableChoice(each.index, each.name, each.ver, each.label, each.shape[0])
            for each in plan.hdus
            if each.is_table
        ],
        left=[
            LeftOut(each.index, each.label, _why_left(each))
            for each in plan.hdus
            if each.data_bytes and not (each.is_image or each.is_table)
        ],
    )


def _choice(plan: Plan, image: PlanHdu) -> ImageChoice:
    height, width = image.shape[-2:]
    return ImageChoice(
        hdu=image.index,
        name=image.name,
        ver=image.ver,
        label=image.label,
        role=role_of(image),
        draw=draw_of(plan, image),
        unit=image.unit,
        width=width,
        height=height,
        axes=[Axis("", length) for length in image.shape[:-2]],
        planes=made_planes(plan, image),
        is_compressed=image.kind == "compressed",
    )


def _why_left(hdu: PlanHdu) -> str:
    if hdu.kind == "compressed":
        return "a tile-compressed image"
    if len(hdu.shape) < 2 and hdu.kind in {"primary", "image"}:
        return "one-dimensional data"
    return "neither an image nor a table that can be shown"


def _versions(path: str | Path, images: list[PlanHdu]) -> list[Version]:
    """Which slit, source or order each image of the same name is; empty when there is but one."""
    if len(images) < 2:
        return []
    return [Version(image.index, image.ver, _source_of(path, image) or image.label) for image in images[:MAX_SOURCES]]


def _source_of(path: str | Path, image: PlanHdu) -> str:
    header = read_header(path, image.header_offset)
    parts = [f"{word} {header[keyword]}" for keyword, word in _SOURCE_CARDS.items() if header.get(keyword) is not None]
    return ", ".join(dict.fromkeys(parts))[:100]


def shown(path: str | Path, plan: Plan, pyramid: Pyramid, hdu: int | None = None, plane: Plane | None = None) -> Shown:
    """The chosen plane with what its pyramid knows."""
    image, chosen = choose_plane(plan, hdu, plane)
    height, width = pyramid.shape
    facts = pyramid.facts
    qualities = qualities_of(plan, image, chosen)
    wcs = image_wcs(plan, image)
    middle = ((width - 1) / 2, (height - 1) / 2)
    north, east = _directions(wcs, middle)
    return Shown(
        hdu=image.index,
        plane=plane_text(chosen),
        label=image.label,
        role=role_of(image),
        draw=facts.draw,
        unit=image.unit,
        width=width,
        height=height,
        tile_size=TILE,
        levels=level_count(pyramid.shape),
        limits={"zscale": facts.zscale, "minmax": (facts.minimum, facts.maximum)} if facts.draw == "values" else None,
        finite=facts.finite,
        not_finite=height * width - facts.finite,
        axes=_selected(axes_of(path, plan, image), chosen),
        quality_hdu=qualities[0][0].index if qualities else None,
        wcs=wcs_record(wcs) if wcs else None,
        scale=wcs.scale_arcsec(*middle) if wcs else None,
        north=north,
        east=east,
    )


def _directions(wcs: TanWcs | None, at: tuple[float, float]) -> tuple[float | None, float | None]:
    return wcs.north_east(*at) if wcs else (None, None)


def _selected(axes: list[Axis], plane: Plane) -> list[SelectedAxis]:
    places: list[int | None] = [None] * len(axes) if isinstance(plane, str) else list(plane)
    if isinstance(plane, str) and plane.startswith("difference"):
        places[0] = integration_of(plane)
    return [
        SelectedAxis(axis.name, axis.length, axis.unit, axis.values, at) for axis, at in zip(axes, places, strict=True)
    ]


def wcs_record(wcs: TanWcs) -> dict[str, Any]:
    distortion = wcs.distortion
    return {
        "crpix": list(wcs.reference_pixel),
        "crval": list(wcs.reference_sky),
        "cd": wcs.matrix.tolist(),
        "lonpole": wcs.pole,
        "sip": {"a": distortion[0].tolist(), "b": distortion[1].tolist()} if distortion else None,
    }

"""What a file's image shows: pictures and tiles of any plane, its flags. Made of content, kept by content."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from mast import answers, errors, services
from mast.api.access import reading
from mast.api.kept import Hdu, PlaneText, Version, kept, kept_json, plane_of, seen_file
from mast.fits.options import MIME_TYPES, NAN_COLOUR, Look, parse_limits
from mast.schemas import viewer as schemas
from mast.schemas.errors import FILE_PROBLEMS

router = Router(tags=["pictures"], auth=reading, by_alias=True)
RAW = "f32"
Format = Literal["png", "jpeg", "webp"]


class LookQuery(BaseModel):
    """How values become colours."""

    stretch: str = Field("asinh", max_length=20, description="asinh, linear, log, sqrt, power or histeq")
    limits: str = Field(
        "zscale",
        max_length=60,
        description="zscale, minmax, percentile:99.5, percentile:1,99, or two values: 0.1,5",
        examples=["percentile:99.5"],
    )
    gamma: float = Field(1.0, description="0.1 to 10; the level to the power of 1/gamma, after the stretch")
    cmap: str = Field(
        "gray", max_length=30, description="a map of matplotlib's, `_r` after it inverts", examples=["inferno"]
    )
    nan: str = Field(NAN_COLOUR, max_length=11, description="the colour of NaN as RRGGBB, or transparent")

    def to_look(self) -> Look:
        return Look(self.stretch, parse_limits(self.limits), self.gamma, self.cmap, self.nan)


class PictureQuery(LookQuery):
    """A picture of a whole plane, or of the part between two corners in array pixels, `x1` and `y1` outside."""

    width: int = Field(1024, ge=1, le=8000, description="of the longer side, at most", examples=[800])
    x0: int | None = Field(None, ge=0, le=10_000_000, description="array pixels from 0, y from the bottom")
    y0: int | None = Field(None, ge=0, le=10_000_000)
    x1: int | None = Field(None, ge=1, le=10_000_000)
    y1: int | None = Field(None, ge=1, le=10_000_000)
    format: Format = "png"

    def corners(self) -> tuple[int, int, int, int] | None:
        """All four or none."""
        given = [corner for corner in (self.x0, self.y0, self.x1, self.y1) if corner is not None]
        if len(given) not in {0, 4}:
            raise errors.BadQuery("A part of an image has four corners: x0, y0, x1 and y1.")
        return (given[0], given[1], given[2], given[3]) if given else None


@router.get("/{int:file_id}/cubeinfo", response={200: schemas.CubeInfoRecord, **FILE_PROBLEMS})
def cubeinfo(
    request: HttpRequest, file_id: int, hdu: Hdu = None, plane: PlaneText = "", v: Version = ""
) -> HttpResponse:
    """The images, planes and tables of a file, and how the chosen plane is drawn: size, levels, limits, WCS."""
    file = seen_file(request, file_id)

    def made() -> dict[str, Any]:
        found: dict[str, Any] = answers.camel(services.cube_info(file, hdu, plane_of(plane)))
        return found | {"sha256": file.sha256, "v": file.sha256[:12]}

    return kept_json(request, file, made)


@router.get("/{int:file_id}/preview", response={200: None, **FILE_PROBLEMS})
def preview(
    request: HttpRequest,
    file_id: int,
    query: Query[PictureQuery],
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """A picture of the file's image or of a part of it; a PNG carries the WCS of its own pixels as text."""
    file = seen_file(request, file_id)
    options: dict[str, Any] = {"width": query.width, "fmt": query.format, "corners": query.corners()}
    options |= {"hdu": hdu, "plane": plane_of(plane)}
    return kept(request, file, lambda: services.picture_of(file, query.to_look(), **options))


@router.get("/{int:file_id}/thumbnail", response={200: None, **FILE_PROBLEMS})
def thumbnail(request: HttpRequest, file_id: int, v: Version = "") -> HttpResponse:
    """A WebP picture of what View shows first, at most 256 pixels a side."""
    file = seen_file(request, file_id)
    return kept(request, file, lambda: (services.file_thumbnail(file), MIME_TYPES["webp"]))


TilePlace = Annotated[int, Field(ge=0, le=100_000)]


@router.get("/{int:file_id}/tile/{int:z}/{int:x}/{int:y}", response={200: None, **FILE_PROBLEMS})
def tile(
    request: HttpRequest,
    file_id: int,
    z: TilePlace,
    x: TilePlace,
    y: TilePlace,
    query: Query[LookQuery],
    format: Literal["jpeg", "png", "webp", "f32"] = "jpeg",  # noqa: A002 - the name callers send
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """256 x 256 pixels of a plane made 2^z times smaller, x from the left, y from the top.

    `f32` are the values themselves, little-endian, the top row first; `X-Shape` says how many rows and columns.
    """
    file = seen_file(request, file_id)
    if format != RAW:
        look = query.to_look()
        made = lambda: services.tile_of(file, look, (z, x, y), fmt=format, hdu=hdu, plane=plane_of(plane))  # noqa: E731
        return kept(request, file, made)
    shape: list[str] = []

    def raw() -> tuple[bytes, str]:
        values = services.tile_values(file, (z, x, y), hdu=hdu, plane=plane_of(plane))
        shape.append(",".join(str(length) for length in values.shape))
        return values.tobytes(), "application/octet-stream"

    response = kept(request, file, raw)
    if shape:
        response["X-Shape"] = shape[0]
    return response


# --- quality flags ----------------------------------------------------------------------------------------------


@router.get("/{int:file_id}/dq", response={200: schemas.FlagsRecord, **FILE_PROBLEMS})
def flags(request: HttpRequest, file_id: int, hdu: Hdu = None, plane: PlaneText = "", v: Version = "") -> HttpResponse:
    """The quality flags that occur in the plane that belongs to an image, each with its name, count and colour."""
    file = seen_file(request, file_id)
    return kept_json(request, file, lambda: answers.camel(services.flags_of(file, hdu, plane_of(plane))))


@router.get("/{int:file_id}/dq/{int:z}/{int:x}/{int:y}", response={200: None, **FILE_PROBLEMS})
def flag_tile(
    request: HttpRequest,
    file_id: int,
    z: TilePlace,
    x: TilePlace,
    y: TilePlace,
    bits: Annotated[int, Query(ge=0, le=0xFFFFFFFF, description="the bits to draw, as one number")] = 0xFFFFFFFF,
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """A tile of the quality flags of an image, to be laid over it: transparent PNG."""
    file = seen_file(request, file_id)
    return kept(request, file, lambda: services.flag_tile(file, (z, x, y), bits, hdu=hdu, plane=plane_of(plane)))


# --- cut-outs ---------------------------------------------------------------------------------------------------


@router.get("/{int:file_id}/cutout", response={200: None, **FILE_PROBLEMS})
def cutout(
    request: HttpRequest,
    file_id: int,
    x0: Annotated[int, Query(ge=0, le=10_000_000, description="array pixels from 0, y from the bottom", example=100)],
    y0: Annotated[int, Query(ge=0, le=10_000_000, example=120)],
    x1: Annotated[int, Query(ge=1, le=10_000_000, description="outside the region, as in slices", example=356)],
    y1: Annotated[int, Query(ge=1, le=10_000_000, example=376)],
    hdu: Hdu = None,
    plane: PlaneText = "",
    all: Annotated[bool, Query(description="with the other images of the same size and version")] = False,  # noqa: A002
    v: Version = "",
) -> HttpResponse:
    """A region as a FITS file, its WCS moved along."""
    file = seen_file(request, file_id)
    made = lambda: services.cutout_of(file, (x0, y0, x1, y1), hdu=hdu, plane=plane_of(plane), with_all=all)  # noqa: E731
    response = kept(request, file, made)
    if response.status_code == 200:
        name = f"{file.file_name.removesuffix('.fits')}_{x0}-{x1}_{y0}-{y1}.fits"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

"""What a file shows of itself: its images and planes, pixels, statistics, profiles, tables and spectra."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mast.schemas.base import Record


class Card(Record):
    keyword: str
    value: str | float | int | bool | None
    comment: str


class HduRecord(Record):
    index: int
    name: str
    ver: int
    kind: str


class HduCards(HduRecord):
    cards: list[Card]


class Header(Record):
    hdu: int
    hdus: list[HduRecord]
    cards: list[Card]


class AllHeaders(Record):
    hdus: list[HduCards]


class HeaderCards(Record):
    hdu: int
    cards: list[Card]


class LookHdu(HduRecord):
    label: str
    shape: list[int]
    unit: str
    is_image: bool


class LookRecord(Record):
    uri: str
    viewable: bool
    why: str = Field(description="why there is no picture")
    title: str
    hdu: int | None
    hdus: list[LookHdu]
    total_bytes: int
    bytes_read: int = Field(description="of the remote file, so far")
    bytes_limit: int


# --- what there is ----------------------------------------------------------------------------------------------


class AxisRecord(Record):
    name: str
    length: int
    unit: str
    values: list[float]


class ImageRecord(Record):
    hdu: int
    name: str
    ver: int
    label: str
    role: str = Field(description="science, error, variance, weight, quality, context or other")
    draw: str = Field(description="values, labels or flags")
    unit: str
    width: int
    height: int
    axes: list[AxisRecord]
    planes: list[str] = Field(description="planes that are made, beside the numbered ones")
    is_compressed: bool


class VersionRecord(Record):
    hdu: int
    ver: int
    label: str = Field(description="slit, source, order")


class TableRecord(Record):
    hdu: int
    name: str
    ver: int
    label: str
    rows: int


class LeftRecord(Record):
    hdu: int
    label: str
    why: str


class SelectedAxisRecord(AxisRecord):
    at: int | None = Field(description="the plane shown; null of one that is made of all")


class ShownRecord(Record):
    hdu: int
    plane: str
    label: str
    role: str
    draw: str
    unit: str
    width: int
    height: int
    tile_size: int
    levels: int = Field(description="level z is 2^z times smaller; the last fits one tile")
    limits: dict[str, tuple[float, float]] | None = Field(description="zscale and minmax")
    finite: int
    not_finite: int
    axes: list[SelectedAxisRecord]
    quality_hdu: int | None = Field(description="the quality flags that belong to this plane, the first of them")
    wcs: dict[str, Any] | None = Field(description="gnomonic, with SIP: crpix, crval, cd, lonpole, sip")
    scale: float | None = Field(description="arcseconds of a pixel at the middle")
    north: float | None = Field(description="degrees from the picture's up, counter-clockwise")
    east: float | None


class CubeInfoRecord(Record):
    file_name: str
    kind: str
    title: str
    hdu: int
    plane: str
    images: list[ImageRecord]
    versions: list[VersionRecord] = Field(description="of several images of one name: slits, sources, orders")
    tables: list[TableRecord]
    left: list[LeftRecord] = Field(description="HDUs that are neither, and why")
    image: ShownRecord
    sha256: str
    v: str = Field(description="send it with every picture: caches then keep it for ever")


# --- numbers ----------------------------------------------------------------------------------------------------


class Histogram(Record):
    low: float
    high: float
    counts: list[int] = Field(description="bins of equal width from low to high")
    below: int
    above: int
    not_finite: int
    unusable: int = Field(description="finite, but flagged DO_NOT_USE, NON_SCIENCE or REFERENCE_PIXEL; not counted")
    minimum: float
    maximum: float


class Pixel(Record):
    x: int
    y: int
    fits_x: int = Field(description="counted from 1, as FITS does")
    fits_y: int
    hdu: str
    value: float | None
    unit: str
    ra: float | None = Field(description="ICRS, degrees")
    dec: float | None
    flags: list[str] = Field(description="names of its data-quality bits")
    flag_value: int | None = None
    sexagesimal: str = ""
    others: dict[str, float | None] = Field({}, description="the same pixel of images of the same size and version")
    values: list[list[float | None]] | None = Field(None, description="with `box`: rows around it, the lowest first")
    flag_values: list[list[int | None]] | None = Field(None, description="their data-quality bits, where there are any")


class MemberRecord(Record):
    file_name: str
    role: str
    file_id: int | None = Field(description="when it is in the library")
    obs_id: str = Field(description="what an import would be asked for; empty for a name of no known form")
    calib_level: int


class AssociationProductRecord(Record):
    name: str
    held_count: int
    members: list[MemberRecord]


class MembersRecord(Record):
    products: list[AssociationProductRecord]


class StatisticsRecord(Record):
    count: int = Field(description="finite pixels, which all the numbers below are of")
    good: int = Field(description="those not flagged DO_NOT_USE, NON_SCIENCE or REFERENCE_PIXEL")
    pixels: int
    mean: float | None
    median: float | None
    std: float | None = Field(description="of the population")
    sum: float | None
    min: float | None
    max: float | None
    unit: str
    area_arcsec2: float | None
    ra: float | None = Field(description="of the region's centre, ICRS, degrees")
    dec: float | None


class ProfileRecord(Record):
    distance: list[float] = Field(description="pixels from the start")
    x: list[float]
    y: list[float]
    value: list[float | None]
    unit: str


class AlongCube(Record):
    axis: AxisRecord
    value: list[float | None]
    unit: str


class FlagCount(Record):
    bit: int
    name: str
    count: int
    colour: str


class FlagsRecord(Record):
    hdu: int
    plane: str
    flags: list[FlagCount] = Field(description="bits that occur in the plane")


# --- tables and spectra -----------------------------------------------------------------------------------------


class TableColumn(Record):
    name: str
    unit: str
    type: str
    shape: list[int]
    description: str


class TablePage(Record):
    name: str
    columns: list[TableColumn]
    rows: list[list[Any]] = Field(description="of a cell that is an array its first values")
    start: int
    total: int
    sort: str = Field("", description="the column sorted by, `-` before it for descending")


class SpectrumChoice(Record):
    hdu: int
    row: int | None
    label: str


class SpectrumAnswer(Record):
    label: str
    wavelength: list[float | None]
    flux: list[float | None]
    error: list[float | None]
    wavelength_unit: str
    flux_unit: str
    flux_name: str
    choices: list[SpectrumChoice]


class SpectrumRecord(Record):
    hdu: int
    row: int | None
    label: str
    wavelength: list[float | None]
    flux: list[float | None]
    error: list[float | None]
    wavelength_unit: str
    flux_unit: str
    flux_name: str


class SpectraAnswer(Record):
    spectra: list[SpectrumRecord]
    total: int = Field(description="how many the file has")
    step: int = Field(description="of how many points each given one is the mean; 1 is all")
    wavelength_unit: str
    flux_unit: str
    flux_name: str

"""Bodies of the searches and of the product list, and the envelopes they answer with."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from mast import terms
from mast.archive.query import Query
from mast.archive.sky import parse_coordinates
from mast.errors import BadQuery
from mast.schemas.base import NO_CONTROLS, Body, Envelope, ObsId, level_schema, none_as, read_levels

Radius = Annotated[float, Field(gt=0, le=10, description="degrees")]
Levels = tuple[int, ...] | None
SearchLevels = Annotated[Levels, PlainValidator(read_levels), WithJsonSchema(level_schema("[3]"))]
AnyLevel = Annotated[Levels, PlainValidator(read_levels), WithJsonSchema(level_schema("every level"))]
LEVEL_3 = tuple(int(level) for level in terms.SEARCH_LEVELS)


class TargetSearch(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"targetName": "NGC 3132", "radius": 0.1}]})

    target_name: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROLS)]
    radius: Radius = 0.2
    calib_level: SearchLevels = LEVEL_3

    def to_query(self) -> Query:
        return Query(kind="target", target_name=self.target_name, radius_deg=self.radius, calib_levels=self.calib_level)


def _read_coordinate(value: object, low: float, high: float) -> float | str:
    """A number of degrees, or sexagesimal text that is read together with the other coordinate."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number of degrees, or sexagesimal text")
    if isinstance(value, str):
        text = value.strip()
        if not 1 <= len(text) <= 50:
            raise ValueError("must be a number of degrees, or sexagesimal text of at most 50 characters")
        try:
            value = float(text.replace("−", "-"))
        except ValueError:
            return text
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"must be from {low:g} to {high:g} degrees")
    return float(value)


def _coordinate_schema(low: float, high: float, example: str) -> dict[str, Any]:
    return {
        "anyOf": [{"type": "number", "minimum": low, "maximum": high}, {"type": "string", "maxLength": 50}],
        "description": f"degrees, or sexagesimal text such as {example}",
    }


RightAscension = Annotated[
    float | str,
    PlainValidator(lambda value: _read_coordinate(value, 0, 360)),
    WithJsonSchema(_coordinate_schema(0, 360, "10h07m01.8s")),
]
Declination = Annotated[
    float | str,
    PlainValidator(lambda value: _read_coordinate(value, -90, 90)),
    WithJsonSchema(_coordinate_schema(-90, 90, "-40d26m11s")),
]


class CoordinateSearch(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"ra": 151.755, "dec": -40.437, "radius": 0.1}]})

    ra: RightAscension
    dec: Declination
    radius: Radius = 0.2
    calib_level: SearchLevels = LEVEL_3

    def position(self) -> tuple[float, float]:
        """ICRS right ascension and declination in degrees."""
        if isinstance(self.ra, float) and isinstance(self.dec, float):
            return self.ra, self.dec
        # A plain number beside sexagesimal text is degrees, and has to say so.
        text = " ".join(f"{value!r}d" if isinstance(value, float) else value for value in (self.ra, self.dec))
        try:
            return parse_coordinates(text)
        except BadQuery as exc:
            fields = [{"field": name, "message": exc.message} for name in ("ra", "dec")]
            raise BadQuery(exc.message, fields=fields) from exc

    def to_query(self) -> Query:
        ra_deg, dec_deg = self.position()
        return Query(
            kind="coordinates",
            ra_deg=ra_deg,
            dec_deg=dec_deg,
            radius_deg=self.radius,
            calib_levels=self.calib_level,
        )


SearchedId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=220,
        pattern=r"^(mast:JWST/product/)?[A-Za-z0-9*][A-Za-z0-9._*+-]*$",
        description="an observation or exposure id, or a product's file name; * stands for anything",
    ),
]


class ObservationSearch(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"obsId": "jw02733-o001_t001_nircam_clear-f090w"}]})

    obs_id: SearchedId
    calib_level: AnyLevel = None

    def to_query(self) -> Query:
        return Query(kind="observation", obs_id=self.obs_id, calib_levels=self.calib_level)


def _read_program(value: object) -> str:
    """`2733`, `"2733"`, `"02733"` and `"jw02733"` alike."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a program number, as text or as a number")
    program = terms.program_of(value)
    if not (program.isascii() and program.isdigit() and len(program) <= 5 and int(program)):
        raise ValueError(f"{str(value)[:50]!r} is not a JWST program number, such as 2733")
    return program


ProgramId = Annotated[
    str,
    PlainValidator(_read_program),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 99999},
                {"type": "string", "pattern": r"^(jw)?0*[1-9]\d{0,4}$"},
            ],
            "description": "program number; 2733 and 02733 are the same",
        }
    ),
]


class ProgramSearch(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"programId": "2733"}]})

    program_id: ProgramId
    calib_level: SearchLevels = LEVEL_3

    def to_query(self) -> Query:
        return Query(kind="program", program_id=self.program_id, calib_levels=self.calib_level)


class WhatsNew(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"daysBack": 7, "instrument": "NIRCAM", "limit": 50}]})

    days_back: Annotated[int, Field(ge=1, le=365)] = 7
    instrument: Annotated[str, Field(max_length=64, pattern=NO_CONTROLS), none_as("")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    def to_query(self) -> Query:
        return Query(
            kind="recent",
            days_back=self.days_back,
            instrument=self.instrument,
            limit=self.limit,
            offset=self.offset,
            calib_levels=LEVEL_3,
        )


ProductType = Annotated[str, Field(pattern=r"^[A-Za-z_]{0,32}$", description="MAST's productType, such as SCIENCE")]


class ProductQuery(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"obsId": "jw02733-o001_t001_nircam_clear-f090w", "calibLevel": [3], "productType": "SCIENCE"}]
        }
    )

    obs_id: ObsId
    calib_level: AnyLevel = None
    product_type: Annotated[ProductType, none_as("")] = ""


# --- answers ----------------------------------------------------------------------------------------------------


class ResolvedTarget(Envelope):
    name: str
    canonical_name: str
    ra: float
    dec: float
    sexagesimal: str
    resolver: str


class SearchEnvelope(Envelope):
    """A search's rows keep MAST's own column names; numbers MAST left out are null."""

    search_type: Literal["target", "coordinates", "observation", "program", "recent_releases"]
    query_params: dict[str, Any]
    results: list[dict[str, Any]]
    result_count: int
    timestamp: datetime
    resolved: ResolvedTarget | None = None
    other_levels: dict[str, int] = Field(description="how many rows there are at levels not asked for")
    exclusive_count: int
    planned_count: int
    level3_holding: int | None = Field(description="for Levels 1 and 2: how many Level 3 observations hold such files")
    in_library: dict[str, int] = Field(description="held files of each obs_id of the answer")
    notes: list[str]
    suggestions: list[str]
    cached_at: datetime | None = Field(default=None, description="set when MAST is down and this is an earlier answer")


class LeftOut(Envelope):
    filename: str
    reason: str


class ProductEnvelope(Envelope):
    """The rows keep MAST's own column names."""

    obs_id: str
    products: list[dict[str, Any]]
    product_count: int
    total_bytes: int
    left_out: list[LeftOut]

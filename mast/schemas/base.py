"""What every body and answer of the API shares: camelCase names, strict types, plain sentences for what is wrong."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mast import terms

NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]*$"
OBS_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$"


class Body(BaseModel):
    """What a caller sends. Unknown keys are ignored: older scripts send some."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        alias_generator=to_camel,
        str_strip_whitespace=True,
        allow_inf_nan=False,
    )


class Record(BaseModel):
    """What a caller gets, in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Envelope(BaseModel):
    """What a search gives: snake_case around MAST's own rows."""

    model_config = ConfigDict(extra="forbid")


ObsId = Annotated[str, Field(min_length=1, max_length=200, pattern=OBS_ID, description="MAST's name of an observation")]


def read_levels(value: object) -> tuple[int, ...] | None:
    """`calibLevel` as a sorted tuple; None is every level. A single number is a list of one."""
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    known = {int(level) for level in terms.CalibLevel}
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int) or item not in known:
            raise ValueError(f"{item!r} is not a calibration level; the levels are −1, 0, 1, 2, 3 and 4")
    if not items:
        raise ValueError("is an empty list; leave it out, or send null for every level")
    return tuple(sorted(set(items)))


def level_schema(left_out: str) -> dict[str, Any]:
    """The JSON schema of a `calibLevel` field; `left_out` says what leaving it out means."""
    level = {"type": "integer", "minimum": -1, "maximum": 4}
    return {
        "anyOf": [{"type": "array", "items": level, "minItems": 1}, level, {"type": "null"}],
        "description": f"calibration levels; null is every level, left out is {left_out}",
    }


def none_as(default: object) -> BeforeValidator:
    """Null means the same as leaving the field out."""
    return BeforeValidator(lambda value: default if value is None else value)

"""What a user may ask of MAST, as a value: checked, comparable, and the key of its cached answer."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from mast import errors, terms
from mast.archive import names

Kind = Literal["target", "coordinates", "observation", "program", "recent"]

LARGEST_RADIUS_DEG = 10.0
LONGEST_NAME = 200
MOST_DAYS_BACK = 365
MOST_RECENT = 200
_OBSERVATION_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._*:/-]{1,299}")
_INSTRUMENT = re.compile(r"[A-Za-z][A-Za-z/-]{1,30}")


@dataclass(frozen=True, kw_only=True)
class Query:
    """One search. Only the fields of its kind count.

    Parameters
    ----------
    calib_levels : levels the rows themselves may have; None for every level
    """

    kind: Kind
    target_name: str = ""
    ra_deg: float | None = None
    dec_deg: float | None = None
    radius_deg: float = 0.2
    obs_id: str = ""
    program_id: str = ""
    calib_levels: tuple[int, ...] | None = (terms.CalibLevel.SCIENCE,)
    days_back: int = 7
    instrument: str = ""
    limit: int = 50
    offset: int = 0

    def to_params(self) -> dict[str, Any]:
        """The query as answers repeat it, `query_params`."""
        return _PARAMS[self.kind](self) | (
            {} if self.kind == "recent" else {"calib_level": self.calib_levels and [int(n) for n in self.calib_levels]}
        )

    def key(self) -> str:
        """The same for queries that mean the same, in hex."""
        params = self.to_params()
        if self.kind == "target":
            params["target_name"] = names.lookup_key(self.target_name)
        elif self.kind == "observation":
            params["obs_id"] = self.obs_id.strip().lower()
        elif self.kind == "program":
            params["program_id"] = terms.program_of(self.program_id)
        if params.get("calib_level"):
            params["calib_level"] = sorted(set(params["calib_level"]))
        text = json.dumps([self.kind, params], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self) -> None:
        """Refuse what cannot be asked.

        Raises
        ------
        BadQuery : with `fields`, a sentence for each value that cannot be used
        """
        problems = _CHECKS[self.kind](self) | _level_problems(self)
        if problems:
            raise errors.BadQuery(" ".join(problems.values()), fields=problems)

    def wants(self, level: int | None) -> bool:
        return self.calib_levels is None or level in self.calib_levels


_PARAMS = {
    "target": lambda query: {"target_name": query.target_name, "radius": query.radius_deg},
    "coordinates": lambda query: {"ra": query.ra_deg, "dec": query.dec_deg, "radius": query.radius_deg},
    "observation": lambda query: {"obs_id": query.obs_id},
    "program": lambda query: {"program_id": query.program_id},
    "recent": lambda query: {
        "days_back": query.days_back,
        "instrument": query.instrument or None,
        "limit": query.limit,
        "offset": query.offset,
    },
}


def _target_problems(query: Query) -> dict[str, str]:
    problems = _radius_problems(query)
    name = query.target_name.strip()
    if not name:
        problems["target_name"] = "Give a target name, NGC 3132 say."
    elif len(name) > LONGEST_NAME:
        problems["target_name"] = f"A target name has at most {LONGEST_NAME} characters."
    elif not name.isprintable():
        problems["target_name"] = "A target name has no control characters."
    return problems


def _coordinate_problems(query: Query) -> dict[str, str]:
    problems = _radius_problems(query)
    if query.ra_deg is None or not 0 <= query.ra_deg <= 360:
        problems["ra_deg"] = "The right ascension is between 0 and 360 degrees."
    if query.dec_deg is None or not -90 <= query.dec_deg <= 90:
        problems["dec_deg"] = "The declination is between −90 and 90 degrees."
    return problems


def _radius_problems(query: Query) -> dict[str, str]:
    radius = query.radius_deg
    if math.isfinite(radius) and 0 < radius <= LARGEST_RADIUS_DEG:
        return {}
    return {"radius_deg": f"The radius is more than 0 and at most {LARGEST_RADIUS_DEG:g} degrees."}


def _observation_problems(query: Query) -> dict[str, str]:
    if _OBSERVATION_TEXT.fullmatch(query.obs_id.strip()):
        return {}
    return {
        "obs_id": "An observation id is letters, digits, dashes and underscores, "
        "jw02733-o001_t001_nircam_clear-f090w say; * stands for anything."
    }


def _program_problems(query: Query) -> dict[str, str]:
    program = terms.program_of(query.program_id)
    if program.isascii() and program.isdigit() and len(program) <= 5:
        return {}
    return {"program_id": "A program is a number of up to five digits, 2733 say."}


def _recent_problems(query: Query) -> dict[str, str]:
    problems = {}
    if not 1 <= query.days_back <= MOST_DAYS_BACK:
        problems["days_back"] = f"The days back are between 1 and {MOST_DAYS_BACK}."
    if not 1 <= query.limit <= MOST_RECENT:
        problems["limit"] = f"The limit is between 1 and {MOST_RECENT}."
    if query.offset < 0:
        problems["offset"] = "The offset is 0 or more."
    if query.instrument and not _INSTRUMENT.fullmatch(query.instrument):
        problems["instrument"] = "The instrument is one of NIRCAM, MIRI, NIRISS, NIRSPEC and FGS."
    return problems


def _level_problems(query: Query) -> dict[str, str]:
    levels = query.calib_levels
    if levels is None:
        return {}
    if not levels:
        return {"calib_levels": "Choose at least one calibration level, or none for every level."}
    if all(level in set(terms.CalibLevel) for level in levels):
        return {}
    return {"calib_levels": "A calibration level is a number between −1 and 4."}


_CHECKS = {
    "target": _target_problems,
    "coordinates": _coordinate_problems,
    "observation": _observation_problems,
    "program": _program_problems,
    "recent": _recent_problems,
}

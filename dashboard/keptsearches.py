"""Searches whose answers are kept, as links: what there is to look at while MAST is down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mast import services


@dataclass(frozen=True)
class Kept:
    """One of them; `words` say what was asked."""

    words: str
    address: str
    at: dt.datetime
    count: int


def latest() -> list[Kept]:
    return [_kept(asked, at, count) for asked, at, count in services.kept_searches()]


def _kept(asked: Mapping[str, Any], at: dt.datetime, count: int) -> Kept:
    kind = str(asked.get("kind", ""))
    words = {
        "target": str(asked.get("target_name", "")),
        "coordinates": f"{asked.get('ra')} {asked.get('dec')}",
        "observation": str(asked.get("obs_id", "")),
        "program": str(asked.get("program_id", "")),
    }.get(kind, "")
    query = {"kind": kind, "q": words}
    if asked.get("radius"):
        query["radius"] = str(asked["radius"])
    if asked.get("calib_level") is None and kind != "observation":
        query["all_levels"] = "on"
    name = f"program {words}" if kind == "program" else words
    return Kept(name, f"/search/?{urlencode(query)}", at, count)

"""MAST's envelopes and columns, as small as a test needs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.liar import Asked, Pieces, as_json

_TYPES = {
    "obs_collection": "char",
    "obs_id": "char",
    "obsid": "long",
    "proposal_id": "char",
    "calib_level": "int",
    "instrument_name": "char",
    "target_name": "char",
    "t_obs_release": "double",
}
COLUMNS = {name: {"text": name, "vot.datatype": kind} for name, kind in _TYPES.items()}


def envelope(
    rows: list[Any], *, page: int = 1, pages: int = 1, total: int | None = None, **parts: Any
) -> dict[str, Any]:
    paging = {"page": page, "pageSize": 50_000, "pagesFiltered": pages, "rows": len(rows)}
    paging["rowsFiltered"] = paging["rowsTotal"] = len(rows) if total is None else total
    return {"status": "COMPLETE", "msg": "", "data": rows, "fields": [], "paging": paging} | parts


def observation(number: int, **columns: Any) -> dict[str, Any]:
    """An observation row like MAST's, its numbers as MAST types them."""
    return {
        "obs_id": f"jw02733-o{number:03d}_t001_nircam_clear-f090w",
        "obsid": str(87_600_000 + number),
        "calib_level": 3,
        "proposal_id": "2733",
        "instrument_name": "NIRCAM/IMAGE",
        "target_name": "NGC-3132",
        "t_min": 59733.7,
        "t_obs_release": 59773.6,
        "dataRights": "PUBLIC",
        "_selected_": None,
    } | columns


def mast(invoke: Callable[[Asked], Pieces], **others: Callable[[Asked], Pieces]) -> Callable[[Asked], Pieces]:
    """An answer by address: columns are told truthfully, `invoke` answers queries, `others` what they name."""

    def answer(asked: Asked) -> Pieces:
        for part, handler in others.items():
            if part in asked.path:
                return handler(asked)
        return as_json(COLUMNS) if "columnsconfig" in asked.path else invoke(asked)

    return answer


def body_of(value: object) -> bytes:
    return json.dumps(value).encode()

"""The Mashup service: one JSON request in, one envelope out, as `POST /api/v0/invoke` answers it."""

from __future__ import annotations

import math
import re
from typing import Any, Protocol

from mast.practice import columns, sphere
from mast.practice.columns import Row
from mast.practice.filters import BadFilter, select

Fields = dict[str, str]


class Holdings(Protocol):
    """What the portal answers from: the practice archive's own catalogue or recorded rows."""

    def observations(self) -> list[Row]: ...

    def region(self, obsid: str) -> tuple[sphere.Shape, ...]: ...

    def products(self, obsid: str) -> list[Row]: ...

    def resolve(self, name: str) -> list[Row]: ...


class BadRequest(ValueError):
    """A request MAST would answer with status ERROR and this sentence."""


_COUNT = re.compile(r"COUNT(_BIG)?\(\*\)", re.IGNORECASE)


def answer(request: Row, holdings: Holdings) -> Row:
    """The envelope for one request; errors are envelopes too, with status ERROR."""
    try:
        rows, fields = _serve(request, holdings)
    except (BadRequest, BadFilter) as error:
        return {"status": "ERROR", "msg": str(error), "data": [], "fields": [], "paging": {}}
    return envelope(rows, fields, int(request.get("page") or 1), int(request.get("pagesize") or 50_000))


def envelope(rows: list[Row], fields: Fields, page: int, page_size: int) -> Row:
    """One page of rows in MAST's wrapping; `pagesFiltered` is how a client knows to ask for more."""
    page_size = max(1, page_size)
    shown = rows[(page - 1) * page_size : page * page_size]
    total = len(rows)
    return {
        "status": "COMPLETE",
        "msg": "",
        "data": [{name: row.get(name) for name in fields} for row in shown],
        "fields": [{"name": name, "type": kind} for name, kind in fields.items()],
        "paging": {
            "page": page,
            "pageSize": page_size,
            "pagesFiltered": max(1, math.ceil(total / page_size)),
            "rows": len(shown),
            "rowsFiltered": total,
            "rowsTotal": total,
        },
    }


def _serve(request: Row, holdings: Holdings) -> tuple[list[Row], Fields]:
    service = str(request.get("service", ""))
    params = request.get("params") or {}
    if service == "Mast.Caom.Filtered":
        rows = select(holdings.observations(), _filters(params), columns.OBSERVATION)
        return _counted(rows, params, columns.FILTERED)
    if service == "Mast.Caom.Filtered.Position":
        near = _near(holdings, *_position(params))
        return _counted(select(near, _filters(params), columns.POSITION), params, columns.POSITION)
    if service == "Mast.Caom.Cone":
        near = _near(holdings, *(_number(params, name) for name in ("ra", "dec", "radius")))
        return near, columns.CONE | columns.SELECTED
    if service == "Mast.Caom.Products":
        return _products(params, holdings), columns.PRODUCT | columns.SELECTED
    if service == "Mast.Caom.All":
        names = sorted({str(row["obs_collection"]) for row in holdings.observations()})
        return [{"obs_collection": name} for name in names], {"obs_collection": "string"}
    if service == "Mast.Name.Lookup":
        found = holdings.resolve(str(params.get("input", "")))
        return found, dict.fromkeys(("ra", "decl"), "float") | dict.fromkeys(("canonicalName", "resolver"), "string")
    raise BadRequest(f"Unknown service: {service}")


def missions(holdings: Holdings) -> Row:
    """`Mast.Caom.All` in format extjs, which astroquery's `list_missions` reads."""
    counts: dict[str, int] = {}
    for row in holdings.observations():
        counts[row["obs_collection"]] = counts.get(row["obs_collection"], 0) + 1
    entries = {name: {"count": count, "key": name} for name, count in sorted(counts.items())}
    histogram = {"hist": list(entries.values())} | entries
    column = {
        "text": "obs_collection",
        "dataIndex": "obs_collection",
        "ExtendedProperties": {"histObj": histogram, "vot.datatype": "char"},
    }
    paging = dict.fromkeys(("page", "pageSize", "pagesFiltered", "rows", "rowsFiltered", "rowsTotal"), 0)
    table = {
        "name": "Table",
        "ExtendedProperties": {"Paging": paging},
        "Columns": [column],
        "Fields": [{"name": "obs_collection", "type": "string"}],
        "Rows": [],
    }
    return {"status": "COMPLETE", "msg": "", "data": {"name": "NewDataSet", "Tables": [table]}}


def _filters(params: Row) -> list[Row]:
    filters = params.get("filters") or []
    if not isinstance(filters, list):
        raise BadRequest("filters must be a list")
    return filters


def _counted(rows: list[Row], params: Row, fields: Fields) -> tuple[list[Row], Fields]:
    asked = str(params.get("columns") or "*")
    if _COUNT.fullmatch(asked.strip()):
        return [{"Column1": len(rows)}], {"Column1": "string"}
    if asked.strip() == "*":
        return rows, fields
    names = {name.lower(): name for name in fields}
    wanted = [name.strip() for name in asked.split(",") if name.strip()]
    if unknown := [name for name in wanted if name.lower() not in names]:
        raise BadRequest(f"Invalid column name '{unknown[0]}'.")
    return rows, {names[name.lower()]: fields[names[name.lower()]] for name in wanted}


def _number(params: Row, name: str) -> float:
    try:
        value = float(params[name])
    except (KeyError, TypeError, ValueError):
        raise BadRequest(f"{name} must be a number") from None
    if not math.isfinite(value):
        raise BadRequest(f"{name} must be a number")
    return value


def _position(params: Row) -> tuple[float, float, float]:
    parts = dict(zip(("ra", "dec", "radius"), str(params.get("position", "")).split(","), strict=False))
    return _number(parts, "ra"), _number(parts, "dec"), _number(parts, "radius")


def _near(holdings: Holdings, ra: float, dec: float, radius_deg: float) -> list[Row]:
    """Observations whose footprint meets the circle, nearest first; rows without a footprint count by their centre."""
    found = []
    for row in holdings.observations():
        if row["s_ra"] is None or row["s_dec"] is None:
            continue
        distance = sphere.distance_arcsec(holdings.region(row["obsid"]), ra, dec)
        if distance is None:
            distance = sphere.separation_deg(ra, dec, row["s_ra"], row["s_dec"]) * 3600
        if distance <= radius_deg * 3600:
            found.append(row | {"distance": distance, "objID1": row["objID"]})
    return sorted(found, key=lambda row: float(row["distance"]))


def _products(params: Row, holdings: Holdings) -> list[Row]:
    asked: Any = params.get("obsid", "")
    return [row for obsid in str(asked).split(",") if obsid.strip() for row in holdings.products(obsid.strip())]

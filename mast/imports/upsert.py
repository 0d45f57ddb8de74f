"""Many observation rows into the database at once: one prepared `INSERT … ON CONFLICT DO UPDATE`, run for every row.

The ORM's own upsert builds objects and adapts each value: five times slower. Columns come from the model, so that a new
one needs no change here; the JSON MAST sent goes in as it came.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import CharField
from django.utils import timezone

from mast.archive.rows import ObservationRow
from mast.models import Observation

META: Final = Observation._meta  # noqa: SLF001 - its public face for those who build SQL

COLUMNS: Final = (
    "obs_id",
    "obsid",
    "calib_level",
    "dataproduct_type",
    "target_name",
    "instrument_name",
    "filters",
    "exposure_s",
    "t_min_mjd",
    "t_max_mjd",
    "t_obs_release_mjd",
    "proposal_id",
    "proposal_pi",
    "obs_title",
    "wavelength_region",
    "s_ra_deg",
    "s_dec_deg",
    "s_region",
    "data_rights",
    "preview_uri",
)
"""columns that a row has under the same name"""
_OWN: Final = ("observed_at", "raw", "refreshed_at")
_FRESH: Final = ("edited_fields", "notes", "created_at")
"""set when a row is new, never by a refresh"""
ROWS_AT_ONCE: Final = 150
"""Few enough that a batch is freed before Python's collector looks at it: with 2,000 it takes a quarter longer."""


def upsert_observations(rows: Iterable[ObservationRow]) -> int:
    """Insert or update observations by obs_id; fields corrected by hand stay. Returns how many rows were written.

    All of it is one transaction. `rows` may be an iterator: no more than one batch is in memory at once.
    """
    protected = dict(Observation.objects.exclude(edited_fields=[]).values_list("obs_id", "edited_fields"))
    sql, now, written = _statement(), timezone.now(), 0
    named = (row for row in rows if row.obs_id)
    with transaction.atomic(), connection.cursor() as cursor:
        while part := list(islice(named, ROWS_AT_ONCE)):
            cursor.executemany(sql, list(_values((row for row in part if row.obs_id not in protected), now)))
            for row in part:
                if row.obs_id in protected:
                    _update_unprotected(row, protected[row.obs_id])
            written += len(part)
    return written


def _statement() -> str:
    quote = connection.ops.quote_name
    names = [quote(name) for name in (*COLUMNS, *_OWN, *_FRESH)]
    updated = [quote(name) for name in (*COLUMNS[1:], *_OWN)]
    places = ", ".join("%s::jsonb" if name in _json() else "%s" for name in (*COLUMNS, *_OWN, *_FRESH))
    changes = ", ".join(f"{name} = excluded.{name}" for name in updated)
    return (
        f"INSERT INTO {quote(META.db_table)} ({', '.join(names)}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT ({quote('obs_id')}) DO UPDATE SET {changes}"
    )


def _json() -> frozenset[str]:
    return frozenset({"raw", "edited_fields"}) if connection.vendor == "postgresql" else frozenset()


def _moment() -> Callable[[dt.datetime | None], Any]:
    """How a time goes into the database: as it is, or as the text SQLite keeps."""
    if connection.vendor == "postgresql":
        return lambda moment: moment
    return lambda moment: moment and moment.replace(tzinfo=None).isoformat(" ")


def _values(rows: Iterator[ObservationRow], asked_at: dt.datetime) -> Iterator[tuple[Any, ...]]:
    typed = attrgetter(*COLUMNS)
    moment = _moment()
    now = moment(asked_at)
    limits = _lengths()
    for row in rows:
        values = typed(row)
        if limits:
            values = _shortened(values, limits)
        yield (*values, moment(row.observed_at), str(row.raw_json, "utf-8"), now, "[]", "", now)


def _lengths() -> list[tuple[int, int]]:
    """Place and greatest length of each text column that the database bounds; SQLite bounds none."""
    if connection.vendor == "sqlite":
        return []
    fields = enumerate(META.get_field(name) for name in COLUMNS)
    return [(at, field.max_length) for at, field in fields if isinstance(field, CharField) and field.max_length]


def _shortened(values: tuple[Any, ...], limits: list[tuple[int, int]]) -> tuple[Any, ...]:
    # The whole text stays in `raw`; PostgreSQL refuses a longer one here.
    most = dict(limits)
    return tuple(value[: most[at]] if at in most else value for at, value in enumerate(values))


def typed_fields(row: ObservationRow) -> dict[str, Any]:
    """An observation's columns from MAST's row."""
    values = _shortened(attrgetter(*COLUMNS)(row), _lengths())
    return dict(zip(COLUMNS, values, strict=True)) | {"observed_at": row.observed_at, "raw": row.raw_dict()}


def _update_unprotected(row: ObservationRow, edited_fields: list[str]) -> None:
    fields = {name: value for name, value in typed_fields(row).items() if name not in edited_fields}
    Observation.objects.filter(obs_id=row.obs_id).update(**fields, refreshed_at=timezone.now())

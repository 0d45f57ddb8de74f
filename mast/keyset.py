"""Lists by pages, each beginning after the last row of the one before: page 10,000 costs what page 1 does.

`filter(t <= T).filter(t < T or id < I)` is used on purpose: the shorter `(t < T) or (t = T and id < I)` makes
SQLite and PostgreSQL scan, 70 to 700 times slower at a million rows. Rows without a value come last, as a list of
their own: `NULLS LAST`, or an `or` for them, would sort the whole table.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Field, Model, OrderBy, Q, QuerySet
from django.db.models.functions import Coalesce

from mast.errors import BadQuery

Row = TypeVar("Row", bound=Model)
COUNTED_UP_TO: Final = 10_000
BATCH: Final = 1000


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of those that follow, if any do."""

    rows: list[Row]
    next: str | None


@dataclass(frozen=True)
class Order:
    """What rows are sorted by: a column, then the id, so that the order is total. Missing values come last."""

    name: str
    column: str
    are_few: bool = False
    """The rows are few, which the database cannot know: found and sorted, not met one by one along the order's index"""

    @property
    def descending(self) -> bool:
        return self.name.startswith("-")

    def known(self, rows: QuerySet[Row], after: tuple[Any, int] | None) -> QuerySet[Row]:
        """The rows with a value, in order, those after this value and id."""
        if self.is_nullable(rows):
            rows = rows.filter(**{f"{self.column}__isnull": False})
        if after:
            value, pk = after
            beyond = "lt" if self.descending else "gt"
            later = Q(**{f"{self.column}__{beyond}": value}) | Q(**{f"pk__{beyond}": pk})
            rows = rows.filter(**{f"{self.column}__{beyond}e": value}).filter(later)
        # Of an expression there is no index.
        key = OrderBy(Coalesce(self.column, self.column) if self.are_few else F(self.column), self.descending)
        return rows.order_by(key, "-pk" if self.descending else "pk")

    def unknown(self, rows: QuerySet[Row], after: int | None) -> QuerySet[Row]:
        """The rows without a value, by id."""
        rows = rows.filter(**{f"{self.column}__isnull": True})
        if after is not None:
            rows = rows.filter(**{f"pk__{'lt' if self.descending else 'gt'}": after})
        return rows.order_by("-pk" if self.descending else "pk")

    def is_nullable(self, rows: QuerySet[Row]) -> bool:
        return _field(rows.model, self.column).null


def _field(model: type[Model], column: str) -> Field[Any, Any]:
    found = model._meta.get_field(column)  # noqa: SLF001 - Django's public name for it
    if not isinstance(found, Field):
        raise TypeError(f"{column} is no column")
    return found


def order_of(name: str, columns: dict[str, str], default: str) -> Order:
    """The order a caller names, such as `-fileSize`."""
    name = name or default
    column = columns.get(name.removeprefix("-"))
    if column is None:
        raise _wrong("ordering", f"must be one of {', '.join(columns)}, with a minus in front for the largest first")
    return Order(name, column)


def page(rows: QuerySet[Row], order: Order, *, limit: int, cursor: str = "") -> Page[Row]:
    """The first `limit` rows after the cursor."""
    after = _read(cursor, order, rows) if cursor else None
    found: list[Row] = []
    if after is None or after[0] is not None:
        found = list(order.known(rows, after)[: limit + 1])
        after = None
    if len(found) <= limit and order.is_nullable(rows):
        found += order.unknown(rows, after[1] if after else None)[: limit + 1 - len(found)]
    has_more = len(found) > limit
    found = found[:limit]
    return Page(found, _write(order, found[-1]) if has_more else None)


def batches(rows: QuerySet[Row], order: Order, *, cursor: str = "", limit: int | None = None) -> Iterator[list[Row]]:
    """Rows by the thousand, all or `limit` of them: nothing stays open in the database while a slow client reads."""
    left = limit
    while left is None or left > 0:
        found = page(rows, order, limit=BATCH if left is None else min(left, BATCH), cursor=cursor)
        yield found.rows
        if found.next is None:
            return
        cursor = found.next
        left = left and left - len(found.rows)


def count(rows: QuerySet[Row], *, is_filtered: bool) -> tuple[int, bool]:
    """How many rows there are, and whether that is exact. No request counts a million rows."""
    counted = rows.order_by()[: COUNTED_UP_TO + 1].count()
    if counted <= COUNTED_UP_TO:
        return counted, True
    return (counted if is_filtered else _estimate(rows.model)), False


def _estimate(model: type[Model]) -> int:
    table = model._meta.db_table  # noqa: SLF001 - Django's public name for it
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        else:
            cursor.execute(f"SELECT max(id) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our table's name
        (estimate,) = cursor.fetchone()
    return max(int(estimate or 0), COUNTED_UP_TO + 1)


# --- cursors ----------------------------------------------------------------------------------------------------


def _write(order: Order, row: Model) -> str:
    value = getattr(row, order.column)
    key = json.dumps([order.name, value.isoformat() if hasattr(value, "isoformat") else value, row.pk])
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read(cursor: str, order: Order, rows: QuerySet[Any]) -> tuple[Any, int]:
    try:
        name, value, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        value = _field(rows.model, order.column).to_python(value)
    except (binascii.Error, ValueError, TypeError, ValidationError, RecursionError) as exc:
        raise _wrong("cursor", "is not one this archive gave") from exc
    if name != order.name or isinstance(pk, bool) or not isinstance(pk, int) or "\x00" in str(value):
        raise _wrong("cursor", "belongs to another ordering")
    return value, pk


def _wrong(field: str, message: str) -> BadQuery:
    return BadQuery(f"{field} {message}.", fields=[{"field": field, "message": message}])

"""What several admin pages share: badges, sizes, raw JSON in a readable form, CSV, corrections."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mast import access, services, words
from mast.access import Right
from mast.errors import MastError

if TYPE_CHECKING:
    RowAdmin = admin.ModelAdmin[Any]
else:
    # Generic for the type checker alone.
    RowAdmin = admin.ModelAdmin
OPENING = ("t_obs_release_mjd", "data_rights")
"""columns that decide who sees exclusive files: an administrator's to correct"""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def size(size_bytes: int | None) -> str:
    # A no-break space: the unit stays with its number in a narrow column.
    return words.size(size_bytes or 0).replace(" ", "\N{NO-BREAK SPACE}")


def badge(word: str, tone: str = "") -> SafeString:
    return format_html('<span class="badge {}">{}</span>', tone or word, word)


def pretty(value: Any) -> SafeString:
    """JSON as people read it."""
    return format_html('<pre class="raw">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False, default=str))


class Corrections(RowAdmin):
    """Changed columns are recorded by name in `edited_fields`, which a refresh reads."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = list(super().get_readonly_fields(request, obj))
        return fixed if access.may(request.user, Right.ADMINISTER) else [*fixed, *self._opening()]

    def _opening(self) -> list[str]:
        columns = {column.name for column in self.opts.concrete_fields}
        return [name for name in OPENING if name in columns]

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        if change:
            services.correct(obj, form.changed_data)
        else:
            super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Records come with an import or a scan; one written by hand would promise bytes that are not there.
        return False

    @admin.action(description="Let MAST's values come back (forget corrections)")
    def forget_corrections(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset.exclude(edited_fields=[]):
            row.edited_fields = []
            row.save(update_fields=["edited_fields"])
            note(request, row, "Forgot the corrections.")
        self.message_user(request, "The next refresh writes MAST's values.")


def note(request: HttpRequest, row: Model, done: str) -> None:
    """Keep an action in the record's history, as Django does for its own form."""
    LogEntry.objects.log_actions(request.user.pk or 0, [row], CHANGE, change_message=done, single_object=True)


def each(request: HttpRequest, rows: Iterable[Any], act: Any, done: str) -> None:
    """Do one thing to every row; one that is refused leaves the others alone, and says why."""
    count = 0
    for row in rows:
        try:
            act(row)
        except MastError as error:
            messages.error(request, f"{row}: {error.message}")
            continue
        note(request, row, done)
        count += 1
    if count:
        messages.success(request, f"{done} ({count})")


def as_csv(name: str, columns: list[str], rows: Iterable[Any]) -> HttpResponse:
    """Rows as a CSV file that a spreadsheet opens without running anything in it."""
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}.csv"'}
    )
    writer = csv.writer(response)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, column)) for column in columns])
    return response


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value

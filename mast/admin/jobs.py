"""Import jobs and the files on their way: watched, resumed, cancelled; their rows are the machinery's to write."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mast import services, visibility
from mast.admin import parts
from mast.models import ImportJob, Transfer

TONES = {
    "complete": "good", "failed": "bad", "downloading": "busy", "verifying": "busy",
    "queued": "wait", "waiting": "wait", "paused": "wait",
}  # fmt: skip
CSV_COLUMNS = [
    "id", "kind", "obs_id", "state", "error_code", "error", "total_files", "total_bytes", "created_at", "started_at",
    "ended_at",
]  # fmt: skip


class ReadOnly(parts.RowAdmin):
    """Rows that only the archive writes."""

    list_per_page = 50
    show_full_result_count = False

    class Media:
        css = {"all": ["admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="state", ordering="state")
    def condition(self, row: Any) -> SafeString:
        return parts.badge(row.state, TONES.get(row.state, ""))


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnly):
    list_display = ["obs_id", "kind", "condition", "total_files", "size", "error_code", "owner", "created_at", "page"]
    list_filter = ["state", "kind", "source_choice", "error_code"]
    search_fields = ["id", "obs_id", "error"]
    date_hierarchy = "created_at"
    list_select_related = ["owner"]
    actions = ["resume", "cancel", "export_csv"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportJob]:
        rows: QuerySet[ImportJob] = super().get_queryset(request)
        return rows.filter(pk__in=visibility.jobs(request.user))

    @admin.display(ordering="total_bytes")
    def size(self, row: ImportJob) -> str:
        return parts.size(row.total_bytes)

    @admin.display(description="progress")
    def page(self, row: ImportJob) -> SafeString:
        return format_html('<a href="/imports/{}/">Open</a>', row.pk)

    @admin.action(description="Resume", permissions=["view"])
    def resume(self, request: HttpRequest, queryset: QuerySet[ImportJob]) -> None:
        parts.each(request, queryset, lambda row: services.resume_job(row.pk), "Resumed")

    @admin.action(description="Cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ImportJob]) -> None:
        parts.each(request, queryset, lambda row: services.cancel_job(row.pk), "Cancelled")

    @admin.action(description="Export CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[ImportJob]) -> HttpResponse:
        return parts.as_csv("imports", CSV_COLUMNS, queryset)


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    list_display = ["file_name", "condition", "done", "total", "source", "attempts", "owner", "error_code"]
    list_filter = ["state", "source", "error_code"]
    search_fields = ["file_name", "product_obs_id", "error"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        rows: QuerySet[Transfer] = super().get_queryset(request)
        return rows.filter(pk__in=visibility.transfers(request.user))

    @admin.display(ordering="done_bytes")
    def done(self, row: Transfer) -> str:
        return parts.size(row.done_bytes)

    @admin.display(ordering="catalog_bytes")
    def total(self, row: Transfer) -> str:
        return parts.size(row.size_bytes)

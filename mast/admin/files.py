"""Files: measured facts are shown and not edited; the kind, the tags and the note are people's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mast import services, terms, visibility
from mast.admin import parts
from mast.models import DataFile

CSV_COLUMNS = [
    "file_name", "product_obs_id", "suffix", "badge", "calib_level", "size_bytes", "sha256", "state", "source", "proof",
    "fetched_at", "verified_at", "data_uri", "path", "notes",
]  # fmt: skip
MEASURED = [
    "file_name", "observation", "product_obs_id", "data_uri", "path", "size_bytes", "sha256", "state", "source",
    "source_bytes", "validator", "proof", "proof_notes", "software", "fetched_at", "verified_at", "wcs",
]  # fmt: skip


@admin.register(DataFile)
class DataFileAdmin(parts.Corrections):
    list_display = ["file_name", "kind", "calib_level", "size", "condition", "observation", "source", "fetched_at"]
    list_filter = ["badge", "suffix", "calib_level", "state", "source", "proof", "observation__instrument_name"]
    search_fields = ["file_name", "product_obs_id", "observation__obs_id", "observation__target_name", "sha256"]
    date_hierarchy = "fetched_at"
    list_select_related = ["observation"]
    list_per_page = 50
    show_full_result_count = False
    autocomplete_fields = ["tags"]
    readonly_fields = [*MEASURED, "edited_fields", "raw_fields", "inspection", "links"]
    actions = ["verify", "fetch_again", "mark_image", "mark_table", "forget_corrections", "export_csv"]
    delete_confirmation_template = "admin/mast/delete_file.html"
    delete_selected_confirmation_template = "admin/mast/delete_files.html"
    fieldsets = [
        (None, {"fields": ["file_name", "links", "tags", "notes"]}),
        ("Correctable", {"fields": ["badge", "suffix", "calib_level", "product_type", "data_rights"]}),
        ("Viewing", {"fields": ["is_viewable", "view_reason"]}),
        ("Measured", {"fields": [*MEASURED[1:]]}),
        ("Record", {"fields": ["edited_fields", "raw_fields", "inspection"], "classes": ["collapse"]}),
    ]

    class Media:
        css = {"all": ["admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[DataFile]:
        rows = super().get_queryset(request).filter(visibility.file_is_visible(request.user))
        is_list = request.resolver_match is not None and request.resolver_match.url_name == "mast_datafile_changelist"
        return rows.defer("plan", "raw") if is_list else rows

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "badge":
            return forms.ChoiceField(choices=[(badge.value, badge.value) for badge in terms.Badge])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="type", ordering="badge")
    def kind(self, row: DataFile) -> SafeString:
        return parts.badge(row.badge)

    @admin.display(ordering="size_bytes")
    def size(self, row: DataFile) -> str:
        return parts.size(row.size_bytes)

    @admin.display(description="state", ordering="state")
    def condition(self, row: DataFile) -> SafeString:
        return parts.badge(row.state, "good" if row.state == DataFile.State.HELD else "bad")

    @admin.display(description="in the archive")
    def links(self, row: DataFile) -> SafeString:
        return format_html('<a href="/files/{0}/">Its page</a> · <a href="/files/{0}/header/">Header</a>', row.pk)

    @admin.display(description="as MAST sent it")
    def raw_fields(self, row: DataFile) -> SafeString:
        return parts.pretty(row.raw)

    @admin.display(description="inspection")
    def inspection(self, row: DataFile) -> SafeString:
        return parts.pretty(row.plan)

    @admin.action(description="Verify: read every byte again")
    def verify(self, request: HttpRequest, queryset: QuerySet[DataFile]) -> None:
        for checked in services.verify_files(queryset):
            words = checked.why or "every byte is as it was registered"
            parts.note(request, checked.file, f"Verified: {words}.")
            level = messages.ERROR if checked.why else messages.SUCCESS
            self.message_user(request, f"{checked.file.file_name}: {words}.", level)

    @admin.action(description="Fetch again: what is damaged or missing")
    def fetch_again(self, request: HttpRequest, queryset: QuerySet[DataFile]) -> None:
        wrong = list(services.wrong_files().filter(pk__in=queryset.values("pk")))
        for file in wrong:
            parts.note(request, file, f"Fetched again: it was {file.state}.")
        for job in services.fetch_again(wrong, request.user if request.user.is_authenticated else None):
            self.message_user(request, f"{job.obs_id}: {job.message}", messages.SUCCESS)
        if whole := queryset.count() - len(wrong):
            self.message_user(request, f"{whole} of them whole as far as is known: left alone.", messages.INFO)

    @admin.action(description="Mark as image")
    def mark_image(self, request: HttpRequest, queryset: QuerySet[DataFile]) -> None:
        self._mark(request, queryset, terms.Badge.IMAGE)

    @admin.action(description="Mark as table")
    def mark_table(self, request: HttpRequest, queryset: QuerySet[DataFile]) -> None:
        self._mark(request, queryset, terms.Badge.TABLE)

    def _mark(self, request: HttpRequest, queryset: QuerySet[DataFile], badge: terms.Badge) -> None:
        def act(row: DataFile) -> None:
            row.badge = badge.value
            services.correct(row, ["badge"])

        parts.each(request, queryset, act, f"Marked as {badge.value}")

    @admin.action(description="Export CSV")
    def export_csv(self, request: HttpRequest, queryset: QuerySet[DataFile]) -> HttpResponse:
        return parts.as_csv("files", CSV_COLUMNS, queryset)

    def delete_model(self, request: HttpRequest, obj: DataFile) -> None:
        self.delete_queryset(request, DataFile.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Records go; bytes only when that was ticked. A scan finds bytes that stay."""
        if request.POST.get("delete_bytes"):
            services.delete_files(list(queryset.values_list("pk", flat=True)))
        else:
            queryset.delete()

"""Observations: what MAST said of them, and what people corrected."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mast import services, visibility
from mast.admin import parts
from mast.models import Observation
from mast.words import counted

CSV_COLUMNS = [
    "obs_id", "obsid", "target_name", "instrument_name", "filters", "calib_level", "exposure_s", "observed_at",
    "proposal_id", "proposal_pi", "s_ra_deg", "s_dec_deg", "data_rights", "notes",
]  # fmt: skip


@admin.register(Observation)
class ObservationAdmin(parts.Corrections):
    list_display = [
        "obs_id", "target_name", "instrument_name", "filters", "calib_level", "observed_at", "files", "size",
        "corrected",
    ]  # fmt: skip
    list_filter = ["instrument_name", "calib_level", "dataproduct_type", "data_rights", "tags"]
    search_fields = ["obs_id", "target_name", "proposal_id", "proposal_pi", "obs_title", "notes"]
    date_hierarchy = "observed_at"
    list_per_page = 50
    show_full_result_count = False
    autocomplete_fields = ["tags"]
    readonly_fields = ["obs_id", "obsid", "edited_fields", "refreshed_at", "created_at", "raw_fields", "page"]
    actions = ["refresh_metadata", "forget_corrections", "export_csv", "remove"]
    fieldsets = [
        (None, {"fields": ["obs_id", "obsid", "page", "target_name", "tags", "notes"]}),
        (
            "Correctable: a refresh leaves what is changed here",
            {
                "fields": [
                    "instrument_name", "filters", "calib_level", "dataproduct_type", "exposure_s", "t_min_mjd",
                    "t_max_mjd", "t_obs_release_mjd", "observed_at", "proposal_id", "proposal_pi", "obs_title",
                    "wavelength_region", "s_ra_deg", "s_dec_deg", "s_region", "data_rights", "preview_uri",
                ]
            },
        ),
        ("Record", {"fields": ["edited_fields", "refreshed_at", "created_at", "raw_fields"]}),
    ]  # fmt: skip

    class Media:
        css = {"all": ["admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Observation]:
        rows = super().get_queryset(request).filter(pk__in=visibility.observations(request.user))
        seen = visibility.file_is_visible(request.user, "all_files__")
        found: QuerySet[Observation] = rows.annotate(
            held_count=Count("all_files", filter=seen), held_bytes=Sum("all_files__size_bytes", filter=seen)
        )
        return found

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The action `remove` does it, with the files and their sizes in view.
        return False

    @admin.display(ordering="held_count")
    def files(self, row: Any) -> int:
        return int(row.held_count)

    @admin.display(ordering="held_bytes")
    def size(self, row: Any) -> str:
        return parts.size(row.held_bytes)

    @admin.display(boolean=True, description="corrected")
    def corrected(self, row: Observation) -> bool:
        return bool(row.edited_fields)

    @admin.display(description="in the archive")
    def page(self, row: Observation) -> SafeString:
        return format_html('<a href="/observations/{}/">Open its page</a>', row.obs_id)

    @admin.display(description="as MAST sent it")
    def raw_fields(self, row: Observation) -> SafeString:
        return parts.pretty(row.raw)

    @admin.action(description="Refresh metadata from MAST")
    def refresh_metadata(self, request: HttpRequest, queryset: QuerySet[Observation]) -> None:
        parts.each(request, queryset, lambda row: services.refresh_observation(row.obs_id), "Metadata refreshed")

    @admin.action(description="Export CSV")
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Observation]) -> HttpResponse:
        return parts.as_csv("observations", CSV_COLUMNS, queryset)

    @admin.action(description="Delete with their files…")
    def remove(self, request: HttpRequest, queryset: QuerySet[Observation]) -> HttpResponse | None:
        obs_ids = [row.obs_id for row in queryset]
        if request.POST.get("confirmed"):
            gone = services.remove_observations(obs_ids)
            messages.success(request, f"Deleted {counted(gone.file_count, 'file')}, {parts.size(gone.size_bytes)}.")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Delete observations with their files?",
            "plan": services.plan_removal(obs_ids),
            "opts": self.model._meta,  # noqa: SLF001 - public in all but name
        }
        return TemplateResponse(request, "admin/mast/remove_observations.html", context)

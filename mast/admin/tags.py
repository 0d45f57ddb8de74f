"""Tags: renamed, found, and their use counted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from mast.admin import parts
from mast.models import Tag


@admin.register(Tag)
class TagAdmin(parts.RowAdmin):
    list_display = ["name", "observation_count", "file_count"]
    search_fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        rows: QuerySet[Tag] = super().get_queryset(request)
        return rows.annotate(
            used_by_observations=Count("observations", distinct=True), used_by_files=Count("files", distinct=True)
        )

    @admin.display(description="observations", ordering="used_by_observations")
    def observation_count(self, row: Any) -> int:
        return int(row.used_by_observations)

    @admin.display(description="files", ordering="used_by_files")
    def file_count(self, row: Any) -> int:
        return int(row.used_by_files)

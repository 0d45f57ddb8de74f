"""Kept answers of searches: looked at, and thrown away when they are in the way."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from mast.admin import parts
from mast.models import CachedSearch


@admin.register(CachedSearch)
class CachedSearchAdmin(parts.RowAdmin):
    list_display = ["asked", "row_count", "fetched_at"]
    date_hierarchy = "fetched_at"
    fields = ["asked_in_full", "row_count", "fetched_at"]
    readonly_fields = ["asked_in_full", "row_count", "fetched_at"]

    class Media:
        css = {"all": ["admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="search")
    def asked(self, row: CachedSearch) -> str:
        return ", ".join(f"{name} {value}" for name, value in row.query.items() if value not in {None, ""})

    @admin.display(description="search")
    def asked_in_full(self, row: CachedSearch) -> SafeString:
        return parts.pretty(row.query)

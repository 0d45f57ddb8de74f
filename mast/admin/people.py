"""People: accounts with their roles, MAST tokens that are never shown, who trusts whom, and who did what."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

from mast.admin.jobs import ReadOnly
from mast.models import AuditEntry, MastToken, Trust

ONLY_SUPERUSERS = ["is_superuser", "user_permissions"]


class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic for the type checker alone
    """Django's own, with a lid: who is no superuser makes none, and does not change one."""

    list_display = ["username", "first_name", "last_name", "roles", "is_active", "last_login"]
    list_filter = ["groups", "is_active", "is_superuser"]

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else [*fields, *ONLY_SUPERUSERS]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    def _may_touch(self, request: HttpRequest, obj: Any) -> bool:
        return bool(request.user.is_superuser) or not getattr(obj, "is_superuser", False)

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        if not request.user.is_superuser:
            # It asks for the permission once, and not of each account.
            actions.pop("delete_selected", None)
        return actions


admin.site.unregister(User)
admin.site.register(User, PersonAdmin)


@admin.register(MastToken)
class MastTokenAdmin(ReadOnly):
    """That there is one, and whether MAST took it. Its owner stores it, anybody in charge may delete it."""

    list_display = ["user", "stored_at", "used_at", "refused_at"]
    fields = ["user", "stored_at", "used_at", "refused_at"]
    search_fields = ["user__username"]
    list_select_related = ["user"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("sealed")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("mast.delete_masttoken")


@admin.register(Trust)
class TrustAdmin(ReadOnly):
    list_display = ["owner", "trusted", "since"]
    search_fields = ["owner__username", "trusted__username"]
    list_select_related = ["owner", "trusted"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("mast.delete_trust")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ["at", "who", "action", "target", "how", "address", "request_id"]
    list_filter = ["action", "at"]
    search_fields = ["who", "target", "how", "request_id"]
    date_hierarchy = "at"

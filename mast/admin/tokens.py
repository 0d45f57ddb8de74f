"""API tokens: made, shown once, revoked. The key itself is nowhere stored."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html

from mast import audit, tokens
from mast.admin import parts
from mast.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(parts.RowAdmin):
    list_display = ["name", "user", "prefix", "scope", "created_at", "expires_at", "last_used_at", "revoked_at"]
    list_filter = ["scope", "revoked_at"]
    search_fields = ["name", "prefix", "user__username"]
    list_select_related = ["user"]
    autocomplete_fields = ["user"]
    fields = ["name", "user", "scope", "expires_at"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A token's reach is fixed when it is made: revoke it and make another.
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        # A superuser's token in another's hands would make a superuser of them.
        if db_field.name == "user" and not request.user.is_superuser:
            options["queryset"] = get_user_model().objects.filter(is_superuser=False)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: ModelForm[ApiToken], change: bool) -> None:
        made, key = tokens.make(obj.user, obj.name, obj.scope, obj.expires_at)
        audit.note("token.make", f"{obj.name} ({made.prefix}…)", scope=obj.scope, owner=obj.user.get_username())
        obj.pk, obj.prefix, obj.digest = made.pk, made.prefix, made.digest
        messages.warning(
            request, format_html("Copy the token now; it cannot be shown again: <code class='key'>{}</code>", key)
        )

    @admin.action(description="Revoke", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        def act(row: ApiToken) -> None:
            tokens.revoke(row)
            audit.note("token.revoke", f"{row.name} ({row.prefix}…)", owner=row.user.get_username())

        parts.each(request, queryset, act, "Revoked")

"""The admin's own door: whoever may correct records may come in, and its other pages ask for Django's permissions."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest

from mast.access import Right


class ArchiveAdmin(AdminSite):
    site_header = "JWST archive"
    site_title = "JWST archive"
    index_title = "Records"
    # Django's own form turns away everybody without the flag `is_staff`, which curators need not have.
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if not user.is_active or not user.is_authenticated:
            return False
        return bool(getattr(user, "is_staff", False)) or user.has_perm(f"mast.{Right.CURATE}")

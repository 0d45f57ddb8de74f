"""What each role may do, asked at every door: pages, API, admin, services.

With `JWST_ACCESS=open` (loopback only) whoever reaches the archive may do everything but manage accounts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import Group, Permission

from mast import acting
from mast.errors import LoginRequired, NotPermitted


class Right(StrEnum):
    """A permission of `mast`, by its code name."""

    READ = "read_library"
    IMPORT = "import_files"
    CURATE = "curate_library"
    ADMINISTER = "administer_archive"


ROLES: Final[dict[str, tuple[Right, ...]]] = {
    "viewer": (Right.READ,),
    "importer": (Right.READ, Right.IMPORT),
    "curator": (Right.READ, Right.IMPORT, Right.CURATE),
    "admin": (Right.READ, Right.IMPORT, Right.CURATE, Right.ADMINISTER),
}
_IN_WORDS: Final = {
    Right.READ: "read the library",
    Right.IMPORT: "import",
    Right.CURATE: "change or remove what the group shares",
    Right.ADMINISTER: "manage accounts",
}
_CURATORS_ADMIN: Final = (
    "view_observation", "change_observation", "view_datafile", "change_datafile", "delete_datafile",
    "view_importjob", "view_transfer", "view_tag", "add_tag", "change_tag", "delete_tag", "view_cachedsearch",
)  # fmt: skip
_ADMINS_ADMIN: Final = (
    *_CURATORS_ADMIN, "delete_cachedsearch", "view_apitoken", "add_apitoken", "delete_apitoken", "view_masttoken",
    "delete_masttoken", "view_trust", "delete_trust", "view_auditentry", "view_user", "add_user", "change_user",
    "delete_user", "view_group", "view_logentry", "view_accessattempt", "delete_accessattempt",
    "view_accessfailurelog", "view_accesslog",
)  # fmt: skip
_ADMIN_PAGES: Final = {"curator": _CURATORS_ADMIN, "admin": _ADMINS_ADMIN}


def may(user: Any, right: Right) -> bool:
    """Whether this user holds the right; None is the archive itself."""
    if user is None:
        return True
    if settings.ACCESS == "open" and right != Right.ADMINISTER:
        return True
    return bool(user.is_active and user.has_perm(f"mast.{right}"))


def demand(right: Right, user: Any = None) -> None:
    """Refuse unless this user, by default whoever acts, holds the right.

    Raises
    ------
    LoginRequired, NotPermitted
    """
    who = acting.current().user if user is None else user
    if may(who, right):
        return
    if not who.is_authenticated:
        raise LoginRequired
    raise NotPermitted(f"Your account may not {_IN_WORDS[right]}; ask an administrator of this archive.")


def make_groups(**_: Any) -> None:
    """The four groups with the least each needs. Rights an administrator added to them stay."""
    for name, rights in ROLES.items():
        group, _made = Group.objects.get_or_create(name=name)
        wanted = [*rights, *_ADMIN_PAGES.get(name, ())]
        group.permissions.add(*Permission.objects.filter(codename__in=wanted, content_type__app_label__in=_APPS))


_APPS: Final = ("mast", "auth", "admin", "axes")

"""OpenID Connect: what our side makes of a provider's claims. The protocol is the package's."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from mast.access import ROLES
from tests.people import person

pytest.importorskip("mozilla_django_oidc")
pytestmark = pytest.mark.django_db
ENDPOINTS = ("AUTHORIZATION", "TOKEN", "USER", "JWKS")


@pytest.fixture
def backend(settings: Any) -> Any:
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = "archive", "secret"
    for name in ENDPOINTS:
        setattr(settings, f"OIDC_OP_{name}_ENDPOINT", f"http://127.0.0.1:9/{name.lower()}")
    from jwstarchive.oidc import GroupBackend

    return GroupBackend()


def groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_an_account_is_made_by_its_subject_with_the_roles_the_provider_names(backend: Any) -> None:
    claims = {"sub": "42", "email": "vera@example.org", "given_name": "Vera", "groups": ["importer", "chess-club"]}
    user = backend.create_user(claims)
    assert (user.username, user.email, user.first_name) == ("oidc-42", "vera@example.org", "Vera")
    assert groups_of(user) == {"importer"}
    assert not user.has_usable_password()


def test_roles_follow_the_provider_and_other_groups_stay(backend: Any) -> None:
    user = backend.create_user({"sub": "42", "groups": ["curator"]})
    backend.update_user(user, {"sub": "42", "groups": ["viewer"]})
    assert groups_of(user) == {"viewer"}
    backend.update_user(user, {"sub": "42"})
    assert groups_of(user) == {"viewer"}


def test_nobody_becomes_somebody_else_by_a_mail_address(backend: Any) -> None:
    boss = person("boss", "admin", email="boss@example.org")
    found = backend.filter_users_by_claims({"sub": "43", "email": "boss@example.org"})
    assert boss not in found
    assert not found.exists()
    # Nor by a subject that reads like a user name.
    assert not backend.filter_users_by_claims({"sub": "boss"}).exists()


def test_claims_without_a_subject_are_refused(backend: Any) -> None:
    assert not backend.verify_claims({"email": "vera@example.org"})
    assert set(ROLES) == {"viewer", "importer", "curator", "admin"}

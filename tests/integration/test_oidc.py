"""OpenID Connect: what our side makes of a provider's claims, and of a provider that lies.

The whole way, with a real provider and a browser's cookies, is walked in `tests/stack/test_directories.py`.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.test import RequestFactory

from mast.access import ROLES
from tests.liar import Asked, Liar, Pieces, as_json, http
from tests.people import person

pytest.importorskip("mozilla_django_oidc")
pytestmark = pytest.mark.django_db
ENDPOINTS = ("AUTHORIZATION", "TOKEN", "USER", "JWKS")


@pytest.fixture
def backend(settings: Any) -> Any:
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = "archive", "secret"
    # The addresses under /oidc/ are there only where the archive was started with a provider.
    settings.OIDC_AUTHENTICATION_CALLBACK_URL = "library"
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


# --- a provider that lies ---------------------------------------------------------------------------------------

KEY, STRANGERS_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
PUBLIC = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "one", "alg": "RS256"}
NONCE = "asked with this"


def claims(**other: Any) -> dict[str, Any]:
    return {"sub": "42", "aud": "archive", "nonce": NONCE, "exp": int(time.time()) + 60} | other


def signed(key: Any = KEY, named: str | None = "one", **other: Any) -> str:
    return jwt.encode(claims(**other), key, "RS256", headers={"kid": named} if named else {})


@pytest.fixture
def log_in(backend: Any, settings: Any) -> Iterator[Callable[..., User | None]]:
    """Come back from a provider that answers so: whom it logs in."""
    servers: list[Liar] = []

    def come_back(token: str, *, keys: list[dict[str, Any]] | None = None, **person: Any) -> User | None:
        told: dict[str, Pieces] = {
            "/token": as_json({"access_token": "a", "id_token": token}),
            "/jwks": as_json({"keys": [PUBLIC] if keys is None else keys}),
            "/user": as_json({"sub": "42", "email": "vera@example.org"} | person),
        }

        def answer(asked: Asked) -> Pieces:
            return told.get(asked.path, http("", "404 Not Found"))

        server = Liar(answer)
        servers.append(server.__enter__())
        for name in ENDPOINTS:
            setattr(settings, f"OIDC_OP_{name}_ENDPOINT", f"{server.url}/{name.lower()}")
        request = RequestFactory().get("/oidc/callback/?code=c&state=s")
        request.session = {}  # type: ignore[assignment]
        found: User | None = type(backend)().authenticate(request, nonce=NONCE, code_verifier="v")
        return found

    yield come_back
    for server in servers:
        server.__exit__(None, None, None)


def with_the_public_key_as_password() -> str:
    """The old trick: HS256, and for its secret the key that everybody knows. PyJWT itself would not write this."""
    head, body, _ = jwt.encode(claims(), "x" * 32, "HS256", headers={"kid": "one"}).split(".")
    seal = hmac.digest(json.dumps(PUBLIC).encode(), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"


TRUE: dict[str, Callable[[], str]] = {
    "plain": signed,
    "several audiences": lambda: signed(aud=["another", "archive"]),
    "the one key is not named": lambda: signed(named=None),
}
FORGED: dict[str, Callable[[], str]] = {
    "another key": lambda: signed(STRANGERS_KEY),
    "no signature": lambda: jwt.encode(claims(), None, "none"),  # type: ignore[arg-type]
    "the public key as password": with_the_public_key_as_password,
    "run out": lambda: signed(exp=int(time.time()) - 600),
    "replayed": lambda: signed(nonce="of another login"),
    "unknown key": lambda: signed(named="two"),
    "rubbish": lambda: "not.a.token",
}


@pytest.mark.parametrize("kind", list(TRUE))
def test_a_true_answer_logs_in(log_in: Callable[..., User | None], kind: str) -> None:
    user = log_in(TRUE[kind]())
    assert user is not None
    assert (user.username, user.email) == ("oidc-42", "vera@example.org")


@pytest.mark.parametrize("kind", list(FORGED))
def test_a_forged_login_is_refused(log_in: Callable[..., User | None], kind: str) -> None:
    with pytest.raises((SuspiciousOperation, jwt.PyJWTError)):
        log_in(FORGED[kind]())
    assert not User.objects.exists()


def test_a_login_meant_for_another_client_is_refused(log_in: Callable[..., User | None]) -> None:
    assert log_in(signed(aud="the wiki")) is None
    assert not User.objects.exists()


def test_answers_that_name_two_people_log_in_neither(log_in: Callable[..., User | None]) -> None:
    assert log_in(signed(), sub="43") is None
    assert not User.objects.exists()


def test_of_several_keys_one_must_be_named(log_in: Callable[..., User | None]) -> None:
    with pytest.raises(SuspiciousOperation):
        log_in(signed(named=None), keys=[PUBLIC, {**PUBLIC, "kid": "two"}])


def test_a_provider_that_is_down_is_a_failure_of_the_network(backend: Any) -> None:
    request = RequestFactory().get("/oidc/callback/?code=c&state=s")
    with pytest.raises(requests.ConnectionError):
        backend.authenticate(request, nonce=NONCE, code_verifier="v")

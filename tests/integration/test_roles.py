"""Every address of the archive, every method, every role, both modes: who comes in.

The addresses are taken from the URLconf and from the OpenAPI description, so one that is missing in the tables below
fails the test until somebody has decided who may use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from jwstarchive.api import api as ninja_api
from mast import tokens
from mast.models import ApiToken, DataFile, ImportJob, Tag, Trash
from tests.factories import DataFileFactory, JobFactory
from tests.pages import page_of
from tests.people import person

pytestmark = pytest.mark.django_db
ALL, SIGNED_IN, READ, IMPORT, CURATE, ADMINISTER = "all", "signed in", "read", "import", "curate", "administer"
HELD = {
    "stranger": {ALL},
    "nobody": {ALL, SIGNED_IN},
    "viewer": {ALL, SIGNED_IN, READ},
    "importer": {ALL, SIGNED_IN, READ, IMPORT},
    "curator": {ALL, SIGNED_IN, READ, IMPORT, CURATE},
    "admin": {ALL, SIGNED_IN, READ, IMPORT, CURATE, ADMINISTER},
}
WITHOUT_LOGINS = {ALL, READ, IMPORT, CURATE}

# --- the tables -------------------------------------------------------------------------------------------------

PAGES = {
    "healthz": {"GET": ALL},
    "metrics": {"GET": READ},
    "login": {"GET": ALL, "POST": ALL},
    "logout": {"POST": ALL},
    "problem": {"GET": ALL},
    "library": {"GET": READ},
    "bulk": {"POST": CURATE},
    "views": {"POST": READ},
    "trash": {"GET": CURATE},
    "untrash": {"POST": CURATE},
    "theme": {"POST": READ},
    "account": {"GET": SIGNED_IN},
    "account-password": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "account-act": {"POST": SIGNED_IN},
    "guide": {"GET": READ},
    "new": {"GET": READ},
    "search": {"GET": READ},
    "preview": {"GET": READ},
    "read": {"GET": READ},
    "export": {"GET": READ},
    "held": {"GET": READ},
    "chart": {"GET": READ},
    "look": {"GET": READ},
    "look-preview": {"GET": READ},
    "start": {"POST": IMPORT},
    "plan": {"GET": READ, "POST": READ},
    "imports": {"GET": READ},
    "pill": {"GET": READ},
    "job": {"GET": READ},
    "progress": {"GET": READ},
    "act": {"POST": CURATE},
    "act-on-all": {"POST": IMPORT},
    "fetch-again": {"POST": IMPORT},
    "fetch-all-again": {"POST": IMPORT},
    "refresh": {"GET": READ, "POST": CURATE},
    "observation": {"GET": READ},
    "refresh-one": {"POST": IMPORT},
    "curate": {"POST": CURATE},
    "file": {"GET": READ},
    "curate-file": {"POST": CURATE},
    "header": {"GET": READ},
    "table": {"GET": READ},
    "members": {"GET": READ},
    "spectrum": {"GET": READ},
    "view": {"GET": READ},
}
API = {
    "POST /api/mast/search/target": READ,
    "POST /api/mast/search/coordinates": READ,
    "POST /api/mast/search/observation": READ,
    "POST /api/mast/search/program": READ,
    "POST /api/mast/whats-new": READ,
    "POST /api/mast/products": READ,
    "POST /api/mast/import": IMPORT,
    "POST /api/mast/import/preview": READ,
    "POST /api/mast/import/from-existing/{obs_id}": CURATE,
    "GET /api/mast/import/check-files/{obs_id}": READ,
    "GET /api/mast/import-progress/{job_id}": READ,
    "GET /api/mast/imports": READ,
    "POST /api/mast/import/pause/{job_id}": CURATE,
    "POST /api/mast/import/cancel/{job_id}": CURATE,
    "POST /api/mast/import/resume/{job_id}": CURATE,
    "POST /api/mast/refresh-metadata/{obs_id}": IMPORT,
    "POST /api/mast/refresh-metadata-all": CURATE,
    "GET /api/observations": READ,
    "GET /api/observations/{obs_id}": READ,
    "GET /api/files": READ,
    "GET /api/files/{file_id}": READ,
    "GET /api/files/{file_id}/download": READ,
    "POST /api/files/fetch-again": IMPORT,
    "POST /api/files/{file_id}/fetch-again": IMPORT,
    "GET /api/files/{file_id}/preview": READ,
    "GET /api/files/{file_id}/header": READ,
    "GET /api/files/{file_id}/histogram": READ,
    "GET /api/files/{file_id}/pixel": READ,
    "GET /api/files/{file_id}/table": READ,
    "GET /api/files/{file_id}/members": READ,
    "GET /api/files/{file_id}/spectrum": READ,
    "GET /api/files/{file_id}/spectrum-at": READ,
    "GET /api/files/{file_id}/cubeinfo": READ,
    "GET /api/files/{file_id}/cutout": READ,
    "GET /api/files/{file_id}/dq": READ,
    "GET /api/files/{file_id}/dq/{z}/{x}/{y}": READ,
    "GET /api/files/{file_id}/profile": READ,
    "GET /api/files/{file_id}/stats": READ,
    "GET /api/files/{file_id}/thumbnail": READ,
    "GET /api/files/{file_id}/tile/{z}/{x}/{y}": READ,
    "GET /api/mast/look": READ,
    "GET /api/mast/look/header": READ,
    "GET /api/mast/look/preview": READ,
    "GET /api/health": ALL,
}
CURATORS_MODELS = {"observation", "datafile", "importjob", "transfer", "tag", "cachedsearch"}
ADMINS_MODELS = {
    "apitoken", "masttoken", "trust", "auditentry", "user", "group", "accessattempt", "accessfailurelog", "accesslog",
}  # fmt: skip


@dataclass
class World:
    """One of each: what the addresses name."""

    file: DataFile
    job: ImportJob
    people: dict[str, User]
    tag: Tag
    trash: Trash
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, Any]:
        observation = self.file.observation
        return {"obs_id": observation.obs_id, "file_id": self.file.pk, "job_id": str(self.job.pk), "action": "cancel",
                "section": "running", "code": "not_found", "trash_id": self.trash.pk,
                "z": 0, "x": 0, "y": 0}  # fmt: skip

    def body(self, name: str) -> dict[str, Any]:
        """What makes a form do what it is for."""
        obs_id = self.file.observation.obs_id
        return {
            "bulk": {"obs_id": obs_id, "action": "tag", "tag": "nebulae"},
            "start": {"only": obs_id, "levels": "3"},
            "views": {"name": "mine", "query": "level=3"},
            "curate": {"tags": "x", "notes": ""},
            "curate-file": {"tags": "x", "notes": ""},
        }.get(name, {})


@pytest.fixture
def world() -> World:
    people = {role: person(role, role if role != "nobody" else "") for role in HELD if role != "stranger"}
    file = DataFileFactory()
    return World(file, JobFactory(state="queued", observation=file.observation), people, Tag.objects.create(name="x"),
                 Trash.objects.create(title="x", records=[], paths=[], size_bytes=0))  # fmt: skip


def client_of(world: World, role: str) -> Client:
    client = Client(raise_request_exception=False)
    if role in world.people:
        client.force_login(world.people[role], backend="django.contrib.auth.backends.ModelBackend")
    return client


def comes_in(client: Client, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> bool:
    """Whether the address answers for itself, whatever it says; everything is undone."""
    with transaction.atomic():
        if path.startswith("/api/"):
            response = client.generic(
                method, path, b"{}" if method == "POST" else b"", "application/json", headers=headers
            )
        else:
            response = client.generic(method, path) if method == "GET" else client.post(path, body or {})
        transaction.set_rollback(True)
    leads_away = response.status_code == 302 and "/login/" in response["Location"]
    return not (response.status_code in {401, 403} or leads_away)


# --- the tables are whole ---------------------------------------------------------------------------------------


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for item in resolver.url_patterns:
        if isinstance(item, URLPattern):
            yield prefix + str(item.pattern), item
        elif item.namespace not in {"admin", "api"}:
            yield from patterns(item, prefix + str(item.pattern))


def pages() -> dict[str, str]:
    return {str(item.name): f"/{route}" for route, item in patterns(get_resolver()) if not route.startswith("^api")}


def test_every_page_is_in_the_table() -> None:
    assert set(pages()) == set(PAGES)


def operations() -> set[str]:
    schema = ninja_api.get_openapi_schema()
    return {f"{method.upper()} {path}" for path, calls in schema["paths"].items() for method in calls}


def test_every_call_of_the_api_is_in_the_table() -> None:
    assert operations() == set(API)


def test_every_model_of_the_admin_is_in_the_table() -> None:
    assert pages(), "the addresses load the admin's own"
    registered = {model._meta.model_name for model in admin.site._registry}
    assert registered == CURATORS_MODELS | ADMINS_MODELS


# --- and true ---------------------------------------------------------------------------------------------------


def filled(path: str, world: World) -> str:
    for name, value in world.names.items():
        for written in (f"<str:{name}>", f"<int:{name}>", f"{{{name}}}"):
            path = path.replace(written, str(value))
    return path


def wanted(right: str, role: str, mode: str) -> bool:
    if mode == "open" and right not in {SIGNED_IN, ADMINISTER}:
        return right in WITHOUT_LOGINS
    return right in HELD[role]


@pytest.mark.parametrize("mode", ["open", "login"])
@pytest.mark.parametrize("role", HELD)
def test_who_comes_in_at_the_pages(world: World, settings: Any, mode: str, role: str) -> None:
    settings.ACCESS = mode
    addresses = pages()
    for name, methods in PAGES.items():
        for method, right in methods.items():
            path = filled(addresses[name], world).replace("/account/cancel/", "/account/forget-mast-token/")
            if name == "untrash":
                path = path.replace("cancel", "restore")
            got = comes_in(client_of(world, role), method, path, world.body(name))
            assert got is wanted(right, role, mode), (name, method)


SHOWS_FORMS = ("library", "imports", "observation", "file", "members", "view", "trash", "refresh", "guide", "account")
READERS_ACTIONS = {"list", None}
"""buttons of the form `bulk` that only read, and those that send nothing"""


@pytest.mark.parametrize("role", ["viewer", "importer", "curator", "admin"])
def test_no_page_offers_what_its_reader_may_not_do(world: World, settings: Any, role: str) -> None:
    settings.ACCESS = "login"
    DataFile.objects.update(state="damaged")
    client, addresses, seen = client_of(world, role), pages(), set()
    for name in SHOWS_FORMS:
        response = client.get(filled(addresses[name], world))
        if response.status_code != 200:
            continue
        for form in page_of(response).find("form"):
            if form.attributes.get("method") != "post":
                continue
            target = resolve(form["action"]).url_name or ""
            offered = {button.attributes.get("value") for button in form.find("button")} if target == "bulk" else {None}
            right = PAGES[target]["POST"]
            assert right in HELD[role] or offered <= READERS_ACTIONS, (name, target, offered)
            seen.add(target)
    assert {"theme", "bulk"} <= seen
    assert ("curate" in seen, "fetch-again" in seen) == (CURATE in HELD[role], IMPORT in HELD[role])


def test_a_download_list_takes_no_more_than_the_right_to_read(world: World, settings: Any) -> None:
    settings.ACCESS = "login"
    body = {"action": "list", "form": "manifest", "obs_id": world.file.observation.obs_id}
    for role in ("viewer", "curator"):
        response = client_of(world, role).post("/library/bulk/", body)
        assert response.status_code == 200
        assert world.file.sha256 in b"".join(response).decode()


@pytest.mark.parametrize("mode", ["open", "login"])
@pytest.mark.parametrize("role", HELD)
def test_who_comes_in_at_the_api(world: World, settings: Any, mode: str, role: str) -> None:
    settings.ACCESS = mode
    client = client_of(world, role)
    for call, right in API.items():
        method, path = call.split()
        assert comes_in(client, method, filled(path, world)) is wanted(right, role, mode), call


@pytest.mark.parametrize("scope", ApiToken.Scope.values)
@pytest.mark.parametrize("role", [role for role in HELD if role != "stranger"])
def test_a_token_does_what_its_owner_may_and_its_scope_allows(
    world: World, settings: Any, role: str, scope: str
) -> None:
    settings.ACCESS = "login"
    _, key = tokens.make(world.people[role], "script", scope)
    script = Client(raise_request_exception=False)
    for call, right in API.items():
        method, path = call.split()
        in_scope = scope == ApiToken.Scope.IMPORT or right in {ALL, READ}
        got = comes_in(script, method, filled(path, world), authorization=f"Bearer {key}")
        assert got is (in_scope and wanted(right, role, "login")), call


@pytest.mark.parametrize("mode", ["open", "login"])
@pytest.mark.parametrize("role", HELD)
def test_who_comes_in_at_the_admin(world: World, settings: Any, mode: str, role: str) -> None:
    settings.ACCESS = mode
    client = client_of(world, role)
    assert comes_in(client, "GET", "/admin/") is (role in {"curator", "admin"})
    for model in admin.site._registry:
        name, app = str(model._meta.model_name), model._meta.app_label
        may = role == "admin" or (role == "curator" and name in CURATORS_MODELS)
        assert comes_in(client, "GET", f"/admin/{app}/{name}/") is may, name


def test_ones_own_imports_take_no_curator(world: World, settings: Any) -> None:
    settings.ACCESS = "login"
    ImportJob.objects.update(owner=world.people["importer"])
    path = filled("/api/mast/import/cancel/{job_id}", world)
    outcomes = {role: comes_in(client_of(world, role), "POST", path) for role in HELD}
    assert outcomes == {
        "stranger": False, "nobody": False, "viewer": False, "importer": True, "curator": True, "admin": True,
    }  # fmt: skip


def test_an_address_nobody_thought_of_is_closed() -> None:
    from jwstarchive.doors import needed
    from mast.access import Right

    assert needed("something-new", "GET") == Right.READ
    assert needed("something-new", "POST") == Right.IMPORT

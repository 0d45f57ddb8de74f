"""The pages of an archive with logins, read by axe and photographed; and one that is empty yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visit, shot
from tests.e2e.test_access import OPEN
from tests.stack.archive import Archive, started

pytestmark = pytest.mark.e2e
PASSWORD = "dark matter halo"
MAKE = (
    "from django.contrib.auth.models import User, Group; from tests.factories import DataFileFactory;"
    "from mast.models import Trash;"
    "user = User.objects.create_user('vera', password='{password}');"
    "user.groups.add(Group.objects.get(name='curator'));"
    "file = DataFileFactory();"
    "Trash.objects.create(title='jw02733-o009_t001_nircam', records=[], paths=['a/b.fits'], size_bytes=12345)"
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with started(tmp_path_factory.mktemp("logins"), JWST_ACCESS="login", JWST_TLS="off") as running:
        yield running


@pytest.fixture(scope="module")
def vera(archive: Archive) -> str:
    done = archive.manage("shell", "-c", MAKE.format(password=PASSWORD))
    assert done.returncode == 0, done.stderr
    return "vera"


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/login/?next=/account/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def looked_at(page: Page, name: str) -> None:
    page.evaluate(OPEN)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, name
    assert violations(page) == [], name
    shot(page, name)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 380)])
def test_the_pages_around_an_account_are_without_a_violation(visit: Visit, vera: str, scheme: str, width: int) -> None:
    with visit(width=width, color_scheme=scheme) as page:
        log_in(page, vera, "a wrong password")
        expect(page.get_by_role("alert").or_(page.locator(".errorlist, .note.bad")).first).to_be_visible()
        looked_at(page, f"login-{scheme}-{width}")
        log_in(page, vera)
        expect(page).to_have_url(f"{page.url.split('/account')[0]}/account/")
        looked_at(page, f"account-{scheme}-{width}")
        for name, address in {"password": "/account/password/", "trash-rows": "/trash/", "library": "/"}.items():
            page.goto(address)
            looked_at(page, f"{name}-{scheme}-{width}")
        page.goto("/?view=files")
        page.locator("[data-tick]").first.check()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        looked_at(page, f"delete-{scheme}-{width}")

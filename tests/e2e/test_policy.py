"""The content security policy in a real browser, on the pages that others wrote: the API docs and the admin."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit, shot
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e


def test_the_api_docs_work_under_the_policy(visit: Visit) -> None:
    with visit() as page:
        page.goto("/api/docs")
        expect(page.get_by_role("heading", name="JWST archive")).to_be_visible()
        page.get_by_text("/api/mast/search/target").first.click()
        expect(page.get_by_text('"targetName": "NGC 3132"').first).to_be_visible()
        shot(page, "api-docs", full_page=False)


def log_in(page: Page, password: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("tester")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_the_admin_works_under_the_policy(visit: Visit, archive: Archive) -> None:
    done = archive.manage(
        "createsuperuser", "--noinput", "--username", "tester", "--email", "", DJANGO_SUPERUSER_PASSWORD="dark matter 7"
    )
    assert done.returncode == 0, done.stderr
    with visit() as page:
        log_in(page, "dark matter 7")
        for model in ("observation", "datafile", "importjob", "apitoken", "tag"):
            page.goto(f"/admin/mast/{model}/")
            expect(page.locator("#changelist")).to_be_visible()
        page.goto("/admin/mast/tag/add/")
        page.get_by_label("Name").fill("nebulae")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was added successfully")).to_be_visible()

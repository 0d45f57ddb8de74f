"""The content security policy in a real browser, and a foreign page that tries to drive the archive."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Visit, shot
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e
ATTACKS = """
    async (target) => {
      const body = JSON.stringify({obsId: "jw02733-o001_t001_nircam_clear-f090w", productType: "SCIENCE"});
      const plain = {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body};
      const outcomes = {};
      const attempt = async (name, call) => {
        try { outcomes[name] = (await call()).type; } catch (error) { outcomes[name] = "failed"; }
      };
      await attempt("text", () => fetch(`${target}/api/mast/import`, plain));
      await attempt("bare", () => fetch(`${target}/api/mast/refresh-metadata-all`, {method: "POST", mode: "no-cors"}));
      await attempt("json", () => fetch(`${target}/api/mast/import`,
        {method: "POST", headers: {"Content-Type": "application/json"}, body}));
      await attempt("read", () => fetch(`${target}/api/mast/imports`));
      navigator.sendBeacon(`${target}/api/mast/import`, body);
      const form = document.createElement("form");
      form.method = "POST"; form.enctype = "text/plain"; form.target = "sink";
      form.action = `${target}/api/mast/import`;
      const field = document.createElement("input");
      field.name = body.slice(0, -1) + ', "x": "'; field.value = '"}';
      const sink = document.createElement("iframe");
      sink.name = "sink";
      document.body.append(sink, form); form.append(field); form.submit();
      await new Promise((done) => setTimeout(done, 1500));
      return outcomes;
    }
"""


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


@pytest.fixture
def foreign_site() -> Iterator[str]:
    """A page of another origin: the same machine, another port."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title><body>")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://evil.test:{server.server_port}"
    server.shutdown()
    server.server_close()


def count_of_jobs(archive: Archive) -> int:
    return int(json.loads(archive.manage("mast_jobs", "--json").stdout)["count"])


def test_no_page_of_another_site_drives_the_archive(archive: Archive, browser: Browser, foreign_site: str) -> None:
    """Five ways of starting work and one of reading; against Django and ninja as they come five of them succeed."""
    before = count_of_jobs(archive)
    page = browser.new_page()
    page.goto(foreign_site)
    outcomes = page.evaluate(ATTACKS, archive.url)
    page.close()
    assert set(outcomes.values()) == {"failed"}
    assert count_of_jobs(archive) == before

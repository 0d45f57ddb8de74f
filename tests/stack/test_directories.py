"""Logins by a group's own directory: a whole archive beside a real OpenID Connect provider and a real LDAP server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from jwstarchive.run import checks
from tests.stack.archive import Archive, started, wait_until

pytestmark = pytest.mark.enable_socket
VERA = {
    "sub": "vera",
    "email": "vera@example.org",
    "given_name": "Vera",
    "family_name": "Rubin",
    "groups": ["importer", "chess-club"],
}


class Provider:
    """An OpenID Connect provider on loopback which knows one person."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{checks.free_port()}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port = str(urlsplit(self.url).port)
        command = [sys.executable, "-m", "oidc_provider_mock", "--port", port, "--user-claims", json.dumps(VERA)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: _answers(f"{self.url}/.well-known/openid-configuration"))

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    @property
    def environment(self) -> dict[str, str]:
        told = requests.get(f"{self.url}/.well-known/openid-configuration", timeout=10).json()
        return {
            "OIDC_CLIENT_ID": "archive",
            "OIDC_CLIENT_SECRET": "a secret between the two",
            "OIDC_AUTHORIZATION_URL": told["authorization_endpoint"],
            "OIDC_TOKEN_URL": told["token_endpoint"],
            "OIDC_USERINFO_URL": told["userinfo_endpoint"],
            "OIDC_JWKS_URL": told["jwks_uri"],
        }


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Archive]:
    login = {"JWST_ACCESS": "login", "JWST_TLS": "off"}
    with started(tmp_path_factory.mktemp("oidc"), **login, **provider.environment) as running:
        yield running


def to_the_provider(archive: Archive, session: requests.Session) -> str:
    """Press the button of the login page: the address the browser is sent to."""
    page = session.get(f"{archive.url}/login/?next=/imports/", timeout=20).text
    link = re.search(r'href="(/oidc/authenticate/[^"]*)"', page)
    assert link, page
    sent = session.get(archive.url + link[1].replace("&amp;", "&"), allow_redirects=False, timeout=20)
    assert sent.status_code == 302
    return sent.headers["Location"]


def back_again(session: requests.Session, asked: str, **answer: str) -> str:
    """Answer the provider's form: the address of ours that it sends the browser to."""
    sent = session.post(asked, data=answer, allow_redirects=False, timeout=20)
    assert sent.status_code == 302, sent.text
    return sent.headers["Location"]


def who(archive: Archive, session: requests.Session) -> str:
    """The name at the foot of the pages; empty for nobody."""
    page = session.get(f"{archive.url}/account/", timeout=20)
    found = re.search(r'<a href="/account/">([^<]*)</a>', page.text)
    return found[1] if found else ""


def test_a_person_of_the_institution_logs_in_and_may_what_the_provider_says(
    archive: Archive, provider: Provider
) -> None:
    session = requests.Session()
    asked = to_the_provider(archive, session)
    parameters = parse_qs(urlsplit(asked).query)
    assert parameters["client_id"] == ["archive"]
    assert parameters["code_challenge_method"] == ["S256"]
    assert parameters["redirect_uri"] == [f"{archive.url}/oidc/callback/"]
    landed = session.get(back_again(session, asked, sub="vera"), timeout=20)
    assert (landed.status_code, urlsplit(landed.url).path) == (200, "/imports/")
    assert who(archive, session) == "oidc-vera"
    told = archive.manage(
        "shell",
        "-c",
        "from django.contrib.auth.models import User; user = User.objects.get(username='oidc-vera');"
        "print(user.email, user.get_full_name(), *user.groups.values_list('name', flat=True), user.is_staff)",
    )
    assert told.stdout.splitlines()[-1] == "vera@example.org Vera Rubin importer False"


def test_whom_the_provider_refuses_comes_back_to_the_login_page(archive: Archive) -> None:
    session = requests.Session()
    landed = session.get(back_again(session, to_the_provider(archive, session), action="deny"), timeout=20)
    assert (landed.status_code, urlsplit(landed.url).path) == (200, "/login/")
    assert who(archive, session) == ""


@pytest.mark.parametrize("change", ["state", "code"])
def test_an_answer_that_is_not_the_providers_logs_nobody_in(archive: Archive, change: str) -> None:
    """A login somebody else began, which would put the reader into a stranger's account; and a code made up."""
    session = requests.Session()
    answer = back_again(session, to_the_provider(archive, session), sub="vera")
    true = parse_qs(urlsplit(answer).query)[change][0]
    refused = session.get(answer.replace(true, "A" * len(true)), timeout=20)
    assert refused.status_code < 500
    assert "Traceback" not in refused.text
    assert who(archive, session) == ""


def test_a_used_answer_is_worth_nothing(archive: Archive) -> None:
    session, thief = requests.Session(), requests.Session()
    answer = back_again(session, to_the_provider(archive, session), sub="vera")
    session.get(answer, timeout=20)
    assert who(archive, session) == "oidc-vera"
    thief.get(answer, timeout=20)
    assert who(archive, thief) == ""


def test_a_provider_that_is_gone_is_said_in_words_and_passwords_still_work(
    archive: Archive, provider: Provider
) -> None:
    session = requests.Session()
    answer = back_again(session, to_the_provider(archive, session), sub="vera")
    provider.stop()
    try:
        landed = session.get(answer, timeout=20)
    finally:
        provider.start()
    assert "does not answer" in landed.text
    assert landed.status_code in {200, 503}
    assert who(archive, session) == ""
    assert "Password" in session.get(f"{archive.url}/login/", timeout=20).text


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False

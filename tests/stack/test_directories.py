"""Logins by a group's own directory: a whole archive beside a real OpenID Connect provider and a real LDAP server."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from jwstarchive.run import checks
from tests.conftest import missing
from tests.stack.archive import Archive, started, wait_until

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


def facts_of(archive: Archive, name: str) -> str:
    """Mail address, name, groups, and whether the admin is open to it."""
    told = archive.manage(
        "shell",
        "-c",
        f"from django.contrib.auth.models import User; user = User.objects.get(username={name!r});"
        "print(user.email, user.get_full_name(), *user.groups.values_list('name', flat=True), user.is_staff)",
    )
    return told.stdout.splitlines()[-1]


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
    assert facts_of(archive, "oidc-vera") == "vera@example.org Vera Rubin importer False"


def test_whom_the_provider_refuses_comes_back_to_the_login_page(archive: Archive) -> None:
    session = requests.Session()
    landed = session.get(back_again(session, to_the_provider(archive, session), action="deny"), timeout=20)
    assert (landed.status_code, urlsplit(landed.url).path) == (200, "/login/")
    assert who(archive, session) == ""


TURNED_AWAY = {"state": "This login was begun elsewhere", "code": "did not accept this login"}


@pytest.mark.parametrize("change", list(TURNED_AWAY))
def test_an_answer_that_is_not_the_providers_logs_nobody_in(archive: Archive, change: str) -> None:
    """A login somebody else began, which would put the reader into a stranger's account; and a code made up."""
    session = requests.Session()
    answer = back_again(session, to_the_provider(archive, session), sub="vera")
    true = parse_qs(urlsplit(answer).query)[change][0]
    refused = session.get(answer.replace(true, "A" * len(true)), timeout=20)
    assert (refused.status_code, urlsplit(refused.url).path) == (200, "/login/")
    assert TURNED_AWAY[change] in refused.text
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


# --- LDAP -------------------------------------------------------------------------------------------------------

CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {certificate}
security simple_bind=128
database mdb
suffix "dc=example,dc=org"
directory {folder}/people
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""
PEOPLE = """
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: uid=henrietta,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: henrietta
cn: Henrietta Leavitt
givenName: Henrietta
sn: Leavitt
mail: henrietta@example.org
userPassword: period luminosity

dn: uid=edwin,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: edwin
cn: Edwin Hubble
sn: Hubble
userPassword: constant no more

dn: cn=curator,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: curator
member: uid=henrietta,ou=people,dc=example,dc=org

dn: cn=admins-of-the-printer,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: admins-of-the-printer
member: uid=edwin,ou=people,dc=example,dc=org
"""


@pytest.fixture(scope="module")
def ldap_server(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[str]:
    """An OpenLDAP server that takes passwords over TLS only: its address."""
    slapd = shutil.which("slapd") or shutil.which("/usr/sbin/slapd")
    if slapd is None:
        missing("slapd")
    if find_spec("django_auth_ldap") is None:
        missing("django-auth-ldap")
    folder = tmp_path_factory.mktemp("ldap")
    (folder / "people").mkdir()
    configuration, people = folder / "slapd.conf", folder / "people.ldif"
    configuration.write_text(CONFIGURATION.format(folder=folder, certificate=certificate))
    people.write_text(PEOPLE.lstrip())
    subprocess.run([str(slapd), "-T", "add", "-f", str(configuration), "-l", str(people)], check=True, timeout=60)
    port = checks.free_port()
    command = [str(slapd), "-d", "0", "-f", str(configuration), "-h", f"ldap://127.0.0.1:{port}"]
    with subprocess.Popen(command) as server:
        wait_until(lambda: _listens(port))
        yield f"ldap://127.0.0.1:{port}"
        server.terminate()


@pytest.fixture(scope="module")
def with_ldap(tmp_path_factory: pytest.TempPathFactory, ldap_server: str, certificate: Path) -> Iterator[Archive]:
    environment = {
        "JWST_ACCESS": "login",
        "JWST_TLS": "off",
        "JWST_NEW_ACCOUNT_ROLE": "viewer",
        "LDAP_URL": ldap_server,
        "LDAP_USER_DN": "uid=%(user)s,ou=people,dc=example,dc=org",
        "LDAP_GROUPS_DN": "ou=groups,dc=example,dc=org",
        "LDAPTLS_CACERT": str(certificate),
    }
    with started(tmp_path_factory.mktemp("with-ldap"), **environment) as running:
        yield running


def logged_in(archive: Archive, name: str, password: str) -> str:
    """Fill in the login page: who one is afterwards."""
    session = requests.Session()
    page = session.get(f"{archive.url}/login/", timeout=20).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', page)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "username": name, "password": password}
    landed = session.post(f"{archive.url}/login/", data=form, headers={"Referer": archive.url}, timeout=20)
    assert landed.status_code < 500, landed.text
    assert "Traceback" not in landed.text
    return who(archive, session)


def test_a_person_of_the_directory_logs_in_with_the_roles_of_its_groups(with_ldap: Archive) -> None:
    assert logged_in(with_ldap, "henrietta", "period luminosity") == "henrietta"
    assert facts_of(with_ldap, "henrietta") == "henrietta@example.org Henrietta Leavitt curator False"


def test_groups_of_the_directory_that_mean_nothing_here_give_nothing(with_ldap: Archive) -> None:
    assert logged_in(with_ldap, "edwin", "constant no more") == "edwin"
    assert facts_of(with_ldap, "edwin") == " Hubble viewer False"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("henrietta", "wrong"),
        # To a directory an empty password is no login at all, and it says yes.
        ("henrietta", ""),
        ("henrietta", " "),
        ("*", "period luminosity"),
        ("henrietta,ou=people", "period luminosity"),
        ("henrietta)(uid=*", "period luminosity"),
        ("nobody", "period luminosity"),
    ],
)
def test_nobody_else_gets_in(with_ldap: Archive, name: str, password: str) -> None:
    assert logged_in(with_ldap, name, password) == ""


def test_a_server_whose_certificate_nobody_vouches_for_gets_no_password(with_ldap: Archive, ldap_server: str) -> None:
    told = with_ldap.manage(
        "shell",
        "-c",
        "from django.contrib.auth import authenticate; from django.test import RequestFactory;"
        "print(authenticate(RequestFactory().get('/'), username='henrietta', password='period luminosity'))",
        LDAPTLS_CACERT="",
    )
    assert told.stdout.splitlines()[-1] == "None", told.stdout + told.stderr
    assert (
        "certificate" in (told.stdout + told.stderr).lower() or "connect error" in (told.stdout + told.stderr).lower()
    )


def test_a_directory_that_is_gone_is_no_wrong_password(with_ldap: Archive) -> None:
    told = with_ldap.manage(
        "shell",
        "-c",
        "from django.test import Client; from django.conf import settings; settings.ALLOWED_HOSTS = ['*'];"
        "answer = Client().post('/login/', {'username': 'henrietta', 'password': 'period luminosity'});"
        "print(answer.status_code, answer.content.decode())",
        LDAP_URL=f"ldap://127.0.0.1:{checks.free_port()}",
    )
    assert "Your institution&#x27;s directory does not answer. Try again in a while." in told.stdout, told.stderr


def _listens(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False

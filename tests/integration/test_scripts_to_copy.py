"""Scripts that people take with them: run as they are, against a server that gives the archive's answers."""

from __future__ import annotations

import ast
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mast import conf
from mast.models import DataFile
from tests.factories import DataFileFactory, on_disk
from tests.pages import page_of
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]


@dataclass
class Downloads:
    """Serves files by number under the archive's addresses; `token` is what it wants to see."""

    contents: dict[int, bytes]
    token: str = ""
    asked: list[str] = field(default_factory=list)
    host: str = ""


@pytest.fixture
def downloads(files: list[DataFile]) -> Iterator[Downloads]:
    serves = Downloads({file.pk: (conf.files_dir() / file.path).read_bytes() for file in files})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            serves.asked.append(self.path)
            if serves.token and self.headers["Authorization"] != f"Bearer {serves.token}":
                self.send_error(401)
                return
            content = serves.contents[int(self.path.split("/")[3])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("localhost", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        serves.host = f"localhost:{server.server_port}"
        yield serves
        server.shutdown()


@pytest.fixture
def files() -> list[DataFile]:
    return [on_disk(DataFileFactory(), content) for content in (b"first", b"second " * 1000)]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where the script runs."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def vera(settings: Any) -> User:
    settings.ACCESS = "login"
    return person("vera", "importer")


def script(client: Client, files: list[DataFile], host: str, form: str = "shell") -> bytes:
    listed = {"action": "list", "form": form, "file": [file.pk for file in files]}
    content: bytes = client.post("/library/bulk/", listed, headers={"Host": host}).content
    return content


def run(text: bytes, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(
        ["sh"], input=text.decode(), cwd=folder, env=path | environment, capture_output=True, text=True, check=False
    )


def test_the_shell_script_fetches_proves_and_goes_on(
    client: Client, files: list[DataFile], downloads: Downloads, here: Path
) -> None:
    text = script(client, files, downloads.host)
    whole = downloads.contents[files[1].pk]
    downloads.contents[files[1].pk] = whole[:-1] + b"?"
    first = run(text, here)
    assert first.returncode == 1
    assert "its sum differs" in first.stderr
    assert [path.name for path in here.iterdir()] == [files[0].file_name]
    downloads.contents[files[1].pk] = whole
    again = run(text, here)
    assert (again.returncode, again.stderr.count("differs")) == (0, 0)
    assert "is here already" in again.stdout
    assert {path.name: path.read_bytes() for path in here.iterdir()} == {
        file.file_name: downloads.contents[file.pk] for file in files
    }
    assert len(downloads.asked) == 3, "what is here already is not asked for again"


def test_where_one_logs_in_the_script_takes_a_token(
    client: Client, vera: User, files: list[DataFile], downloads: Downloads, here: Path
) -> None:
    client.force_login(vera, backend="django.contrib.auth.backends.ModelBackend")
    downloads.token = "key-of-vera"
    text = script(client, files, downloads.host)
    without = run(text, here)
    assert without.returncode != 0
    assert "JWST_TOKEN" in without.stderr
    assert "API token" in without.stderr
    assert not downloads.asked
    assert run(text, here, JWST_TOKEN="another").returncode == 1
    assert not list(here.iterdir())
    assert run(text, here, JWST_TOKEN="key-of-vera").returncode == 0
    assert {path.name for path in here.iterdir()} == {file.file_name for file in files}


@pytest.mark.parametrize("logs_in", [False, True])
def test_lines_to_copy_carry_a_token_where_one_logs_in(
    client: Client, files: list[DataFile], settings: Any, logs_in: bool
) -> None:
    if logs_in:
        settings.ACCESS = "login"
        client.force_login(person("vera", "importer"), backend="django.contrib.auth.backends.ModelBackend")
    for address in (f"/files/{files[0].pk}/", f"/observations/{files[0].observation.obs_id}/"):
        page = page_of(client.get(address))
        texts = {name: page.one("pre", id=f"snippet-{name}").text for name in ("curl", "python", "astroquery")}
        assert ('-H "Authorization: Bearer $JWST_TOKEN"' in texts["curl"]) == logs_in
        assert ("JWST_TOKEN" in texts["python"]) == logs_in
        assert "JWST_TOKEN" not in texts["astroquery"], "MAST knows no token of ours"
        lines = page.one("pre", id="snippet-python")
        ast.parse("".join(text for text in lines.children if isinstance(text, str)))

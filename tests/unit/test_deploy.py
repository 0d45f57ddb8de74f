"""What `deploy/` and the page for groups name exists, agrees with one another, and is as hardened as it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import missing
from tests.unit.test_readme import variables_read

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
WORST_SCORE = 2.0
PAGE = (ROOT / "docs" / "group.md").read_text()


def names(path: Path) -> str:
    return path.name


def environment() -> dict[str, str]:
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value.strip('"') for name, value in pairs}


def test_a_shell_reads_the_environment_as_systemd_does() -> None:
    path = DEPLOY / "environment.example"
    script = f"set -a; . {shlex.quote(str(path))}; set +a; exec env -0"
    done = subprocess.run(["sh", "-c", script], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True)
    read = dict(pair.split("=", 1) for pair in done.stdout.decode().split("\0") if pair)
    assert environment().items() <= read.items()


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: line.strip().removeprefix("exec ") for name, line in (line.split(":", 1) for line in lines)}


@pytest.mark.parametrize("path", UNITS, ids=names)
def test_a_unit_runs_what_the_procfile_runs(path: Path) -> None:
    name = path.stem.removeprefix("jwst-")
    (command,) = re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
    assert command.removeprefix("/opt/jwst-archive/.venv/bin/") == procfile()[name]


@pytest.mark.parametrize("path", UNITS, ids=names)
def test_systemd_reads_the_unit_and_scores_its_hardening(path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        missing("systemd-analyze")
    verified = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    # The programs are where an installation puts them, and not here.
    complaints = [line for line in verified.stderr.splitlines() if path.name in line and "not executable" not in line]
    assert complaints == []
    scored = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", path],
        capture_output=True,
        text=True,
        check=False,
    )
    score = re.search(r"exposure level for \S+: ([\d.]+)", scored.stdout)
    assert score is not None, scored.stderr
    assert float(score[1]) <= WORST_SCORE


def test_the_environment_file_names_variables_that_are_read() -> None:
    assert set(environment()) <= variables_read()
    assert environment()["JWST_ACCESS"] == "login"


def test_compose_names_variables_paths_and_commands_that_exist() -> None:
    services = compose()["services"]
    ours = {name: service for name, service in services.items() if service.get("image") == "jwst-archive"}
    assert set(ours) == {"prepare", "web", "worker", "beat"}
    for name, service in ours.items():
        read = set(service["environment"]) - {"FORWARDED_ALLOW_IPS"}
        assert read <= variables_read()
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        if name in procfile() and "command" in service:
            assert " ".join(service["command"]) == procfile()[name]
    assert services["web"]["ports"] == ["127.0.0.1:5001:5001"]
    asked = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    folders = {name for name in asked if name.startswith("/")}
    assert asked - folders == set(compose()["volumes"])
    # nginx, on the host, sends files and the stylesheet from the folder that is the containers' data directory.
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert folders == {"/srv/jwst"}
    assert set(re.findall(r"alias (\S+)/;", nginx)) == {"/srv/jwst/static", "/srv/jwst/mast"}
    assert "collectstatic" in services["prepare"]["command"][-1]
    (network,) = compose()["networks"]["default"]["ipam"]["config"]
    assert services["web"]["environment"]["JWST_TRUSTED_PROXIES"] == network["subnet"]


def test_the_image_copies_what_there_is_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
    assert re.search(r"^USER jwst$", text, re.MULTILINE)
    for name in re.findall(r"\b((?:JWST|DJANGO|MAST)_[A-Z_]+)=", text):
        assert name in variables_read()
    assert " ".join(re.findall(r'"([^"]+)"', text.rpartition("CMD ")[2])) == procfile()["web"]


def test_nginx_sends_files_from_where_the_archive_leads_it() -> None:
    site, settings = (DEPLOY / "nginx.conf").read_text(), environment()
    inside = re.search(r"location (\S+) \{\s+internal;\s+alias (\S+);", site)
    assert inside is not None
    assert inside[1] == settings["JWST_SENDFILE"]
    assert inside[2] == f"{settings['JWST_DATA_DIR']}/mast/"
    assert f"server 127.0.0.1:{settings['JWST_PORT']};" in site
    assert f"alias {settings['JWST_DATA_DIR']}/static/;" in site


def test_nginx_reads_its_site(tmp_path: Path) -> None:
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if not program:
        missing("nginx")
    tls = tmp_path / "tls"
    tls.mkdir()
    key, crt = tls / "archive.key", tls / "archive.crt"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", crt]
    subprocess.run(made, check=True, capture_output=True)
    for name in ("nginx.conf", "nginx-proxy.conf"):
        text = (DEPLOY / name).read_text().replace("/etc/jwst-archive", str(tmp_path))
        (tmp_path / name).write_text(text)
    main = (
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/nginx.conf; }}"
    )
    (tmp_path / "main.conf").write_text(main)
    done = subprocess.run([program, "-t", "-c", tmp_path / "main.conf"], capture_output=True, text=True, check=False)
    # Whether its ports are free here is another matter.
    assert "syntax is ok" in done.stderr, done.stderr


def test_the_page_names_files_and_commands_that_exist() -> None:
    for path in re.findall(r"\bdeploy/[\w.-]+\w", PAGE):
        assert (ROOT / path).exists() or list(ROOT.glob(f"{path}*")), path
    commands = {
        path.stem for folder in ("mast", "jwstarchive") for path in (ROOT / folder).glob("management/commands/*.py")
    }
    for command in re.findall(r"^jwst (\w+)", PAGE, re.MULTILINE):
        assert command in commands | {"check"}, command

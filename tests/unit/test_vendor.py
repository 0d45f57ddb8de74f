"""What others wrote lies in `static/vendor` as it was published, and nothing of it comes from another host."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

STATIC = Path(__file__).resolve().parents[2] / "static"
VENDOR = STATIC / "vendor"
ROW = re.compile(
    r"^\| `(?P<file>[^`]+)` \|.*\| (?P<version>[\d.]+) \|.*`(?P<licence>[^`]+)` \|.*\| `(?P<sha256>[0-9a-f]{64})` \|$"
)
ROWS = [found for line in (VENDOR / "README.md").read_text().splitlines() if (found := ROW.match(line))]
OURS = [path for folder in ("viewer", "") for path in (STATIC / folder).glob("*.*") if path.suffix in {".js", ".css"}]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_vendored_file_is_the_one_that_its_row_says(row: re.Match[str]) -> None:
    content = (VENDOR / row["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == row["sha256"]
    assert row["version"] in row["file"]
    assert row["version"].encode() in content[:400] or row["file"].endswith(".css")
    assert (VENDOR / row["licence"]).stat().st_size > 500


def test_every_vendored_file_has_a_row() -> None:
    listed = {row["file"] for row in ROWS} | {row["licence"] for row in ROWS} | {"README.md"}
    assert {path.name for path in VENDOR.iterdir()} == listed


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_own_scripts_and_styles_name_no_other_host(path: Path) -> None:
    # Namespaces of XML are names and no addresses; nothing is fetched from them.
    text = re.sub(r"https?://(www\.w3\.org|ns\.adobe\.com|www\.communicatingastronomy\.org)/", "", path.read_text())
    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text, re.IGNORECASE)


def test_static_files_can_be_collected_under_hashed_names(tmp_path: Path) -> None:
    """A vendored script that names a source map we do not have would stop this."""
    storage = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    default = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES={"default": default, "staticfiles": storage}):
        call_command("collectstatic", interactive=False, verbosity=0)
    assert len(list((tmp_path / "vendor").glob("openseadragon-*.js"))) == 2

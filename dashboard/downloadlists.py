"""Lists that bring selected files to another machine: a shell script, astroquery, a manifest."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from mast.errors import BadQuery
from mast.models import DataFile

MANIFEST: Final = ("uri", "file_name", "size_bytes", "sha256", "calibration_version", "obs_id")


@dataclass(frozen=True)
class Form:
    """One form of list: how people call it, what it is saved as, how it is written."""

    title: str
    file_name: str
    media_type: str
    write: Callable[[Iterable[DataFile], str], str]


def _shell(files: Iterable[DataFile], base_url: str) -> str:
    """Fetches each file from this archive with curl and checks its sum."""
    lines = ["#!/bin/sh", "# Fetches files from the JWST archive into this directory and checks each.", "set -eu"]
    for file in files:
        name = shlex.quote(file.file_name)
        lines.append(f"curl -fL --retry 3 -C - -o {name} {shlex.quote(f'{base_url}/api/files/{file.pk}/download')}")
        lines.append(f"echo {shlex.quote(f'{file.sha256}  {file.file_name}')} | sha256sum --check")
    return "\n".join(lines) + "\n"


def _astroquery(files: Iterable[DataFile], base_url: str) -> str:
    """Fetches the same products from MAST itself."""
    uris = "".join(f"\n    {file.data_uri!r}," for file in files)
    return f"""\
from astroquery.mast import Observations

uris = [{uris}
]
for uri in uris:
    Observations.download_file(uri)
"""


def _manifest(files: Iterable[DataFile], base_url: str) -> str:
    """What is needed to have the very same data again: URI, size, sum, and the pipeline that made it."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(MANIFEST)
    for file in files:
        version = file.raw.get("prvversion") or ""
        table.writerow([file.data_uri, file.file_name, file.size_bytes, file.sha256, version, file.product_obs_id])
    return buffer.getvalue()


FORMS: Final = {
    "shell": Form("shell script (curl)", "jwst-files.sh", "text/x-shellscript; charset=utf-8", _shell),
    "astroquery": Form("astroquery", "jwst-files.py", "text/x-python; charset=utf-8", _astroquery),
    "manifest": Form("manifest (CSV)", "jwst-manifest.csv", "text/csv; charset=utf-8", _manifest),
}


def listed(form: str, files: QuerySet[DataFile], base_url: str) -> tuple[Form, str]:
    """A list of these files in one of the forms."""
    if form not in FORMS:
        raise BadQuery(f"There is no list of the form {form!r}.", fields={"form": f"one of {', '.join(FORMS)}"})
    rows = files.order_by("file_name").only(
        "pk", "file_name", "sha256", "size_bytes", "data_uri", "product_obs_id", "raw"
    )
    return FORMS[form], FORMS[form].write(rows.iterator(), base_url)

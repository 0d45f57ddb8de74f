"""Lists that bring selected files to another machine: a shell script, astroquery, a manifest."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from dashboard.caller import Caller
from mast.errors import BadQuery
from mast.models import DataFile, Observation
from mast.tables import csv_cell

MANIFEST: Final = ("uri", "file_name", "size_bytes", "sha256", "calibration_version", "obs_id")


@dataclass(frozen=True)
class Form:
    """One form of list: how people call it, what it is saved as, how it is written."""

    title: str
    file_name: str
    media_type: str
    write: Callable[[Iterable[DataFile], Caller], str]


_SHELL: Final = """\
#!/bin/sh
# Fetches files from the JWST archive into this directory and checks each; run again, it goes on where it stopped.
set -u
{head}failed=0
is_whole() {{ printf '%s  %s\\n' "$2" "$1" | sha256sum --check --status 2>/dev/null; }}
get() {{ # NAME SHA256 NUMBER
    if [ -f "$1" ] && is_whole "$1" "$2"; then echo "$1: is here already"; return; fi
    {curl} -fL --retry 3 -C - -o "$1.part" "{base_url}/api/files/$3/download" || {{
        echo "$1: not fetched" >&2; failed=1; return
    }}
    if is_whole "$1.part" "$2"; then mv "$1.part" "$1"; echo "$1: whole"; return; fi
    echo "$1: its sum differs; fetched again next time" >&2; rm -f "$1.part"; failed=1
}}
"""


def _shell(files: Iterable[DataFile], caller: Caller) -> str:
    """Fetches each file from this archive with curl and checks its sum."""
    lines = [_SHELL.format(head=caller.shell_head, curl=caller.curl, base_url=caller.base_url)]
    lines += [f"get {shlex.quote(file.file_name)} {file.sha256} {file.pk}\n" for file in files]
    return "".join([*lines, 'exit "$failed"\n'])


def _astroquery(files: Iterable[DataFile], caller: Caller) -> str:
    """Fetches the same products from MAST itself."""
    uris = "".join(f"\n    {file.data_uri!r}," for file in files)
    return f"""\
from astroquery.mast import Observations

uris = [{uris}
]
for uri in uris:
    Observations.download_file(uri)
"""


def _manifest(files: Iterable[DataFile], caller: Caller) -> str:
    """What is needed to have the very same data again: URI, size, sum, and the pipeline that made it."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(MANIFEST)
    for file in files:
        version = file.raw.get("prvversion") or ""
        row = [file.data_uri, file.file_name, file.size_bytes, file.sha256, version, file.product_obs_id]
        table.writerow(map(csv_cell, row))
    return buffer.getvalue()


def _doi(files: Iterable[DataFile], caller: Caller) -> str:
    """Ids of the observations, one a line, as MAST's form for a DOI takes them."""
    return "".join(f"{name}\n" for name in sorted({file.observation.obs_id for file in files}))


ACKNOWLEDGEMENT: Final = (
    "This work is based on observations made with the NASA/ESA/CSA James Webb Space Telescope. The data were obtained "
    "from the Mikulski Archive for Space Telescopes at the Space Telescope Science Institute, which is operated by the "
    "Association of Universities for Research in Astronomy, Inc., under NASA contract NAS 5-03127 for JWST."
)


def _bibtex(files: Iterable[DataFile], caller: Caller) -> str:
    """An entry for each program, with the acknowledgement MAST asks for."""
    programs = {file.observation.proposal_id: file.observation for file in files}
    entries = [_entry(program, row) for program, row in sorted(programs.items())]
    return f"% {ACKNOWLEDGEMENT}\n\n" + "\n".join(entries)


def _entry(program: str, row: Observation) -> str:
    year = f"  year = {{{row.observed_at.year}}},\n" if row.observed_at else ""
    return (
        f"@misc{{jwst-{_plain(program) or 'unknown'},\n  author = {{{_plain(row.proposal_pi)}}},\n"
        f"  title = {{{{{_plain(row.obs_title)}}}}},\n{year}"
        f"  howpublished = {{JWST program {_plain(program)}, Mikulski Archive for Space Telescopes}},\n}}\n"
    )


def _plain(text: str) -> str:
    """Without what means something to BibTeX; on one line."""
    return " ".join(_SPECIAL.sub(" ", text).split())


_SPECIAL: Final = re.compile(r"[{}\\%$#&~^_@\x00-\x1f]")
FORMS: Final = {
    "shell": Form("shell script (curl)", "jwst-files.sh", "text/x-shellscript; charset=utf-8", _shell),
    "astroquery": Form("astroquery", "jwst-files.py", "text/x-python; charset=utf-8", _astroquery),
    "manifest": Form("manifest (CSV)", "jwst-manifest.csv", "text/csv; charset=utf-8", _manifest),
    "doi": Form("ids for a DOI", "jwst-doi.txt", "text/plain; charset=utf-8", _doi),
    "bibtex": Form("BibTeX", "jwst.bib", "application/x-bibtex; charset=utf-8", _bibtex),
}


def listed(form: str, files: QuerySet[DataFile], caller: Caller) -> tuple[Form, str]:
    """A list of these files in one of the forms."""
    if form not in FORMS:
        raise BadQuery(f"There is no list of the form {form!r}.", fields={"form": f"one of {', '.join(FORMS)}"})
    own = ("file_name", "sha256", "size_bytes", "data_uri", "product_obs_id", "raw")
    about = (f"observation__{name}" for name in ("obs_id", "proposal_id", "proposal_pi", "obs_title", "observed_at"))
    rows = files.order_by("file_name").select_related("observation").only(*own, *about)
    return FORMS[form], FORMS[form].write(rows.iterator(), caller)

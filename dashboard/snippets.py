"""Lines to copy that do the same as the page, from a shell or from Python."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.caller import Caller
from mast.models import DataFile, Observation


@dataclass(frozen=True)
class Snippet:
    """`key` names the element a copy button reads."""

    key: str
    title: str
    text: str


def of_observation(row: Observation, caller: Caller) -> list[Snippet]:
    record = f"{caller.base_url}/api/observations/{row.obs_id}"
    curl = f"""\
{caller.curl} {record}
{caller.curl} -X POST {caller.base_url}/api/mast/import \\
  -H "Content-Type: application/json" \\
  -d '{{"obsId": "{row.obs_id}"}}'"""
    python = f"""\
{caller.python_head}

record = requests.get("{record}"{caller.python_argument}, timeout=30).json()
order = {{"obsId": "{row.obs_id}"}}
requests.post("{caller.base_url}/api/mast/import", json=order{caller.python_argument}, timeout=130).json()"""
    astroquery = f"""\
from astroquery.mast import Observations

rows = Observations.query_criteria(obs_collection="JWST", obs_id="{row.obs_id}")
products = Observations.get_product_list(rows)"""
    return [
        Snippet("curl", "curl", curl),
        Snippet("python", "Python (requests)", python),
        Snippet("astroquery", "astroquery, from MAST itself", astroquery),
    ]


def of_file(file: DataFile, caller: Caller) -> list[Snippet]:
    address = f"{caller.base_url}/api/files/{file.pk}/download"
    curl = f"""\
{caller.curl} -o {file.file_name} {address}
echo "{file.sha256}  {file.file_name}" | sha256sum --check"""
    fetch = f"""\
{caller.python_head}

answer = requests.get("{address}"{caller.python_argument}, timeout=60)
answer.raise_for_status()"""
    if not file.file_name.endswith((".fits", ".fits.gz")):
        python = f"{fetch}\ntext = answer.text"
    elif caller.needs_token:
        python = f"""\
from io import BytesIO

from astropy.io import fits
{fetch}
with fits.open(BytesIO(answer.content)) as hdus:
    hdus.info()"""
    else:
        python = f"""\
from astropy.io import fits

with fits.open("{address}", cache=False) as hdus:
    hdus.info()"""
    astroquery = f"""\
from astroquery.mast import Observations

Observations.download_file("{file.data_uri}")"""
    return [
        Snippet("curl", "curl, with its sum checked", curl),
        Snippet("python", "Python", python),
        Snippet("astroquery", "astroquery, from MAST itself", astroquery),
    ]

"""Lines to copy that do the same as the page, from a shell or from Python."""

from __future__ import annotations

from dataclasses import dataclass

from mast.models import DataFile, Observation


@dataclass(frozen=True)
class Snippet:
    """`key` names the element a copy button reads."""

    key: str
    title: str
    text: str


def of_observation(row: Observation, base_url: str) -> list[Snippet]:
    record = f"{base_url}/api/observations/{row.obs_id}"
    curl = f"""\
curl {record}
curl -X POST {base_url}/api/mast/import \\
  -H "Content-Type: application/json" \\
  -d '{{"obsId": "{row.obs_id}"}}'"""
    python = f"""\
import requests

record = requests.get("{record}", timeout=30).json()
requests.post("{base_url}/api/mast/import", json={{"obsId": "{row.obs_id}"}}, timeout=130).json()"""
    astroquery = f"""\
from astroquery.mast import Observations

rows = Observations.query_criteria(obs_collection="JWST", obs_id="{row.obs_id}")
products = Observations.get_product_list(rows)"""
    return [
        Snippet("curl", "curl", curl),
        Snippet("python", "Python (requests)", python),
        Snippet("astroquery", "astroquery, from MAST itself", astroquery),
    ]


def of_file(file: DataFile, base_url: str) -> list[Snippet]:
    address = f"{base_url}/api/files/{file.pk}/download"
    curl = f"""\
curl -o {file.file_name} {address}
echo "{file.sha256}  {file.file_name}" | sha256sum --check"""
    python = f"""\
from astropy.io import fits

with fits.open("{address}", cache=False) as hdus:
    hdus.info()"""
    if not file.file_name.endswith((".fits", ".fits.gz")):
        python = f"""\
import requests

text = requests.get("{address}", timeout=60).text"""
    astroquery = f"""\
from astroquery.mast import Observations

Observations.download_file("{file.data_uri}")"""
    return [
        Snippet("curl", "curl, with its sum checked", curl),
        Snippet("python", "Python", python),
        Snippet("astroquery", "astroquery, from MAST itself", astroquery),
    ]

"""A search as lines to copy: the same question from curl, Python, astroquery and pyvo."""

from __future__ import annotations

import json
import shlex
from typing import Any

from dashboard.caller import Caller
from dashboard.snippets import Snippet
from mast.archive.answers import SearchAnswer
from mast.archive.query import Query

TAP = "https://mast.stsci.edu/vo-tap/api/v0.1/caom"
_CALLS = {
    "target": ("target", {"target_name": "targetName", "radius": "radius"}),
    "coordinates": ("coordinates", {"ra": "ra", "dec": "dec", "radius": "radius"}),
    "observation": ("observation", {"obs_id": "obsId"}),
    "program": ("program", {"program_id": "programId"}),
}


def of_search(answer: SearchAnswer, caller: Caller, export_url: str) -> list[Snippet]:
    """`export_url`, a page, gives the very rows that are shown, facets and order included."""
    query = answer.query
    path, names = _CALLS[query.kind]
    params = query.to_params()
    body: dict[str, Any] = {names[name]: params[name] for name in names} | {"calibLevel": params["calib_level"]}
    address = f"{caller.base_url}/api/mast/search/{path}"
    curl = f"""\
{caller.curl} -X POST {address} \\
  -H "Content-Type: application/json" \\
  -d {shlex.quote(json.dumps(body))}"""
    if not caller.needs_token:
        curl += f"""

# the rows as they are shown, with filters and order
curl -o search.csv {shlex.quote(f"{export_url}&format=csv")}"""
    python = f"""\
{caller.python_head}

answer = requests.post({address!r}, json={body!r}{caller.python_argument}, timeout=130).json()
for row in answer["results"]:
    print(row["obs_id"], row["t_exptime"])"""
    return [
        Snippet("curl", "curl", curl),
        Snippet("python", "Python (requests)", python),
        Snippet("astroquery", "astroquery, from MAST itself", _astroquery(query, answer)),
        Snippet("pyvo", "pyvo, from MAST itself", _pyvo(query, answer)),
    ]


def _place(query: Query, answer: SearchAnswer) -> tuple[float, float] | None:
    if query.kind == "coordinates":
        return query.ra_deg or 0.0, query.dec_deg or 0.0
    return (answer.resolved.ra_deg, answer.resolved.dec_deg) if answer.resolved else None


def _astroquery(query: Query, answer: SearchAnswer) -> str:
    criteria = ['obs_collection="JWST"']
    if query.calib_levels is not None:
        criteria.append(f"calib_level={[int(level) for level in query.calib_levels]}")
    place = _place(query, answer)
    if place:
        criteria += [f'coordinates="{place[0]:.6f} {place[1]:+.6f}"', f'radius="{query.radius_deg:g} deg"']
    elif query.kind == "target":
        criteria.append(f"target_name={f'*{query.target_name}*'!r}")
    elif query.kind == "observation":
        criteria.append(f"obs_id={query.obs_id.strip()!r}")
    else:
        criteria.append(f"proposal_id={query.program_id!r}")
    lines = "".join(f"\n    {criterion}," for criterion in criteria)
    return f"""\
from astroquery.mast import Observations

rows = Observations.query_criteria({lines}
)
products = Observations.get_product_list(rows)"""


def _pyvo(query: Query, answer: SearchAnswer) -> str:
    where = ["obs_collection = 'JWST'"]
    if query.calib_levels is not None:
        where.append(f"calib_level IN ({', '.join(str(int(level)) for level in query.calib_levels)})")
    place = _place(query, answer)
    if place:
        circle = f"CIRCLE('ICRS', {place[0]:.6f}, {place[1]:.6f}, {query.radius_deg:g})"
        where.append(f"CONTAINS(POINT('ICRS', s_ra, s_dec), {circle}) = 1")
    elif query.kind == "target":
        where.append(f"target_name LIKE {_adql(f'%{query.target_name}%')}")
    elif query.kind == "observation":
        where.append(f"obs_id LIKE {_adql(query.obs_id.strip().replace('*', '%'))}")
    else:
        where.append(f"obs_id LIKE 'jw{int(query.program_id):05d}%'")
    conditions = "\n  AND ".join(where)
    text = f"SELECT * FROM ivoa.obscore\nWHERE {conditions}"  # noqa: S608 - for a person to read, not run here
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'''\
import pyvo

service = pyvo.dal.TAPService("{TAP}")
rows = service.search("""
{quoted}
""").to_table()'''


def _adql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""Searches of MAST whose answers explain themselves.

Every level is asked for and the asked ones are chosen here: one request then also says what lies at the other levels,
which is what people need when the level they asked for is empty.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from mast import errors, terms
from mast.archive import footprints, names, sky
from mast.archive.answers import Found, Resolved, SearchAnswer, explain
from mast.archive.client import ArchiveConfig, Client
from mast.archive.identifiers import Wanted, read_identifier
from mast.archive.products import batches
from mast.archive.query import Query
from mast.archive.resolver import resolve
from mast.archive.rows import ObservationRow, mjd_of

__all__ = ["Query", "Resolved", "SearchAnswer", "observations", "search"]

OBSERVATIONS_A_REQUEST: Final = 1000
_NEARBY_DEG: Final = 2.0
_MOST_PARENTS: Final = 60
"""Product lists are long: an exposure is looked for in those of so many observations at most."""


def search(query: Query, config: ArchiveConfig, *, cancelled: Callable[[], bool] | None = None) -> SearchAnswer:
    """Ask MAST, and say what was asked, what was found, and why what is missing is missing.

    Raises
    ------
    BadQuery, TargetNotResolved : when there is nothing MAST could be asked
    ArchiveError : when MAST fails, or takes longer than `config.timeout_s`
    Cancelled : soon after `cancelled()` turned true
    """
    query.check()
    client = Client(config, cancelled=cancelled)
    return explain(query, _KINDS[query.kind](query, client))


def observations(
    config: ArchiveConfig,
    *,
    obs_ids: Sequence[str] = (),
    obsids: Sequence[str] = (),
    cancelled: Callable[[], bool] | None = None,
) -> list[ObservationRow]:
    """Current rows of known observations, 1,000 a request; those MAST no longer has are left out.

    Parameters
    ----------
    obs_ids : mission names, jw02733-o001_t001_nircam_clear-f090w
    obsids : MAST's product-group numbers
    """
    named = [name for name in dict.fromkeys(obs_ids) if terms.is_safe_name(name)]
    numbered = [number for number in dict.fromkeys(obsids) if number.isascii() and number.isdigit()]
    rows: list[ObservationRow] = []
    for column, ids in (("obs_id", named), ("obsid", numbered)):
        for batch in batches(ids, OBSERVATIONS_A_REQUEST):
            # A client, and so a deadline, for each: the bound is that of one query.
            filters: dict[str, Any] = {column: batch}
            rows += Client(config, cancelled=cancelled).observations(**filters)
    return _once_each(rows)


def _once_each(rows: list[ObservationRow]) -> list[ObservationRow]:
    return list({row.obsid or row.obs_id: row for row in rows}.values())


# --- a place on the sky -----------------------------------------------------------------------------------------


def _by_target(query: Query, client: Client) -> Found:
    outcome = resolve(query.target_name, client)
    if outcome.resolved is None:
        return _by_target_name(query, client, outcome.failure)
    place = outcome.resolved
    searched = f"Searched within {query.radius_deg:g}° of {place.sentence}."
    found = _around(client, place.ra_deg, place.dec_deg, query.radius_deg, searched)
    found.resolved = place
    found.notes = [*outcome.notes, *found.notes]
    return found


def _by_target_name(query: Query, client: Client, failure: errors.ArchiveError | None) -> Found:
    """For what has no fixed position, planets say: the observations whose proposers gave this target name."""
    name = names.normalise_target(query.target_name)
    key = names.lookup_key(name)
    pattern = "*".join(re.findall(r"[A-Za-z0-9+.]+", name))
    rows: list[ObservationRow] = []
    if len(key) >= 3 and pattern:
        rows = client.observations(target_name=[f"*{pattern}*"])
        rows = [row for row in rows if key in names.lookup_key(row.target_name)]
    if rows:
        return Found(
            rows,
            f"Searched for observations whose target is named {name}.",
            notes=["No position is known under this name, so it was looked for among the proposers' target names."],
        )
    if failure:
        raise failure
    raise _unresolved(query.target_name.strip())


def _unresolved(name: str) -> errors.TargetNotResolved:
    likely = names.suggestions(name)
    hint = f" Did you mean {_or(likely)}?" if likely else " Check the spelling, or search by coordinates or program."
    return errors.TargetNotResolved(
        f"No resolver knows “{name}”, and no observation has it as target.{hint}", suggestions=likely
    )


def _or(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _by_coordinates(query: Query, client: Client) -> Found:
    ra_deg, dec_deg = query.ra_deg or 0.0, query.dec_deg or 0.0
    searched = (
        f"Searched within {query.radius_deg:g}° of {sky.format_position(ra_deg, dec_deg)} "
        f"(RA {ra_deg:.5f}°, Dec {dec_deg:.5f}°, ICRS).".replace("-", "−")
    )
    return _around(client, ra_deg, dec_deg, query.radius_deg, searched)


def _around(client: Client, ra_deg: float, dec_deg: float, radius_deg: float, searched: str) -> Found:
    rows = _once_each(client.observations(position=(ra_deg, dec_deg, radius_deg)))
    found = Found(rows, searched)
    if not rows:
        found.why_nothing = [_nearest_sentence(client, ra_deg, dec_deg, radius_deg)]
    return found


def _nearest_sentence(client: Client, ra_deg: float, dec_deg: float, radius_deg: float) -> str:
    wider = min(max(_NEARBY_DEG, 5 * radius_deg), sky.LARGEST_RADIUS_DEG)
    rows = client.observations(position=(ra_deg, dec_deg, wider)) if wider > radius_deg else []
    if not rows:
        return f"JWST has no pointing within {sky.format_angle(wider)} of this place."
    distance, row = min(((_distance(row, ra_deg, dec_deg), row) for row in rows), key=lambda pair: pair[0])
    level = "planned" if row.calib_level == terms.CalibLevel.PLANNED else f"Level {row.calib_level}"
    return (
        f"The nearest JWST pointing is {sky.format_angle(distance)} away: {row.target_name or 'unnamed'} "
        f"({row.obs_id}, {level}). A larger radius would find it."
    )


def _distance(row: ObservationRow, ra_deg: float, dec_deg: float) -> float:
    """Degrees to an observation's footprint, or to its centre where it has none."""
    distance = footprints.distance_to(footprints.parse_footprint(row.s_region), ra_deg, dec_deg)
    if distance is not None:
        return distance
    if row.s_ra_deg is None or row.s_dec_deg is None:
        return sky.LARGEST_RADIUS_DEG
    return sky.separation(row.s_ra_deg, row.s_dec_deg, ra_deg, dec_deg)


# --- by name, by program, by date -------------------------------------------------------------------------------


def _by_program(query: Query, client: Client) -> Found:
    program = terms.program_of(query.program_id)
    return Found(
        _of_program(client, program),
        f"Searched program {program}.",
        why_nothing=[f"MAST has no JWST observation of program {program}, not even a planned one."],
    )


def _of_program(client: Client, program: str, **filters: Any) -> list[ObservationRow]:
    # MAST compares programs as text, and writes them without zeros.
    return _once_each(client.observations(proposal_id=[program], **filters))


def _by_recent_release(query: Query, client: Client) -> Found:
    today = mjd_of(datetime.now(UTC))
    filters: dict[str, Any] = {"t_obs_release": [today - query.days_back, today]}
    if query.calib_levels is not None:
        filters["calib_level"] = [int(level) for level in query.calib_levels]
    if query.instrument:
        filters["instrument_name"] = [f"{query.instrument.upper()}*"]
    days = "day" if query.days_back == 1 else f"{query.days_back} days"
    whose = f" by {query.instrument.upper()}" if query.instrument else ""
    return Found(
        _once_each(client.observations(**filters)),
        f"Searched what became public in the last {days}{whose}.",
        why_nothing=["Nothing became public in this time; look further back."],
    )


def _by_observation(query: Query, client: Client) -> Found:
    wanted = read_identifier(query.obs_id)
    if not wanted.pattern:
        return Found(_of_program(client, wanted.program), f"Searched {wanted.read_as}.")
    _refuse_vague(wanted.pattern)
    read_as = f" ({query.obs_id.strip()} is {wanted.read_as})" if wanted.read_as else ""
    rows = _once_each(client.observations(obs_id=[wanted.pattern]))
    found = Found(rows, f"Searched for the observation {wanted.pattern}{read_as}.")
    if not rows and wanted.program:
        _look_in_program(wanted, client, found)
    elif not rows:
        found.why_nothing = ["Ids of JWST observations begin with jw and the program, jw02733-o001_t001_… say."]
    return found


def _refuse_vague(pattern: str) -> None:
    if "*" in pattern and not re.match(r"jw\d{3}", pattern):
        raise errors.BadQuery(
            "An observation id with * begins with jw and at least three digits, jw02733* say.",
            fields={"obs_id": "It begins with jw and at least three digits."},
        )


def _look_in_program(wanted: Wanted, client: Client, found: Found) -> None:
    """Say where an id that has no row of its own belongs: exposures are files of combined observations."""
    siblings = _of_program(client, wanted.program)
    found.rows = [row for row in siblings if _is_part(row.obs_id, wanted)]
    if found.rows:
        found.notes.append(f"{wanted.exposure} was written in {len(found.rows)} segments.")
        return
    found.rows = _parents_of(wanted, siblings, client) if wanted.exposure else []
    if found.rows:
        found.notes.append(
            f"MAST has no row of its own for {wanted.exposure}: its files belong to the "
            f"{'observation' if len(found.rows) == 1 else 'observations'} shown here. Import with levels 1 and 2 "
            "to get them."
        )
        return
    known = [row.obs_id for row in siblings]
    found.suggestions = difflib.get_close_matches(wanted.pattern, known, n=5, cutoff=0.6)
    found.why_nothing = [
        f"Program {wanted.program} has {len(known)} observations, none of this id; search the program to see them."
        if known
        else f"MAST has no JWST observation of program {wanted.program} either."
    ]


def _is_part(obs_id: str, wanted: Wanted) -> bool:
    """Whether an id is the exposure's, or one of its segments', or begins with the part of it that was given."""
    return bool(wanted.exposure) and any(
        name.startswith(wanted.exposure) for name in (obs_id, re.sub(r"-seg\d{3}", "", obs_id))
    )


def _parents_of(wanted: Wanted, siblings: list[ObservationRow], client: Client) -> list[ObservationRow]:
    combined = [row for row in siblings if (row.calib_level or 0) >= terms.CalibLevel.SCIENCE and row.obsid]
    if wanted.instrument:
        combined = [row for row in combined if row.instrument_name.upper().startswith(wanted.instrument)]
    # Its own observation's first, then the candidates that combine several.
    combined.sort(key=lambda row: f"-o{wanted.obs}_" not in row.obs_id)
    combined = combined[:_MOST_PARENTS]
    holders = set()
    for product in client.products([row.obsid for row in combined]) if combined else ():
        if _is_part(product.obs_id, wanted):
            holders.add(product.parent_obsid)
    return [row for row in combined if row.obsid in holders]


_KINDS: Final[dict[str, Callable[[Query, Client], Found]]] = {
    "target": _by_target,
    "coordinates": _by_coordinates,
    "observation": _by_observation,
    "program": _by_program,
    "recent": _by_recent_release,
}

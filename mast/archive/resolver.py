"""From a target's name to its place: MAST's resolver, and what to do without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from mast import errors
from mast.archive import names, sky, values
from mast.archive.answers import Resolved
from mast.archive.client import Client

OWN_TABLE: Final = "this archive's table of well-known names"


@dataclass
class Outcome:
    """The place, or why there is none: a failure of the resolver, or nothing at all when it does not know the name."""

    resolved: Resolved | None = None
    failure: errors.ArchiveError | None = None
    notes: list[str] = field(default_factory=list)


def resolve(name: str, client: Client) -> Outcome:
    """Where a target lies, asked of the resolver in the usual spelling and then as typed."""
    usual = names.normalise_target(name)
    outcome = Outcome()
    try:
        outcome.resolved = _ask(dict.fromkeys((usual, " ".join(name.split()))), client)
    except errors.ArchiveError as exc:
        client.deadline.remaining()
        outcome.failure = type(exc)(
            f"The name resolver failed, so {usual} has no position. {exc.message} "
            "Coordinates, programs and observation ids can be searched meanwhile."
        )
    return outcome if outcome.resolved else _without_resolver(usual, outcome)


def _without_resolver(name: str, outcome: Outcome) -> Outcome:
    place = names.well_known(name)
    if place:
        outcome.resolved = Resolved(name, place.ra_deg, place.dec_deg, OWN_TABLE, place.name)
        why = "does not answer" if outcome.failure else "does not know this name"
        outcome.notes.append(f"MAST's name resolver {why}; the position is from {OWN_TABLE}, good to a few arcminutes.")
        return outcome
    try:
        ra_deg, dec_deg = sky.parse_coordinates(name)
    except errors.BadQuery:
        return outcome
    outcome.resolved = Resolved(name, ra_deg, dec_deg, "reading it as coordinates")
    return outcome


def _ask(spellings: dict[str, None], client: Client) -> Resolved | None:
    for spelling in spellings:
        for entry in client.resolve(spelling):
            resolved = _read_entry(spelling, entry)
            if resolved:
                return resolved
    return None


def _read_entry(name: str, entry: dict[str, Any]) -> Resolved | None:
    # The resolver repeats the name lower-cased; entries for other names are not answers to this one.
    asked = str(entry.get("searchString", "")).strip().casefold()
    if asked != name.casefold():
        return None
    ra_deg, dec_deg = values.real(entry.get("ra")), values.real(entry.get("decl"))
    if ra_deg is None or dec_deg is None or not -90 <= dec_deg <= 90 or not 0 <= ra_deg <= 360:
        return None
    canonical = " ".join(str(entry.get("canonicalName") or "").split())
    return Resolved(name, ra_deg, dec_deg, str(entry.get("resolver") or "MAST"), canonical)

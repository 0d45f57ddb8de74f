"""Exclusive-access files in an import: left out, or proven to be the importer's to have before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from django.conf import settings

from mast import access, credentials, errors
from mast.access import Right
from mast.archive.rows import ProductRow
from mast.credentials import Credential
from mast.imports import planning, sources
from mast.imports.planning import ImportPlan, PlannedFile
from mast.models import DataFile

OF_THE_SITE: Final = 0


def prove(plan: ImportPlan, credential: Credential | None) -> ImportPlan:
    """Ask MAST for one exclusive file of each program, so that a token that stopped working is told now, not later.

    Whoever is proven to have a right to them learns which of them lie here already.

    Raises
    ------
    MastTokenRefused
    """
    rows = {program_of(file.row): file.row for file in plan.files if planning.is_exclusive(file.row.data_rights)}
    if credential is None or credential.owner_id is None or not rows:
        return plan
    for program, row in rows.items():
        _prove_one(program, row, credential)
    held = planning.held_uris((file.row.data_uri for file in plan.files), DataFile.objects.all())
    return replace(
        plan,
        files=[PlannedFile(file.row, file.row.data_uri in held) for file in plan.files],
        held_count=len(held),
        to_fetch_bytes=planning.bytes_to_fetch([f.row for f in plan.files if f.row.data_uri not in held]),
    )


def _prove_one(program: str, row: ProductRow, credential: Credential) -> None:
    try:
        sources.length(row.data_uri, row.data_rights, credential.token)
    except errors.AccessDenied as exc:
        credentials.note_refused(credential)
        raise errors.MastTokenRefused(
            f"MAST does not give the files of program {program} for your token: it has stopped working (ten days "
            "unused are enough), or the program is not yours. Store a new one on your account page."
        ) from exc
    except errors.TransferError:
        # MAST is slow or away: that the import itself will tell.
        return
    credentials.note_taken(credential)


def program_of(row: ProductRow) -> str:
    return str(row.raw_dict().get("proposal_id") or row.obs_id)


def whose(credential: Credential | None) -> int | None:
    """Who alone may join an import with this token; None: it hides nothing, all may."""
    if credential is None or settings.ACCESS == "open":
        return None
    return OF_THE_SITE if credential.owner_id is None else credential.owner_id


def is_hidden_import(plan: ImportPlan, credential: Credential | None) -> bool:
    """Whether others may not know of this import: with logins, one that brings exclusive files."""
    brings = any(planning.is_exclusive(file.row.data_rights) for file in plan.files)
    return brings and credential is not None and settings.ACCESS == "login"


def registrable(rows: Sequence[ProductRow], user: Any) -> list[ProductRow]:
    """Files on disk that this user may learn of by registering them: exclusive ones are the administrators'."""
    if user is None or settings.ACCESS == "open" or access.may(user, Right.ADMINISTER):
        return list(rows)
    return [row for row in rows if not planning.is_exclusive(row.data_rights)]

"""What the holder of a transfer does to its row: claim, beat, release, wait, fail. Each is one conditional UPDATE.

Times are the database's own (`Now()`), so that a worker host's clock decides nothing. Every write names the owner and
the epoch of the claim: it changes nothing once another worker, or a person, took the transfer away.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import reduce
from operator import or_
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from mast import errors, terms
from mast.imports import owners
from mast.models import Transfer
from mast.terms import JobState

MAX_ATTEMPTS: Final = 3
"""claims without a new byte before a transfer is given up: the file kills its workers"""
FREE: Final = Q(lease_until=None) | Q(lease_until__lt=Now())
DUE: Final = Q(not_before=None) | Q(not_before__lte=Now())
UNHELD: Final = {"owner": "", "lease_until": None}


@dataclass(frozen=True, eq=False)
class Claim:
    """One transfer held by this worker, as its row was when it was claimed."""

    transfer: Transfer
    owner: str
    epoch: int

    @property
    def id(self) -> int:
        return int(self.transfer.pk)

    def row(self) -> QuerySet[Transfer]:
        """The transfer's row while it is still ours."""
        return Transfer.objects.filter(self.is_ours)

    @property
    def is_ours(self) -> Q:
        return Q(pk=self.id, owner=self.owner, epoch=self.epoch)


@dataclass
class Pulse:
    """What a beat writes of one transfer."""

    done_bytes: int = 0
    total_bytes: int | None = None
    state: JobState = JobState.DOWNLOADING
    source: str = ""
    message: str = ""
    waits_until: dt.datetime | None = None
    is_alive: bool = True
    """bytes moved since the last beat, or it is inside a stated wait or a verification"""
    has_moved: bool = False
    """bytes moved since it was claimed"""


def lease() -> dt.timedelta:
    return dt.timedelta(seconds=settings.LEASE_S)


def claim(transfer_ids: Sequence[int]) -> list[Claim]:
    """Take those of the transfers that are free and due; none when others have them all."""
    owner = owners.new()
    free = Transfer.objects.filter(FREE, DUE, pk__in=transfer_ids, state__in=terms.CLAIMABLE, attempts__lt=MAX_ATTEMPTS)
    taken = free.update(
        state=JobState.DOWNLOADING,
        owner=owner,
        lease_until=Now() + lease(),
        epoch=F("epoch") + 1,
        attempts=F("attempts") + 1,
        not_before=None,
        error_code="",
        error="",
        message="",
    )
    if not taken:
        return []
    rows = Transfer.objects.filter(pk__in=transfer_ids, owner=owner).order_by("pk")
    return [Claim(row, owner, row.epoch) for row in rows]


def beat(claims: Iterable[Claim], pulses: Mapping[int, Pulse]) -> set[int]:
    """Write how far each transfer is and extend the leases of those that live; ids that are ours no more come back.

    Of a batch most have not begun, or ended the same: those that have the same to say share one statement.
    """
    alike: dict[tuple[object, ...], list[Claim]] = defaultdict(list)
    for claim in claims:
        alike[astuple(pulses[claim.id])].append(claim)
    with transaction.atomic():
        lost = [_beat_alike(group, pulses[group[0].id]) for group in alike.values()]
    return set().union(*lost)


def _beat_alike(group: Sequence[Claim], pulse: Pulse) -> set[int]:
    if _rows(group).update(**_beat_fields(pulse)) == len(group):
        return set()
    return lost(group)


def _rows(claims: Iterable[Claim]) -> QuerySet[Transfer]:
    """The rows of these claims that are still ours."""
    return Transfer.objects.filter(reduce(or_, (claim.is_ours for claim in claims), Q(pk__in=())))


def held(claims: Iterable[Claim]) -> set[int]:
    """Which of these are still ours; their rows stay as they are until the transaction ends."""
    return set(_rows(claims).select_for_update().values_list("pk", flat=True))


def lost(claims: Sequence[Claim]) -> set[int]:
    """Which of these are ours no more: taken over, paused or cancelled. One query."""
    return {claim.id for claim in claims} - set(_rows(claims).values_list("pk", flat=True))


def _beat_fields(pulse: Pulse) -> dict[str, object]:
    fields: dict[str, object] = {
        "done_bytes": pulse.done_bytes,
        "state": pulse.state,
        "source": pulse.source,
        "message": pulse.message,
        "not_before": pulse.waits_until,
    }
    if pulse.total_bytes is not None:
        fields["total_bytes"] = pulse.total_bytes
    if pulse.is_alive:
        fields["lease_until"] = Now() + lease()
    if pulse.has_moved:
        fields["attempts"] = 0
    return fields


def release(claim: Claim, done_bytes: int) -> bool:
    """Give a transfer back to the queue, whole and unharmed: this worker stops."""
    return bool(
        claim.row().update(
            **UNHELD, state=JobState.QUEUED, done_bytes=done_bytes, attempts=0, published_at=None, not_before=None
        )
    )


def wait(claim: Claim, seconds: float, message: str, *, is_attempt: bool = True) -> bool:
    """Put a transfer aside until its time has come; the sweeper sends it out again."""
    return bool(
        claim.row().update(
            **UNHELD,
            state=JobState.WAITING,
            not_before=Now() + dt.timedelta(seconds=seconds),
            published_at=None,
            message=message,
            attempts=claim.transfer.attempts if is_attempt else claim.transfer.attempts - 1,
        )
    )


def fail(claim: Claim, error: errors.MastError) -> bool:
    """Record why a file could not be had. Its part stays, for a retry."""
    return bool(
        claim.row().update(
            **UNHELD, state=JobState.FAILED, error_code=error.code, error=error.message, message="", not_before=None
        )
    )

"""Runs claimed transfers to their end: locate, fetch, inspect, register. Start, resume and recovery are one path.

Joins the three wings (`archive`, `transfer`, `fits`), which do not know one another. Bytes move in threads that never
touch the database; rows are written by the calling thread; a `Heart` beats beside them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from django.conf import settings

from mast import conf, credentials, errors
from mast.credentials import Credential
from mast.fits.inspect import Inspector
from mast.imports import (
    broker,
    control,
    jobs,
    leases,
    live,
    locating,
    opening,
    places,
    planning,
    records,
    site,
    sources,
)
from mast.imports.heart import Heart
from mast.imports.leases import Claim
from mast.imports.patience import patiently
from mast.models import DataFile, Transfer
from mast.terms import JobState, SourceChoice
from mast.transfer.engine import fetch
from mast.transfer.many import Crew, Ended
from mast.transfer.values import Fetched, Wanted

log = logging.getLogger(__name__)

LOOKUP_AGAIN_S: Final = 30.0
BUSY_AGAIN_S: Final = 10.0
GATHER_S: Final = 0.25
DERIVE_EVERY_S: Final = 1.0
EXCLUSIVE: Final = (
    "It is still exclusive to its proposers; whoever may read it stores a MAST token on the account page, or sets "
    "MAST_API_TOKEN."
)


def run(transfer_ids: Sequence[int], stopping: Callable[[], bool] = lambda: False) -> None:
    """Claim these transfers and bring each to an end; those that others hold are left to them."""
    claims = leases.claim(transfer_ids)
    if not claims:
        return
    ids = [claim.id for claim in claims]
    jobs.settle_jobs_of(ids)
    try:
        if not opening.is_open():
            for claim in claims:
                leases.wait(claim, opening.closed_for().total_seconds(), opening.sentence(), is_attempt=False)
            return
        _bring(claims, stopping)
    finally:
        released = Transfer.objects.filter(pk__in=ids, state__in=(JobState.QUEUED, JobState.WAITING)).exists()
        jobs.settle_jobs_of(ids, released=released)


def _bring(claims: Sequence[Claim], stopping: Callable[[], bool]) -> None:
    """Beat for these claims, as a member of the site, while they are on their way."""
    site.join()
    member = site.Member("s3" if claims[0].transfer.s3_key else "http", settings.DOWNLOAD_CONNECTIONS)
    turn = Turn()
    try:
        with Heart(claims, lambda: stopping() or turn.is_over, lambda heart: turn.tick(heart, member)) as heart:
            _Run(heart, member).bring(claims)
    finally:
        member.leave()


class Turn:
    """How long a group may go on: a slice while others wait, and the hours at which files are fetched at all."""

    def __init__(self) -> None:
        self.is_over = False

    def tick(self, heart: Heart, member: site.Member) -> None:
        member.beat()
        self.is_over |= not opening.is_open() or (heart.is_slice_over and bool(live.queue_length()))


class _Run:
    """One group of claims on its way."""

    def __init__(self, heart: Heart, member: site.Member) -> None:
        self.heart = heart
        self.member = member
        self.config = conf.transfer_config()
        self.damaged: set[int] = set()
        self.credentials: dict[int, Credential] = {}
        self.inspector = Inspector()
        self.underived: list[str] = []
        self.derive_due = time.monotonic() + DERIVE_EVERY_S

    def bring(self, claims: Sequence[Claim]) -> None:
        allowed = [claim for claim in claims if self._is_allowed(claim)]
        ready = self._looked_up(allowed)
        self.damaged = _damaged(ready)
        at_once = self.config.connections
        if len(ready) > 1:
            self.config = replace(self.config, connections=1)
            self.member.wants(min(at_once, len(ready)))
        left = len(ready)
        # Small files come in swarms: inspected by one child and recorded in one transaction they cost little.
        with self.inspector:
            self.inspector.begin()
            for ended in Crew(ready, self._fetch, lambda: min(at_once, self.member.granted)).ended(GATHER_S):
                left -= len(ended)
                if left:
                    self.member.wants(min(at_once, left) if len(ready) > 1 else at_once)
                self._end(ended)
        self._derive()

    def _is_allowed(self, claim: Claim) -> bool:
        """Whether somebody who waits for an exclusive file has a token for it, which is then kept for the threads."""
        if not planning.is_exclusive(claim.transfer.data_rights):
            return True
        credential = credentials.of_transfer(claim.transfer)
        if credential is None:
            self._fail(claim, errors.ExclusiveAccess(EXCLUSIVE))
            return False
        self.credentials[claim.id] = credential
        return True

    # --- where the bytes are ------------------------------------------------------------------------------------

    def _looked_up(self, claims: Sequence[Claim]) -> list[Claim]:
        """Ask MAST, for all at once, where the files lie on S3, unless only HTTP is wanted."""
        try:
            locating.look_up(claims)
        except errors.ArchiveError as error:
            return [claim for claim in claims if self._does_without(claim, error)]
        return list(claims)

    def _does_without(self, claim: Claim, error: errors.ArchiveError) -> bool:
        """Without an answer `auto` goes by HTTP; `s3` waits, and gives up after some tries."""
        if claim.transfer.source_choice != SourceChoice.S3 or not locating.is_unknown(claim.transfer):
            return True
        if not error.retryable or claim.transfer.attempts >= leases.MAX_ATTEMPTS:
            self._fail(claim, error)
        else:
            self._put_aside(claim, LOOKUP_AGAIN_S, f"MAST does not say where the file lies on S3: {error.message}")
        return False

    # --- bytes --------------------------------------------------------------------------------------------------

    def _fetch(self, claim: Claim) -> Fetched:
        """In a thread of the crew; no database here."""
        self.member.wait_for_turn(lambda: self.heart.should_stop(claim.id))
        if self.heart.should_stop(claim.id):
            raise errors.Cancelled
        wanted = self._wanted(claim)
        if not wanted.sources:
            raise errors.NotInSource("The file is not on S3; import it with the source auto or http.")
        if claim.id in self.damaged:
            places.set_aside(wanted.final_path)
        if not wanted.final_path.exists():
            return self._run_engine(claim, wanted)
        try:
            # Finished before a crash and not recorded: then it is whole, and nothing is downloaded.
            return self._run_engine(claim, wanted)
        except (errors.TransferError, errors.FileError):
            places.set_aside(wanted.final_path)
            return self._run_engine(claim, wanted)

    def _run_engine(self, claim: Claim, wanted: Wanted) -> Fetched:
        return fetch(
            wanted,
            self.config,
            on_progress=lambda progress: self.heart.report(claim.id, progress),
            should_stop=lambda: self.heart.should_stop(claim.id),
            site=self.member,
        )

    def _wanted(self, claim: Claim) -> Wanted:
        transfer, credential = claim.transfer, self.credentials.get(claim.id)
        return Wanted(
            file_name=transfer.file_name,
            sources=list(sources.of(transfer, credential.token if credential else "")),
            partial_dir=conf.partial_dir(),
            final_path=final_path(transfer),
            # What the server said in an earlier attempt is the better witness.
            catalog_bytes=transfer.catalog_bytes if transfer.total_bytes is None else transfer.total_bytes,
        )

    # --- ends ---------------------------------------------------------------------------------------------------

    def _end(self, ended: Sequence[Ended[Claim]]) -> None:
        for one in ended:
            if one.error is not None:
                self._failed(one.wanted, one.error)
        if arrived := {one.wanted: one.fetched for one in ended if one.fetched is not None}:
            self._arrived(arrived)

    def _failed(self, claim: Claim, error: BaseException) -> None:
        try:
            raise error
        except (errors.Cancelled, errors.LeaseLost):
            self._stopped(claim)
        except errors.AlreadyClaimed as error:
            # Whoever holds the part file lost the lease, and lets go when it notices.
            self._put_aside(claim, BUSY_AGAIN_S, error.message, is_attempt=False)
        except errors.DiskFull:
            self.heart.forget(claim.id)
            patiently(lambda: control.pause_for_disk(claim.id))
        except errors.AccessDenied as error:
            self._fail(claim, error)
            if credential := self.credentials.get(claim.id):
                patiently(lambda: credentials.note_refused(credential))
        except errors.MastError as error:
            self._fail(claim, error)
        except Exception:
            log.exception("importing %s failed", claim.transfer.file_name)
            self._fail(claim, errors.JobError(f"Importing {claim.transfer.file_name} failed; the log says more."))

    def _arrived(self, arrived: Mapping[Claim, Fetched]) -> None:
        plans = self.inspector.inspect([(fetched.path, claim.transfer.file_name) for claim, fetched in arrived.items()])
        for claim in arrived:
            self.heart.forget(claim.id)
        finished = [(claim, fetched, plan) for (claim, fetched), plan in zip(arrived.items(), plans, strict=True)]
        patiently(lambda: records.register(finished))
        self.underived += [claim.transfer.data_uri for claim in arrived]
        if time.monotonic() >= self.derive_due:
            self._derive()

    def _derive(self) -> None:
        """Ask for the pyramids of what arrived since the last time: a message for each handful would cost more."""
        uris, self.underived = self.underived, []
        self.derive_due = time.monotonic() + DERIVE_EVERY_S
        if uris:
            broker.publish_derived(uris)

    def _stopped(self, claim: Claim) -> None:
        self.heart.forget(claim.id)
        if not self.heart.is_lost(claim.id):
            patiently(lambda: leases.release(claim, self.heart.done_bytes(claim.id)))

    def _put_aside(self, claim: Claim, seconds: float, message: str, *, is_attempt: bool = True) -> None:
        self.heart.forget(claim.id)
        patiently(lambda: leases.wait(claim, seconds, message, is_attempt=is_attempt))

    def _fail(self, claim: Claim, error: errors.MastError) -> None:
        self.heart.forget(claim.id)
        patiently(lambda: leases.fail(claim, error))


def _damaged(claims: Sequence[Claim]) -> set[int]:
    """Transfers whose file on disk is known not to be what it was: it must not pass for a finished download."""
    uris = {claim.transfer.data_uri: claim.id for claim in claims}
    damaged = DataFile.objects.filter(data_uri__in=uris).exclude(state=DataFile.State.HELD)
    return {uris[uri] for uri in damaged.values_list("data_uri", flat=True)}


def final_path(transfer: Transfer) -> Path:
    """Where a transfer's file will lie."""
    return places.final_path(
        transfer.file_name, transfer.product_obs_id, transfer.raw.get("proposal_id"), f"product-{transfer.pk}"
    )

"""`fetch`: one file, from wherever it can be had, onto the disk, proven whole or not there at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from mast.errors import (
    AccessDenied,
    ChecksumMismatch,
    ConnectionLost,
    EncodedReply,
    FileError,
    ForbiddenAddress,
    JobError,
    MastError,
    NotFits,
    NotInSource,
    RangeIgnored,
    SizeMismatch,
    SourceChanged,
    TransferError,
    TruncatedFits,
)
from mast.transfer.admission import Admission
from mast.transfer.config import RECORD_BYTES, TransferConfig
from mast.transfer.disk import DISK, Disk
from mast.transfer.finish import Evidence, already_there, ask_sums, finish
from mast.transfer.lock import only_one
from mast.transfer.partfile import PartFile, remove_left
from mast.transfer.patience import Patience
from mast.transfer.readback import ReadBack
from mast.transfer.report import Reporter
from mast.transfer.session import Session
from mast.transfer.site import ALONE, Site
from mast.transfer.sources import Source
from mast.transfer.values import Fetched, Phase, Progress, Wanted
from mast.transfer.wire import TICK_S

__all__ = ["Fetched", "Progress", "Wanted", "fetch"]

_DAMAGED = SizeMismatch | ChecksumMismatch | TruncatedFits


def fetch(
    wanted: Wanted,
    config: TransferConfig,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    disk: Disk = DISK,
    site: Site = ALONE,
) -> Fetched:
    """Bring one file home, going on where an earlier attempt, stopped or killed, left off.

    Parameters
    ----------
    wanted : the file, its sources in order of preference, where it is to lie
    config : sizes, waits and limits
    on_progress, should_stop : called on this thread about every `config.progress_every_s`
    site : what this transfer shares with others: connections and bandwidth

    Returns
    -------
    fetched : the file is under its final name, read-only, synced, and proven as far as `fetched.proof` says

    Raises
    ------
    Cancelled : `should_stop` said so; what had arrived is kept in the part file, as it is with all other errors except
        those that say that its bytes were wrong
    NotInSource, AccessDenied, ForbiddenAddress, EncodedReply, NotFits : no source gives the file; the last one's reason
    ConnectionLost : no new byte for `config.give_up_after_s`
    SourceChanged : the archive replaced the file more than `config.max_restarts` times
    SizeMismatch, ChecksumMismatch, TruncatedFits : what arrived is not whole, however often it was fetched again
    DiskFull, FileError : the disk; `DiskFull.details["needed_bytes"]` where it is known
    AlreadyClaimed : another process is fetching this file
    """
    if not wanted.sources:
        raise NotInSource(f"Nobody is known to have {wanted.file_name}.")
    reporter = Reporter(config.progress_every_s, on_progress, should_stop)
    disk.make_dir(wanted.partial_dir, 0o700)
    course = Course(wanted, config, reporter, disk, site)
    lock = wanted.partial_dir / f"{wanted.file_name}.lock"
    # Of so small a file a second transfer costs less than the lock of every one.
    with nullcontext() if course.is_one_record else only_one(lock, config.lock_wait_s, reporter.check):
        try:
            return course.run()
        finally:
            course.close()


class Course:
    """All attempts at one file: which source, which part, how often begun anew."""

    def __init__(self, wanted: Wanted, config: TransferConfig, reporter: Reporter, disk: Disk, site: Site) -> None:
        self.wanted = wanted
        self.config = config
        self._reporter = reporter
        self._disk = disk
        self._site = site
        self._patience = Patience(config)
        self._sources = list(wanted.sources)
        self._part: PartFile | None = None
        self._readback: ReadBack | None = None
        self._session: Session | None = None
        self._evidence = Evidence()
        self._restarts = 0
        self._refused: set[str] = set()
        """SHA-256 of files that arrived whole but did not give the sums in their own headers"""
        self._whole_only: set[str] = set()
        """names of sources that answer ranges with whole files"""

    @property
    def is_one_record(self) -> bool:
        """Whether the file is so small that there is nothing to go on from."""
        return 0 < (self.wanted.catalog_bytes or 0) <= RECORD_BYTES

    def run(self) -> Fetched:
        fetched = self._final() if self.wanted.final_path.exists() else self._fetch()
        remove_left(self.wanted.partial_dir, self.wanted.file_name, self._disk)
        return fetched

    def _fetch(self) -> Fetched:
        self._resume()
        while True:
            try:
                while not self._is_read_back():
                    self._attempt(self._source)
                return self._finish()
            except FileExistsError:
                return self._final()
            except MastError as exc:
                if isinstance(exc, FileError) and self.wanted.final_path.exists():
                    return self._final()
                self._recover(exc)

    def _final(self) -> Fetched:
        return already_there(self.wanted, self._verifying, self._disk)

    def _finish(self) -> Fetched:
        if self._part is None or self._readback is None:
            raise JobError("A transfer ended without a file.")
        self._reporter.say(self._progress("verifying"))
        if not self._evidence.has_all_sums:
            self._evidence.sums |= ask_sums(self.wanted, self._part, self.config, self._reporter.check)
        digests = self._readback.hex()
        self._evidence.came_twice = digests["sha256"] in self._refused
        return finish(self.wanted, self._part, digests, self._evidence, self._verifying)

    def _verifying(self, _done: int) -> None:
        self._reporter.beat(lambda: self._progress("verifying"))

    def close(self) -> None:
        if self._part:
            self._part.close()

    @property
    def _source(self) -> Source:
        return self._sources[0]

    # --- going on ----------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Take up what an earlier attempt left, as far as its bytes on disk agree with its journal."""
        if self.is_one_record:
            # It has no journal, and many of them are worth not looking for one.
            return
        part = PartFile.find(self.wanted.partial_dir, self.wanted.file_name, self._disk)
        if part is None:
            return
        self._use(part)
        part.check_records(self._verifying)
        self._evidence.reused_bytes = part.done.size_bytes
        self._patience.gained(part.done.size_bytes)

    def _use(self, part: PartFile | None) -> None:
        if part is not self._part:
            self._part = part
            # What its source says the checksums are is known with the first reply: one reading serves for all of them.
            self._readback = ReadBack(part, self._session.sums if self._session else ()) if part else None

    def _attempt(self, source: Source) -> None:
        """One session with one source."""
        admission = Admission(self.wanted, source, self.config, self._disk)
        if self._part and self._part.total is not None:
            admission.check_room(self._part.lacking_bytes)
        session = Session(
            admission,
            self._part,
            self._patience,
            self._site,
            has_alternative=len(self._sources) > 1,
            whole_only=source.name in self._whole_only,
        )
        self._session = session
        try:
            session.run(lambda: self._beat(session), self)
        finally:
            self._use(session.part)
            if session.whole_only:
                self._whole_only.add(source.name)
            self._evidence.is_length_confirmed = session.is_length_confirmed
            self._evidence.sums |= session.sums
            self._evidence.has_all_sums |= session.had_whole_reply

    def _beat(self, session: Session) -> None:
        self._use(session.part)
        self._reporter.beat(lambda: self._session_progress(session))

    def step(self) -> bool:
        """A bit of hashing while bytes arrive."""
        return self._readback is not None and self._readback.step()

    def take(self, part: PartFile, offset: int, data: memoryview) -> None:
        """Hash in passing what this thread itself has just written."""
        self._use(part)
        if self._readback is not None:
            self._readback.take(offset, data)

    def _is_read_back(self) -> bool:
        """Hash what is left; False while bytes are missing, those included that the disk did not keep."""
        while self.step():
            self._verifying(0)
        part, readback = self._part, self._readback
        return part is not None and readback is not None and readback.position == part.total

    # --- when something goes wrong -----------------------------------------------------------------------------

    def _recover(self, exc: MastError) -> None:
        """Prepare the next attempt, or raise what there is to say."""
        if isinstance(exc, SourceChanged | _DAMAGED):
            self._restart(exc)
        elif isinstance(exc, RangeIgnored) and self._source.name not in self._whole_only:
            self._whole_only.add(self._source.name)
            self._begin_anew(exc.message)
        elif isinstance(exc, AccessDenied | NotInSource | ForbiddenAddress | EncodedReply | NotFits | RangeIgnored):
            self._drop_source(exc)
        elif isinstance(exc, ConnectionLost):
            self._wait_and_rotate(exc)
        elif type(exc) is TransferError:
            self._drop_source(exc)
        else:
            raise exc

    def _restart(self, exc: MastError) -> None:
        self._restarts += 1
        if exc.details.get("is_own") and self._readback:
            self._refused.add(self._readback.hex()["sha256"])
        if self._restarts > self.config.max_restarts:
            self._discard()
            raise exc
        if isinstance(exc, _DAMAGED):
            self._sources.append(self._sources.pop(0))
        self._begin_anew(exc.message)
        self._wait(self._patience.delay_s(self._restarts), exc.message)

    def _begin_anew(self, why: str) -> None:
        self._discard()
        self._reporter.restarted(f"Starting this file again: {why}")

    def _discard(self) -> None:
        if self._part:
            self._part.discard()
        self._use(None)
        self._evidence = Evidence()

    def _drop_source(self, exc: MastError) -> None:
        """This source is of no use for this file; the part is kept for the next."""
        self._sources.pop(0)
        if not self._sources:
            raise exc

    def _wait_and_rotate(self, exc: MastError) -> None:
        if self._patience.is_over:
            raise exc
        if self._part and (self._part.total is None or self._source.name in self._whole_only):
            self._begin_anew(exc.message)
        self._sources.append(self._sources.pop(0))
        self._wait(self._patience.next_round(), exc.message)

    def _wait(self, seconds: float, why: str) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._reporter.beat(lambda: self._progress("waiting", why, until))
            time.sleep(min(left, TICK_S))

    # --- what is shown -----------------------------------------------------------------------------------------

    def _session_progress(self, session: Session) -> Progress:
        waiting = session.waiting()
        return self._progress("waiting", waiting[1], waiting[0]) if waiting else self._progress("downloading")

    def _progress(self, phase: Phase, message: str = "", until: float | None = None) -> Progress:
        part = self._part
        return Progress(
            done_bytes=part.done.size_bytes if part else 0,
            total_bytes=part.total if part and part.total is not None else self.wanted.catalog_bytes,
            source=self._source.name if self._sources else "",
            phase=phase,
            message=message,
            until=_wall_clock(until) if until is not None else None,
        )


def _wall_clock(monotonic: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=monotonic - time.monotonic())

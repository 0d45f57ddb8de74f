"""Everything that can go wrong, sorted by whose fault it is.

A `MastError` carries a stable `code`, a plain sentence, whether trying again may help, and the HTTP status a caller
gets. Third-party exceptions are translated into these where they are met (`archive.client`, `transfer.sources`,
`fits.inspect`) and nowhere else. Every code has a row in the README, which a test compares with `all_codes()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


class MastError(Exception):
    """The root: a sentence for a person and a code for a script."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500
    meaning: ClassVar[str] = "Something failed in the archive itself."

    def __init__(self, message: str = "", **details: Any) -> None:
        super().__init__(message or self.meaning)
        self.details = details

    @property
    def message(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process borders; details are keyword arguments, which pickle would drop.
        return (_rebuild, (type(self), self.message, self.details))


def _rebuild(kind: type[MastError], message: str, details: dict[str, Any]) -> MastError:
    return kind(message, **details)


# --- what was asked ---------------------------------------------------------------------------------------------


class UserError(MastError):
    code = "request.invalid"
    http_status = 400
    meaning = "The request cannot be carried out as it stands."


class BadQuery(UserError):
    code = "search.bad_query"
    http_status = 422
    meaning = "A field of the request has a value that cannot be used; `fields` lists each."


class MalformedRequest(UserError):
    code = "request.malformed"
    http_status = 400
    meaning = "The body is not the JSON this call takes."


class RequestTooLarge(UserError):
    code = "request.too_large"
    http_status = 413
    meaning = "The body is larger than any call here takes."


class NotJson(UserError):
    code = "request.not_json"
    http_status = 415
    meaning = "A body must be sent as application/json."


class CrossOrigin(UserError):
    code = "request.cross_origin"
    http_status = 403
    meaning = "Another web site tried to use this archive through the browser; refused."


class OtherUser(UserError):
    code = "access.other_user"
    http_status = 403
    meaning = "This archive runs without logins for the user who started it; other users of the machine are refused."


class MethodNotAllowed(UserError):
    code = "request.method_not_allowed"
    http_status = 405
    meaning = "This address does not take this HTTP method."


class RangeNotSatisfiable(UserError):
    code = "request.range_not_satisfiable"
    http_status = 416
    meaning = "The file has no such bytes."


class LoginRequired(UserError):
    code = "access.login_required"
    http_status = 401
    meaning = "This archive needs a login: send a session, or a token as `Authorization: Bearer …`."


class ScopeTooSmall(UserError):
    code = "access.scope_too_small"
    http_status = 403
    meaning = "This token may only read."


class NotPermitted(UserError):
    code = "access.not_permitted"
    http_status = 403
    meaning = "This account may not do that; the groups viewer, importer, curator and admin say who may."


class MastTokenRefused(UserError):
    code = "access.mast_token_refused"
    http_status = 403
    meaning = "MAST does not take the token stored here, or it does not open this program."


class TooManyRequests(UserError):
    code = "request.too_many"
    http_status = 429
    retryable = True
    meaning = "One person asked for too much in too short a time; `Retry-After` says when to go on."


class TargetNotResolved(UserError):
    code = "search.target_not_resolved"
    http_status = 422
    meaning = "No resolver knows this target name."


class NotFound(UserError):
    code = "not_found"
    http_status = 404
    meaning = "There is no such record here."


class ObservationNotFound(NotFound):
    code = "archive.observation_not_found"
    meaning = "MAST has no JWST observation of this id."


class JobNotFound(NotFound):
    code = "job.not_found"
    meaning = "There is no import job of this id."


class FileNotFound(NotFound):
    code = "file.not_found"
    meaning = "There is no file of this id in the library."


class NothingOnDisk(NotFound):
    code = "import.nothing_on_disk"
    meaning = "None of the observation's files lies complete on this archive's disk."


class NothingToImport(UserError):
    code = "import.nothing_matches"
    http_status = 422
    meaning = "The choices match none of the observation's files; `available` lists what it has, per level."


class ExclusiveAccess(UserError):
    code = "import.exclusive_access"
    http_status = 403
    meaning = "The file is still exclusive to its proposers."


class JobNotResumable(UserError):
    code = "job.wrong_state"
    http_status = 409
    meaning = "The job's state does not allow this."


class NotViewable(UserError):
    code = "file.not_viewable"
    http_status = 409
    meaning = "The file cannot be shown as an image; the reason is in the sentence."


# --- MAST -------------------------------------------------------------------------------------------------------


class ArchiveError(MastError):
    code = "archive.error"
    http_status = 502
    meaning = "MAST answered with an error."


class ArchiveUnavailable(ArchiveError):
    code = "archive.unavailable"
    retryable = True
    meaning = "MAST could not be reached."


class ArchiveTimeout(ArchiveError):
    code = "archive.timeout"
    retryable = True
    http_status = 504
    meaning = "MAST did not answer within the time allowed."


class ArchiveRefused(ArchiveError):
    code = "archive.refused"
    meaning = "MAST refused the request."


class MalformedReply(ArchiveError):
    code = "archive.malformed_reply"
    retryable = True
    meaning = "MAST's answer could not be read."


# --- bytes on their way -----------------------------------------------------------------------------------------


class TransferError(MastError):
    code = "transfer.error"
    http_status = 502
    meaning = "A file could not be fetched."


class ConnectionLost(TransferError):
    code = "transfer.connection_lost"
    retryable = True
    meaning = "The connection broke or stalled and did not come back in time."


class RangeIgnored(TransferError):
    code = "transfer.wrong_range"
    retryable = True
    meaning = "The server sent other bytes than those asked for."


class SourceChanged(TransferError):
    code = "transfer.source_changed"
    retryable = True
    meaning = "The archive replaced the file while it was being fetched, several times over."


class NotInSource(TransferError):
    code = "transfer.not_in_source"
    meaning = "The file is not there (404 or 410)."


class AccessDenied(TransferError):
    code = "transfer.access_denied"
    http_status = 403
    meaning = (
        "The server does not give this file to us (401 or 403): exclusive access, or a token that stopped working."
    )


class ForbiddenAddress(TransferError):
    code = "transfer.forbidden_address"
    meaning = "The file's address, or a redirect, leads away from MAST."


class SizeMismatch(TransferError):
    code = "transfer.size_mismatch"
    retryable = True
    meaning = "The file's length is not what the server or the catalogue said."


class ChecksumMismatch(TransferError):
    code = "transfer.checksum_mismatch"
    retryable = True
    meaning = "The bytes do not give the checksum that came with them."


class EncodedReply(TransferError):
    code = "transfer.encoded_reply"
    meaning = "The server compressed the file although asked not to; its bytes cannot be checked."


# --- files on our disk ------------------------------------------------------------------------------------------


class FileError(MastError):
    code = "file.error"
    meaning = "A file on disk is not as it should be."


class NotFits(FileError):
    code = "file.not_fits"
    http_status = 422
    meaning = "The file is not FITS, whatever its name says."


class TruncatedFits(FileError):
    code = "file.truncated_fits"
    http_status = 422
    meaning = "The FITS file ends before its headers say it should, or goes on after."


class HostileFits(FileError):
    code = "file.hostile_fits"
    http_status = 422
    meaning = "The FITS file's headers ask for more than any JWST file has; it is kept but not opened."


class MalformedFile(FileError):
    code = "file.malformed"
    http_status = 422
    meaning = "The file's contents are not what its name says."


class NoCelestialWcs(FileError):
    code = "file.no_wcs"
    http_status = 422
    meaning = "The file has no celestial coordinates."


class UnsafeName(FileError):
    code = "file.unsafe_name"
    http_status = 422
    meaning = "A name that came from outside cannot be used as a file name."


class DamagedFile(FileError):
    code = "file.damaged"
    http_status = 409
    meaning = "The file on disk is missing or is no longer what was verified; fetch it again."


class BackupRefused(FileError):
    code = "backup.refused"
    http_status = 409
    meaning = "The backup cannot be made or restored there."


class DiskFull(FileError):
    code = "disk.full"
    retryable = True
    http_status = 507
    meaning = "There is not enough room on the archive's disk."


# --- jobs -------------------------------------------------------------------------------------------------------


class JobError(MastError):
    code = "job.error"
    meaning = "An import job failed for a reason of our own."


class AlreadyClaimed(JobError):
    code = "job.already_claimed"
    http_status = 409
    meaning = "Another worker holds this piece of work."


class IllegalTransition(JobError):
    code = "job.illegal_transition"
    http_status = 409
    meaning = "A job cannot go from its state to the one asked for."


class Cancelled(JobError):
    code = "job.cancelled"
    http_status = 409
    meaning = "The import was cancelled."


class LeaseLost(JobError):
    code = "job.lease_lost"
    retryable = True
    meaning = "Another worker took this piece of work over, or a person paused or cancelled it."


class WorkerDied(JobError):
    code = "job.worker_died"
    meaning = "The worker died several times on this file without getting further."


class Overloaded(MastError):
    code = "server.overloaded"
    retryable = True
    http_status = 503
    meaning = "The archive has too much to do at the moment; try again shortly."


def all_errors(root: type[MastError] = MastError) -> Iterator[type[MastError]]:
    """Every class of the tree, the root first."""
    yield root
    for kind in root.__subclasses__():
        yield from all_errors(kind)


def all_codes() -> dict[str, type[MastError]]:
    """Each stable code with its class; codes are unique."""
    return {kind.code: kind for kind in all_errors()}

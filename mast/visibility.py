"""Which rows somebody may know of: the one place that says who sees exclusive-access data.

A file whose rights MAST calls exclusive is seen, until its release date, by those who imported it with a MAST token of
their own and by the people they name; one fetched with the site's token by administrators. Then by everybody, without
anything being changed: the date is part of the question. To others there is no such row: lists, pages, pictures,
exports, jobs and the admin all ask here, and say 404.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from mast import access, acting, terms
from mast.access import Right
from mast.models import DataFile, ImportItem, ImportJob, Observation, Transfer, Trash, Trust

Reader = AbstractBaseUser | AnonymousUser | None
_MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
_PUBLIC: Final = terms.Rights.PUBLIC.value
_OPEN_RIGHTS: Final = ("", _PUBLIC)
_readers: Final = DataFile.readers.through.objects


def now_mjd() -> float:
    return (datetime.now(UTC) - _MJD_EPOCH).total_seconds() / 86400


def _is_known(user: Any) -> bool:
    return user is not None and bool(user.is_authenticated)


def _in_circle(user: Any, column: str) -> Q:
    """Rows of this user and of those who trust them."""
    trusting = Trust.objects.filter(trusted=user.pk).values("owner_id")
    return Q(**{column: user.pk}) | Q(**{f"{column}__in": trusting})


def _is_admin(user: Any) -> bool:
    return _is_known(user) and access.may(user, Right.ADMINISTER)


# --- files ------------------------------------------------------------------------------------------------------


def file_is_visible(user: Reader, path: str = "") -> Q:
    """The condition of `files`, for rows that reach a file by `path`.

    Hidden files are few among a million: they are looked up and left out, which is cheaper than asking of each file
    whether it may be seen.
    """
    return ~Q(**{f"{path}pk__in": _hidden_files(user).values("pk")})


def _hidden_files(user: Reader) -> QuerySet[DataFile]:
    """Files under exclusive access that are not this user's to know of, found by the index on their rights."""
    # Neither empty nor public: as two ranges, because `NOT IN` looks at every file.
    restricted = Q(data_rights__gt="", data_rights__lt=_PUBLIC) | Q(data_rights__gt=_PUBLIC)
    released = Q(observation__t_obs_release_mjd__isnull=False, observation__t_obs_release_mjd__lte=now_mjd())
    hidden = DataFile.objects.filter(restricted).exclude(released)
    if _is_known(user):
        hidden = hidden.exclude(pk__in=_readers.filter(_in_circle(user, "user_id")).values("datafile_id"))
    if _is_admin(user):
        # Those that were fetched with the site's token are nobody's in particular.
        hidden = hidden.filter(pk__in=_readers.values("datafile_id"))
    return hidden


def files(user: Reader) -> QuerySet[DataFile]:
    """The files this user may know of."""
    return DataFile.objects.filter(file_is_visible(user))


def let_read(files_: Sequence[int], job: ImportJob) -> None:
    """Whoever imported exclusive files with a token of their own may see them."""
    if not job.is_exclusive or job.owner_id is None:
        return
    exclusive = DataFile.objects.filter(pk__in=files_, data_rights=terms.Rights.EXCLUSIVE)
    through = DataFile.readers.through
    through.objects.bulk_create(
        [through(datafile_id=pk, user_id=job.owner_id) for pk in exclusive.values_list("pk", flat=True)],
        ignore_conflicts=True,
    )


def are_hidden(ids: Sequence[int]) -> bool:
    """Whether any of these files is not everybody's to know of."""
    return _hidden_files(None).filter(pk__in=ids).exists()


def my_removals() -> QuerySet[Trash]:
    """What was removed that whoever acts may know of; with exclusive files, those who did it and their circle."""
    user = acting.current().user
    if user is None:
        return Trash.objects.all()
    seen = Q(is_exclusive=False)
    if _is_known(user):
        seen |= _in_circle(user, "removed_by_id")
    if _is_admin(user):
        seen |= Q(removed_by=None)
    return Trash.objects.filter(seen)


def count_hidden(job: ImportJob) -> int:
    """Files a job brought that whoever acts may not see: those the site's token got are the administrators'."""
    brought = ImportItem.objects.filter(job=job).values("transfer__file")
    return _hidden_files(acting.current().user).filter(pk__in=brought).count()


# --- jobs and what they wait for --------------------------------------------------------------------------------


def _job_is_visible(user: Reader) -> Q:
    seen = Q(is_exclusive=False) | Q(observation__t_obs_release_mjd__lte=now_mjd())
    if _is_known(user):
        seen |= _in_circle(user, "owner_id")
    if _is_admin(user):
        # With the site's token.
        seen |= Q(owner=None)
    return seen


def jobs(user: Reader) -> QuerySet[ImportJob]:
    """The jobs this user may know of."""
    return ImportJob.objects.filter(_job_is_visible(user))


def transfers(user: Reader) -> QuerySet[Transfer]:
    """Files on their way for a job this user may know of."""
    waiting = ImportItem.objects.filter(transfer=OuterRef("pk"), job__in=jobs(user))
    return Transfer.objects.filter(Q(data_rights__in=_OPEN_RIGHTS) | Exists(waiting))


# --- observations -----------------------------------------------------------------------------------------------


def observations(user: Reader) -> QuerySet[Observation]:
    """All but those of which nothing is here that this user may know of."""
    every_file = DataFile.objects.filter(observations=OuterRef("pk"))
    every_job = ImportJob.objects.filter(observation=OuterRef("pk"))
    seen = Exists(files(user).filter(observations=OuterRef("pk"))) | Exists(
        jobs(user).filter(observation=OuterRef("pk"))
    )
    return Observation.objects.filter(seen | ~(Exists(every_file) | Exists(every_job)))


# --- of whoever acts --------------------------------------------------------------------------------------------


def _mine(every: QuerySet[Any], seen: Any) -> Any:
    actor = acting.current()
    return every if actor.is_archive else seen(actor.user)


def my_files() -> QuerySet[DataFile]:
    """`files` of whoever acts; the archive itself sees all."""
    found: QuerySet[DataFile] = _mine(DataFile.objects.all(), files)
    return found


def my_jobs() -> QuerySet[ImportJob]:
    found: QuerySet[ImportJob] = _mine(ImportJob.objects.all(), jobs)
    return found


def my_observations() -> QuerySet[Observation]:
    found: QuerySet[Observation] = _mine(Observation.objects.all(), observations)
    return found


def my_result(job: ImportJob) -> dict[str, Any]:
    """What a job wrote down as its outcome, without the lines about records whoever acts may not know of."""
    names = {
        "changed": [line["obs_id"] for line in job.result.get("changed", ())],
        "failed": [line["obsId"] for line in job.result.get("failed", ())],
    }
    secret = hidden_names([*names["changed"], *names["failed"]])
    if not secret:
        return dict(job.result)
    kept = {
        key: [line for line, name in zip(job.result[key], lines, strict=True) if name not in secret]
        for key, lines in names.items()
        if lines
    }
    return {**job.result, **kept}


def hidden_names(names: Iterable[str]) -> set[str]:
    """Which of these obs_ids and file names are of records whoever acts may not know of."""
    asked = set(names)
    if not asked or acting.current().is_archive:
        return set()
    there = _names(Observation.objects, DataFile.objects, asked)
    return there - _names(my_observations(), my_files(), asked)


def _names(observations_: Any, files_: Any, among: set[str]) -> set[str]:
    found = set(observations_.filter(obs_id__in=among).values_list("obs_id", flat=True))
    return found | set(files_.filter(file_name__in=among).values_list("file_name", flat=True))

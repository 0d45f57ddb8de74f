"""Taking observations out of the library, with the files that no other observation lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum

from mast import access, audit, visibility
from mast.access import Right
from mast.imports import trash
from mast.models import DataFile, Observation, Trash
from mast.services.library import delete_files


@dataclass(frozen=True)
class Removal:
    """What a removal would take away. `kept_count` files stay, because other observations list them too."""

    observations: list[Observation]
    file_ids: list[int]
    size_bytes: int
    kept_count: int

    @property
    def file_count(self) -> int:
        return len(self.file_ids)


def plan_removal(obs_ids: Sequence[str]) -> Removal:
    """What would go with these observations; changes nothing."""
    access.demand(Right.CURATE)
    rows = list(visibility.my_observations().filter(obs_id__in=obs_ids).order_by("obs_id"))
    listed, going = _listed(rows), _listed_by_no_other(rows)
    size_bytes = going.aggregate(total=Sum("size_bytes"))["total"] or 0
    ids = list(going.values_list("pk", flat=True))
    return Removal(rows, ids, size_bytes, listed.count() - len(ids))


def plan_file_removal(file_ids: Sequence[int]) -> Removal:
    """What would go with these files; changes nothing."""
    access.demand(Right.CURATE)
    files = visibility.my_files().filter(pk__in=file_ids)
    size_bytes = files.aggregate(total=Sum("size_bytes"))["total"] or 0
    return Removal([], list(files.values_list("pk", flat=True)), size_bytes, 0)


def discard(removal: Removal, user: AbstractBaseUser | None = None) -> Trash:
    """Move what a plan names to the trash; `restore` undoes it."""
    access.demand(Right.CURATE)
    files = list(visibility.my_files().filter(pk__in=removal.file_ids).order_by("pk"))
    if removal.observations:
        with transaction.atomic():
            for file in _listed(removal.observations).exclude(pk__in=removal.file_ids).select_related("observation"):
                _hand_over(file, removal.observations)
    names = [row.obs_id for row in removal.observations] or [file.file_name for file in files]
    title = names[0] if len(names) == 1 else f"{names[0] if names else 'nothing'} and {len(names) - 1} more"
    # What the caller may not know of keeps its observation, which they may then not know of either.
    kept = DataFile.observations.through.objects.exclude(datafile__in=removal.file_ids)
    staying = set(kept.filter(observation__in=removal.observations).values_list("observation", flat=True))
    going = [row for row in removal.observations if row.pk not in staying]
    audit.note("record.remove", title, files=len(files))
    return trash.discard(title, going, files, user)


def list_trash() -> list[Trash]:
    """What was removed in the last thirty days, newest first; for those who may put it back."""
    access.demand(Right.CURATE)
    return list(visibility.my_removals().defer("records", "paths")[:200])


def restore(trash_id: int) -> tuple[int, int]:
    """Undo a removal; how many observations and files came back."""
    access.demand(Right.CURATE)
    found = trash.find(trash_id)
    audit.note("record.restore", found.title)
    return trash.restore(found)


def empty_trash(trash_id: int) -> None:
    """Forget a removal for good; its bytes go from the disk."""
    access.demand(Right.CURATE)
    found = trash.find(trash_id)
    audit.note("record.forget", found.title)
    trash.empty(found)


def remove_observations(obs_ids: Sequence[str]) -> Removal:
    """Take observations and their files out of the library and off the disk. They can be imported again."""
    removal = plan_removal(obs_ids)
    delete_files(removal.file_ids)
    with transaction.atomic():
        for file in _listed(removal.observations).select_related("observation"):
            _hand_over(file, removal.observations)
        # What the caller may not know of keeps its observation, which they may then not know of either.
        kept = DataFile.objects.filter(observations=OuterRef("pk"))
        for row in Observation.objects.filter(~Exists(kept), pk__in=[row.pk for row in removal.observations]):
            row.delete()
    for row in removal.observations:
        audit.note("observation.remove", row.obs_id)
    return removal


def _listed(rows: Sequence[Observation]) -> QuerySet[DataFile]:
    return visibility.my_files().filter(Exists(_listing(rows)))


def _listing(rows: Sequence[Observation]) -> QuerySet[Observation]:
    return Observation.objects.filter(pk__in=[row.pk for row in rows], all_files=OuterRef("pk"))


def _listed_by_no_other(rows: Sequence[Observation]) -> QuerySet[DataFile]:
    others = Observation.objects.exclude(pk__in=[row.pk for row in rows]).filter(all_files=OuterRef("pk"))
    return _listed(rows).exclude(Exists(others))


def _hand_over(file: DataFile, leaving: Sequence[Observation]) -> None:
    """Another observation that lists the file takes the place of the one it first came with."""
    file.observations.remove(*leaving)
    heir = file.observations.order_by("pk").first()
    if heir is not None and file.observation in leaving:
        file.observation = heir
        file.save(update_fields=["observation"])

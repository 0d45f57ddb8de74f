"""What people remove lies in a trash for thirty days: records as they were, bytes in a hidden folder beside the files.

Rows go first and bytes after them, and come back the other way round: a file without a record can be found again by a
scan, a record without its file would promise too much.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import serializers
from django.db import transaction
from django.utils import timezone

from mast import conf, errors, terms, visibility
from mast.imports import places
from mast.models import DataFile, ImportJob, Observation, Tag, Transfer, Trash

KEPT: Final = dt.timedelta(days=30)


def folder_of(trash: Trash) -> Path:
    return conf.trash_dir() / str(trash.pk)


def discard(
    title: str, observations: Sequence[Observation], files: Sequence[DataFile], user: AbstractBaseUser | None
) -> Trash:
    """Take these rows out of the library and their bytes to the trash."""
    records = json.loads(serializers.serialize("json", [*observations, *files]))
    with transaction.atomic():
        trash = Trash.objects.create(
            title=title[:300],
            records=records,
            paths=[file.path for file in files],
            size_bytes=sum(file.size_bytes for file in files),
            is_exclusive=visibility.are_hidden([file.pk for file in files]),
            removed_by_id=user.pk if user is not None and user.is_authenticated else None,
        )
        for file in files:
            Transfer.objects.filter(data_uri=file.data_uri).exclude(state__in=terms.ACTIVE).delete()
            file.delete()
        for row in observations:
            row.delete()
    for file in files:
        _move(conf.files_dir() / file.path, folder_of(trash) / file.path)
        places.remove_empty((conf.files_dir() / file.path).parent)
    return trash


def restore(trash: Trash) -> tuple[int, int]:
    """Put back what was removed; how many observations and files. What was imported again meanwhile stays as it is."""
    folder = folder_of(trash)
    found: list[Any] = list(serializers.deserialize("json", json.dumps(trash.records)))
    files = [item for item in found if isinstance(item.object, DataFile)]
    files = [item for item in files if not DataFile.objects.filter(data_uri=item.object.data_uri).exists()]
    for item in files:
        _move(folder / item.object.path, conf.files_dir() / item.object.path)
    files = [item for item in files if (conf.files_dir() / item.object.path).is_file()]
    with transaction.atomic():
        parents = {item.object.pk: _observation(item) for item in found if isinstance(item.object, Observation)}
        for item in files:
            _file(item, parents)
        trash.delete()
    shutil.rmtree(folder, ignore_errors=True)
    return len(parents), len(files)


def _observation(item: Any) -> Observation:
    made: Observation = item.object
    known = Observation.objects.filter(obs_id=made.obs_id).first()
    if known is not None:
        return known
    if Observation.objects.filter(pk=made.pk).exists():
        made.pk = None
    made.save(force_insert=True)
    made.tags.set(Tag.objects.filter(pk__in=item.m2m_data["tags"]))
    ImportJob.objects.filter(obs_id=made.obs_id, observation=None).update(observation=made)
    return made


def _file(item: Any, parents: dict[int, Observation]) -> None:
    made: DataFile = item.object
    wanted = [*dict.fromkeys([made.observation_id, *item.m2m_data["observations"]])]
    lists = [parents.get(pk) or Observation.objects.filter(pk=pk).first() for pk in wanted]
    listed = [row for row in lists if row is not None]
    if not listed:
        return
    made.observation = listed[0]
    if DataFile.objects.filter(pk=made.pk).exists():
        made.pk = None
    made.save(force_insert=True)
    made.observations.set(listed)
    made.tags.set(Tag.objects.filter(pk__in=item.m2m_data["tags"]))
    # Without them an exclusive file would be nobody's but the administrators'.
    made.readers.set(get_user_model().objects.filter(pk__in=item.m2m_data.get("readers", [])))


def empty(trash: Trash) -> None:
    """Forget it for good; the bytes go from the disk."""
    folder = folder_of(trash)
    trash.delete()
    shutil.rmtree(folder, ignore_errors=True)


def find(trash_id: int) -> Trash:
    """A removal whoever acts may know of."""
    found = visibility.my_removals().filter(pk=trash_id).first()
    if found is None:
        raise errors.NotFound("This is not in the trash any more.")
    return found


def empty_old() -> int:
    """Forget what was removed more than thirty days ago; returns how many removals."""
    old = list(Trash.objects.filter(removed_at__lt=timezone.now() - KEPT))
    for trash in old:
        empty(trash)
    return len(old)


def _move(source: Path, place: Path) -> None:
    if source.is_file() and not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        source.rename(place)

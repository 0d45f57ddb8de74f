"""Reading the library: what a caller may see (`visibility`), filtered and ordered. Reads rows and changes none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from mast import terms, visibility
from mast.errors import FileNotFound, NotFound
from mast.models import DataFile, Observation, Tag
from mast.visibility import Reader

FILE_ORDERS: Final = {
    "fetchedAt": "fetched_at",
    "verifiedAt": "verified_at",
    "fileName": "file_name",
    "fileSize": "size_bytes",
    "calibrationLevel": "calib_level",
    "observationBaseId": "product_obs_id",
    "id": "id",
}
OBSERVATION_ORDERS: Final = {
    "createdAt": "created_at",
    "observationDate": "observed_at",
    "obsId": "obs_id",
    "targetName": "target_name",
    "instrument": "instrument_name",
    "filter": "filters",
    "exposureTime": "exposure_s",
    "calibrationLevel": "calib_level",
    "proposalId": "proposal_id",
    "id": "id",
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a caller narrows a list to; empty means any. All but `text` and `target` are looked up by index."""

    obs_id: str = ""
    base_id: str = ""
    program: str = ""
    target: str = ""
    instrument: str = ""
    filter: str = ""
    level: int | None = None
    suffix: str = ""
    data_type: str = ""
    tag: str = ""
    state: str = ""
    text: str = ""

    @property
    def is_set(self) -> bool:
        return self != Filters()


def visible_files(user: Reader) -> QuerySet[DataFile]:
    """The files this user may know of."""
    return visibility.files(user)


def files(chosen: Filters, user: Reader) -> QuerySet[DataFile]:
    """The library's files; `with_observations` adds what else their records need."""
    rows = visible_files(user).filter(_of_files(chosen), _of_observation(chosen, "observation__"))
    if chosen.obs_id:
        rows = rows.filter(observations__obs_id=chosen.obs_id)
    if chosen.tag:
        rows = rows.filter(_tagged(chosen.tag))
    if chosen.text:
        rows = rows.filter(Q(file_name__icontains=chosen.text) | Q(observation_id__in=_mentioning(chosen.text)))
    return rows.prefetch_related("tags").defer("plan")


def with_observations(rows: list[DataFile]) -> list[DataFile]:
    """The same files, their observations fetched with one query and shared: raw metadata is then read once each.

    Not by `prefetch_related`, which Django 5.2 turns into one condition per row, more than SQLite takes.
    """
    found = Observation.objects.in_bulk({row.observation_id for row in rows})
    for row in rows:
        row.observation = found[row.observation_id]
    return rows


def observations(chosen: Filters, user: Reader) -> QuerySet[Observation]:
    """Observations of which this user may see a file of the kind chosen, each with `file_count` and `held_bytes`."""
    held = visible_files(user).filter(_of_files(chosen), observations=OuterRef("pk"))
    rows = Observation.objects.filter(Exists(held)).filter(_of_observation(chosen, ""))
    if chosen.obs_id:
        rows = rows.filter(obs_id=chosen.obs_id)
    if chosen.tag:
        rows = rows.filter(Q(tags__name=chosen.tag) | Exists(held.filter(tags__name=chosen.tag))).distinct()
    if chosen.text:
        named = Exists(held.filter(file_name__icontains=chosen.text))
        rows = rows.filter(Q(pk__in=_mentioning(chosen.text)) | named)
    return rows.prefetch_related("tags")


def holdings(rows: list[Observation], user: Reader) -> dict[int, tuple[int, int]]:
    """How many files, and how many bytes, this user may see of each observation."""
    listing = DataFile.observations.through.objects.filter(
        visibility.file_is_visible(user, "datafile__"), observation__in=[row.pk for row in rows]
    )
    sums = listing.values("observation_id").annotate(files=Count("pk"), size=Sum("datafile__size_bytes"))
    return {row["observation_id"]: (row["files"], row["size"]) for row in sums}


def get_file(file_id: int, user: Reader) -> DataFile:
    """One file; to those who may not see it there is none."""
    found = visible_files(user).select_related("observation").prefetch_related("tags").filter(pk=file_id).first()
    if found is None:
        raise FileNotFound(f"There is no file {file_id} in the library.")
    return found


def get_observation(obs_id: str) -> Observation:
    """One observation; there is none of which whoever acts may see nothing."""
    rows = visibility.my_observations().prefetch_related("tags")
    # PostgreSQL takes no NUL, not even to look for it.
    found = rows.filter(obs_id=obs_id).first() if "\x00" not in obs_id else None
    if found is None:
        raise NotFound(f"The observation {obs_id} is not in the library.")
    return found


def _of_files(chosen: Filters) -> Q:
    exact = {
        "product_obs_id": chosen.base_id,
        "suffix": chosen.suffix.lower(),
        "badge": chosen.data_type.lower(),
        "state": chosen.state.lower(),
        "calib_level": chosen.level,
    }
    return Q(**{column: value for column, value in exact.items() if value not in {None, ""}})


def _of_observation(chosen: Filters, path: str) -> Q:
    found = Q()
    if chosen.program:
        found &= Q(**{f"{path}proposal_id": terms.program_of(chosen.program)})
    if chosen.instrument:
        # MAST joins instrument and mode, `NIRCAM/IMAGE`; people name the instrument.
        found &= Q(**{f"{path}instrument_name__startswith": chosen.instrument.upper()})
    if chosen.filter:
        found &= Q(**{f"{path}filters__icontains": chosen.filter})
    if chosen.target:
        found &= Q(**{f"{path}target_name__icontains": chosen.target})
    return found


def _tagged(name: str) -> Q:
    files, observations = Tag.files.through.objects, Tag.observations.through.objects
    return Q(pk__in=files.filter(tag__name=name).values("datafile_id")) | Q(
        observation_id__in=observations.filter(tag__name=name).values("observation_id")
    )


def _mentioning(text: str) -> QuerySet[Observation, Any]:
    columns = ("obs_id", "target_name", "obs_title", "proposal_pi", "notes")
    found = Q()
    for column in columns:
        found |= Q(**{f"{column}__icontains": text})
    return Observation.objects.filter(found).values("pk")

"""Reading the library: what a caller may see (`visibility`), filtered and ordered. Reads rows and changes none.

Conditions are written so that a million files cost what a hundred do. A condition that most rows fulfil must not be
looked up by index, or all of those rows are sorted to show fifty; which ones are, the caller knows (`broad`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum, Value
from django.db.models.functions import Concat, Length

from mast import terms, visibility
from mast.errors import FileNotFound, NotFound
from mast.models import DataFile, Observation, Tag
from mast.visibility import Reader

_LABELS: Final = Prefetch("tags", to_attr="labels")

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


@dataclass(frozen=True)
class Hits:
    """Files that were looked up already, by their ids, and the observations that list them."""

    files: frozenset[int]
    observations: frozenset[int]

    @classmethod
    def of(cls, files: frozenset[int]) -> Hits:
        listing = DataFile.observations.through.objects.filter(datafile__pk__among=files)
        return cls(files, frozenset(listing.values_list("observation", flat=True)))

    def listed_by(self, observations: Collection[int]) -> Hits:
        """Those of them that these few observations list."""
        listing = DataFile.observations.through.objects.filter(observation__in=list(observations))
        files = listing.filter(datafile__pk__among=self.files).values_list("datafile", flat=True)
        return Hits(frozenset(files), frozenset(observations))


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
    hits: Hits | None = None
    """what was looked up already"""

    @property
    def is_set(self) -> bool:
        return self != Filters()


def visible_files(user: Reader) -> QuerySet[DataFile]:
    """The files this user may know of."""
    return visibility.files(user)


def files(chosen: Filters, user: Reader, broad: Collection[str] = ()) -> QuerySet[DataFile]:
    """The library's files; `with_observations` adds what else their records need.

    Parameters
    ----------
    broad : names of filters that most files fit
    """
    rows = visible_files(user)
    rows = _narrowed(rows, _file_values(chosen), broad)
    about = Observation.objects.filter(_of_observation(chosen))
    if set(broad) & {"program", "instrument", "filter"}:
        # File by file: a join would first look at every observation.
        rows = rows.filter(Exists(about.filter(pk=OuterRef("observation_id"))))
    elif chosen.program or chosen.instrument or chosen.filter or chosen.target:
        rows = rows.filter(observation__in=about.values("pk"))
    if chosen.hits is not None:
        rows = rows.filter(pk__among=chosen.hits.files)
    if chosen.obs_id:
        rows = rows.filter(observations__obs_id=chosen.obs_id)
    if chosen.tag:
        rows = rows.filter(_tagged(chosen.tag))
    if chosen.text:
        rows = rows.filter(_mentions(chosen.text))
    return rows.prefetch_related(_LABELS).defer("plan")


def mentioning_files(text: str, user: Reader, limit: int) -> list[int]:
    """Ids of the first files that say this, or whose observation does; more than `limit` when there are more.

    Name by name and observation by observation, each by what is cheapest to read through: asked in one condition, the
    database reads every column of every file.
    """
    files = visible_files(user)
    tagged_too = Tag.observations.through.objects.filter(tag__name__icontains=text).values_list("observation_id")
    telling = Observation.objects.filter(_telling(text)).values_list("pk")
    # Unordered, or the index of the order is walked through instead of that of the names.
    about = frozenset(pk for way in (telling, tagged_too) for (pk,) in way.order_by()[: limit + 1])
    tagged = Tag.files.through.objects.filter(tag__name__icontains=text).values("datafile_id")
    ways = [
        files.filter(file_name__icontains=text),
        files.alias(length=Length("notes")).filter(length__gt=0, notes__icontains=text),
        files.filter(pk__in=tagged),
        files.filter(observation__pk__among=about),
    ]
    found: dict[int, None] = {}
    for way in ways:
        if len(found) <= limit:
            found |= dict.fromkeys(way.order_by().values_list("pk", flat=True)[: limit + 1])
    return list(found)


def _narrowed(rows: QuerySet[Any], wanted: Mapping[str, Any], broad: Collection[str]) -> QuerySet[Any]:
    """Rows with these values; of the broad ones each row is asked, in whatever order they are walked through."""
    for name, (column, value) in wanted.items():
        if name not in broad or connection.vendor != "sqlite":
            rows = rows.filter(**{column: value})
        else:
            # Not a bare column: SQLite would take its index and sort what that finds.
            asked = F(column) + 0 if isinstance(value, int) else Concat(F(column), Value(""))
            rows = rows.alias(**{f"asked_{name}": asked}).filter(**{f"asked_{name}": value})
    return rows


def with_observations(rows: list[DataFile]) -> list[DataFile]:
    """The same files, their observations fetched with one query and shared: raw metadata is then read once each.

    Not by `prefetch_related`, which Django 5.2 turns into one condition per row, more than SQLite takes.
    """
    found = Observation.objects.in_bulk({row.observation_id for row in rows})
    for row in rows:
        row.observation = found[row.observation_id]
    return rows


def observations(chosen: Filters, user: Reader, broad: Collection[str] = ()) -> QuerySet[Observation]:
    """Observations of which this user may see a file of the kind chosen. `broad` as for `files`."""
    held = _narrowed(visible_files(user).filter(observations=OuterRef("pk")), _file_values(chosen), ())
    rows = Observation.objects.filter(Exists(held))
    if chosen.hits is not None:
        rows = rows.filter(pk__among=chosen.hits.observations)
    if chosen.program:
        rows = _narrowed(rows, {"program": ("proposal_id", terms.program_of(chosen.program))}, broad)
    rows = rows.filter(_of_observation(replace(chosen, program=""), is_broad="instrument" in broad))
    if chosen.obs_id:
        rows = rows.filter(obs_id=chosen.obs_id)
    if chosen.tag:
        named = Tag.observations.through.objects.filter(tag__name=chosen.tag).values("observation_id")
        rows = rows.filter(Q(pk__in=named) | Exists(held.filter(tags__name=chosen.tag)))
    if chosen.text:
        named_file = Exists(held.filter(Q(file_name__icontains=chosen.text) | Q(notes__icontains=chosen.text)))
        rows = rows.filter(Q(pk__in=_mentioning(chosen.text)) | named_file)
    return rows.prefetch_related(_LABELS)


def tag_names(row: Observation | DataFile) -> list[str]:
    """The tags of a row, those fetched with a list where it came with one: a query object for each row is dear."""
    labels: list[Tag] | None = getattr(row, "labels", None)
    return [label.name for label in (row.tags.all() if labels is None else labels)]


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


def _file_values(chosen: Filters) -> dict[str, tuple[str, Any]]:
    """Filters on a file's own columns, by name."""
    values: dict[str, tuple[str, Any]] = {
        "base_id": ("product_obs_id", chosen.base_id),
        "suffix": ("suffix", chosen.suffix.lower()),
        "data_type": ("badge", chosen.data_type.lower()),
        "state": ("state", chosen.state.lower()),
        "level": ("calib_level", chosen.level),
    }
    return {name: pair for name, pair in values.items() if pair[1] not in {None, ""}}


def _of_observation(chosen: Filters, path: str = "", *, is_broad: bool = False) -> Q:
    found = Q()
    if chosen.program:
        found &= Q(**{f"{path}proposal_id": terms.program_of(chosen.program)})
    if chosen.instrument:
        found &= _instrument(chosen.instrument.upper(), f"{path}instrument_name", by_index=not path and not is_broad)
    if chosen.filter:
        found &= Q(**{f"{path}filters__icontains": chosen.filter})
    if chosen.target:
        found &= Q(**{f"{path}target_name__icontains": chosen.target})
    return found


def _instrument(name: str, column: str, *, by_index: bool) -> Q:
    """MAST joins instrument and mode, `NIRCAM/IMAGE`; people name the instrument."""
    found = Q(**{f"{column}__startswith": name})
    if by_index and connection.vendor == "sqlite":
        # SQLite's LIKE takes no index. Every name that goes on begins with a slash, and 0 is what follows a slash.
        found &= Q(**{f"{column}__gte": name, f"{column}__lt": f"{name}0"})
    return found


def _tagged(name: str) -> Q:
    files, observations = Tag.files.through.objects, Tag.observations.through.objects
    return Q(pk__in=files.filter(tag__name=name).values("datafile_id")) | Q(
        observation_id__in=observations.filter(tag__name=name).values("observation_id")
    )


def _mentions(text: str) -> Q:
    """Files that say this, or whose observation does, in a name, a title, a note or a tag."""
    tagged = Tag.files.through.objects.filter(tag__name__icontains=text).values("datafile_id")
    return (
        Q(file_name__icontains=text)
        | Q(notes__icontains=text)
        | Q(pk__in=tagged)
        | Q(observation_id__in=_mentioning(text))
    )


def _mentioning(text: str) -> QuerySet[Observation, Any]:
    tagged = Tag.observations.through.objects.filter(tag__name__icontains=text).values("observation_id")
    return Observation.objects.filter(Q(pk__in=tagged) | _telling(text)).values("pk")


def _telling(text: str) -> Q:
    """Observations with this in one of the columns that PostgreSQL's trigram index is made of."""
    found = Q()
    for column in ("obs_id", "target_name", "obs_title", "proposal_pi", "notes"):
        found |= Q(**{f"{column}__icontains": text})
    return found

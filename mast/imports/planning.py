"""From an observation and a few choices to the exact files of an import. Writes nothing and downloads nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from mast import conf, credentials, errors, terms, visibility, words
from mast.archive import products as archive_products
from mast.archive import search as archive_search
from mast.archive.query import Query
from mast.archive.rows import ObservationRow, ProductRow
from mast.imports import places, upstream
from mast.models import DataFile, Transfer
from mast.terms import CalibLevel, JobState, Rights, SourceChoice

IDS_A_QUERY: Final = 500


@dataclass(frozen=True)
class ImportRequest:
    """What a user asks for. `calib_levels` None means the observation's own level, `suffixes` empty every kind."""

    obs_id: str
    product_type: str = "SCIENCE"
    calib_levels: tuple[int, ...] | None = None
    source: SourceChoice = SourceChoice.AUTO
    tags: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedFile:
    """One product of the plan; `held` when it lies proven in the library already."""

    row: ProductRow
    held: bool


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do. `left_out` pairs file names with reasons, in words."""

    observation: ObservationRow
    calib_levels: tuple[int, ...]
    files: list[PlannedFile]
    left_out: list[tuple[str, str]]
    total_bytes: int
    to_fetch_bytes: int
    held_count: int
    disk_free_bytes: int
    disk_free_after_bytes: int
    levels_available: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """What MAST says of one observation: its row, and every file it lists for it."""

    observation: ObservationRow
    rows: list[ProductRow]


def ask(obs_id: str) -> Offer:
    """An observation and its files, by any id it goes by; two requests.

    Raises
    ------
    ObservationNotFound, ArchiveError
    """
    observation = resolve(obs_id)
    return Offer(observation, archive_products.products([observation.obsid], upstream.archive_config()))


def ask_many(obs_ids: Sequence[str]) -> dict[str, Offer]:
    """The same for many observations in as few requests; those MAST does not know by just this id are left out."""
    config = upstream.archive_config()
    observations = {row.obs_id: row for row in archive_search.observations(config, obs_ids=obs_ids)}
    listed: dict[str, list[ProductRow]] = defaultdict(list)
    for row in archive_products.products([row.obsid for row in observations.values()], config):
        listed[row.parent_obsid].append(row)
    return {obs_id: Offer(row, listed[row.obsid]) for obs_id, row in observations.items()}


def plan(request: ImportRequest, offer: Offer | None = None) -> ImportPlan:
    """The files an import would bring.

    Raises
    ------
    ObservationNotFound, NothingToImport, ExclusiveAccess, ArchiveError
    """
    offer = offer or ask(request.obs_id)
    observation, rows = offer.observation, offer.rows
    refuse_planned(observation)
    levels = request.calib_levels or own_levels(observation.calib_level)
    selection = archive_products.select(
        rows, levels=set(levels), product_type=request.product_type, suffixes=set(request.suffixes) or None
    )
    available = levels_available(rows, request.product_type)
    if not selection.chosen and request.suffixes:
        refuse_kinds(request, levels, rows)
    if not selection.chosen:
        raise nothing_to_import(observation.obs_id, levels, request.product_type, available)
    credential = credentials.mine()
    refuse_exclusive(observation, selection.chosen, credential)
    chosen, closed = open_to(credential, observation, selection.chosen)
    held = held_uris((row.data_uri for row in chosen), visibility.my_files())
    files = [PlannedFile(row, row.data_uri in held) for row in chosen]
    to_fetch = bytes_to_fetch([file.row for file in files if not file.held])
    free = conf.free_bytes()
    return ImportPlan(
        observation=observation,
        calib_levels=levels,
        files=files,
        left_out=[*((row.file_name, reason) for row, reason in selection.left_out), *closed],
        total_bytes=sum(row.size_bytes or 0 for row in chosen),
        to_fetch_bytes=to_fetch,
        held_count=len(held),
        disk_free_bytes=free,
        disk_free_after_bytes=free - to_fetch,
        levels_available=available,
    )


def resolve(obs_id: str) -> ObservationRow:
    """MAST's row of an observation, asked for by any id it goes by.

    Raises
    ------
    ObservationNotFound : none, or several that the id cannot tell apart
    """
    config = upstream.archive_config()
    rows = archive_search.observations(config, obs_ids=[obs_id])
    if not rows and obs_id.isdigit():
        rows = archive_search.observations(config, obsids=[obs_id])
    if not rows:
        rows = archive_search.search(Query(kind="observation", obs_id=obs_id, calib_levels=None), config).rows
    if len({row.obs_id for row in rows}) > 1:
        raise errors.ObservationNotFound(
            f"MAST has {len(rows)} observations like {obs_id}; import one of them by its own id."
        )
    if not rows:
        raise errors.ObservationNotFound(f"MAST has no JWST observation {obs_id}.")
    return max(rows, key=lambda row: row.calib_level if row.calib_level is not None else CalibLevel.PLANNED)


def own_levels(calib_level: int | None) -> tuple[int, ...]:
    """The levels an import takes when none were chosen: the observation's own."""
    return (calib_level,) if calib_level is not None else tuple(int(level) for level in terms.ALL_IMPORT_LEVELS)


def refuse_planned(observation: ObservationRow) -> None:
    if observation.calib_level == CalibLevel.PLANNED:
        raise errors.NothingToImport(
            f"{observation.obs_id} is planned: it has not been taken yet, so there is nothing to import.", available={}
        )


def levels_available(rows: Sequence[ProductRow], product_type: str) -> dict[int, int]:
    """How many files of the asked type an observation has at each level; of every type where it has none of that."""
    for kind in (product_type, archive_products.ANY_TYPE):
        fitting = archive_products.select(rows, levels=None, product_type=kind, with_associations=False).chosen
        counts = Counter(row.calib_level for row in fitting if row.calib_level is not None)
        if counts:
            return dict(sorted(counts.items()))
    return {}


def nothing_to_import(
    obs_id: str, levels: Sequence[int], product_type: str, available: dict[int, int]
) -> errors.NothingToImport:
    wanted = " or ".join(str(level) for level in levels)
    has = ", ".join(f"{count} of Level {level}" for level, count in available.items()) or "none that can be imported"
    return errors.NothingToImport(
        f"{obs_id} has no {product_type} files of Level {wanted}. It has {has}.",
        available={str(level): count for level, count in available.items()},
    )


def refuse_kinds(request: ImportRequest, levels: Sequence[int], rows: Sequence[ProductRow]) -> None:
    """Refuse an import of kinds of file that are not there, where others are."""
    others = archive_products.select(rows, levels=set(levels), product_type=request.product_type).chosen
    kinds = sorted({terms.suffix_of(row.file_name) for row in others} - {""})
    if kinds:
        wanted = " or ".join(request.suffixes)
        raise errors.NothingToImport(
            f"{request.obs_id} has no {wanted} files at these levels. It has {', '.join(kinds)}."
        )


def is_exclusive(data_rights: str) -> bool:
    return data_rights.upper() == Rights.EXCLUSIVE


def _until(observation: ObservationRow) -> str:
    return f" until {observation.released_at:%Y-%m-%d}" if observation.released_at else ""


def refuse_exclusive(
    observation: ObservationRow, rows: Sequence[ProductRow], credential: credentials.Credential | None
) -> None:
    """Refuse an import all of whose files are exclusive to others."""
    if credential is not None or not all(is_exclusive(row.data_rights) for row in rows):
        return
    advice = "sets MAST_API_TOKEN" if settings.ACCESS == "open" else "stores a MAST token on the account page"
    raise errors.ExclusiveAccess(
        f"{observation.obs_id} is exclusive to its proposers{_until(observation)}. Whoever may read it {advice}."
    )


def open_to(
    credential: credentials.Credential | None, observation: ObservationRow, rows: Sequence[ProductRow]
) -> tuple[list[ProductRow], list[tuple[str, str]]]:
    """The files to plan with, and those left out with the reason: with logins, exclusive ones without a token."""
    if credential is not None or settings.ACCESS == "open":
        return list(rows), []
    reason = f"exclusive to its proposers{_until(observation)}"
    closed = [(row.file_name, reason) for row in rows if is_exclusive(row.data_rights)]
    return [row for row in rows if not is_exclusive(row.data_rights)], closed


def held_uris(uris: Iterable[str], known: QuerySet[DataFile]) -> set[str]:
    """Which of these products lie proven on our disk, among the files that are `known`."""
    wanted = list(uris)
    held: set[str] = set()
    for start in range(0, len(wanted), IDS_A_QUERY):
        part = wanted[start : start + IDS_A_QUERY]
        files = known.filter(data_uri__in=part, state=DataFile.State.HELD)
        held.update(files.values_list("data_uri", flat=True))
    return held


def bytes_to_fetch(rows: Sequence[ProductRow]) -> int:
    """Catalogued bytes of these products, less what lies in part files already."""
    total = sum(row.size_bytes or 0 for row in rows)
    uris = [row.data_uri for row in rows]
    for start in range(0, len(uris), IDS_A_QUERY):
        part = Transfer.objects.filter(data_uri__in=uris[start : start + IDS_A_QUERY]).exclude(state=JobState.COMPLETE)
        total -= part.aggregate(done=Sum("done_bytes"))["done"] or 0
    return max(0, total)


def refuse_full_disk(plan: ImportPlan) -> None:
    """Refuse an import that would leave less room than must stay free, what others wait for counted in.

    Raises
    ------
    DiskFull : with the missing bytes
    """
    own = {file.row.data_uri for file in plan.files}
    taken = places.set_aside_bytes()
    waiting = Transfer.objects.filter(state__in=(JobState.QUEUED, JobState.WAITING)).values_list(
        "data_uri", "file_name", "done_bytes", Coalesce("total_bytes", "catalog_bytes", 0)
    )
    promised = sum(max(0, size - max(done, taken.get(name, 0))) for uri, name, done, size in waiting if uri not in own)
    missing = plan.to_fetch_bytes + promised + conf.min_free_bytes() - plan.disk_free_bytes
    if plan.to_fetch_bytes and missing > 0:
        needed, short = words.size(plan.to_fetch_bytes), words.size(missing)
        kept = words.size(conf.min_free_bytes())
        raise errors.DiskFull(
            f"This import needs {needed}, and the disk has {short} too little room for it; {kept} must stay free.",
            missing_bytes=missing,
        )


def choices_key(obs_id: str, levels: Sequence[int], request: ImportRequest, of_whom: int | None = None) -> str:
    """The same for imports that mean the same; at most one of them is live. `of_whom`: nobody else joins it."""
    choices: list[Any] = [
        obs_id,
        request.product_type.upper(),
        sorted(set(levels)),
        str(request.source),
        sorted(set(request.tags)),
    ]
    if request.suffixes:
        choices.append(sorted(set(request.suffixes)))
    if of_whom is not None:
        choices.append(of_whom)
    return hashlib.sha256(json.dumps(choices).encode()).hexdigest()

"""One plan for many observations: what an import of all of them would bring, each file counted once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mast import conf, credentials, errors, terms
from mast.archive import products as archive_products
from mast.archive.rows import ProductRow
from mast.imports import planning
from mast.imports.planning import ImportPlan, ImportRequest, Offer, PlannedFile

MOST_OBSERVATIONS: Final = 1000
EXAMPLES: Final = 5


@dataclass(frozen=True)
class Choice:
    """A level, or a suffix at the chosen levels: how many files it has, their bytes, whether it is chosen."""

    value: str
    count: int
    size_bytes: int
    chosen: bool


@dataclass(frozen=True)
class LeftOut:
    """Files that will not come, for one reason."""

    reason: str
    count: int
    examples: list[str]


@dataclass(frozen=True)
class BulkPlan:
    """What an import of `requests` would do; `refused` pairs observations with why nothing of them would come."""

    requests: list[ImportRequest]
    plans: list[ImportPlan]
    refused: list[tuple[str, errors.MastError]]
    files: list[PlannedFile]
    levels: list[Choice]
    suffixes: list[Choice]
    left_out: list[LeftOut]
    total_bytes: int
    to_fetch_bytes: int
    disk_free_bytes: int

    @property
    def held_count(self) -> int:
        return sum(file.held for file in self.files)

    @property
    def exclusive_count(self) -> int:
        """Files that only their proposers may have yet, and that this archive has no token for."""
        return 0 if credentials.mine() else sum(planning.is_exclusive(file.row.data_rights) for file in self.files)

    @property
    def left_out_count(self) -> int:
        return sum(reason.count for reason in self.left_out)

    @property
    def disk_free_after_bytes(self) -> int:
        return self.disk_free_bytes - self.to_fetch_bytes

    @property
    def fits(self) -> bool:
        """Whether the disk keeps the room that must stay free."""
        return not self.to_fetch_bytes or self.disk_free_after_bytes >= conf.min_free_bytes()


def plan_many(requests: Sequence[ImportRequest], without: Iterable[str] = ()) -> BulkPlan:
    """The plan of several imports with the same choices. Writes nothing, downloads nothing.

    Parameters
    ----------
    without : suffixes to leave out; the plan's own requests name those that are left

    Raises
    ------
    ObservationNotFound : for the only one asked for
    ArchiveError
    """
    offers = _offers(requests)
    suffixes = _suffixes(_rows(requests, offers), set(without))
    left = tuple(choice.value for choice in suffixes if choice.chosen)
    if len(left) < len(suffixes):
        # Empty means every kind; a suffix that no file has says that none was chosen.
        requests = [replace(request, suffixes=left or ("none",)) for request in requests]
    plans: list[ImportPlan] = []
    refused: list[tuple[str, errors.MastError]] = []
    for request in requests:
        try:
            offer = offers.get(request.obs_id)
            if offer is None:
                raise errors.ObservationNotFound(f"MAST has no JWST observation {request.obs_id}.")
            plans.append(planning.plan(request, offer))
        except errors.UserError as error:
            refused.append((request.obs_id, error))
    files = list({file.row.data_uri: file for plan in plans for file in plan.files}.values())
    return BulkPlan(
        requests=list(requests),
        plans=plans,
        refused=refused,
        files=files,
        levels=_levels(requests, offers),
        suffixes=suffixes,
        left_out=_left_out(plans),
        total_bytes=sum(file.row.size_bytes or 0 for file in files),
        to_fetch_bytes=planning.bytes_to_fetch([file.row for file in files if not file.held]),
        disk_free_bytes=conf.free_bytes(),
    )


def _offers(requests: Sequence[ImportRequest]) -> dict[str, Offer]:
    if len(requests) == 1:
        # By any id it goes by, which a question for many does not know.
        return {requests[0].obs_id: planning.ask(requests[0].obs_id)}
    return planning.ask_many([request.obs_id for request in requests])


def _rows(requests: Sequence[ImportRequest], offers: dict[str, Offer]) -> list[ProductRow]:
    """Every file of the asked type at the chosen levels, once."""
    found: list[ProductRow] = []
    for request in requests:
        if offer := offers.get(request.obs_id):
            levels = request.calib_levels or planning.own_levels(offer.observation.calib_level)
            found += archive_products.select(offer.rows, levels=set(levels), product_type=request.product_type).chosen
    return archive_products.distinct(found)


def _suffixes(rows: Sequence[ProductRow], without: set[str]) -> list[Choice]:
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for row in rows:
        suffix = terms.suffix_of(row.file_name)
        counts[suffix] += 1
        sizes[suffix] += row.size_bytes or 0
    return [Choice(name, counts[name], sizes[name], name not in without) for name in sorted(counts)]


def _levels(requests: Sequence[ImportRequest], offers: dict[str, Offer]) -> list[Choice]:
    """The levels there are files of, with the chosen ones even where there are none."""
    chosen: set[int] = set()
    rows: list[ProductRow] = []
    for request in requests:
        if offer := offers.get(request.obs_id):
            chosen |= set(request.calib_levels or planning.own_levels(offer.observation.calib_level))
            rows += archive_products.select(offer.rows, levels=None, product_type=request.product_type).chosen
    counts: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    for row in archive_products.distinct(rows):
        if row.calib_level is not None:
            counts[row.calib_level] += 1
            sizes[row.calib_level] += row.size_bytes or 0
    return [Choice(str(level), counts[level], sizes[level], level in chosen) for level in sorted({*counts, *chosen})]


def _left_out(plans: Sequence[ImportPlan]) -> list[LeftOut]:
    counts: Counter[str] = Counter()
    names: dict[str, list[str]] = defaultdict(list)
    for name, reason in (pair for plan in plans for pair in plan.left_out):
        counts[reason] += 1
        if len(names[reason]) < EXAMPLES:
            names[reason].append(name)
    return [LeftOut(reason, count, names[reason]) for reason, count in counts.most_common()]

"""What a file comes from and goes into: its siblings, its associations and their members."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mast import services, visibility
from mast.models import DataFile, Observation

MOST_SIBLINGS = 100
MOST_MEMBERS = 500
LARGEST_ASN_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Member:
    """One input of an association; `file` when we hold it."""

    product: str
    name: str
    role: str
    file: DataFile | None


@dataclass(frozen=True)
class Lineage:
    siblings: list[DataFile]
    """files of the same exposure or product, at other steps of the pipeline"""
    observations: list[Observation]
    """imported observations that list the file"""
    associations: list[DataFile]
    """associations that came with those observations"""
    members: list[Member] = field(default_factory=list)
    """of an association: what it joins"""


def relatives(row: Observation) -> list[Observation]:
    """Observations that list files of this one too: mosaics it is part of, members it joins."""
    listing = DataFile.observations.through.objects
    mine = visibility.my_files().values("pk")
    shared = listing.filter(observation=row, datafile__in=mine).values("datafile")
    others = listing.filter(datafile__in=shared).exclude(observation=row).values("observation")
    found = visibility.my_observations().filter(pk__in=others).order_by("-calib_level", "obs_id")
    return list(found.defer("raw")[:MOST_SIBLINGS])


def of(file: DataFile) -> Lineage:
    siblings = visibility.my_files().filter(product_obs_id=file.product_obs_id).exclude(pk=file.pk)
    observations = list(visibility.my_observations().filter(all_files=file).order_by("obs_id")[:MOST_SIBLINGS])
    associations = (
        visibility.my_files().filter(suffix="asn", observations__in=observations).exclude(pk=file.pk).distinct()
    )
    members = _members(file) if file.suffix == "asn" and file.file_name.endswith(".json") else []
    return Lineage(
        list(siblings.defer("plan", "raw").order_by("calib_level", "file_name")[:MOST_SIBLINGS]),
        observations,
        list(associations.defer("plan", "raw").order_by("file_name")[:MOST_SIBLINGS]),
        members,
    )


def _members(file: DataFile) -> list[Member]:
    """An association's inputs. Its inspection found the JSON to be one; a file that changed since then has none."""
    path = Path(services.file_path(file))
    if file.state != DataFile.State.HELD or file.size_bytes > LARGEST_ASN_BYTES or not path.is_file():
        return []
    listed = list(_listed(json.loads(path.read_bytes())))[:MOST_MEMBERS]
    names = [name for _, name, _ in listed]
    held = {row.file_name: row for row in visibility.my_files().filter(file_name__in=names).defer("plan", "raw")}
    return [Member(product, name, role, held.get(name)) for product, name, role in listed]


def _listed(association: dict[str, object]) -> Iterator[tuple[str, str, str]]:
    for product in association.get("products") or []:  # type: ignore[attr-defined]
        for member in product.get("members", []):
            yield str(product.get("name", "")), str(member.get("expname", "")), str(member.get("exptype", ""))

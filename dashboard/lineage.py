"""What a file comes from and goes into: its siblings, its associations and their members."""

from __future__ import annotations

from dataclasses import dataclass, field

from mast import services, visibility
from mast.errors import MastError
from mast.models import DataFile, Observation
from mast.services import AssociationProduct

MOST_SIBLINGS = 100


@dataclass(frozen=True)
class Lineage:
    siblings: list[DataFile]
    """files of the same exposure or product, at other steps of the pipeline"""
    observations: list[Observation]
    """imported observations that list the file"""
    associations: list[DataFile]
    """associations that came with those observations"""
    products: list[AssociationProduct] = field(default_factory=list)
    """of an association: what it makes, and of what"""


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
    return Lineage(
        list(siblings.defer("plan", "raw").order_by("calib_level", "file_name")[:MOST_SIBLINGS]),
        observations,
        list(associations.defer("plan", "raw").order_by("file_name")[:MOST_SIBLINGS]),
        _products(file),
    )


def _products(file: DataFile) -> list[AssociationProduct]:
    """Of an association; none of one that is not whole."""
    if file.suffix != "asn" or file.state != DataFile.State.HELD:
        return []
    try:
        return services.association_products(file)
    except MastError:
        return []

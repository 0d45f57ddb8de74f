"""Where products lie on S3: asked of MAST for many at once, and kept in their rows."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from mast.archive import products as archive_products
from mast.imports import planning, upstream
from mast.imports.leases import Claim
from mast.models import ImportItem, Transfer
from mast.terms import JobState, Rights, SourceChoice


def is_unknown(transfer: Transfer) -> bool:
    """Whether MAST is to be asked where this file lies. Exclusive files are not in the public bucket."""
    wanted = transfer.source_choice != SourceChoice.HTTP and not transfer.s3_looked_up
    return wanted and not planning.is_exclusive(transfer.data_rights)


def look_up(claims: Sequence[Claim]) -> None:
    """Learn where these files lie, and with them as many of the same jobs as one request has room for.

    Raises
    ------
    ArchiveError : MAST does not say
    """
    unknown = [claim.transfer for claim in claims if is_unknown(claim.transfer)]
    if not unknown:
        return
    room = -len(unknown) % archive_products.URIS_A_REQUEST
    asked = [*unknown, *_next(unknown)[:room]]
    keys = archive_products.path_lookup([transfer.data_uri for transfer in asked], upstream.archive_config())
    with transaction.atomic():
        for transfer in asked:
            transfer.s3_key, transfer.s3_looked_up = keys.get(transfer.data_uri) or "", True
        Transfer.objects.bulk_update(asked, ["s3_key", "s3_looked_up"])


def _next(transfers: Sequence[Transfer]) -> QuerySet[Transfer]:
    """Queued transfers of the same jobs whose place is not known either: large files come one by one."""
    jobs = ImportItem.objects.filter(transfer__in=[transfer.pk for transfer in transfers]).values("job")
    queued = Transfer.objects.filter(state=JobState.QUEUED, s3_looked_up=False, items__job__in=jobs).distinct()
    return queued.exclude(source_choice=SourceChoice.HTTP).exclude(data_rights=Rights.EXCLUSIVE).order_by("pk")

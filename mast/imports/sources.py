"""Where a product may be had: an object in the public bucket, or MAST's own download."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from django.conf import settings

from mast import conf
from mast.imports import planning
from mast.models import Transfer
from mast.terms import SourceChoice
from mast.transfer.sources import HttpSource, S3Source, Source


def of(transfer: Transfer, token: str = "") -> Iterator[Source]:
    """Where a transfer's file may be had, the best first. `token`: MAST's, for a file that needs one."""
    if transfer.source_choice != SourceChoice.HTTP and transfer.s3_key:
        yield S3Source(
            endpoint_url=settings.MAST_S3_ENDPOINT_URL,
            bucket=settings.MAST_S3_BUCKET,
            key=transfer.s3_key,
            region=settings.MAST_S3_REGION,
        )
    if transfer.source_choice != SourceChoice.S3:
        yield http(transfer.data_uri, transfer.data_rights, token)


def http(data_uri: str, data_rights: str, token: str = "") -> HttpSource:
    """MAST's own download. The token goes along only with files that need it, and only to MAST."""
    headers = {}
    if planning.is_exclusive(data_rights) and token:
        headers["Authorization"] = f"token {token}"
    url = f"{settings.MAST_URL}/api/v0.1/Download/file?uri={quote(data_uri, safe=':/')}"
    return HttpSource(url, headers=headers, allowed_hosts=_family(settings.MAST_URL))


def length(data_uri: str, data_rights: str, token: str) -> int | None:
    """How many bytes MAST's server says a file has; its product list is not always right.

    Raises
    ------
    TransferError : it does not give the file, or cannot be reached
    """
    reply = http(data_uri, data_rights, token).open(0, 1, None, conf.transfer_config(), lambda: None)
    try:
        return reply.total
    finally:
        reply.close()


def _family(url: str) -> set[str]:
    """Hosts that MAST's download may lead on to: its own domain, where it has one."""
    host = urlsplit(url).hostname or ""
    return {".stsci.edu"} if host.endswith(".stsci.edu") else set()

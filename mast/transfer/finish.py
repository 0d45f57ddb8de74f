"""The end of a transfer: what the bytes prove, the final name, and what to say about the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mast.errors import SizeMismatch, SourceChanged, TransferError
from mast.transfer.config import TransferConfig
from mast.transfer.disk import Disk, disk_errors
from mast.transfer.partfile import PartFile, left_journals
from mast.transfer.sums import KNOWN, Beat, digest_file
from mast.transfer.values import Fetched, Wanted
from mast.transfer.verify import is_fits_name, prove, verify_file

EXISTING: Final = "existing"


@dataclass(slots=True)
class Evidence:
    """What the attempts learnt besides the bytes."""

    is_length_confirmed: bool = True
    reused_bytes: int = 0
    sums: dict[str, str] = field(default_factory=dict)
    """whole-file checksums that sources stated, by algorithm, in hex"""
    came_twice: bool = False
    """whether the same bytes came before and were refused for the sums in their own headers"""
    has_all_sums: bool = False
    """whether there is nothing more to ask for"""


def finish(wanted: Wanted, part: PartFile, digests: dict[str, str], evidence: Evidence, beat: Beat) -> Fetched:
    """Prove a part whose bytes are all there, and give it its final name (`FileExistsError` when that is taken)."""
    total = part.total or 0
    notes = _length_notes(wanted, total, evidence)
    with disk_errors("reading the part file back"):
        if unread := set(evidence.sums) & KNOWN - digests.keys():
            digests = digests | digest_file(part.path, unread, beat)
        proof, found = prove(
            part.path,
            digests,
            evidence.sums,
            is_fits=is_fits_name(wanted.file_name),
            is_known=evidence.came_twice,
            beat=beat,
        )
    part.publish(wanted.final_path)
    given = {name: count for name, count in part.source_bytes.items() if count}
    main = max(given, key=lambda name: given[name], default=next(iter(part.origins)))
    return Fetched(
        path=wanted.final_path,
        size_bytes=total,
        sha256=digests["sha256"],
        proof=proof,
        proof_notes=notes + found,
        validator=part.origins[main].text,
        source=main,
        source_bytes=given,
        reused_bytes=evidence.reused_bytes,
    )


def _length_notes(wanted: Wanted, total: int, evidence: Evidence) -> list[str]:
    """Is this the length? Without the server's word the catalogue, or the structure of FITS, must show it."""
    catalog = wanted.catalog_bytes
    if evidence.is_length_confirmed:
        differs = catalog is not None and catalog != total
        return [f"The catalogue gives {catalog:,} bytes, the server {total:,}."] if differs else []
    if catalog is not None and catalog != total:
        raise SizeMismatch(f"{total:,} bytes came where the catalogue gives {catalog:,}; the server gave no length.")
    if catalog is None and not is_fits_name(wanted.file_name):
        raise SizeMismatch("Neither server nor catalogue gives a length: nothing shows that the file is whole.")
    return ["Length not confirmed by the server."]


def ask_sums(wanted: Wanted, part: PartFile, config: TransferConfig, check: Callable[[], None]) -> dict[str, str]:
    """Checksums from a source that gave bytes and tells them; none when it cannot be asked."""
    for source in wanted.sources:
        if not source.tells_sums or source.name not in part.origins:
            continue
        try:
            validator, sums = source.sums(config, check)
        except TransferError:
            continue
        if not part.origins[source.name].allows(validator):
            raise SourceChanged(f"{source.host} has another version of the file now.")
        return sums
    return {}


def already_there(wanted: Wanted, beat: Beat, disk: Disk) -> Fetched:
    """The final name exists: an attempt died after the rename, or another process was faster. Read it all.

    The part is not opened: it may be the same file under its second name.
    """
    left = next((journal for _, journal in left_journals(wanted.partial_dir, wanted.file_name)), None)
    verified = verify_file(
        wanted.final_path,
        expected_bytes=left.total if left else wanted.catalog_bytes,
        is_fits=is_fits_name(wanted.file_name),
        beat=beat,
    )
    # Whoever put it there may have died before its name was on the disk.
    disk.sync_file(wanted.final_path)
    return Fetched(
        path=wanted.final_path,
        size_bytes=verified.size_bytes,
        sha256=verified.sha256,
        proof=verified.proof,
        proof_notes=["It lay complete at its place already.", *verified.notes],
        validator=next(iter(left.origins.values())).text if left else "",
        source=EXISTING,
        reused_bytes=verified.size_bytes,
    )

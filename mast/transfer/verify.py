"""Is this file whole, and how well do we know? The answer is the strongest proof that holds, never a stronger one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mast import fitswalk
from mast.errors import ChecksumMismatch, DamagedFile, HostileFits, SizeMismatch
from mast.terms import Proof
from mast.transfer.sums import KNOWN, Beat, check_fits_sums, digest_file
from mast.transfer.values import Verified


def is_fits_name(file_name: str) -> bool:
    return file_name.lower().endswith(".fits")


def verify_file(
    path: Path,
    *,
    expected_bytes: int | None,
    sha256: str | None = None,
    checksums: Mapping[str, str] | None = None,
    is_fits: bool,
    beat: Beat = lambda _done: None,
) -> Verified:
    """Read a file on disk once and say what that proves.

    Parameters
    ----------
    expected_bytes : the length it must have, None where nobody knows
    sha256 : what we recorded when it arrived, in hex
    checksums : whole-file checksums from its source, by algorithm (`md5`, `sha256`, `crc32c` …), in hex
    is_fits : whether its blocks are walked; files with DATASUM or CHECKSUM cards are read a second time for them
    beat : called with the bytes read so far, at every MiB; what it raises ends the reading

    Raises
    ------
    DamagedFile : the file is missing or cannot be read
    SizeMismatch, ChecksumMismatch, NotFits, TruncatedFits : it is not what it should be
    """
    try:
        size = path.stat().st_size
        if expected_bytes is not None and size != expected_bytes:
            raise SizeMismatch(f"{path.name} has {size:,} bytes where {expected_bytes:,} are expected.")
        digests = digest_file(path, {"sha256", *(checksums or ())}, beat)
    except OSError as exc:
        raise DamagedFile(f"{path.name} cannot be read: {exc.strerror or exc}.") from exc
    if sha256 and digests["sha256"] != sha256.lower():
        raise ChecksumMismatch(f"{path.name} is no longer the file that arrived: its SHA-256 differs.")
    proof, notes = prove(path, digests, dict(checksums or {}), is_fits=is_fits, is_known=bool(sha256), beat=beat)
    return Verified(size, digests["sha256"], proof, notes)


def prove(
    path: Path, digests: Mapping[str, str], sums: Mapping[str, str], *, is_fits: bool, is_known: bool, beat: Beat
) -> tuple[Proof, list[str]]:
    """The level of proof of a file of the right length, with what there is to say about it.

    `digests` are the file's checksums, `sums` what its source says they are. `is_known`: these bytes are known to be
    the archive's, so that wrong sums in their headers are the archive's too: noted, not refused.
    """
    notes: list[str] = []
    proof = Proof.LENGTH
    if is_fits:
        proof = _prove_structure(path, notes, beat, is_known=is_known)
    for name in sorted(sums):
        if name not in KNOWN:
            notes.append(f"The source gives a {name} checksum, which is not computed here.")
        elif digests.get(name) != sums[name]:
            raise ChecksumMismatch(f"{path.name} does not give the {name} its source states.", algorithm=name)
        else:
            notes.append(f"The {name} is the one the source states.")
            proof = Proof.CHECKSUM
    return proof, notes


def _prove_structure(path: Path, notes: list[str], beat: Beat, *, is_known: bool) -> Proof:
    try:
        hdus = fitswalk.walk(path)
    except HostileFits as exc:
        notes.append(f"Not opened as FITS: {exc.message}")
        return Proof.LENGTH
    try:
        vouched = check_fits_sums(path, hdus, beat)
    except ChecksumMismatch as exc:
        if not is_known:
            raise
        notes.append(f"{exc.message} The archive's own copy is like this.")
        return Proof.STRUCTURE
    if not vouched:
        notes.append("The file carries no DATASUM of its own.")
        return Proof.STRUCTURE
    notes.append(f"DATASUM and CHECKSUM agree in {vouched} of {len(hdus)} HDUs.")
    return Proof.FITS_SUMS

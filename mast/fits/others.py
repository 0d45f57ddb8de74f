"""Plans of products that are not FITS: associations, catalogues, pools, previews. Bounded; standard library only."""

from __future__ import annotations

import json
from typing import Any, BinaryIO, Final

from mast.errors import MalformedFile
from mast.fits.plan import Plan, unviewable
from mast.terms import suffix_of

JSON_BYTES: Final = 64 << 20
HEAD_BYTES: Final = 1 << 20

_MAGIC: Final = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"#ASDF", "asdf"), (b"# %ECSV", "ecsv"))
_KINDS: Final = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "json": "json", "ecsv": "ecsv", "csv": "csv"} | {
    "asdf": "asdf"
}
_WHY: Final = {
    "association": "This is an association, the list of exposures that make a product, not an image; Members shows it.",
    "json": "This file holds JSON text, not an image.",
    "ecsv": "This file holds a table, not an image; Table shows its rows.",
    "csv": "This file holds a table, not an image; Table shows its rows.",
    "jpeg": "This is a preview picture; it is shown as it is.",
    "png": "This is a preview picture; it is shown as it is.",
    "asdf": "This file holds ASDF metadata, not an image.",
    "unknown": "This is neither FITS nor any other kind of file that can be shown here.",
}


def plan(file: BinaryIO, file_name: str, size: int) -> Plan:
    """The plan of an open file that is no FITS file.

    Raises
    ------
    MalformedFile : the contents are not what the name says
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    named = _KINDS.get(file_name.lower().rpartition(".")[2], "")
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")
    kind = named or found or "unknown"
    facts: dict[str, Any] = {}
    if kind in {"jpeg", "png", "asdf"} and found != kind:
        raise MalformedFile(f"The file is named as {kind.upper()} but does not begin as one.")
    if kind in {"ecsv", "csv"}:
        _check_text(kind, head, is_whole=size <= HEAD_BYTES)
    if kind == "json":
        kind, facts = _json_facts(file, size, suffix_of(file_name))
    return unviewable(file_name, kind, size, _WHY[kind], **facts)


def _check_text(kind: str, head: bytes, *, is_whole: bool) -> None:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head of a long file may end inside a character.
        if is_whole or error.start < len(head) - 4:
            raise MalformedFile("The table is not text in UTF-8.") from error
    if b"\0" in head:
        raise MalformedFile("The table holds bytes that are not text.")
    if kind == "ecsv" and not head.startswith(b"# %ECSV"):
        raise MalformedFile("The table does not begin with `# %ECSV`.")


def _json_facts(file: BinaryIO, size: int, suffix: str) -> tuple[str, dict[str, Any]]:
    """`association` or `json`, with the counts of an association."""
    if size > JSON_BYTES:
        raise MalformedFile(f"The JSON text is {size >> 20} MiB long; {JSON_BYTES >> 20} MiB are read at most.")
    file.seek(0)
    try:
        content = json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise MalformedFile("The file is not valid JSON.") from error
    if suffix != "asn":
        return "json", {}
    products = content.get("products") if isinstance(content, dict) else None
    if not isinstance(products, list):
        raise MalformedFile("The association has no list of products.")
    members = [product.get("members") for product in products if isinstance(product, dict)]
    counted = sum(len(listed) for listed in members if isinstance(listed, list))
    texts = {key: str(content[key])[:200] for key in ("asn_type", "asn_rule", "asn_id", "asn_pool") if key in content}
    return "association", {"products": len(products), "members": counted, **texts}

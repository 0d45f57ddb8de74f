"""Where products lie on disk, and which of them lie there already."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mast import conf, errors, terms
from mast.transfer.disk import DISK
from mast.transfer.partfile import PART, TAG_LENGTH


def final_path(file_name: str, product_obs_id: str, proposal_id: Any, fallback: str) -> Path:
    """`<files>/<program>/<the product's own obs_id>/<file name>`.

    A program or obs_id that may not name a folder is replaced: by `other`, and by `fallback`.

    Raises
    ------
    UnsafeName : the file name itself cannot be used
    """
    if not terms.is_safe_name(file_name):
        raise errors.UnsafeName(f"{file_name!r} cannot be a file name.")
    parsed = terms.parse_name(file_name)
    program = terms.program_of(str(proposal_id or (parsed.program if parsed else "")))
    return (
        conf.files_dir()
        / (program if terms.is_safe_name(program) else "other")
        / (product_obs_id if terms.is_safe_name(product_obs_id) else fallback)
        / file_name
    )


def on_disk(file_names: Collection[str] | None = None) -> dict[str, list[Path]]:
    """Regular files below the archive's folder by name, those of the given names or all. Links are not followed."""
    found: dict[str, list[Path]] = defaultdict(list)
    for folder, folders, names in os.walk(conf.files_dir()):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if (file_names is None or name in file_names) and not name.startswith("."):
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    found[name].append(path)
    return found


def lying() -> Iterator[Path]:
    """Everything that lies below the archive's folder and is no folder, links included, as paths below it."""
    for folder, folders, names in os.walk(conf.files_dir()):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name).relative_to(conf.files_dir()) for name in names if not name.startswith("."))


def set_aside_bytes() -> dict[str, int]:
    """What parts have taken of the disk already, by file name, filled or not."""
    taken: dict[str, int] = defaultdict(int)
    with suppress(FileNotFoundError), os.scandir(conf.partial_dir()) as entries:
        for entry in entries:
            if entry.name.endswith(PART):
                with suppress(FileNotFoundError):
                    taken[entry.name[: -len(PART) - TAG_LENGTH - 1]] += entry.stat().st_blocks * 512
    return taken


def set_aside(path: Path) -> Path | None:
    """Move a file, or a link, that is not what it should be out of the way, into the hidden folder of parts."""
    if not path.exists() and not path.is_symlink():
        return None
    aside = conf.partial_dir() / f"damaged-{os.urandom(4).hex()}-{path.name}"
    aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.rename(aside)
    return aside


def move(path: Path, place: Path) -> Path:
    """Bring a whole file to its place, read-only for everybody and synced; another one there is not overwritten.

    Raises
    ------
    DamagedFile : another file lies at the place
    """
    if path != place:
        DISK.make_dir(place.parent, 0o755)
        try:
            place.hardlink_to(path)
        except FileExistsError:
            raise errors.DamagedFile(f"Another file lies at {place.relative_to(conf.files_dir())}.") from None
        path.unlink()
    for folder in (place.parent, place.parent.parent):
        if conf.files_dir() in folder.parents:
            folder.chmod(0o755)
    place.chmod(0o444)
    DISK.sync_file(place)
    return place


def remove_empty(folder: Path) -> None:
    """Remove a folder of the archive, and the one above it, if nothing is in them."""
    for each in (folder, folder.parent):
        if conf.files_dir() not in each.parents:
            return
        try:
            each.rmdir()
        except OSError:
            return

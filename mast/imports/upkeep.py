"""What nobody needs any more removed."""

from __future__ import annotations

import time
from typing import Final

from mast import conf, terms
from mast.imports import derived, looking, searchcache, trash
from mast.models import DataFile, Transfer

KEPT_S: Final = 14 * 24 * 3600
"""how long parts of downloads that nobody waits for are kept"""


def tidy() -> None:
    """Remove what nobody needs: old parts, old trash, old cached answers, what was derived of files that are gone."""
    remove_old_parts()
    trash.empty_old()
    searchcache.prune()
    looking.prune()
    derived.prune(set(DataFile.objects.values_list("sha256", flat=True)))


def remove_old_parts() -> int:
    """Remove parts untouched for two weeks, unless a live job waits for them; returns how many files went."""
    folder = conf.partial_dir()
    if not folder.is_dir():
        return 0
    live = Transfer.objects.filter(items__job__state__in=terms.LIVE).exclude(state__in=terms.ENDED)
    wanted = set(live.values_list("file_name", flat=True))
    count = 0
    for path in folder.iterdir():
        is_old = time.time() - path.stat().st_mtime > KEPT_S
        if is_old and path.is_file() and not any(name in path.name for name in wanted):
            path.unlink(missing_ok=True)
            count += 1
    return count

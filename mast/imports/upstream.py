"""How MAST is asked from here, and whether it answered whoever asked last: pages say it while it does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mast import conf
from mast.imports import live

if TYPE_CHECKING:
    from mast.archive.client import ArchiveConfig

_DOWN: Final = "mast down since"
_STANDS_MS: Final = 30 * 60 * 1000
"""how long it is believed that MAST is down when nobody asks any more"""


def archive_config() -> ArchiveConfig:
    """Where MAST is; each query tells whether it answered."""
    return replace(conf.archive_config(), heard=heard)


def heard(answered: bool) -> None:
    """Note that MAST answered, or that it did not; the time is when that was first noticed."""
    since = live.remembered(_DOWN)
    if not answered:
        live.remember(_DOWN, since or dt.datetime.now(dt.UTC).isoformat().encode(), _STANDS_MS)
    elif since:
        live.remember(_DOWN, b"", 1)


def down_since() -> dt.datetime | None:
    """When MAST was first noticed not to answer, while that is so."""
    since = live.remembered(_DOWN)
    return dt.datetime.fromisoformat(since.decode()) if since else None

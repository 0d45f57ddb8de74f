"""What a viewer needs of files that arrived, made before anybody looks: pyramid and thumbnail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mast import errors
from mast.fits.inspect import stored_plan
from mast.fits.plan import Plan
from mast.imports import derived, records
from mast.models import DataFile

log = logging.getLogger(__name__)


def prepare(data_uris: Sequence[str], stopping: Callable[[], bool] = lambda: False) -> int:
    """Make what is derived of these files; returns of how many. One that cannot be drawn stops no other."""
    count = 0
    for file in DataFile.objects.filter(data_uri__in=data_uris, is_viewable=True, state=DataFile.State.HELD):
        if stopping():
            break
        plan = stored_plan(file.plan)
        if plan is not None:
            count += _prepare(file, plan)
    return count


def _prepare(file: DataFile, plan: Plan) -> bool:
    try:
        derived.thumbnail(*derived.pixels(records.path_of(file), plan, file.sha256), file.sha256)
    except errors.MastError as error:
        log.warning("no picture of %s: %s", file.file_name, error.message)
        return False
    except Exception:
        log.exception("no picture of %s", file.file_name)
        return False
    return True

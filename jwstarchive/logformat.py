"""Every line of the log says which request, which user and which job it belongs to; as JSON on request."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final

from mast import acting

_MARKS: Final = ("request", "user", "job")


class Marks(logging.Filter):
    """Adds who acts, for what. A user's number and no name: logs travel further than the database."""

    def filter(self, record: logging.LogRecord) -> bool:
        actor = acting.current()
        user = actor.user
        record.request = actor.request_id
        # A session is not read for a line of the log: that may be the line that says the database is away.
        known = user is not None and "_wrapped" not in vars(type(user)) and getattr(user, "pk", None)
        record.user = str(known) if known else ""
        record.job = actor.job
        return True


class Plain(logging.Formatter):
    """`time LEVEL logger message`, then the marks there are."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of the standard library
        marks = " ".join(f"{name}={value}" for name in _MARKS if (value := getattr(record, name, "")))
        return f"{super().formatMessage(record)}{f' [{marks}]' if marks else ''}"


class Json(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name in _MARKS if (value := getattr(record, name, ""))},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)

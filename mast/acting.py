"""Who acts: told once, by the middleware, by an API token or by nobody at all, and read wherever it matters.

A context variable and no argument, so that a door somebody adds later knows the caller whether its author thought of
it or not. Outside a request (workers, commands) the archive itself acts, and it may do everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True)
class Actor:
    """`user`: Django's, signed in or anonymous; None for the archive itself."""

    user: Any = None
    how: str = "the archive"
    address: str = ""
    request_id: str = ""
    job: str = ""

    @property
    def is_archive(self) -> bool:
        return self.user is None

    @property
    def name(self) -> str:
        if self.user is None:
            return self.how
        return str(self.user.get_username()) or "anonymous"


ARCHIVE: Final = Actor()
_current: ContextVar[Actor] = ContextVar("actor", default=ARCHIVE)


def current() -> Actor:
    return _current.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Everything within is done by this actor."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)


def working_for(job: str) -> Any:
    """What the archive does within is for this job, says the log."""
    return acting(replace(ARCHIVE, job=job))


def identify(user: Any, how: str) -> None:
    """Within a request: its caller turned out to be this user, by a token say. Outside of one nobody is taken on."""
    actor = _current.get()
    if not actor.is_archive:
        _current.set(replace(actor, user=user, how=how))

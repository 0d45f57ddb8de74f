"""How large a run of the fault tests is, and the seed that replays it.

The CI size runs at every change. `manage.py test --release` sets `FAULT_SIZE=release`: many more trials, and waits as
long as they really are. Every random choice comes from `FAULT_SEED`; a trial that fails says how to run it alone.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

RELEASE = os.environ.get("FAULT_SIZE") == "release"
SEED = int(os.environ.get("FAULT_SEED") or 0) or random.SystemRandom().randrange(1, 2**32)
_ONE = os.environ.get("FAULT_TRIAL", "")
REPLAYS = bool(_ONE)
"""whether one trial alone is run: sums over all of them say nothing then"""


def size(ci: int, release: int) -> int:
    """How many of something a run does."""
    return release if RELEASE else ci


def seconds(real_s: float) -> float:
    """A wait: as it really is before a release, a thirtieth of it at every change."""
    return real_s if RELEASE else real_s / 30


@dataclass(frozen=True)
class Trial:
    """One random trial, itself a context: what fails inside it tells how to see it again."""

    name: str
    number: int

    @property
    def chance(self) -> random.Random:
        """The trial's own dice, thrown anew at each access."""
        return random.Random(f"{SEED} {self.name} {self.number}")

    def __enter__(self) -> random.Random:
        return self.chance

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"{self.name}: to see it again, FAULT_SEED={SEED} FAULT_TRIAL={self.number}")


def trials(name: str, ci: int, release: int) -> Iterator[Trial]:
    """So many trials, or the one that `FAULT_TRIAL` names."""
    print(f"FAULT_SEED={SEED}")
    numbers = [int(_ONE)] if _ONE else range(size(ci, release))
    for number in numbers:
        yield Trial(name, number)

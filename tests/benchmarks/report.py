"""One table for every benchmark: ours, the peer, the ratio, the goal, met or not."""

from __future__ import annotations

import platform
import sqlite3
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from jwstarchive.settings import sqlite_journal_mode

NAME_WIDTH = 60


@dataclass
class Row:
    """A figure and its goal, None where it is only shown; `ours` None means it did not run, which counts as missed."""

    what: str
    ours: float | None
    goal: float | None
    unit: str
    peer: str = ""
    theirs: float | None = None
    is_ratio: bool = False
    note: str = ""

    @property
    def name(self) -> str:
        return self.what + (f" / {self.peer}" if self.peer else "")

    @property
    def value(self) -> float | None:
        """What is held against the goal: ours, or ours divided by the peer's."""
        if self.is_ratio:
            return None if self.ours is None or not self.theirs else self.ours / self.theirs
        return self.ours

    @property
    def met(self) -> bool:
        return self.value is not None and (self.goal is None or self.value <= self.goal)


@dataclass
class Report:
    title: str
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(self._line(row), flush=True)

    def start(self) -> None:
        sqlite = f"SQLite {sqlite3.sqlite_version} ({sqlite_journal_mode()})"
        print(f"{self.title}\nPython {platform.python_version()}, {sqlite}\n")
        print(f"{'':{NAME_WIDTH}} {'ours':>12} {'peer':>12} {'ratio':>8} {'goal':>8}  met")

    def finish(self) -> int:
        """0 when every goal was met."""
        goals = [row for row in self.rows if row.goal is not None or not row.met]
        missed = [row.name for row in goals if not row.met]
        print(
            f"\n{len(goals) - len(missed)} of {len(goals)} goals met"
            + (f"; missed: {', '.join(missed)}" if missed else "")
        )
        return 1 if missed else 0

    @staticmethod
    def _line(row: Row) -> str:
        def shown(value: float | None) -> str:
            return "–" if value is None else f"{value:.3g}"

        ratio = row.ours / row.theirs if row.ours is not None and row.theirs else None
        note = f"  {row.note}" if row.note else ""
        met = "NO" if not row.met else "yes" if row.goal is not None else "–"
        return (
            f"{row.name[:NAME_WIDTH]:{NAME_WIDTH}} {shown(row.ours):>8} {row.unit:>3} {shown(row.theirs):>12} "
            f"{shown(ratio):>8} {shown(row.goal):>8}  {met:3}{note}"
        )


def interleaved(runs: int, *calls: Callable[[], float]) -> list[float]:
    """The median of each call, run in turn, so that a machine that slows down slows all of them."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(runs):
        for call, values in zip(calls, taken, strict=True):
            values.append(call())
    return [statistics.median(values) for values in taken]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

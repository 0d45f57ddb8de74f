"""From an observation and a few choices to the exact files of an import. Writes nothing and downloads nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mast.terms import SourceChoice

if TYPE_CHECKING:
    from mast.archive.rows import ObservationRow, ProductRow


@dataclass(frozen=True)
class ImportRequest:
    """What a user asks for. `calib_levels` None means the observation's own level."""

    obs_id: str
    product_type: str = "SCIENCE"
    calib_levels: tuple[int, ...] | None = None
    source: SourceChoice = SourceChoice.AUTO
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedFile:
    """One product of the plan; `held` when it lies proven in the library already."""

    row: ProductRow
    held: bool


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do. `left_out` pairs file names with reasons, in words."""

    observation: ObservationRow
    calib_levels: tuple[int, ...]
    files: list[PlannedFile]
    left_out: list[tuple[str, str]]
    total_bytes: int
    to_fetch_bytes: int
    held_count: int
    disk_free_bytes: int
    disk_free_after_bytes: int
    levels_available: dict[int, int] = field(default_factory=dict)

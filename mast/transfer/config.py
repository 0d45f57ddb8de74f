"""How a transfer behaves: sizes, waits and limits. Every wait is a parameter, so tests scale them down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
RECORD_BYTES: Final = MIB
"""What one journal record covers at most, and so what a kill costs at most per connection."""


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """Sizes in bytes, times in seconds.

    A request asks for at least `chunk_bytes`, more while much is missing or the server is far, and for `request_bytes`
    at most. Files up to `small_bytes` come by one plain
    GET. A connection that brings less than `min_bytes_per_s` over `stall_timeout_s` is cut; a file that gets no new
    byte for `give_up_after_s` fails, however many attempts that took.
    """

    chunk_bytes: int = 8 * MIB
    request_bytes: int = 128 * MIB
    connections: int = 16
    """per file, at most: as many are made as are of use"""
    small_bytes: int = 8 * MIB
    connect_timeout_s: float = 10
    first_byte_timeout_s: float = 30
    stall_timeout_s: float = 60
    min_bytes_per_s: int = KIB
    give_up_after_s: float = 900
    backoff_first_s: float = 1
    backoff_max_s: float = 60
    retry_after_max_s: float = 900
    max_restarts: int = 3
    min_free_bytes: int = 2 * 1024 * MIB
    """room that must stay on the disk after the file"""
    progress_every_s: float = 0.25
    lock_wait_s: float = 5
    """how long to wait for another process that holds the same part file"""

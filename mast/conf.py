"""Django settings as the plain values the wings take, read anew at each call so that tests may override them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from mast.archive.client import ArchiveConfig
    from mast.transfer.config import TransferConfig

MIB = 1024 * 1024
MB = 1_000_000
GB = 1_000_000_000


def archive_config() -> ArchiveConfig:
    """Where MAST is and how long it may take."""
    from mast.archive.client import ArchiveConfig

    return ArchiveConfig(
        base_url=settings.MAST_URL,
        resolver_url=settings.MAST_RESOLVER_URL,
        timeout_s=settings.MAST_TIMEOUT_S,
        token=settings.MAST_API_TOKEN,
    )


def transfer_config() -> TransferConfig:
    """How bytes are fetched. Of the site's connections one file may have all that no other has use for."""
    from mast.transfer.config import TransferConfig

    return TransferConfig(
        chunk_bytes=int(settings.DOWNLOAD_CHUNK_MB * MIB),
        connections=settings.DOWNLOAD_CONNECTIONS,
        give_up_after_s=settings.GIVE_UP_AFTER_S,
        min_free_bytes=min_free_bytes(),
        lock_wait_s=settings.LEASE_S / 12,
    )


def redis_client(*, tries: int = 1) -> redis.Redis:
    """A client that gives up after a second: whoever asks Redis goes on without it when it does not answer."""
    retry = Retry(NoBackoff(), tries - 1) if tries > 1 else None
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=retry,
        retry_on_error=[],
    )


def files_dir() -> Path:
    """Where finished products lie."""
    return Path(settings.FILES_DIR)


def trash_dir() -> Path:
    """Where removed files lie until they are forgotten."""
    return files_dir().parent / ".trash"


def partial_dir() -> Path:
    """Where unfinished parts lie: hidden, and on the same file system as the finished ones."""
    return Path(settings.PARTIAL_DIR)


def min_free_bytes() -> int:
    """What must stay free on the archive's disk, in bytes."""
    return int(settings.STORAGE_MIN_FREE_GB * GB)


def existing_parent(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists: where its disk can be asked for room."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def free_bytes() -> int:
    """Free space on the archive's disk, in bytes."""
    return shutil.disk_usage(existing_parent(files_dir())).free

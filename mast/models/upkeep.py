"""What the archive keeps for its own upkeep: readings of the shelf, answers and counts kept for a while, the trash."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class Verification(models.Model):
    """One reading of the whole shelf: how far it is and what it found. An unfinished one is gone on with."""

    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    last_file = models.BigIntegerField(default=0, help_text="id of the file read last: files are read in order of ids")
    file_count = models.PositiveIntegerField(default=0, help_text="files read so far")
    read_bytes = models.BigIntegerField(default=0)
    damaged_count = models.PositiveIntegerField(default=0)
    missing_count = models.PositiveIntegerField(default=0)
    unknown_count = models.PositiveIntegerField(default=0, help_text="files on disk without a record")
    found = models.JSONField(default=list, blank=True, help_text="what was not as it should be, the first thousand")

    class Meta:
        ordering: ClassVar = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"{self.file_count} files from {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def wrong_count(self) -> int:
        return self.damaged_count + self.missing_count + self.unknown_count


class CachedSearch(models.Model):
    """The last good answer to a query, served with its age while MAST is down."""

    key = models.CharField(max_length=64, primary_key=True, help_text="digest of the query")
    query = models.JSONField()
    answer = models.BinaryField(help_text="the answer as JSON, deflated")
    row_count = models.PositiveIntegerField()
    fetched_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "cached searches"

    def __str__(self) -> str:
        return f"{self.query} at {self.fetched_at:%Y-%m-%d %H:%M}"


class LibraryCount(models.Model):
    """How the library divides by instrument, level and the like, counted now and then: no request counts a million."""

    counted_at = models.DateTimeField()
    body = models.BinaryField(help_text="the counts as JSON, deflated")

    def __str__(self) -> str:
        return f"the library at {self.counted_at:%Y-%m-%d %H:%M}"


class Trash(models.Model):
    """What somebody removed from the library at once: its records, and files that lie in the trash folder meanwhile."""

    title = models.CharField(max_length=300)
    records = models.JSONField(help_text="the removed rows, as Django serializes them")
    paths = models.JSONField(help_text="where the files lay, below the archive's folder")
    size_bytes = models.BigIntegerField()
    is_exclusive = models.BooleanField(default=False, help_text="it holds files that not everybody may know of")
    removed_at = models.DateTimeField(default=timezone.now, db_index=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering: ClassVar = ["-removed_at", "-id"]
        verbose_name_plural = "trash"

    def __str__(self) -> str:
        return self.title

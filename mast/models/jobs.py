"""Jobs that bring files home: what was asked for, what is on its way, and which job waits for what."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from mast import terms
from mast.models.holdings import DataFile, MastJson, Observation

JOB_STATES = [(state.value, state.value) for state in terms.JobState]
SOURCE_CHOICES = [(choice.value, choice.value) for choice in terms.SourceChoice]


class Transfer(models.Model):
    """One product on its way, however many jobs wait for it: what is fetched, by whom, and how far it is.

    Claimed by one conditional UPDATE that sets owner and lease and raises `epoch`; every later write of the holder
    names that epoch, so a worker that lost its lease, or whose transfer a person paused, can change nothing.
    """

    data_uri = models.CharField(max_length=300, unique=True)
    file_name = models.CharField(max_length=200)
    product_obs_id = models.CharField(max_length=200)
    calib_level = models.SmallIntegerField(null=True)
    product_type = models.CharField(max_length=32, blank=True)
    data_rights = models.CharField(max_length=32, blank=True)
    catalog_bytes = models.BigIntegerField(null=True, help_text="size in MAST's product list; not always right")
    raw = MastJson(default=dict, help_text="the product's row as MAST sent it")

    state = models.CharField(max_length=16, choices=JOB_STATES, default=terms.JobState.QUEUED)
    source_choice = models.CharField(max_length=8, choices=SOURCE_CHOICES, default=terms.SourceChoice.AUTO)
    s3_key = models.CharField(max_length=500, blank=True, help_text="from path lookup; empty: not asked or not there")
    s3_looked_up = models.BooleanField(default=False)
    source = models.CharField(max_length=16, blank=True, help_text="what gives the bytes now")
    total_bytes = models.BigIntegerField(null=True, help_text="what the server says")
    done_bytes = models.BigIntegerField(default=0, help_text="proven bytes at the last beat")
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    message = models.TextField(blank=True, help_text="what is going on, in a sentence")

    owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0, help_text="claims since the last new byte")
    not_before = models.DateTimeField(null=True, help_text="waiting: when it may be tried again")
    published_at = models.DateTimeField(null=True, help_text="when its id last went to the broker")
    queued_at = models.DateTimeField(default=timezone.now)
    file = models.ForeignKey(DataFile, null=True, on_delete=models.SET_NULL, related_name="transfers")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "lease_until"])]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"

    @property
    def size_bytes(self) -> int:
        """The best known size: the server's word, else the catalogue's."""
        return self.total_bytes if self.total_bytes is not None else (self.catalog_bytes or 0)


class ImportJob(models.Model):
    """What a user started: an import, a registration of files on disk, a refresh of all metadata, a verification."""

    class Kind(models.TextChoices):
        IMPORT = "import"
        EXISTING = "existing"
        REFRESH = "refresh"
        VERIFY = "verify"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.IMPORT)
    obs_id = models.CharField(max_length=200, db_index=True, help_text="the observation asked for; `all` for a refresh")
    observation = models.ForeignKey(Observation, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs")
    product_type = models.CharField(max_length=32, blank=True)
    calib_levels = models.JSONField(null=True, blank=True)
    suffixes = models.JSONField(default=list, blank=True, help_text="kinds of file, `i2d` say; none for every kind")
    source_choice = models.CharField(max_length=8, choices=SOURCE_CHOICES, default=terms.SourceChoice.AUTO)
    tags = models.JSONField(default=list, blank=True)
    choices_key = models.CharField(max_length=64, blank=True, help_text="digest of the choices: same key, same job")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    is_exclusive = models.BooleanField(
        default=False, help_text="brings exclusive files with somebody's token: others do not know of it"
    )

    state = models.CharField(max_length=16, choices=JOB_STATES, default=terms.JobState.QUEUED, db_index=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    message = models.TextField(blank=True, help_text="what is going on, in a sentence")
    total_files = models.PositiveIntegerField(default=0)
    total_bytes = models.BigIntegerField(default=0)
    skipped = models.JSONField(default=list, blank=True, help_text="what was left out, and why, counted")
    result = models.JSONField(default=dict, blank=True, help_text="outcome of a refresh or registration")
    progress_percent = models.FloatField(default=0, help_text="for kinds without transfers")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="for kinds without transfers")
    lease_owner = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["choices_key"],
                condition=Q(state__in=sorted(terms.LIVE)) & ~Q(choices_key=""),
                name="one_live_job_per_choices",
                violation_error_message="The same import is already under way.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.obs_id} ({self.state})"

    @property
    def stage(self) -> str:
        return terms.STAGES[terms.JobState(self.state)]

    @property
    def is_ended(self) -> bool:
        return self.state in terms.ENDED

    @property
    def is_resumable(self) -> bool:
        return self.state in terms.RESUMABLE


class ImportItem(models.Model):
    """One file of one job: the job waits for its transfer, or found the file already held."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="items")
    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="items")
    was_held = models.BooleanField(default=False, help_text="already in the library when the job began")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "transfer"], name="one_item_per_file_and_job")]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.transfer_id}"

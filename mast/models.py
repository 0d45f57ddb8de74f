"""What the archive knows: observations, product files, and the jobs that bring them home.

Columns, constraints and small properties; what changes a row lives in `imports` (jobs, records, refresh). Times are
UTC; MJD columns keep MAST's own numbers. `raw` keeps every field MAST sent, under MAST's spelling.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from mast import terms
from mast.accounts import Access, AuditEntry, MastToken, Trust

__all__ = [
    "Access", "ApiToken", "AuditEntry", "CachedSearch", "DataFile", "ImportItem", "ImportJob", "MastToken",
    "Observation", "Tag", "Transfer", "Trust",
]  # fmt: skip

JOB_STATES = [(state.value, state.value) for state in terms.JobState]
SOURCES = [(source.value, source.value) for source in terms.Source]
SOURCE_CHOICES = [(choice.value, choice.value) for choice in terms.SourceChoice]
PROOFS = [(proof.value, proof.value) for proof in terms.Proof]


class MastJson(models.JSONField):
    """JSON as MAST sent it. It was parsed on arrival; SQLite need not parse each row once more to check it."""

    def db_check(self, connection: BaseDatabaseWrapper) -> str | None:
        return None


class Tag(models.Model):
    """A word people file things under."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Observation(models.Model):
    """One CAOM observation of JWST, as MAST described it and as people corrected it."""

    obs_id = models.CharField(max_length=200, unique=True, help_text="MAST's mission name of the observation")
    obsid = models.CharField(max_length=32, blank=True, db_index=True, help_text="MAST's product-group number")
    calib_level = models.SmallIntegerField(
        null=True, blank=True, help_text="highest level the observation reached, −1 to 4"
    )
    dataproduct_type = models.CharField(max_length=32, blank=True)
    target_name = models.CharField(max_length=300, blank=True)
    instrument_name = models.CharField(max_length=64, blank=True, help_text="NIRCAM/IMAGE and the like")
    filters = models.CharField(max_length=200, blank=True)
    exposure_s = models.FloatField(null=True, blank=True, help_text="total exposure time in seconds")
    t_min_mjd = models.FloatField(null=True, blank=True, help_text="start, MJD (UTC)")
    t_max_mjd = models.FloatField(null=True, blank=True, help_text="end, MJD (UTC)")
    t_obs_release_mjd = models.FloatField(null=True, blank=True, help_text="public release, MJD (UTC)")
    observed_at = models.DateTimeField(null=True, blank=True, help_text="from t_min, else t_max, else t_obs_release")
    proposal_id = models.CharField(max_length=32, blank=True)
    proposal_pi = models.CharField(max_length=300, blank=True)
    obs_title = models.TextField(blank=True)
    wavelength_region = models.CharField(max_length=64, blank=True)
    s_ra_deg = models.FloatField(null=True, blank=True, help_text="ICRS right ascension in degrees")
    s_dec_deg = models.FloatField(null=True, blank=True, help_text="ICRS declination in degrees")
    s_region = models.TextField(blank=True, help_text="footprint, STC-S text")
    data_rights = models.CharField(max_length=32, blank=True)
    preview_uri = models.CharField(max_length=300, blank=True)
    raw = MastJson(default=dict, blank=True, help_text="every field MAST sent")
    edited_fields = models.JSONField(
        default=list, blank=True, help_text="names of columns corrected by hand; a refresh leaves these alone"
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="observations")
    notes = models.TextField(blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True, help_text="when MAST was last asked")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        # Each with the id, so that a page begins where the one before ended without sorting.
        indexes: ClassVar = [
            models.Index(fields=[column, "id"], name=f"observation_{column}")
            for column in (
                "created_at",
                "observed_at",
                "target_name",
                "instrument_name",
                "filters",
                "exposure_s",
                "calib_level",
                "proposal_id",
            )
        ]

    def __str__(self) -> str:
        return self.obs_id

    @property
    def instrument(self) -> str:
        return terms.split_instrument(self.instrument_name)[0]

    @property
    def mode(self) -> str:
        return terms.split_instrument(self.instrument_name)[1]


class DataFile(models.Model):
    """One product that lies whole and proven on our disk. The row exists only from then on."""

    class State(models.TextChoices):
        HELD = "held"
        DAMAGED = "damaged"
        MISSING = "missing"

    data_uri = models.CharField(max_length=300, unique=True, help_text="mast:JWST/product/<file name>")
    file_name = models.CharField(max_length=200)
    path = models.CharField(max_length=500, unique=True, help_text="below the archive's folder")
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    suffix = models.CharField(max_length=32, blank=True)
    badge = models.CharField(max_length=16, help_text="image, table, preview or unclassified")
    calib_level = models.SmallIntegerField(null=True, blank=True, help_text="the file's own level")
    product_type = models.CharField(max_length=32, blank=True)
    product_obs_id = models.CharField(max_length=200, help_text="the product's own obs_id")
    observation = models.ForeignKey(
        Observation, on_delete=models.PROTECT, related_name="files", help_text="what was imported when it first came"
    )
    observations = models.ManyToManyField(
        Observation, related_name="all_files", blank=True, help_text="every imported observation that lists it"
    )
    data_rights = models.CharField(max_length=32, blank=True)
    source = models.CharField(max_length=16, choices=SOURCES)
    source_bytes = models.JSONField(default=dict, blank=True, help_text="bytes each source gave")
    validator = models.CharField(max_length=200, blank=True, help_text="ETag or Last-Modified the bytes are bound to")
    proof = models.CharField(max_length=32, choices=PROOFS, help_text="how the file was proven whole")
    proof_notes = models.JSONField(default=list, blank=True, help_text="what was checked, in sentences")
    software = models.CharField(max_length=64, blank=True, help_text="version of this archive that fetched it")
    fetched_at = models.DateTimeField(default=timezone.now)
    verified_at = models.DateTimeField(help_text="when every byte was last read and found right")
    state = models.CharField(max_length=16, choices=State.choices, default=State.HELD)
    plan = models.JSONField(null=True, blank=True, help_text="the FITS inspection: HDUs, offsets, units, WCS cards")
    is_viewable = models.BooleanField(default=False)
    view_reason = models.CharField(max_length=300, blank=True, help_text="why it cannot be viewed, in words")
    wcs = models.JSONField(null=True, blank=True, help_text="CRVAL1, CRVAL2, … from the SCI header")
    raw = MastJson(default=dict, blank=True, help_text="the product's row as MAST sent it")
    edited_fields = models.JSONField(default=list, blank=True, help_text="columns corrected by hand")
    tags = models.ManyToManyField(Tag, blank=True, related_name="files")
    notes = models.TextField(blank=True)
    readers = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="readable_files",
        help_text="of an exclusive file: who fetched it with a MAST token of their own",
    )

    class Meta:
        ordering: ClassVar = ["-fetched_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["observation", "file_name"]),
            models.Index(fields=["data_rights"], name="file_data_rights"),
            # Few files have a note: these are found without reading the others.
            models.Index(Length("notes"), name="file_note_length"),
            *(
                models.Index(fields=[column, "id"], name=f"file_{column}")
                for column in (
                    "fetched_at",
                    "verified_at",
                    "file_name",
                    "size_bytes",
                    "calib_level",
                    "product_obs_id",
                    "suffix",
                    "badge",
                    "state",
                )
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


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
    removed_at = models.DateTimeField(default=timezone.now, db_index=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering: ClassVar = ["-removed_at", "-id"]
        verbose_name_plural = "trash"

    def __str__(self) -> str:
        return self.title


class ApiToken(models.Model):
    """A script's key. Only its digest is stored; the key itself is shown once."""

    class Scope(models.TextChoices):
        READ = "read"
        IMPORT = "import"

    name = models.CharField(max_length=100, help_text="what it is for")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    prefix = models.CharField(max_length=8, db_index=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=16, choices=Scope.choices, default=Scope.IMPORT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

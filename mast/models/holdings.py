"""What the archive holds: observations as MAST described them and people corrected them, and the files on its disk."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Length
from django.utils import timezone

from mast import terms

SOURCES = [(source.value, source.value) for source in terms.Source]
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

    # Few of very many: asked for by name they are found by index, as "not held" every file is looked at.
    WRONG: ClassVar = (State.DAMAGED, State.MISSING)

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

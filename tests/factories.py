"""Rows for tests: observations, files, jobs, with facts that look like those of MAST."""

from __future__ import annotations

from typing import Any, ClassVar

import factory
from django.utils import timezone

from mast import terms
from mast.models import DataFile, ImportItem, ImportJob, Observation, Transfer


class ObservationFactory(factory.django.DjangoModelFactory[Observation]):
    class Meta:
        model = Observation

    obs_id = factory.Sequence("jw02733-o{0:03d}_t001_nircam_clear-f090w".format)
    obsid = factory.Sequence("8760{0:04d}".format)
    calib_level = 3
    dataproduct_type = "image"
    target_name = "NGC-3132"
    instrument_name = "NIRCAM/IMAGE"
    filters = "F090W"
    exposure_s = 5841.0
    t_min_mjd = 59733.25
    observed_at = factory.LazyFunction(timezone.now)
    proposal_id = "2733"
    proposal_pi = "Pontoppidan, Klaus M."
    obs_title = "JWST Early Release Observation 7"
    s_ra_deg = 151.7551
    s_dec_deg = -40.4374
    s_region = "POLYGON 151.7538 -40.4085 151.7924 -40.4290 151.7523 -40.4729 151.7137 -40.4524"
    data_rights = "PUBLIC"
    raw: ClassVar[dict[str, Any]] = {"t_min": 59733.25, "intentType": "science", "srcDen": None}


class DataFileFactory(factory.django.DjangoModelFactory[DataFile]):
    """A held file; it is listed by the observation it came with, and by those in `listed_by`."""

    class Meta:
        model = DataFile
        skip_postgeneration_save = True

    observation = factory.SubFactory(ObservationFactory)
    product_obs_id = factory.SelfAttribute("observation.obs_id")
    suffix = "i2d"
    file_name = factory.Sequence("jw02733-o001_t{0:03d}_nircam_clear-f090w_i2d.fits".format)
    data_uri = factory.LazyAttribute(lambda row: f"mast:JWST/product/{row.file_name}")
    path = factory.LazyAttribute(lambda row: f"mast/2733/{row.product_obs_id}/{row.file_name}")
    size_bytes = 5_360_000
    sha256 = factory.Sequence("{0:064x}".format)
    badge = factory.LazyAttribute(lambda row: terms.badge_of(row.file_name).value)
    calib_level = 3
    product_type = "SCIENCE"
    data_rights = "PUBLIC"
    source = "s3"
    proof = terms.Proof.STRUCTURE
    proof_notes: ClassVar[list[str]] = ["length as the server said", "every HDU whole"]
    verified_at = factory.LazyFunction(timezone.now)
    is_viewable = factory.LazyAttribute(lambda row: row.badge == "image")
    view_reason = factory.LazyAttribute(lambda row: "" if row.is_viewable else "A table; it holds no image.")
    raw = factory.LazyAttribute(lambda row: {"productFilename": row.file_name})

    @factory.post_generation
    def listed_by(self, create: bool, extracted: list[Observation] | None, **kwargs: Any) -> None:
        if create:
            self.observations.set([self.observation, *(extracted or [])])  # type: ignore[attr-defined]


class JobFactory(factory.django.DjangoModelFactory[ImportJob]):
    class Meta:
        model = ImportJob

    obs_id = factory.Sequence("jw02733-o{0:03d}_t001_nircam_clear-f444w".format)
    product_type = "SCIENCE"
    choices_key = factory.Sequence("{0:064x}".format)
    state = terms.JobState.QUEUED
    total_files = 1
    total_bytes = 5_360_000


class TransferFactory(factory.django.DjangoModelFactory[Transfer]):
    """One file of a job on its way; `job` ties it to one."""

    class Meta:
        model = Transfer
        skip_postgeneration_save = True

    file_name = factory.Sequence("jw02733-o001_t001_nircam_clear-f444w{0:04d}_i2d.fits".format)
    data_uri = factory.LazyAttribute(lambda row: f"mast:JWST/product/{row.file_name}")
    product_obs_id = "jw02733-o001_t001_nircam_clear-f444w"
    calib_level = 3
    product_type = "SCIENCE"
    catalog_bytes = 5_360_000

    @factory.post_generation
    def job(self, create: bool, extracted: ImportJob | None, **kwargs: Any) -> None:
        if create and extracted:
            ImportItem.objects.create(job=extracted, transfer=self)

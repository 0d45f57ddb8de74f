"""Rows for tests: an observation, a file that lies on disk, a transfer, a job that waits for transfers."""

from __future__ import annotations

import hashlib
from typing import Any

import factory
from django.utils import timezone

from mast import conf, terms
from mast.models import DataFile, ImportItem, ImportJob, Observation, Transfer
from mast.terms import JobState


class ObservationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Observation

    obs_id = factory.Sequence(lambda n: f"jw02733-o{n % 900 + 100:03d}_t001_nircam_clear-f090w")
    obsid = factory.Sequence(lambda n: str(80_000_000 + n))
    calib_level = 3
    target_name = "NGC 3132"
    instrument_name = "NIRCAM/IMAGE"
    filters = "F090W"
    exposure_s = 5841.087
    proposal_id = "2733"
    raw = factory.LazyAttribute(lambda made: {"obs_id": made.obs_id, "obsid": made.obsid, "t_min": 59733.5})


class TransferFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Transfer

    file_name = factory.Sequence(lambda n: f"jw02733001001_02101_{n % 99999 + 1:05d}_nrcb1_cal.fits")
    data_uri = factory.LazyAttribute(lambda made: f"mast:JWST/product/{made.file_name}")
    product_obs_id = factory.LazyAttribute(lambda made: made.file_name.removesuffix("_cal.fits"))
    calib_level = 2
    product_type = "SCIENCE"
    data_rights = "PUBLIC"
    catalog_bytes = 10_000_000
    raw = factory.LazyAttribute(lambda made: {"productFilename": made.file_name, "proposal_id": "2733"})


class JobFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ImportJob

    observation = factory.SubFactory(ObservationFactory)
    obs_id = factory.LazyAttribute(lambda made: made.observation.obs_id)
    choices_key = factory.Sequence(lambda n: f"{n:064d}")


class DataFileFactory(factory.django.DjangoModelFactory):
    """A record; `on_disk` also writes the bytes it tells of."""

    class Meta:
        model = DataFile
        skip_postgeneration_save = True

    observation = factory.SubFactory(ObservationFactory)
    file_name = factory.Sequence(lambda n: f"jw02733-o001_t001_nircam_clear-f{n % 9999 + 1:04d}_i2d.fits")
    data_uri = factory.LazyAttribute(lambda made: f"mast:JWST/product/{made.file_name}")
    product_obs_id = factory.LazyAttribute(lambda made: made.observation.obs_id)
    path = factory.LazyAttribute(lambda made: f"2733/{made.product_obs_id}/{made.file_name}")
    size_bytes = 5
    sha256 = hashlib.sha256(b"bytes").hexdigest()
    suffix = "i2d"
    badge = terms.Badge.IMAGE
    calib_level = 3
    product_type = "SCIENCE"
    source = terms.Source.HTTP
    proof = terms.Proof.LENGTH
    verified_at = factory.LazyFunction(timezone.now)
    raw = factory.LazyAttribute(lambda made: {"productFilename": made.file_name, "size": made.size_bytes})

    @factory.post_generation
    def listed_by(self, create: bool, extracted: Any, **_: Any) -> None:
        """Every observation that lists the file; its own by default."""
        if create:
            self.observations.add(*(extracted or [self.observation]))  # type: ignore[attr-defined]


def on_disk(file: DataFile, content: bytes = b"bytes") -> DataFile:
    """The same record with its bytes on disk."""
    path = conf.files_dir() / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    file.size_bytes, file.sha256 = len(content), hashlib.sha256(content).hexdigest()
    file.save()
    return file


def job_with(*transfers: Transfer, **fields: Any) -> ImportJob:
    """A job that waits for these transfers."""
    job: ImportJob = JobFactory(**({"state": JobState.QUEUED, "total_files": len(transfers)} | fields))
    ImportItem.objects.bulk_create(ImportItem(job=job, transfer=transfer) for transfer in transfers)
    return job

"""Records of the library: observations, files, and what a FITS file shows of itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from mast.schemas.base import Record


class ImageInfo(Record):
    """The typed fields of the guide."""

    observation_date: datetime | None = Field(description="UTC, from MAST's t_min, else t_max, else t_obs_release")
    target_name: str | None
    instrument: str | None
    filter: str | None
    exposure_time: float | None = Field(description="seconds")
    calibration_level: int | None = Field(description="the file's own, MAST's scale −1 to 4")
    proposal_id: str | None
    proposal_pi: str | None
    observation_title: str | None
    wavelength_range: str | None
    wcs: dict[str, Any] | None = Field(description="CRVAL1, CRVAL2 and more from the SCI header")


class FileRecord(Record):
    id: int
    file_name: str
    file_path: str = Field(description="below the archive's folder of files")
    file_size: int = Field(description="bytes")
    sha256: str
    data_type: str = Field(description="image, table, preview or unclassified")
    suffix: str
    is_viewable: bool
    view_reason: str
    calibration_level: int | None
    product_type: str
    obs_id: str = Field(description="the observation that was imported")
    observation_base_id: str = Field(description="the product's own obs_id")
    data_uri: str
    source: str
    proof: str = Field(description="how the file was proven whole")
    state: str
    fetched_at: datetime
    verified_at: datetime
    tags: list[str]
    notes: str
    image_info: ImageInfo
    metadata: dict[str, Any] = Field(description="every field MAST sent, each under mast_ and its own name")


class FetchingAgain(Record):
    job_id: str
    obs_id: str
    message: str


class FetchedAgain(Record):
    """Jobs that bring damaged and missing files home anew, one per observation."""

    file_count: int
    jobs: list[FetchingAgain]


class FileList(Record):
    results: list[FileRecord]
    next: str | None = Field(description="send it as `cursor` for the rows that follow")
    count: int
    count_is_exact: bool


class ObservationRecord(Record):
    obs_id: str
    obsid: str = Field(description="MAST's product-group number")
    dataproduct_type: str
    calibration_level: int | None
    data_rights: str
    ra: float | None = Field(description="ICRS, degrees")
    dec: float | None = Field(description="ICRS, degrees")
    footprint: str = Field(description="STC-S text")
    file_count: int
    total_bytes: int
    tags: list[str]
    notes: str
    edited_fields: list[str] = Field(description="corrected by hand; a metadata refresh leaves these alone")
    created_at: datetime
    refreshed_at: datetime | None
    image_info: ImageInfo
    metadata: dict[str, Any]


class ObservationList(Record):
    results: list[ObservationRecord]
    next: str | None
    count: int
    count_is_exact: bool


class ObservationDetail(ObservationRecord):
    files: list[FileRecord] = Field(description="the first 1000; `/api/files?obsId=` has them all")

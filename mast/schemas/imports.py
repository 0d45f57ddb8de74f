"""Bodies and answers of imports, their progress, and metadata refreshes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from mast.schemas.base import NO_CONTROLS, Body, ObsId, Record, level_schema, none_as, read_levels
from mast.schemas.search import Levels, ProductType

ImportLevels = Annotated[
    Levels, PlainValidator(read_levels), WithJsonSchema(level_schema("the observation's own level"))
]
Suffix = Annotated[str, Field(min_length=1, max_length=32, pattern="^[A-Za-z0-9_-]+$")]
Tag = Annotated[str, Field(min_length=1, max_length=100, pattern=NO_CONTROLS)]


class ImportBody(Body):
    """`calibLevel` left out brings the observation's own level, `[1, 2, 3]` or null everything."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"obsId": "jw02733-o001_t001_nircam_clear-f090w", "productType": "SCIENCE"},
                {
                    "obsId": "jw02733-o001_t001_nircam_clear-f090w",
                    "productType": "SCIENCE",
                    "downloadSource": "s3",
                },
            ]
        }
    )

    obs_id: ObsId
    product_type: Annotated[ProductType, none_as("SCIENCE")] = "SCIENCE"
    calib_level: ImportLevels = None
    suffixes: Annotated[
        list[Suffix], Field(max_length=50, description="kinds of file, `i2d` say; none for every kind"), none_as([])
    ] = []
    download_source: Annotated[Literal["auto", "s3", "http"], none_as("auto")] = "auto"
    tags: Annotated[list[Tag], Field(max_length=50), none_as([])] = []


# --- answers ----------------------------------------------------------------------------------------------------


class StartedRecord(Record):
    job_id: str
    obs_id: str
    message: str
    is_resume: bool = Field(description="true when the same import was under way already: this is its job")


class PlannedFileRecord(Record):
    filename: str
    size: int | None
    calibration_level: int | None
    product_type: str
    observation_base_id: str
    data_uri: str
    held: bool


class LeftOutRecord(Record):
    filename: str
    reason: str


class PlanRecord(Record):
    """What an import would do. Nothing was downloaded."""

    obs_id: str
    calib_level: list[int]
    files: list[PlannedFileRecord]
    file_count: int
    total_bytes: int
    bytes_to_fetch: int
    held_count: int
    left_out: list[LeftOutRecord]
    levels_available: dict[str, int] = Field(description="how many files the observation has, per level")
    disk_free_bytes: int
    disk_free_after_bytes: int


class FileProgressRecord(Record):
    filename: str
    total_bytes: int
    downloaded_bytes: int
    progress_percent: float
    status: str
    source: str
    speed_bytes_per_sec: float
    message: str
    error: str


class ResultRecord(Record):
    imported_data_ids: list[int] = Field(description="at most 200")
    imported_count: int
    skipped_count: int
    failed_count: int
    left_out: list[dict[str, Any]]
    details: dict[str, Any]


class ProgressRecord(Record):
    job_id: str
    obs_id: str
    kind: str
    state: str
    stage: str
    progress: float = Field(ge=0, le=100)
    message: str
    is_complete: bool = Field(description="the job has ended, well or badly")
    is_resumable: bool
    error: str | None
    error_code: str | None
    started_at: datetime | None
    completed_at: datetime | None
    total_bytes: int
    downloaded_bytes: int
    download_progress_percent: float
    speed_bytes_per_sec: float
    eta_seconds: float | None
    download_source: str | None
    file_progress: list[FileProgressRecord] = Field(description="at most 200, active and failed ones first")
    file_count: int
    result: ResultRecord | None
    live: bool


class JobRecord(Record):
    job_id: str
    kind: str
    obs_id: str
    state: str
    stage: str
    message: str
    error: str | None
    error_code: str | None
    is_complete: bool
    is_resumable: bool
    is_resume: bool
    product_type: str
    calib_level: list[int] | None
    suffixes: list[str] = Field(description="kinds of file asked for; empty for every kind")
    download_source: str
    tags: list[str]
    file_count: int
    total_bytes: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class JobList(Record):
    results: list[JobRecord]
    next: str | None = Field(description="send it as `offset` for the jobs that follow")
    count: int


class FilesOnDiskRecord(Record):
    exists: bool
    file_count: int
    obs_id: str


class ChangeRecord(Record):
    obs_id: str
    field: str
    old: Any
    new: Any


class RefreshRecord(Record):
    """`updatedCount` counts records read again, changed or not; what changed is listed."""

    obs_id: str
    updated_count: int
    message: str
    job_id: str | None = None
    changed: list[ChangeRecord]

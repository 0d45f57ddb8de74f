"""What a user may ask for: the one door for pages, API, admin and commands. Raises `MastError`."""

from mast.imports.planning import ImportPlan, ImportRequest, PlannedFile
from mast.imports.progress import FileProgress, ImportResult, JobProgress
from mast.imports.refresh import Change, RefreshReport
from mast.services.imports import (
    FilesOnDisk,
    Refusal,
    StartedJob,
    check_files,
    preview_import,
    register_existing,
    start_import,
    start_imports,
)
from mast.services.jobs import (
    active_summary,
    cancel_job,
    dismiss_job,
    get_job,
    job_progress,
    list_jobs,
    pause_job,
    resume_job,
    retry_job,
)
from mast.services.library import (
    correct,
    delete_files,
    file_header,
    file_path,
    file_picture,
    file_plan,
    get_file,
    image_info,
    metadata,
    scan,
    verify_files,
)
from mast.services.previews import preview_thumbnail
from mast.services.refreshing import StartedRefresh, refresh_all, refresh_observation
from mast.services.removal import Removal, plan_removal, remove_observations
from mast.services.searches import ProductList, SearchResult, list_products, search, turn_page, whats_new
from mast.services.system import health

__all__ = [
    "Change",
    "FileProgress",
    "FilesOnDisk",
    "ImportPlan",
    "ImportRequest",
    "ImportResult",
    "JobProgress",
    "PlannedFile",
    "ProductList",
    "RefreshReport",
    "Refusal",
    "Removal",
    "SearchResult",
    "StartedJob",
    "StartedRefresh",
    "active_summary",
    "cancel_job",
    "check_files",
    "correct",
    "delete_files",
    "dismiss_job",
    "file_header",
    "file_path",
    "file_picture",
    "file_plan",
    "get_file",
    "get_job",
    "health",
    "image_info",
    "job_progress",
    "list_jobs",
    "list_products",
    "metadata",
    "pause_job",
    "plan_removal",
    "preview_import",
    "preview_thumbnail",
    "refresh_all",
    "refresh_observation",
    "register_existing",
    "remove_observations",
    "resume_job",
    "retry_job",
    "scan",
    "search",
    "start_import",
    "start_imports",
    "turn_page",
    "verify_files",
    "whats_new",
]

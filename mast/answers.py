"""The archive's rows and values as the contract writes them: what the API answers and commands print as JSON.

Searches and products are snake_case around MAST's own rows; everything else is camelCase.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from pydantic.alias_generators import to_camel

from mast import library, services
from mast.archive.answers import Resolved
from mast.archive.sky import format_position
from mast.imports import facts
from mast.models import DataFile, ImportJob, Observation
from mast.services import (
    AssociationProduct,
    ImportPlan,
    JobProgress,
    ProductList,
    RefreshReport,
    SearchResult,
    StartedJob,
)


def _wire_name(name: str) -> str:
    return name.removesuffix("_deg") if name in {"ra_deg", "dec_deg"} else to_camel(name)


def camel(value: Any) -> Any:
    """A dataclass as a dictionary of camelCase names, all the way down; other values as they are."""
    if dataclasses.is_dataclass(value):
        return {_wire_name(field.name): camel(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list):
        # A spectrum of a hundred thousand numbers is as it is.
        is_plain = not value or isinstance(value[0], int | float | str | None)
        return value if is_plain else [camel(item) for item in value]
    return value


# --- searches ---------------------------------------------------------------------------------------------------

_SEARCH_TYPES: Final = {"recent": "recent_releases"}


def search(result: SearchResult) -> dict[str, Any]:
    """A search's envelope, MAST's rows untouched."""
    found = result.answer
    return {
        "search_type": _SEARCH_TYPES.get(found.query.kind, found.query.kind),
        "query_params": found.query.to_params(),
        "results": [row.to_dict() for row in found.rows],
        "result_count": len(found.rows),
        "timestamp": found.fetched_at,
        "resolved": found.resolved and _resolved(found.resolved),
        "other_levels": {str(level): count for level, count in sorted(found.other_levels.items())},
        "exclusive_count": found.exclusive_count,
        "planned_count": found.planned_count,
        "level3_holding": found.level3_holding,
        "in_library": result.held,
        "notes": found.notes,
        "suggestions": found.suggestions,
        "cached_at": result.cached_at,
    }


def _resolved(target: Resolved) -> dict[str, Any]:
    return {
        "name": target.name,
        "canonical_name": target.canonical_name,
        "ra": target.ra_deg,
        "dec": target.dec_deg,
        "sexagesimal": format_position(target.ra_deg, target.dec_deg),
        "resolver": target.resolver,
    }


def products(found: ProductList) -> dict[str, Any]:
    return {
        "obs_id": found.obs_id,
        "products": [row.to_dict() for row in found.rows],
        "product_count": len(found.rows),
        "total_bytes": found.total_bytes,
        "left_out": [{"filename": name, "reason": reason} for name, reason in found.left_out],
    }


# --- imports ----------------------------------------------------------------------------------------------------


def progress(value: JobProgress) -> dict[str, Any]:
    record: dict[str, Any] = camel(value)
    record["jobId"] = str(value.job_id)
    return record


def started(value: StartedJob) -> dict[str, Any]:
    return {
        "jobId": str(value.job.pk),
        "obsId": value.job.obs_id,
        "message": value.message,
        "isResume": value.is_resume,
    }


def plan(value: ImportPlan) -> dict[str, Any]:
    return {
        "obsId": value.observation.obs_id,
        "calibLevel": list(value.calib_levels),
        "files": [
            {
                "filename": planned.row.file_name,
                "size": planned.row.size_bytes,
                "calibrationLevel": planned.row.calib_level,
                "productType": planned.row.product_type,
                "observationBaseId": planned.row.obs_id,
                "dataUri": planned.row.data_uri,
                "held": planned.held,
            }
            for planned in value.files
        ],
        "fileCount": len(value.files),
        "totalBytes": value.total_bytes,
        "bytesToFetch": value.to_fetch_bytes,
        "heldCount": value.held_count,
        "leftOut": [{"filename": name, "reason": reason} for name, reason in value.left_out],
        "levelsAvailable": {str(level): count for level, count in sorted(value.levels_available.items())},
        "diskFreeBytes": value.disk_free_bytes,
        "diskFreeAfterBytes": value.disk_free_after_bytes,
    }


def job(row: ImportJob, *, message: str = "", is_resume: bool = False) -> dict[str, Any]:
    """A job by its row alone; how far it is says its progress."""
    return {
        "jobId": str(row.pk),
        "kind": row.kind,
        "obsId": row.obs_id,
        "state": row.state,
        "stage": row.stage,
        "message": message or row.message,
        "error": row.error or None,
        "errorCode": row.error_code or None,
        "isComplete": row.is_ended,
        "isResumable": row.is_resumable,
        "isResume": is_resume,
        "productType": row.product_type,
        "calibLevel": row.calib_levels,
        "suffixes": row.suffixes,
        "downloadSource": row.source_choice,
        "tags": row.tags,
        "fileCount": row.total_files,
        "totalBytes": row.total_bytes,
        "createdAt": row.created_at,
        "startedAt": row.started_at,
        "completedAt": row.ended_at,
    }


def refresh(report: RefreshReport) -> dict[str, Any]:
    return {
        "obsId": report.obs_id,
        "updatedCount": report.updated_count,
        "message": report.message,
        "jobId": None,
        "changed": [camel(change) for change in report.changed],
    }


def association_product(product: AssociationProduct) -> dict[str, Any]:
    return {
        "name": product.name,
        "heldCount": product.held_count,
        "members": [
            {
                "fileName": member.name,
                "role": member.role,
                "fileId": member.file.pk if member.file else None,
                "obsId": member.obs_id,
                "calibLevel": member.calib_level,
            }
            for member in product.members
        ],
    }


# --- the library ------------------------------------------------------------------------------------------------


def file(row: DataFile) -> dict[str, Any]:
    """A file with everything known of it; `observation` and `tags` should be fetched with the row."""
    return {
        "id": row.pk,
        "fileName": row.file_name,
        "filePath": row.path,
        "fileSize": row.size_bytes,
        "sha256": row.sha256,
        "dataType": row.badge,
        "suffix": row.suffix,
        "isViewable": row.is_viewable,
        "viewReason": row.view_reason,
        "calibrationLevel": row.calib_level,
        "productType": row.product_type,
        "obsId": row.observation.obs_id,
        "observationBaseId": row.product_obs_id,
        "dataUri": row.data_uri,
        "source": row.source,
        "proof": row.proof,
        "state": row.state,
        "fetchedAt": row.fetched_at,
        "verifiedAt": row.verified_at,
        "tags": library.tag_names(row),
        "notes": row.notes,
        "imageInfo": services.image_info(row),
        "metadata": services.metadata(row),
    }


def observation(row: Observation, *, file_count: int, total_bytes: int) -> dict[str, Any]:
    return {
        "obsId": row.obs_id,
        "obsid": row.obsid,
        "dataproductType": row.dataproduct_type,
        "calibrationLevel": row.calib_level,
        "dataRights": row.data_rights,
        "ra": row.s_ra_deg,
        "dec": row.s_dec_deg,
        "footprint": row.s_region,
        "fileCount": file_count,
        "totalBytes": total_bytes,
        "tags": library.tag_names(row),
        "notes": row.notes,
        "editedFields": row.edited_fields,
        "createdAt": row.created_at,
        "refreshedAt": row.refreshed_at,
        "imageInfo": facts.observation_info(row),
        "metadata": facts.observation_metadata(row),
    }

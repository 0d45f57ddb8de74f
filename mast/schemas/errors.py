"""How an error looks on the wire (RFC 9457), and which ones each call declares."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict


class FieldProblem(BaseModel):
    field: str
    message: str


class Problem(BaseModel):
    """`application/problem+json`. `error` is `detail` again, for scripts that read it there."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    error: str
    instance: str
    fields: list[FieldProblem] | None = None
    reference: str | None = None


def problems(*statuses: int) -> dict[int, type[Problem]]:
    return dict.fromkeys(statuses, Problem)


COMMON: Final = problems(400, 401, 403, 422, 429, 500, 503)
BODY_PROBLEMS: Final = COMMON | problems(413, 415)
SEARCH_PROBLEMS: Final = BODY_PROBLEMS | problems(404, 502, 504)
IMPORT_PROBLEMS: Final = SEARCH_PROBLEMS | problems(409, 507)
RECORD_PROBLEMS: Final = COMMON | problems(404)
JOB_PROBLEMS: Final = COMMON | problems(404, 409, 413, 415)
FILE_PROBLEMS: Final = RECORD_PROBLEMS | problems(409)

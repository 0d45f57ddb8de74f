"""The JSON API: the routers of `mast.api` under one roof, and one handler for each kind of error."""

from __future__ import annotations

import json
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Swagger
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from jwstarchive.problems import CONTENT_TYPE, as_problem, problem, unexpected
from mast.api import files, health, imports, library, looks, pictures, pixels, search, tables
from mast.errors import BadQuery, MalformedRequest, MastError
from mast.tables import FORMATS

DESCRIPTION = """Search MAST for JWST observations, import their files, and read what this archive holds.

Requests are camelCase. Search and product answers are snake_case around MAST's own rows; all others are camelCase.
Every error is `application/problem+json` with a stable `code`, a plain sentence, and whether trying again may help."""

TABLES: Final = ("/api/observations", "/api/files")
"""lists that `format=` gives as tables"""


class OfflineDocs(Swagger):
    """Swagger UI from ninja's own files. Ninja itself would fetch it from elsewhere unless it were an installed app."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        shown = self.settings | {"url": self.get_openapi_url(api, kwargs)}
        return render(request, self.template, {"swagger_settings": json.dumps(shown), "api": api})


class Api(NinjaAPI):
    """Ninja, whose schema says that errors are problems, and lists tables on request."""

    _description: OpenAPISchema | None = None

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        # Built once in a process: it takes ninja the better part of a second, and nothing changes it.
        if self._description is None:
            self._description = self._described(**options)
        return self._description

    def _described(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        for path in schema["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        response["content"] = {CONTENT_TYPE: response["content"]["application/json"]}
        for path in TABLES:
            content = schema["paths"][path]["get"]["responses"][200]["content"]
            content |= {form.media_type: {"schema": {"type": "string"}} for form in FORMATS.values()}
        return schema


api = Api(
    title="JWST archive",
    version=settings.VERSION,
    description=DESCRIPTION,
    urls_namespace="api",
    docs=OfflineDocs(),
    servers=[{"url": "/", "description": "this archive"}],
)
api.add_router("/mast", search.router)
api.add_router("/mast", imports.router)
api.add_router("", library.router)
api.add_router("/files", files.router)
api.add_router("/files", pictures.router)
api.add_router("/files", pixels.router)
api.add_router("/files", tables.router)
api.add_router("/mast", looks.router)
api.add_router("", health.router)


# --- errors -----------------------------------------------------------------------------------------------------

_PHRASES: Final = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "holds characters that cannot be used here",
    "string_unicode": "is not valid Unicode text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "string_too_long": ("max_length", "must be at most {} characters long"),
    "too_long": ("max_length", "must hold at most {} items"),
    "too_short": ("min_length", "must hold at least {} items"),
    "literal_error": ("expected", "must be one of {}"),
    "enum": ("expected", "must be one of {}"),
}


def _phrase(error: dict[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        key, sentence = _BOUNDS[kind]
        return sentence.format(context.get(key))
    return _PHRASES.get(kind) or str(context.get("error") or error["msg"])


def _field(error: dict[str, Any]) -> dict[str, str]:
    # The location begins with where (body, query, path) and, for bodies, the argument's name.
    where, *path = error["loc"]
    names = path[1:] if where == "body" else path
    return {"field": ".".join(str(name) for name in names) or "body", "message": _phrase(error)}


@api.exception_handler(ValidationError)
def wrong_fields(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    fields = [_field(error) for error in exc.errors]
    sentence = "; ".join(f"{item['field']} {item['message']}" for item in fields[:5])
    return problem(request, BadQuery(f"This cannot be used: {sentence}.", fields=fields))


@api.exception_handler(MastError)
def known_error(request: HttpRequest, exc: MastError) -> HttpResponse:
    return problem(request, exc)


@api.exception_handler(HttpError)
def unreadable_body(request: HttpRequest, exc: HttpError) -> HttpResponse:
    """The one refusal that is left to ninja: a body that is not JSON."""
    return problem(request, MalformedRequest(f"The body is not JSON: {exc.__cause__ or exc}."))


@api.exception_handler(Exception)
def unexpected_error(request: HttpRequest, exc: Exception) -> HttpResponse:
    return problem(request, unexpected(request, exc))


@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponse:
    """Anything else below `/api/`."""
    return as_problem(request, HttpResponse(status=404))

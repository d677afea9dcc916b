"""How errors are answered: a status, a stable code, and a sentence in the caller's language.

Nothing from a request is ever repeated: no field name, no value, no number. The details in a sentence are ours, listed
in `_OURS`; field names are those that the endpoints define.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from annotator.errors import AppError, where
from annotator.messages import Language, below, explain, first_language, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.requests import Request
    from starlette.types import Scope

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5

_STATUS = {
    "token_wrong": HTTPStatus.UNAUTHORIZED,
    "scope_missing": HTTPStatus.FORBIDDEN,
    "diary_missing": HTTPStatus.NOT_FOUND,
    "diary_forgotten": HTTPStatus.GONE,
    "handed_forgotten": HTTPStatus.GONE,
    "row_gone": HTTPStatus.CONFLICT,
    "forgotten_key_missing": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_found": HTTPStatus.NOT_FOUND,
    "method_wrong": HTTPStatus.METHOD_NOT_ALLOWED,
    "body_slow": HTTPStatus.REQUEST_TIMEOUT,
    "labels_of_one_kind": HTTPStatus.CONFLICT,
    "round_open": HTTPStatus.CONFLICT,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "body_broken": HTTPStatus.BAD_REQUEST,
    "rate_exceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "fault": HTTPStatus.INTERNAL_SERVER_ERROR,
    "no_model_yet": HTTPStatus.SERVICE_UNAVAILABLE,
    "service_busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "predictor_ended": HTTPStatus.SERVICE_UNAVAILABLE,
    "project_not_set_up": HTTPStatus.SERVICE_UNAVAILABLE,
    "model_of_other_encoder": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk_full": HTTPStatus.INSUFFICIENT_STORAGE,
}


def status_of(code: str) -> HTTPStatus:
    """Return the HTTP status of an error: database errors may be temporary, all others are due to the request."""
    if code.startswith(("database_", "disk_", "encoder_", "folder_")):
        return _STATUS.get(code, HTTPStatus.SERVICE_UNAVAILABLE)
    return _STATUS.get(code, HTTPStatus.UNPROCESSABLE_ENTITY)


def language_of(scope: Scope) -> Language:
    """Return the first language of ``Accept-Language`` that the catalogue has, else the default one."""
    preferences: list[tuple[float, str]] = []
    for entry in Headers(scope=scope).get("accept-language", "").split(",")[:20]:
        name, _, quality = entry.strip().lower().partition(";q=")
        try:
            preferences.append((-float(quality or 1), name.partition("-")[0]))
        except ValueError:
            continue
    return first_language(name for _, name in sorted(preferences, key=lambda each: each[0]))


def answer(
    scope: Scope, code: str, sentence: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the response that every error gets: ``code``, ``message``, and further fields."""
    status = status_of(code)
    sent = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        # Programs that speak the protocol of Label Studio support only Basic.
        sent["WWW-Authenticate"] = 'Bearer, Basic realm="maeumgyeol"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        sent.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse({"code": code, "message": sentence, **more}, status, sent)


_OURS = frozenset(("known", "scope", "place", "found", "most", "least", "seconds", "waiting", "count", "version"))
"""Details of errors that say something of the project, the token, or how long and where a text is."""


def explained(scope: Scope, error: Exception) -> JSONResponse:
    """Return the response to an error that has a code and details."""
    assert isinstance(error, AppError)
    headers = {"Retry-After": str(error.details["seconds"])} if error.code == "rate_exceeded" else None
    language = language_of(scope)
    # Text comes from the request, a length does not.
    ours = {key: value for key, value in error.details.items() if key in _OURS and _is_ours(key, value)}
    if error.code in below("service.error", language):
        return answer(scope, error.code, say(f"service.error.{error.code}", language, **ours), headers=headers)
    error.details = {**dict.fromkeys(error.details, "…"), **ours}
    return answer(scope, error.code, explain(error, language), headers=headers)


def _is_ours(key: str, value: object) -> bool:
    return key in ("known", "scope") or not isinstance(value, str)


def unexpected(scope: Scope, error: Exception) -> JSONResponse:
    """Return the response to an unexpected exception, and log its kind and place."""
    logger.error("A request failed: %s", where(error))
    sentence = say("error.fault", language_of(scope), kind=type(error).__name__)
    return answer(scope, "fault", sentence)


_OF_STATUS = {400: "body_broken", 404: "not_found", 405: "method_wrong", 408: "body_slow", 413: "body_too_large"}


def install(app: FastAPI) -> None:
    """Make the app answer every error in this form."""
    from fastapi.exceptions import RequestValidationError

    from service.routes.strict_bodies import BodyError

    async def known(request: Request, error: Exception) -> JSONResponse:
        return explained(request.scope, error)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _invalid(app, request.scope, error)

    async def unread(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, BodyError)
        return _unread(request.scope, error.problem)

    async def plain(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = _OF_STATUS.get(error.status_code, "body_broken")
        return answer(request.scope, code, say(f"service.{code}", language_of(request.scope)), headers=error.headers)

    app.add_exception_handler(AppError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(BodyError, unread)


def _unread(scope: Scope, problem: str) -> JSONResponse:
    """Return the response to a body whose JSON can't be used."""
    language = language_of(scope)
    if problem == "broken":
        return answer(scope, "body_broken", say("service.body_broken", language))
    fields = [{"field": "body", "problem": problem}]
    return answer(scope, "request_invalid", say(f"service.json_{problem}", language), fields=fields)


def _invalid(app: FastAPI, scope: Scope, error: RequestValidationError) -> JSONResponse:
    """Return the response that names the invalid fields; their values may be diary text and are not repeated."""
    field_names = _field_names(app)
    fields = [
        {"field": ".".join(_part(part, field_names) for part in problem["loc"]), "problem": problem["type"]}
        for problem in error.errors()[:20]
    ]
    names = ", ".join(sorted({field["field"] for field in fields})[:5])
    sentence = say("service.request_invalid", language_of(scope), fields=names)
    return answer(scope, "request_invalid", sentence, fields=fields)


def _part(part: str | int, field_names: frozenset[str]) -> str:
    return str(part) if isinstance(part, int) or part in field_names else "?"


def _field_names(app: FastAPI) -> frozenset[str]:
    """Return the names of the fields of all requests, and of the parts of a request that hold them."""
    if not hasattr(app.state, "field_names"):
        from service.routes.label_studio import Predict, Setup

        described = app.openapi()
        schemas = described["components"]["schemas"].values()
        operations = (each for path in described["paths"].values() for each in path.values())
        names = {name for schema in schemas for name in schema.get("properties", {})}
        names |= {each["name"] for operation in operations for each in operation.get("parameters", ())}
        names |= {field.alias or name for kind in (Setup, Predict) for name, field in kind.model_fields.items()}
        app.state.field_names = frozenset(names | {"body", "query", "path", "header"})
    field_names: frozenset[str] = app.state.field_names
    return field_names

"""How errors go out: a status, a stable code, and a sentence in the language of whoever asks."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from annotator.errors import EXPLAINED, where
from annotator.messages import Language, explain, first_language, say

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
    "service_restarts": HTTPStatus.SERVICE_UNAVAILABLE,
    "project_not_set_up": HTTPStatus.SERVICE_UNAVAILABLE,
    "model_of_other_encoder": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk_full": HTTPStatus.INSUFFICIENT_STORAGE,
}


def status_of(code: str) -> HTTPStatus:
    """Return the HTTP status of an error: what the database can't do now may go later, the rest is the request's."""
    if code.startswith(("database_", "disk_", "encoder_", "folder_")):
        return _STATUS.get(code, HTTPStatus.SERVICE_UNAVAILABLE)
    return _STATUS.get(code, HTTPStatus.UNPROCESSABLE_ENTITY)


def language_of(scope: Scope) -> Language:
    """Return the first language of ``Accept-Language`` that there are sentences in, else the default one."""
    wanted: list[tuple[float, str]] = []
    for entry in Headers(scope=scope).get("accept-language", "").split(",")[:20]:
        name, _, quality = entry.strip().lower().partition(";q=")
        try:
            wanted.append((-float(quality or 1), name.partition("-")[0]))
        except ValueError:
            continue
    found = (name for _, name in sorted(wanted, key=lambda each: each[0]))
    return first_language(found)


def answer(
    scope: Scope, code: str, sentence: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the body that every error has: ``code``, ``message``, and what else helps."""
    status = status_of(code)
    sent = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        # A program that speaks the protocol of Label Studio knows Basic only.
        sent["WWW-Authenticate"] = 'Bearer, Basic realm="maeumgyeol"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        sent.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse({"code": code, "message": sentence, **more}, status, sent)


def explained(scope: Scope, error: Exception) -> JSONResponse:
    """Return the answer to an error that carries a code and details."""
    assert isinstance(error, EXPLAINED)
    headers = {"Retry-After": str(error.details["seconds"])} if error.code == "rate_exceeded" else None
    # Where a file lies is nobody's business outside; the details of all others are the request's own.
    error.details = {key: "…" if key == "path" else value for key, value in error.details.items()}
    return answer(scope, error.code, explain(error, language_of(scope)), headers=headers)


def unexpected(scope: Scope, error: Exception) -> JSONResponse:
    """Return the answer to a fault of the program, which the log names by kind and place."""
    logger.error("A request failed: %s", where(error))
    sentence = say("error.fault", language_of(scope), kind=type(error).__name__)
    return answer(scope, "fault", sentence)


_OF_STATUS = {400: "body_broken", 404: "not_found", 405: "method_wrong", 408: "body_slow", 413: "body_too_large"}


def install(app: FastAPI) -> None:
    """Let the app answer every error in this form."""
    from fastapi.exceptions import RequestValidationError

    async def known(request: Request, error: Exception) -> JSONResponse:
        return explained(request.scope, error)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _invalid(request.scope, error)

    async def plain(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = _OF_STATUS.get(error.status_code, "body_broken")
        return answer(request.scope, code, say(f"service.{code}", language_of(request.scope)), headers=error.headers)

    for kind in EXPLAINED:
        app.add_exception_handler(kind, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)


def _invalid(scope: Scope, error: RequestValidationError) -> JSONResponse:
    """Say which fields are wrong, and how; what stood in them may be a diary and is not repeated."""
    problems = error.errors()[:20]
    if any(problem["type"] == "json_invalid" for problem in problems):
        return answer(scope, "body_broken", say("service.body_broken", language_of(scope)))
    fields = [
        {"field": ".".join(str(part)[:60] for part in problem["loc"]), "problem": problem["type"]}
        for problem in problems
    ]
    names = ", ".join(sorted({field["field"] for field in fields})[:5])
    sentence = say("service.request_invalid", language_of(scope), fields=names)
    return answer(scope, "request_invalid", sentence, fields=fields)

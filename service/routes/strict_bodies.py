"""Endpoints that read the bodies of their requests strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute

from annotator.formats.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response


class BodyError(HTTPException):
    """A body that is not accepted.

    Args:
        problem: as in `StrictJsonError`.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(400 if problem == "broken" else 422)
        self.problem = problem


class _StrictRequest(Request):
    async def json(self) -> Any:
        """Return the parsed body; two equal keys in an object, for instance, make it invalid."""
        if not hasattr(self, "_json"):
            try:
                self._json = loads(await self.body())
            except StrictJsonError as error:
                raise BodyError(error.problem) from None
        return self._json


class StrictRoute(APIRoute):
    """A route whose requests are strict about JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of a request."""
        serve = super().get_route_handler()

        async def served(request: Request) -> Response:
            return await serve(_StrictRequest(request.scope, request.receive))

        return served

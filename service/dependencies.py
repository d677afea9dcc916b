"""What every endpoint needs: the project, the engine, and who is asking."""

from __future__ import annotations

import base64
import binascii
import math
import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers

from annotator import project
from annotator.accounts import api_tokens
from annotator.accounts.api_tokens import Caller  # noqa: TC001 - FastAPI reads the hints
from annotator.errors import UserError
from service.batching import Engine
from service.prometheus import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from starlette.types import Scope

    from annotator.project import Database

_describe_bearer = HTTPBearer(auto_error=False, description="A token of `maeumgyeol token add`")


class ServiceState:
    """One service at one project.

    Args:
        database: called at each request, because the app may switch to another one.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.figures = Metrics()
        self.engine = Engine(database, on_batch=self.figures.batch)
        self.figures.watch(self.engine)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def opened(self) -> AbstractContextManager[Database]:
        """Hold the project open for the block; each piece of work on a thread uses a block of its own."""
        return project.opened(self.database)

    async def run(self, work: Callable[[Database], Any]) -> Any:
        """Run `work` with the open project on a thread, so that nobody else waits for the disk."""

        def act() -> Any:
            with self.opened() as db:
                return work(db)

        return await run_in_threadpool(act)

    async def identify(self, scope: Scope) -> None:
        """Check that a request carries a known token.

        Raises:
            UserError: ``token_wrong`` if it doesn't.
        """
        presented = _token_in(Headers(scope=scope).get("authorization", ""))
        await self.run(lambda db: api_tokens.identify(db, presented))

    def admit(self, presented: str, scopes: tuple[api_tokens.Scope, ...]) -> Caller:
        """Return who presents a token, if it has one of these scopes and has not asked too often.

        Raises:
            UserError: ``token_wrong``, ``scope_missing`` or ``rate_exceeded``.
        """
        with self.opened() as db:
            caller = api_tokens.identify(db, presented)
        limit, key = RateLimitItemPerMinute(caller.per_minute), str(caller.token_id)
        if not self._limiter.hit(limit, key):
            wait = self._limiter.get_window_stats(limit, key).reset_time - time.time()
            raise UserError("rate_exceeded", most=caller.per_minute, seconds=max(1, math.ceil(wait)))
        api_tokens.require(caller, *scopes)
        return caller


def get_state(request: Request) -> ServiceState:
    """Return the state of the service that handles a request."""
    state: ServiceState = request.app.state.desk
    return state


State = Annotated[ServiceState, Depends(get_state)]


def needs(*scopes: api_tokens.Scope) -> Any:
    """Return the dependency by which an endpoint gets its caller: a token with these scopes."""

    def look(request: Request, desk: State, described: Annotated[Any, Depends(_describe_bearer)]) -> Caller:
        return desk.admit(_token_in(request.headers.get("authorization", "")), scopes)

    return Depends(look)


def _token_in(header: str) -> str:
    """Return the token of a header: ``Bearer TOKEN``, or the password of ``Basic`` for programs that know only that."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return ""
    return ""

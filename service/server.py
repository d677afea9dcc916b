"""The service by itself: ``python -m service.server``, which ``maeumgyeol api`` starts."""

from __future__ import annotations

import argparse
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from maeumgyeol import private_files
from maeumgyeol.processes.limits import die_with_parent
from service import PREFIX
from service.app import create
from service.transport.hardening import Hardening
from service.transport.origins import named_origin
from service.transport.protocols import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

_END_SECONDS = 20


def alone(database: Path) -> Starlette:
    """Return the service with nothing beside it, at the same address as beside the app."""
    app = create(database)

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        app.state.desk.engine.keep_warm()
        yield
        await run_in_threadpool(app.state.desk.engine.close)

    async def lead(_: Request) -> RedirectResponse:
        return RedirectResponse(f"{PREFIX}/docs")

    served = Starlette(routes=[Mount(PREFIX, app), Route("/", lead)], lifespan=living)
    served.router.redirect_slashes = False
    return served


def main() -> None:
    """Serve until stopped; requests under way are finished first."""
    private_files.keep_process()
    options = argparse.ArgumentParser()
    options.add_argument("--address", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8502)
    options.add_argument("--parent", type=int)
    arguments = options.parse_args()
    if arguments.parent is not None:
        die_with_parent(arguments.parent)
    served = Hardening(alone(Path(os.environ["MAEUMGYEOL_DB"])), public_origin=named_origin())
    run(served, address=arguments.address, port=arguments.port, timeout_graceful_shutdown=_END_SECONDS)


if __name__ == "__main__":
    main()

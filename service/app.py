"""The service as one ASGI app, to be mounted at ``/api``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from service import PREFIX, errors, openapi_page, schemas
from service.dependencies import ServiceState
from service.middleware import RequestLimits
from service.routes import diaries, info, label_studio
from service.transport.response_headers import PLAIN_PAGE_POLICY

if TYPE_CHECKING:
    from pathlib import Path

_ABOUT = """Diaries in, emotions out. Send a token as `Authorization: Bearer …`; `docs/service.md` says how to get one.
Every error is JSON with a stable `code` and a `message` in Korean or English, as `Accept-Language` asks."""

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Problem} for status in (400, 401, 403, 404, 408, 409, 413, 422, 429, 503, 507)
}


def create(database: Path) -> FastAPI:
    """Return the service of a project. Whoever serves it calls ``app.state.desk.engine.close()`` at the end."""
    app = FastAPI(title="Maeumgyeol", version="1", description=_ABOUT, docs_url=None, redoc_url=None)
    # A redirect would contain the address that the request's Host header names.
    app.router.redirect_slashes = False
    desk = ServiceState(database)
    app.state.desk = desk
    app.add_middleware(RequestLimits, desk=desk)
    errors.install(app)
    for router in (diaries.router, info.router):
        app.include_router(router, prefix="/v1", responses=_PROBLEMS)
    app.include_router(label_studio.router, prefix="/label-studio", include_in_schema=False)

    @app.get("/docs", include_in_schema=False)
    def describe() -> HTMLResponse:
        policy = {"Content-Security-Policy": PLAIN_PAGE_POLICY}
        return HTMLResponse(openapi_page.page(app.openapi(), PREFIX), headers=policy)

    return app

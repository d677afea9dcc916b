"""The page that Streamlit runs in, with what it lacks: its language, the chosen theme, and how it is installed."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from streamlit import file_util

from annotator.messages import say
from web.gate.form_requests import language_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from annotator.messages import Language

PLACE = "/app/"
"""Where the files are that every page loads. They are the same for everybody and say nothing of a project."""

_FILES = Path(__file__).with_name("files")
_KINDS = {"look.js": "text/javascript", "icon-192.png": "image/png", "icon-512.png": "image/png"}
_MANIFEST = "manifest.webmanifest"

_PAGE_COLOUR = {"light": "#fdfcfa", "dark": "#17191d"}

# The script stands before Streamlit's, which asks for the theme as soon as it runs.
_HEAD = f"""<link rel="manifest" href="{PLACE}{_MANIFEST}" crossorigin="use-credentials">
    <link rel="apple-touch-icon" href="{PLACE}icon-192.png">
    <meta name="theme-color" media="(prefers-color-scheme: light)" content="{_PAGE_COLOUR["light"]}">
    <meta name="theme-color" media="(prefers-color-scheme: dark)" content="{_PAGE_COLOUR["dark"]}">
    <script src="{PLACE}look.js"></script>
    """


def respond(request: Request) -> Response:
    """Return the page for an address of the app."""
    page = _page(language_of(request))
    headers = {"Cache-Control": "no-cache", "ETag": f'"{sha256(page.encode()).hexdigest()[:32]}"', "Vary": "Cookie"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(page, headers=headers)


def routes() -> list[Route]:
    """Return the routes of the files that every page loads."""
    return [Route(f"{PLACE}{name}", _serve, methods=["GET"]) for name in (*_KINDS, _MANIFEST)]


@cache
def _page(language: Language) -> str:
    page = (Path(file_util.get_static_dir()) / "index.html").read_text("utf-8")
    for theirs, ours in (
        ('<html lang="en">', f'<html lang="{language}">'),
        ("<title>Streamlit</title>", f"<title>{escape(say('app.name', language))}</title>"),
        ("<script", f"{_HEAD}<script"),
    ):
        if theirs not in page:
            raise RuntimeError(f"Streamlit's page has no {theirs} any more")
        page = page.replace(theirs, ours, 1)
    return page


async def _serve(request: Request) -> Response:
    name = request.scope["path"].removeprefix(PLACE)
    headers = {"Cache-Control": "no-cache"}
    if name == _MANIFEST:
        return JSONResponse(manifest(language_of(request)), headers=headers, media_type="application/manifest+json")
    return Response((_FILES / name).read_bytes(), headers=headers, media_type=_KINDS[name])


def manifest(language: Language) -> dict[str, object]:
    """Return what a browser needs to install the app. There is no service worker: nothing of a diary is cached."""
    return {
        "id": "/",
        "name": say("app.name", language),
        "short_name": say("app.name", language),
        "description": say("setup.what", language),
        "lang": language,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": _PAGE_COLOUR["light"],
        "theme_color": _PAGE_COLOUR["light"],
        "icons": [
            {"src": f"{PLACE}icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
            for size in (192, 512)
            for purpose in ("any", "maskable")
        ],
    }

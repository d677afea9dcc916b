"""Every address of the app on a real server: there is one for each page, and a page of ours at all others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from annotator import project
from pages.widgets.site import HOME, PAGES, SETUP
from tests.web.gate.test_middleware import HTML, ask, cookie, serving, session_of
from tests.web.gate.test_middleware import path as path
from web.gate.identity import RequestIdentity
from web.gate.routes import routes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of a project without accounts."""
    path = tmp_path_factory.mktemp("alone") / "alone.db"
    project.init(path)
    with serving(path) as port:
        yield port


def test_each_page_has_one_address_however_it_is_written(alone: int) -> None:
    for name in (SETUP, *PAGES):
        proper = "/" if name == HOME else f"/{name}"
        assert ask(alone, "GET", proper, HTML)[0] == 200
        for written in {f"/{name}/", f"//{name}", f"/{name.upper()}", f"/{name}"} - {proper}:
            status, headers, _ = ask(alone, "GET", f"{written}?a=1", HTML)
            assert (status, headers["location"]) == (307, f"{proper}?a=1")


@pytest.mark.parametrize(
    "wrong",
    ["/labels2", "/%EC%97%86%EB%8A%94", "/review/x", "/review/../x", "/a/b/c/d", "/x.html", "//evil.example"],
)
@pytest.mark.parametrize("accept", [HTML, {}])
def test_at_an_address_that_is_none_stands_a_page_of_ours_that_repeats_nothing_of_it(
    alone: int, wrong: str, accept: dict[str, str]
) -> None:
    status, headers, body = ask(alone, "GET", wrong, accept)
    assert status == 404
    assert headers["content-type"].startswith("text/html")
    assert "없는 주소예요" in body
    assert 'href="/"' in body
    assert "evil" not in body
    english = ask(alone, "GET", wrong, accept | {"Cookie": "maeumgyeol_language=en"})[2]
    assert "There is no such address" in english


@pytest.mark.parametrize("route", [route.path for route in routes(RequestIdentity())])
def test_what_the_gate_serves_itself_is_no_address_that_is_none(alone: int, route: str) -> None:
    """`/invite` with a made-up token has a page of its own that says so."""
    _, _, body = ask(alone, "GET", route.replace("{token}", "x"), HTML)
    assert "없는 주소예요" not in body


def test_streamlits_own_dialogs_are_off_and_its_other_settings_as_they_were(alone: int) -> None:
    status, _, body = ask(alone, "GET", "/_stcore/host-config")
    assert status == 200
    settings = json.loads(body)
    assert settings["blockErrorDialogs"] is True
    assert {"allowedOrigins", "useExternalAuthToken", "metricsUrl"} <= set(settings)
    assert ask(alone, "GET", "/favicon.png")[0] == 200
    assert ask(alone, "GET", "/manifest.json")[0] == 200


def test_whoever_is_signed_out_meets_the_login_first(path: Path) -> None:
    with serving(path) as port:
        status, headers, body = ask(port, "GET", "/labels2", HTML)
        assert (status, headers["location"], body) == (303, "/login?next=/labels2", "")
        status, _, body = ask(port, "GET", "/labels2", {**HTML, **cookie(session_of(path, "지민"))})
        assert status == 404
        assert "없는 주소예요" in body

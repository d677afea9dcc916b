"""The service beside the pages: the gate lets it through, it asks for tokens itself, and opens nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.accounts import accounts, api_tokens
from tests.conftest import fill
from tests.web.gate.test_middleware import HTML, PASSWORD, ask, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """A server with accounts, and a token."""
    path: Path = tmp_path_factory.mktemp("beside") / "project.db"
    project.init(path)
    with project.opened(path) as db:
        fill(db, 2)
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        token = api_tokens.add(db, "web", ["read", "write"])
    with serving(path) as port:
        yield port, token


def test_the_service_answers_under_api_and_asks_for_a_token(beside: tuple[int, str]) -> None:
    port, token = beside
    assert ask(port, "GET", "/api/v1/health")[0] == 200
    status, _, body = ask(port, "GET", "/api/v1/labels")
    assert (status, json.loads(body)["code"]) == (401, "token_wrong")
    given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert ask(port, "GET", "/api/v1/diaries/1", given)[0] == 200
    status, _, body = ask(port, "POST", "/api/v1/diaries", given, json.dumps({"text": "새 글"}))
    assert (status, json.loads(body)["id"]) == (201, 3)


def test_the_description_page_is_served_as_it_is(beside: tuple[int, str]) -> None:
    status, headers, body = ask(beside[0], "GET", "/api/docs", HTML)
    assert status == 200
    assert "/api/v1/diaries/{diary_id}" in body
    assert headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "address", ["/", "/api", "/apis", "/api/../review", "/xapi/", "//api/v1/health", "/API/v1/health"]
)
def test_nothing_else_is_opened(beside: tuple[int, str], address: str) -> None:
    port, token = beside
    for headers in (HTML, {"Authorization": f"Bearer {token}"}):
        status, _, body = ask(port, "GET", address, headers)
        assert status in (303, 400, 401, 404), f"{address} was answered with {status}"
        assert "<script" not in body

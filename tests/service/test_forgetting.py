"""`DELETE /v1/diaries/{id}`: a scope of its own, a look before, and nothing more the second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.accounts import api_tokens
from db.texts import diaries
from tests.service.conftest import Program

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from db import Database


def test_a_diary_goes_once_and_is_gone(web: Program, opened: Database) -> None:
    seen = web.get("/v1/diaries/3/forgetting").json()
    assert (seen["forgotten"], seen["rows"]["decisions"]) == (False, 0)
    assert diaries.get_diary(opened, 3)
    done = web.ask("DELETE", "/v1/diaries/3")
    assert done.status_code == 200
    receipt = done.json()
    assert (receipt["id"], receipt["forgotten"], receipt["files_follow"], receipt["refused_from_now_on"]) == (
        3,
        True,
        True,
        True,
    )
    assert receipt["rows"] == seen["rows"]
    assert "백업" in receipt["out_of_reach"]
    again = web.ask("DELETE", "/v1/diaries/3")
    assert (again.status_code, again.json()["forgotten"]) == (200, False)
    read = web.get("/v1/diaries/3")
    assert (read.status_code, read.json()["code"]) == (410, "diary_forgotten")
    assert web.ask("DELETE", "/v1/diaries/99").status_code == 404
    assert 3 not in diaries.list_ids(opened)


def test_the_same_text_is_answered_as_gone_and_its_key_forgotten(web: Program, opened: Database) -> None:
    text = "이 글은 다시 오지 않았으면 좋겠다"
    sent = {"json": {"text": text}, "headers": {"Idempotency-Key": "once"}}
    stored = web.post("/v1/diaries", **sent).json()
    assert web.post("/v1/diaries", json={"text": text}, headers={"Idempotency-Key": "once"}).json() == stored
    web.ask("DELETE", f"/v1/diaries/{stored['id']}")
    sent = {"json": {"text": text}, "headers": {"Idempotency-Key": "once"}}
    again = web.post("/v1/diaries", **sent)
    assert (again.status_code, again.json()["code"]) == (410, "handed_forgotten")
    assert text not in again.text
    many = web.post("/v1/diaries/batch", json={"diaries": [{"text": "처음 온 글"}, {"text": text}]})
    assert many.status_code == 410
    assert not any("처음 온 글" in stored_text for _, stored_text in diaries.read_texts(opened)), "all of them or none"


@pytest.mark.parametrize("method", ["DELETE", "GET"])
def test_no_other_scope_opens_it(client: TestClient, opened: Database, method: str) -> None:
    others = [scope for scope in api_tokens.SCOPES if scope != "forget"]
    program = Program(client, api_tokens.add(opened, "other", others))
    address = "/v1/diaries/3" if method == "DELETE" else "/v1/diaries/3/forgetting"
    refused = program.ask(method, address)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert diaries.get_diary(opened, 3)


def test_a_token_to_forget_opens_nothing_else(client: TestClient, opened: Database) -> None:
    program = Program(client, api_tokens.add(opened, "other", ["forget"]))
    assert program.get("/v1/diaries/3").status_code == 403
    assert program.get("/v1/diaries/3/explanation").status_code == 403
    assert program.post("/v1/diaries", json={"text": "글"}).status_code == 403
    assert program.ask("DELETE", "/v1/diaries/3").status_code == 200

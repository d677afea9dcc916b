"""Which diary a program may see or change: every address, every scope, every state of a diary, against one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator.accounts import api_tokens
from annotator.accounts.api_tokens import SCOPES
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db.connection import write
from db.models import explanations
from db.people import api_tokens as token_rows
from db.texts import care_flags as flags
from db.texts.diaries import get_diary
from tests.service.conftest import Program, add_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi.testclient import TestClient

    from annotator.accounts.api_tokens import Scope
    from db import Database

STATES = ("there", "handed_in", "withheld", "withheld_handed_in", "deleted", "never")
"""Of a diary: imported; handed in by this program; flagged for a lead's care; both; deleted after it was handed in;
never there."""

READ = "GET /v1/diaries/{diary_id}"
EXPLAIN = "GET /v1/diaries/{diary_id}/explanation"
CORRECT = "PUT /v1/diaries/{diary_id}/label"
PREVIEW = "GET /v1/diaries/{diary_id}/forgetting"
FORGET = "DELETE /v1/diaries/{diary_id}"

EXPECTED: dict[str, dict[str, list[int]]] = {
    READ: {"read": [200, 200, 404, 200, 410, 404]},
    EXPLAIN: {"read": [200, 200, 404, 200, 410, 404]},
    CORRECT: {"write": [200, 200, 200, 200, 410, 404]},
    PREVIEW: {"forget": [200, 200, 200, 200, 200, 404]},
    FORGET: {"forget": [200, 200, 200, 200, 200, 404]},
}
"""Statuses in the order of STATES; a scope that is missing here gets 403 whatever the diary is."""

WITHOUT_A_DIARY = {
    # They take texts that the program has itself, and answer with nothing else.
    "POST /v1/diaries",
    "POST /v1/diaries/batch",
    "POST /v1/classifications",
    "POST /label-studio/predict",
    "POST /label-studio/webhook",
    "POST /label-studio/train",
    # It lists what its program may see: tests/service/test_finding.py.
    "GET /v1/diaries",
    # The labels, the model, figures, and what Label Studio asks of a backend.
    "GET /v1/labels",
    "GET /v1/model",
    "GET /v1/health",
    "GET /v1/metrics",
    "GET /label-studio/",
    "GET /label-studio/health",
    "POST /label-studio/setup",
    "POST /label-studio/job_status",
    "GET /label-studio/versions",
    "GET /docs",
    "GET /openapi.json",
}


@pytest.fixture
def ids(client: TestClient, opened: Database) -> dict[str, int]:
    """A diary in each state, as the program "app" knows it."""
    writer = _program(client, opened, ["write"])
    own = [writer.post("/v1/diaries", json={"text": f"{i}번째로 보낸 글"}).json()["id"] for i in range(3)]
    ids = dict(zip(STATES, (1, own[0], 2, own[1], own[2], 10**6), strict=True))
    model = add_model(opened, "슬픔")
    weights = np.ones((1, len(model.label_ids)), np.float32)
    for diary_id in (1, 2, *own):
        fit = (0.5,) * len(model.label_ids)
        explanations.store_explanation(
            opened, explanations.Explanation(diary_id, model.id, "eojeol", ((0, 2),), weights, fit, 100)
        )
    flags.flag(opened, [ids["withheld"], ids["withheld_handed_in"]], list_hash="list", up_to=100)
    forgetting.forget(opened, None, Selection(ids=(ids["deleted"],)))
    return ids


def _program(client: TestClient, db: Database, scopes: Sequence[Scope]) -> Program:
    """Return the program "app" with a new token, which goes on under the name of the one before."""
    if any(api_tokens.is_open(token) for token in token_rows.list_all(db)):
        api_tokens.revoke(db, "app")
    return Program(client, api_tokens.add(db, "app", scopes, per_minute=10_000))


def _ask(program: Program, address: str, diary_id: int) -> Any:
    method, path = address.split()
    body = {"json": {"label": "행복"}} if method == "PUT" else {}
    return program.ask(method, path.format(diary_id=diary_id), **body)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("address", EXPECTED)
def test_every_address_about_a_diary_answers_as_the_table_says(
    client: TestClient, opened: Database, ids: dict[str, int], address: str, scope: Scope
) -> None:
    program = _program(client, opened, [scope])
    answers = [_ask(program, address, ids[state]) for state in STATES]
    assert [answer.status_code for answer in answers] == EXPECTED[address].get(scope, [403] * len(STATES))


@pytest.mark.parametrize("address", [READ, EXPLAIN])
def test_what_is_withheld_is_answered_as_if_it_had_never_been_there(
    client: TestClient, opened: Database, ids: dict[str, int], address: str
) -> None:
    program = _program(client, opened, ["read"])
    said = set()
    for state in ("withheld", "never"):
        answer = _ask(program, address, ids[state])
        said.add(answer.text.replace(str(ids[state]), "N"))
    assert len(said) == 1


def test_who_hands_in_a_text_that_is_withheld_learns_nothing_of_it(
    client: TestClient, opened: Database, ids: dict[str, int]
) -> None:
    with write(opened):
        opened.conn.execute("update diaries set author = '김서연', written_on = '2026-01-02'")
    program = _program(client, opened, ["write", "read"])
    text = get_diary(opened, ids["withheld"]).text
    assert program.post("/v1/diaries", json={"text": text}).json()["id"] == ids["withheld"]
    assert program.get(f"/v1/diaries/{ids['withheld']}").status_code == 404
    answer = _ask(program, CORRECT, ids["withheld"])
    assert (answer.status_code, answer.json()["author"], answer.json()["written_on"]) == (200, None, None)


def test_a_correction_shows_no_more_than_the_program_may_read(
    client: TestClient, opened: Database, ids: dict[str, int]
) -> None:
    blind = _program(client, opened, ["write"])
    answers = {state: _ask(blind, CORRECT, ids[state]).json() for state in STATES[:4]}
    for answer in answers.values():
        assert (answer["text"], answer["author"], answer["written_on"], answer["prediction"]) == (None,) * 4
        assert (answer["status"], answer["label"]["name"], answer["label"]["by"]) == ("labelled", "행복", "app")
    seeing = _program(client, opened, ["write", "read"])
    shown = {state: _ask(seeing, CORRECT, ids[state]).json()["text"] is not None for state in STATES[:4]}
    assert shown == {"there": True, "handed_in": True, "withheld": False, "withheld_handed_in": True}


def test_every_address_stands_in_a_table(client: TestClient) -> None:
    routes = set()
    for route in client.app.routes:  # type: ignore[attr-defined]
        # FastAPI keeps an included router as one entry that lists its own.
        for each in route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]:
            routes |= {f"{method} {each.path}" for method in each.methods - {"HEAD"}}
    assert routes == EXPECTED.keys() | WITHOUT_A_DIARY

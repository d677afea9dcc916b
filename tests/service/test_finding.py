"""Programs with the scope ``read`` find diaries, page by page, without those that are withheld from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.accounts import api_tokens, diary_access
from annotator.labelling import group_acts
from db.connection import write
from db.people import annotators
from db.texts import care_flags
from tests.conftest import fill
from tests.service.conftest import Program

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from db import Database


@pytest.fixture
def reader(client: TestClient, opened: Database) -> Program:
    """A program that may read, in a project of ten diaries."""
    fill(opened, 10)
    return Program(client, api_tokens.add(opened, "reader", ["read"], per_minute=10_000))


def test_pages_lead_to_each_other(reader: Program) -> None:
    first = reader.get("/v1/diaries", params={"q": "눈물", "limit": 3}).json()
    assert first["count"] == 5
    second = reader.get("/v1/diaries", params={"q": "눈물", "limit": 3, "after": first["next"]}).json()
    ids = [diary["diary_id"] for diary in (*first["diaries"], *second["diaries"])]
    assert (len(set(ids)), second["next"]) == (5, None)
    line, (start, end) = first["diaries"][0]["line"], first["diaries"][0]["spans"][0]
    assert line[start:end] == "눈물"


def test_what_is_withheld_is_not_found(reader: Program, opened: Database) -> None:
    care_flags.flag(opened, [2], list_hash="x", up_to=10)
    answer = reader.get("/v1/diaries", params={"q": "눈물"}).json()
    assert answer["count"] == 4
    assert 2 not in [diary["diary_id"] for diary in answer["diaries"]]


def test_private_details_are_covered_and_not_found(reader: Program, opened: Database) -> None:
    with write(opened):
        opened.conn.execute("update diaries set text = '전화는 010-1234-5678이다.' where id = 5")
    assert reader.get("/v1/diaries", params={"q": "1234"}).json()["count"] == 0
    assert "1234" not in reader.get("/v1/diaries", params={"q": "전화"}).text


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"state": "gone"}, 422),
        ({"colour": "red"}, 422),
        ({"limit": "1000"}, 422),
        ({"q": '"'}, 422),
        ({"q": "가" * 5_000}, 422),
        ({"label": "없음"}, 422),
        ({"after": "x"}, 422),
        ({"like": "99"}, 404),
        ({"like": "1", "like_text": "슬픈 날"}, 422),
        ({"like_text": "가" * 6_000}, 422),
        ({"like_text": "\x00"}, 422),
    ],
)
def test_what_can_not_be_looked_for_is_said(reader: Program, asked: dict[str, str], status: int) -> None:
    assert reader.get("/v1/diaries", params=asked).status_code == status


def test_another_scope_does_not_do(client: TestClient, opened: Database) -> None:
    program = Program(client, api_tokens.add(opened, "writer", ["write"], per_minute=10_000))
    assert program.get("/v1/diaries").status_code == 403


def test_a_label_that_was_given_to_many_at_once_is_told(reader: Program, opened: Database) -> None:
    with write(opened):
        opened.conn.execute("update diaries set part = 'pool'")
    me = diary_access.person(annotators.get_or_create_id(opened, "지민"))
    group_acts.label(opened, me, [2, 4, 6], 5, token="token-of-a-grid", kind="chosen")
    diaries = reader.get("/v1/diaries", params={"label": "슬픔"}).json()["diaries"]
    assert [answer["is_group"] for diary in diaries for answer in diary["answers"]] == [True] * 3
    assert reader.get("/v1/diaries/2").json()["label"]["is_group"] is True

"""The endpoints as another program meets them; what asks the encoder is in test_classifying."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import api_tokens
from annotator.importing import MAX_CHARACTERS
from db.answers import decisions, queue, training_data
from db.connection import rows, scalar
from db.texts import batches, diaries
from service.app import create
from service.middleware import MOST_BYTES
from service.schemas import MOST_TEXTS
from tests.service.conftest import Program, add_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database


def _is(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


# Order 1: store first, classify later (A6)


def test_a_stored_diary_waits_for_the_worker_and_stands_in_the_queue(web: Program, opened: Database) -> None:
    made = web.post("/v1/diaries", json={"text": "비가 온다", "written_on": "2024-03-01", "metadata": {"app_id": "9"}})
    assert (made.status_code, made.json()) == (201, {"id": 7, "created": True, "prediction": None})
    assert web.get("/v1/diaries/7").json()["status"] == "waiting"
    kept = diaries.get_diary(opened, 7)
    assert (kept.written_on, kept.metadata, kept.source) == ("2024-03-01", {"app_id": "9"}, "web")
    assert 7 in queue.list_head(opened, 100)
    add_model(opened, "행복")  # as the worker does, sooner or later
    later = web.get("/v1/diaries/7").json()
    assert (later["status"], later["prediction"]["label"]) == ("classified", "행복")


def test_a_text_that_is_there_keeps_its_id(web: Program, opened: Database) -> None:
    first = web.post("/v1/diaries", json={"text": "비가 온다"})
    again = web.post("/v1/diaries", json={"text": "비가 온다"})
    assert (again.status_code, again.json()) == (200, {**first.json(), "created": False})
    assert diaries.count_diaries(opened) == 7


def test_diaries_of_one_token_are_one_import_that_grows(web: Program, opened: Database) -> None:
    for text in ("하나", "둘", "둘"):
        web.post("/v1/diaries", json={"text": text})
    web.post("/v1/diaries/batch", json={"diaries": [{"text": "셋"}, {"text": "하나"}]})
    batch = batches.list_batches(opened)[0]
    assert (batch.file_name, batch.row_count, batch.kept_count) == ("API: web", 5, 3)
    assert diaries.count_diaries(opened) == scalar(opened, "select count(*) from diaries") == 9


def test_a_batch_is_kept_as_a_whole_or_not_at_all(web: Program, opened: Database) -> None:
    answer = web.post("/v1/diaries/batch", json={"diaries": [{"text": "좋다"}, {"text": "\u200b \n"}]})
    _is(answer, 422, "handed_empty")
    assert "2" in answer.json()["message"]
    assert diaries.count_diaries(opened) == 6


# Corrections


def test_a_corrected_label_is_a_decision_of_the_token_and_trains(web: Program, opened: Database) -> None:
    answer = web.ask("PUT", "/v1/diaries/1/label", json={"label": "행복"}).json()
    assert (answer["status"], answer["label"]["name"], answer["label"]["by"]) == ("labelled", "행복", "web")
    assert answer["prediction"]["label"] == "슬픔"
    counted = [training_data.list_labelled(opened, part=part) for part in ("pool", "test")]  # type: ignore[arg-type]
    assert sum(map(len, counted)) == 1


def test_the_same_label_again_is_no_new_decision_and_another_one_replaces_it(web: Program, opened: Database) -> None:
    for label in ("행복", "행복", "불안"):
        last = web.ask("PUT", "/v1/diaries/1/label", json={"label": label}).json()
    assert last["label"]["name"] == "불안"
    assert decisions.last_decision_id(opened) == 2


def test_an_unknown_label_or_diary_is_named(web: Program) -> None:
    answer = web.ask("PUT", "/v1/diaries/1/label", json={"label": "없는 감정"})
    _is(answer, 422, "label_unknown")
    assert "행복" in answer.json()["message"]
    _is(web.ask("PUT", "/v1/diaries/99/label", json={"label": "행복"}), 404, "diary_missing")
    _is(web.get("/v1/diaries/99"), 404, "diary_missing")


# Idempotency


def test_the_same_request_under_a_key_acts_once(web: Program, opened: Database) -> None:
    send = {"json": {"text": "한 번만"}, "headers": {"Idempotency-Key": "k1"}}
    first, again = web.post("/v1/diaries", **send), web.post("/v1/diaries", **send)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert batches.list_batches(opened)[0].row_count == 1


def test_a_key_is_for_one_request_of_one_token(web: Program, opened: Database) -> None:
    key = {"Idempotency-Key": "k1"}
    web.post("/v1/diaries", json={"text": "하나"}, headers=key)
    _is(web.post("/v1/diaries", json={"text": "둘"}, headers=key), 422, "key_reused")
    _is(web.post("/v1/diaries/batch", json={"diaries": [{"text": "하나"}]}, headers=key), 422, "key_reused")
    other = Program(web.client, api_tokens.add(opened, "other", ["write"]))
    assert other.post("/v1/diaries", json={"text": "둘"}, headers=key).status_code == 201


def test_a_refused_request_leaves_its_key_free(web: Program) -> None:
    key = {"Idempotency-Key": "k1"}
    _is(web.post("/v1/diaries", json={"text": " "}, headers=key), 422, "handed_empty")
    assert web.post("/v1/diaries", json={"text": "좋다"}, headers=key).status_code == 201


def test_what_is_kept_under_a_key_holds_no_word_of_the_diary(web: Program, opened: Database) -> None:
    web.post("/v1/diaries", json={"text": "아무도 모르는 비밀"}, headers={"Idempotency-Key": "k1"})
    assert "비밀" not in str(rows(opened, "select * from idempotency_keys"))


# Who is let in


@pytest.mark.parametrize(
    ("method", "address", "scope"),
    [
        ("POST", "/v1/diaries", "write"),
        ("POST", "/v1/diaries/batch", "write"),
        ("POST", "/v1/classifications", "classify"),
        ("GET", "/v1/diaries/1", "read"),
        ("GET", "/v1/diaries/1/explanation", "read"),
        ("PUT", "/v1/diaries/1/label", "write"),
        ("GET", "/v1/labels", "read"),
        ("GET", "/v1/model", "read"),
        ("GET", "/v1/metrics", "metrics"),
        ("GET", "/label-studio/health", "classify"),
        ("POST", "/label-studio/webhook", "write"),
    ],
)
def test_each_address_asks_for_a_token_with_its_scope(
    client: TestClient, opened: Database, method: str, address: str, scope: str
) -> None:
    body = {"text": "가", "label": "행복"}
    bodies = {"batch": {"diaries": [body]}, "classifications": {"texts": ["가"]}, "diaries": {"text": "가"}}
    send = {} if method == "GET" else {"json": bodies.get(address.rsplit("/", 1)[1], {"label": "행복"})}
    _is(client.request(method, address, **send), 401, "token_wrong")
    others = [each for each in api_tokens.SCOPES if each != scope]
    lacking = Program(client, api_tokens.add(opened, "lacking", others))  # type: ignore[arg-type]
    _is(lacking.ask(method, address, **send), 403, "scope_missing")


def test_classifying_while_storing_takes_both_scopes(client: TestClient, opened: Database) -> None:
    writer = Program(client, api_tokens.add(opened, "writer", ["write"]))
    _is(writer.post("/v1/diaries?classify=true", json={"text": "가"}), 403, "scope_missing")


def test_a_revoked_token_is_turned_away_at_once(web: Program, opened: Database) -> None:
    assert web.get("/v1/labels").status_code == 200
    api_tokens.revoke(opened, "web")
    answer = web.get("/v1/labels")
    _is(answer, 401, "token_wrong")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_token_may_come_as_the_password_of_basic_authentication(web: Program) -> None:
    assert web.client.get("/v1/labels", auth=("anything", web.token)).status_code == 200
    for header in ("Basic", "Basic %%%", "Basic 7Zec", "Bearer", "Digest x", ""):
        _is(web.client.get("/v1/labels", headers={"Authorization": header}), 401, "token_wrong")


def test_too_many_requests_are_told_when_to_come_back(client: TestClient, opened: Database) -> None:
    busy = Program(client, api_tokens.add(opened, "busy", ["read"], per_minute=3))
    quiet = Program(client, api_tokens.add(opened, "quiet", ["read"], per_minute=3))
    answers = [busy.get("/v1/labels") for _ in range(4)]
    assert [answer.status_code for answer in answers[:3]] == [200, 200, 200]
    _is(answers[3], 429, "rate_exceeded")
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert quiet.get("/v1/labels").status_code == 200


# What is shown


def test_what_is_private_is_covered(web: Program, opened: Database) -> None:
    made = web.post("/v1/diaries", json={"text": "내 번호는 010-1234-5678", "author": "a@example.org"}).json()
    shown = web.get(f"/v1/diaries/{made['id']}").json()
    assert "1234" not in shown["text"]
    assert "example" not in shown["author"]
    project_settings.change(opened, mask=False)
    assert "1234" in web.get(f"/v1/diaries/{made['id']}").json()["text"]


def test_labels_and_model_are_told(web: Program) -> None:
    names = [each["name"] for each in web.get("/v1/labels").json()["labels"]]
    assert names == ["분노", "행복", "불안", "당황", "슬픔", "중립", "혐오"]
    model = web.get("/v1/model").json()
    assert (model["version"], model["labels"], model["trained_on"]) == (0, names, 0)


def test_errors_come_in_the_language_that_is_asked_for(client: TestClient) -> None:
    def said(accept: str) -> str:
        return str(client.get("/v1/labels", headers={"Accept-Language": accept}).json()["message"])

    korean, english = said("ko-KR,ko;q=0.9,en;q=0.8"), said("en-GB")
    assert re.search("[가-힣]", korean)
    assert not re.search("[가-힣]", english)
    assert said("fr,en;q=0.5,ko;q=0.4") == english
    assert said("fr") == said("") == said("ko;q=x") == korean


def test_figures_count_by_route_and_never_by_address(web: Program) -> None:
    for diary_id in (1, 2, 99):
        web.get(f"/v1/diaries/{diary_id}")
    web.get("/v1/no/such/thing")
    text = web.get("/v1/metrics").text
    assert 'maeumgyeol_requests_total{method="GET",route="/v1/diaries/{diary_id}",status="200"} 2.0' in text
    assert 'route="/v1/diaries/{diary_id}",status="404"} 1.0' in text
    assert 'route="other",status="404"} 1.0' in text
    assert "maeumgyeol_diaries 6.0" in text
    assert "maeumgyeol_model_version 0.0" in text


def test_health_needs_no_token_and_says_when_the_project_is_gone(client: TestClient, path: Path) -> None:
    assert client.get("/v1/health").json() == {"status": "ok"}
    path.rename(path.with_name("elsewhere.db"))
    answer = client.get("/v1/health")
    _is(answer, 503, "database_missing")
    assert str(path.parent) not in answer.text
    path.with_name("elsewhere.db").rename(path)
    assert client.get("/v1/health").status_code == 200


def test_the_description_page_lists_every_address_and_fetches_nothing(client: TestClient) -> None:
    page = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"/api{path}" in page
    assert not re.search(r"(src|href)=.(https?:)?//|<script|@import|url\(", page)


# Bad input


def test_a_body_that_says_it_is_large_is_refused_before_it_is_read(web: Program) -> None:
    _is(web.post("/v1/diaries", content=b"", headers={"Content-Length": str(100 << 20)}), 413, "body_too_large")
    assert web.get("/v1/labels").status_code == 200


def test_a_body_that_says_nothing_is_read_only_as_far_as_it_may_be_large(client: TestClient, web: Program) -> None:
    """As a client sends it with ``Transfer-Encoding: chunked``; the test client would read it all beforehand."""
    taken, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * (1 << 20), "more_body": taken < 100}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {web.token}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/diaries", "query_string": b"", "headers": headers}
    serving = client.app({**scope, "root_path": "", "scheme": "http", "server": ("localhost", 80)}, receive, send)
    with ThreadPoolExecutor() as pool:  # the browser tests leave an event loop running in the main thread
        pool.submit(asyncio.run, serving).result()
    assert (sent[0]["status"], taken) == (413, (MOST_BYTES >> 20) + 1)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "body_broken"),
        (b"\xff\xfe\x00", 400, "body_broken"),
        (b"[" * 100_000, 400, "body_broken"),
        (b"", 422, "request_invalid"),
        (b"[]", 422, "request_invalid"),
        (b'{"text": 5}', 422, "request_invalid"),
        (b'{"text": ""}', 422, "request_invalid"),
        (b'{"text": "\\ud800"}', 422, "request_invalid"),
        (b'{"text": "a\\u0000b"}', 422, "handed_bad_character"),
        (b'{"text": "\\u3164 \\u200b"}', 422, "handed_empty"),
        (b'{"text": "ok", "surprise": 1}', 422, "request_invalid"),
        (b'{"text": "ok", "written_on": "yesterday"}', 422, "request_invalid"),
        (b'{"text": "ok", "metadata": {"text": "other"}}', 422, "request_invalid"),
        (b'{"text": "ok", "metadata": {"a": "b\\u0000"}}', 422, "handed_bad_character"),
        (b'{"text": "ok", "written_on": "2024-03-01", "written_on": 1e999}', 422, "request_invalid"),
    ],
)
def test_a_body_that_can_not_be_used_is_refused_and_nothing_is_kept(
    web: Program, opened: Database, content: bytes, status: int, code: str
) -> None:
    _is(web.post("/v1/diaries", content=content, headers={"Content-Type": "application/json"}), status, code)
    assert diaries.count_diaries(opened) == 6


def test_a_refusal_does_not_repeat_what_was_sent(web: Program) -> None:
    for body in (
        {"text": "비밀 이야기", "written_on": "비밀"},
        {"text": ["비밀"]},
        {"text": "비밀", "author": "비밀" * 200},
    ):
        assert "비밀" not in web.post("/v1/diaries", json=body).text


def test_ten_thousand_characters_are_kept_and_too_many_are_not(web: Program) -> None:
    assert web.post("/v1/diaries", json={"text": "가" * 10_000}).status_code == 201
    _is(web.post("/v1/diaries", json={"text": "가" * (MAX_CHARACTERS + 1)}), 422, "request_invalid")


def test_more_texts_than_a_request_may_have_are_refused(web: Program) -> None:
    many = [{"text": f"{i}"} for i in range(MOST_TEXTS + 1)]
    _is(web.post("/v1/diaries/batch", json={"diaries": many}), 422, "request_invalid")
    assert web.post("/v1/diaries/batch", json={"diaries": many[1:]}).status_code == 201


@pytest.mark.parametrize("diary_id", ["0", "-1", "x", "9223372036854775808", "1e3", "%00"])
def test_a_number_that_is_no_diary_is_refused(web: Program, diary_id: str) -> None:
    assert web.get(f"/v1/diaries/{diary_id}").status_code in (404, 422)


def test_a_full_disk_is_told_and_the_service_goes_on(
    web: Program, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = web.client.app.state.desk  # type: ignore[attr-defined]
    pages = scalar(opened, "pragma page_count")

    @contextmanager
    def without_room() -> Iterator[Database]:
        with project.opened(desk.database) as db:
            db.conn.execute(f"pragma max_page_count = {pages}")
            yield db

    with monkeypatch.context() as patch:
        patch.setattr(desk, "opened", without_room)
        answer = web.post("/v1/diaries", json={"text": "가" * 10_000})
        _is(answer, 507, "disk_full")
        assert str(desk.database.parent) not in answer.text
        assert web.get("/v1/labels").status_code == 200
    assert diaries.count_diaries(opened) == 6


def test_without_a_model_the_answer_says_so_and_when_to_come_back(project_path: Path) -> None:
    app = create(project_path)
    client = TestClient(app)
    with app.state.desk.opened() as db:
        token = api_tokens.add(db, "web", api_tokens.SCOPES)
    answer = Program(client, token).get("/v1/model")
    _is(answer, 503, "no_model_yet")
    assert "Retry-After" in answer.headers


def test_a_fault_is_told_by_its_kind_and_logged_without_a_word_of_the_diary(
    client: TestClient, web: Program, caplog: pytest.LogCaptureFixture
) -> None:
    @client.app.get("/v1/fault")  # type: ignore[attr-defined]
    def fault() -> None:
        raise RuntimeError("비밀 이야기")

    answer = client.get("/v1/fault")
    _is(answer, 500, "fault")
    assert "비밀" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert json.loads(answer.text).keys() == {"code", "message"}

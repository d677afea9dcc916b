"""No answer and no line of a log holds anything of the request that it answers, wherever that stood in it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from annotator.accounts import api_tokens
from annotator.accounts.api_tokens import SCOPES
from tests.browser.conftest import free_port
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.conftest import Program

MARK = "zqMARKqz"
LABELS = f"<View><Text name='t' value='$text'/><Choices name='c' toName='t'><Choice value='{MARK}'/></Choices></View>"

BODIES: dict[str, list[Any]] = {
    "/v1/diaries": [
        {"text": "x", MARK: 1},
        {"text": [MARK]},
        {"text": {MARK: MARK}},
        {"text": "x", "written_on": MARK},
        {"text": "x", "written_on": {MARK: 1}},
        {"text": "x", "metadata": {MARK: 1}},
        {"text": "x", "metadata": {MARK: {MARK: [MARK]}}},
        {"text": "x", "metadata": {MARK * 20: "x"}},
        {"text": "x", "metadata": {MARK: MARK * 200, "text": MARK}},
        {"text": "x", "author": MARK * 50},
        {"text": f"{MARK}\0"},
        {"text": MARK * 3000},
        MARK,
        [MARK],
        {MARK: MARK},
        f'{{"text": "{MARK}"',
        f'{{"text": "{MARK}", "text": "{MARK}"}}',
        f'{{"{MARK}": 1, "{MARK}": 2}}',
        f'{{"text": "{MARK}", "x": 1e999}}',
        f'{{"text": "{MARK}", "x": NaN}}',
        f'{{"text": "{MARK}", "x": 1{"0" * 5000}}}',
        f'{{"text": "{MARK}\\ud800"}}',
        f'{{"text": "{MARK}", "x": ' + "[" * 100_000,
        f"{MARK}".encode() + b"\xff",
        f'{{"text": "{MARK}"}}'.encode("utf-16"),
    ],
    "/v1/diaries/batch": [{"diaries": [{"text": "x", MARK: 1}]}, {"diaries": {MARK: MARK}}, {MARK: []}],
    "/v1/classifications": [{"texts": [{MARK: MARK}]}, {"texts": [f"{MARK}\0"]}, {"texts": ["x"], MARK: MARK}],
    "/label-studio/setup": [{"schema": LABELS}, {"schema": f"<{MARK}"}, {"schema": {MARK: 1}}, {MARK: 1}],
    "/label-studio/predict": [
        {"tasks": [{"data": {"text": MARK}}], "label_config": LABELS},
        {"tasks": [MARK], "label_config": MARK},
        {"tasks": {MARK: 1}, "label_config": [MARK]},
    ],
    "/label-studio/webhook": [
        {"action": MARK},
        {"action": "ANNOTATION_CREATED", "project": {"label_config": LABELS}, "task": {"id": MARK}},
        {"action": "ANNOTATION_CREATED", "project": {"label_config": MARK}},
        [MARK],
    ],
    "/label-studio/job_status": [{"job": MARK}, {"job": {MARK: 1}}],
    "/label-studio/train": [{"annotations": MARK, "label_config": MARK, "project": MARK}, [MARK]],
}


def _content(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) and body[:1] == "{" else json.dumps(body).encode()


def _answer_text(answer: Any) -> str:
    return f"{answer.status_code} {dict(answer.headers)} {answer.text}"


@pytest.mark.parametrize("address", BODIES)
def test_nothing_of_a_body_is_repeated(web: Program, address: str) -> None:
    for body in BODIES[address]:
        for language in ("ko", "en", MARK):
            headers = {"Content-Type": "application/json", "Accept-Language": language}
            answer = web.post(address, content=_content(body), headers=headers)
            assert MARK not in _answer_text(answer), body
            assert answer.status_code < 500, body


ADDRESSES = [
    ("GET", f"/{MARK}"),
    ("GET", f"/v1/{MARK}"),
    ("GET", f"/v1/labels/{MARK}"),
    ("GET", f"/v1/labels/?{MARK}"),
    ("GET", f"/v1/diaries/{MARK}"),
    ("GET", f"/v1/diaries/1/{MARK}"),
    ("GET", f"/v1/diaries/{MARK}/explanation"),
    ("GET", "/v1/diaries/987654321"),
    ("PUT", f"/v1/diaries/{MARK}/label"),
    ("DELETE", f"/v1/diaries/1?{MARK}={MARK}"),
    ("POST", f"/v1/diaries?classify={MARK}"),
    ("POST", f"/v1/diaries?{MARK}=1"),
    (MARK, "/v1/labels"),
    ("OPTIONS", f"/v1/labels?{MARK}"),
    ("GET", f"/label-studio/{MARK}"),
    ("GET", f"//{MARK}.example/"),
    ("GET", f"/docs/?{MARK}"),
]


def test_nothing_of_an_address_or_a_method_is_repeated(web: Program) -> None:
    for method, address in ADDRESSES:
        said = _answer_text(web.ask(method, address, follow_redirects=False))
        assert MARK not in said, address
        assert "987654321" not in said


HEADERS = [
    {"Authorization": f"Bearer {MARK}"},
    {"Authorization": MARK},
    {"Authorization": f"Basic {MARK}"},
    {"Idempotency-Key": MARK * 50},
    {"Content-Type": f"text/{MARK}"},
    {"Content-Type": f"application/json; charset={MARK}"},
    {"Content-Type": f"multipart/form-data; boundary={MARK}"},
    {"Content-Length": MARK},
    {"Host": f"{MARK}.example"},
    {f"X-{MARK}": MARK, "Origin": f"http://{MARK}", "Referer": MARK, "Cookie": f"{MARK}={MARK}"},
    {"Accept-Language": f"{MARK};q={MARK}"},
    {"Accept": MARK, "X-Forwarded-Host": MARK, "X-Forwarded-Prefix": MARK},
]


@pytest.mark.parametrize("address", ["/v1/diaries", "/v1/labels/", "/label-studio/predict"])
def test_nothing_of_a_header_is_repeated(web: Program, address: str) -> None:
    for headers in HEADERS:
        answer = web.post(address, content=b'{"x": 1}', headers=headers, follow_redirects=False)
        assert MARK not in _answer_text(answer), headers
        assert answer.status_code < 500, headers


def test_an_unknown_label_is_not_named_and_the_known_ones_are(web: Program) -> None:
    answer = web.ask("PUT", "/v1/diaries/1/label", json={"label": MARK})
    assert (answer.status_code, answer.json()["code"]) == (422, "label_unknown")
    assert "행복" in answer.json()["message"]
    assert MARK not in answer.text


def test_fields_of_ours_are_named(web: Program) -> None:
    answer = web.post(
        "/v1/diaries/batch", json={"diaries": [{"text": "x"}, {"text": 1, MARK: 2, "metadata": {MARK: 3}}]}
    )
    assert {field["field"] for field in answer.json()["fields"]} == {
        "body.diaries.1.text",
        "body.diaries.1.?",
        "body.diaries.1.metadata.?",
    }


IDS = [
    "+1",
    "%201",
    "1%20",
    "-1",
    "0",
    "1_0",
    "1.0",
    "1e0",
    "0x1",
    "%EF%BC%91",
    "%D9%A1",
    "1" * 20,
    "1" * 5000,
    "1%0A",
    "",
]


def test_an_id_is_digits_and_nothing_else(web: Program) -> None:
    for diary_id in IDS:
        for rest in ("", "/explanation"):
            assert web.get(f"/v1/diaries/{diary_id}{rest}").status_code in (404, 405, 422), diary_id
    assert web.get("/v1/diaries/1").status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        '{"text": "a", "text": "b"}',
        '{"text": "a", "metadata": {"k": "1", "k": "2"}}',
        '{"text": "a", "\\u0074ext": "b"}',
        '{"text": "a", "metadata": {"x": "1"}, "metadata": {}}',
    ],
)
def test_a_key_that_comes_twice_is_refused_with_a_sentence(web: Program, content: str) -> None:
    answer = web.post("/v1/diaries", content=content.encode(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["fields"]) == (422, [{"field": "body", "problem": "duplicate_key"}])
    assert "두 번" in answer.json()["message"]
    hook = f'{{"action": "X", "project": {content}}}'
    answer = web.post("/label-studio/webhook", content=hook.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str, Path]]:
    """The service as it is really served: its port, a token, and what it has logged."""
    from annotator import project

    folder = tmp_path_factory.mktemp("served")
    project.init(folder / "a.db")
    with project.opened(folder / "a.db") as db:
        token = api_tokens.add(db, "web", SCOPES)
    port, log = free_port(), folder / "log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MAEUMGYEOL_DB": str(folder / "a.db")}
    command = [sys.executable, "-m", "service.server", "--port", str(port)]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file) as child,
    ):
        try:
            _wait(port)
            yield port, token, log
        finally:
            child.terminate()


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as client:
                client.request("GET", "/api/v1/health")
                client.getresponse()
                return
        except OSError:
            time.sleep(0.1)


def test_no_log_repeats_a_request(served: tuple[int, str, Path]) -> None:
    port, token, log = served
    lines = [f"GET /api/v1/{MARK} HTTP/1.1", f"{MARK} /api/v1/labels HTTP/1.1", f"GET {MARK} HTTP/1.1", MARK]
    for line in lines:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
            client.connect()
            head = f"{line}\r\nHost: {MARK}\r\nAuthorization: Bearer {token}\r\n{MARK}: {MARK}\r\n\r\n"
            client.sock.sendall(head.encode())
            assert MARK not in client.sock.recv(65536).decode("utf-8", "replace")
    for address, bodies in BODIES.items():
        for body in bodies:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
                client.request("POST", f"/api{address}", _content(body), headers)
                assert MARK not in client.getresponse().read().decode("utf-8", "replace")
    assert MARK not in log.read_text("utf-8", "replace")
    assert token not in log.read_text("utf-8", "replace")

"""The service with the bundled encoder in a process of its own, as it runs for real; one server for all tests here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from annotator import project
from annotator.accounts import api_tokens
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import zero_shot_model
from db.models import models, predictions
from db.texts import diaries
from learner.encoders.encoder import default_cache
from tests.browser.conftest import free_port
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

_UP_SECONDS = 120


class Running:
    """A server of its own process."""

    def __init__(self, path: Path, token: str) -> None:
        self.path, self.port = path, free_port()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MAEUMGYEOL_DB": str(path)}
        command = [sys.executable, "-m", "service.server", "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api", headers=headers, timeout=_UP_SECONDS)
        deadline = time.monotonic() + _UP_SECONDS
        while time.monotonic() < deadline:
            try:
                self.client.get("/v1/health").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the service does not answer")

    def post(self, address: str, **values: Any) -> httpx.Response:
        return self.client.post(address, **values)

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    path = tmp_path_factory.mktemp("service") / "project.db"
    project.init(path, seed="00" * 16)
    runtime = WorkerRuntime(path, cache=default_cache())
    with closing(project.open_project(path)) as db:
        fill(db, 12)
        ids = np.arange(1, 13)
        runtime.encode_missing(db, ids)
        zero_shot_model.make_zero_label_model(runtime, db, ids)
        token = api_tokens.add(db, "web", api_tokens.SCOPES, per_minute=100_000)
    runtime.close()
    running = Running(path, token)
    yield running
    running.process.kill()
    running.process.wait(20)


def test_a_text_is_classified_and_not_kept(service: Running) -> None:
    said = service.post(
        "/v1/classifications", json={"texts": ["너무 슬프고 눈물이 났다", "정말 기쁘고 즐거웠다"]}
    ).json()
    assert [each["label"] for each in said["predictions"]] == ["슬픔", "행복"]
    for each in said["predictions"]:
        assert sum(each["proba"].values()) == pytest.approx(1, abs=1e-4)
    with closing(project.open_project(service.path)) as db:
        assert diaries.count_diaries(db) == 12


def test_text_and_result_are_kept_together_and_read_back_the_same(service: Running) -> None:
    """Order 2 (A7)."""
    made = service.post("/v1/diaries?classify=true", json={"text": "혼자 남아 펑펑 울었다"})
    assert made.status_code == 201
    diary = service.client.get(f"/v1/diaries/{made.json()['id']}").json()
    assert (diary["status"], diary["prediction"]) == ("classified", made.json()["prediction"])
    with closing(project.open_project(service.path)) as db:
        active = models.find_active(db)
        assert active is not None
        assert predictions.find_proba(db, active, made.json()["id"]) is not None


def test_diaries_like_a_typed_text_are_found_and_nothing_of_it_is_kept(service: Running) -> None:
    answer = service.client.get("/v1/diaries", params={"like_text": "너무 슬퍼서 눈물만 났다", "limit": 4}).json()
    assert all("슬프" in diary["line"] for diary in answer["diaries"])
    assert answer["diaries"][0]["nearness"] > answer["diaries"][3]["nearness"] > 0
    assert service.client.get("/v1/diaries", params={"q": "눈물만"}).json()["count"] == 0


def test_a_diary_alone_and_among_others_gets_the_same_answer(service: Running) -> None:
    texts = [f"{i}번째 날은 {'기쁜' if i % 2 else '슬픈'} 하루였다" for i in range(100)]
    together = service.post("/v1/classifications", json={"texts": texts}).json()["predictions"]
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(service.post, "/v1/classifications", json={"texts": [text]}) for text in texts[:16]]
    apart = [each.result().json()["predictions"][0] for each in asked]
    for one, other in zip(apart, together, strict=False):
        assert one["proba"] == pytest.approx(other["proba"], abs=2e-3)
    figures = service.client.get("/v1/metrics").text
    texts_total = float(figures.split("\nmaeumgyeol_texts_classified_total ")[1].split()[0])
    batches = float(figures.split("\nmaeumgyeol_batch_texts_count ")[1].split()[0])
    assert texts_total > 1.5 * batches, "what came together was classified together"


def test_an_explanation_is_computed_once_and_covers_what_is_private(service: Running) -> None:
    text = "민수와 010-1234-5678로 통화하고 울었다"
    diary_id = service.post("/v1/diaries", json={"text": text}).json()["id"]
    first = service.client.get(f"/v1/diaries/{diary_id}/explanation").json()
    assert (first["diary_id"], len(first["words"])) == (diary_id, len(text.split()))
    # A weight may hold the same digits.
    assert not any("1234" in word["text"] for word in first["words"])
    assert service.client.get(f"/v1/diaries/{diary_id}/explanation").json() == first
    assert service.client.get("/v1/diaries/999/explanation").status_code == 404


def test_the_process_that_serves_holds_no_encoder(service: Running) -> None:
    maps = Path(f"/proc/{service.process.pid}/maps").read_text()
    assert "libtorch" not in maps
    assert "onnxruntime" not in maps


def test_label_studio_gets_its_predictions(service: Running) -> None:
    config = (
        '<View><Text name="t" value="$text"/><Choices name="c" toName="t">'
        '<Choice value="행복"/><Choice value="슬픔"/></Choices></View>'
    )
    tasks = [{"id": 1, "data": {"text": "눈물이 났다"}}, {"id": 2, "data": {}}, {"id": 3, "data": {"text": "즐거웠다"}}]
    said = service.post("/label-studio/predict", json={"tasks": tasks, "label_config": config}).json()
    assert said["model_version"] == "maeumgyeol-0"
    chosen = [each[0]["result"][0]["value"]["choices"] if each else None for each in said["results"]]
    assert chosen == [["슬픔"], None, ["행복"]]


def test_a_killed_encoder_is_started_again(service: Running) -> None:
    service.post("/v1/classifications", json={"texts": ["하나"]})
    for pid in service.children():
        os.kill(pid, signal.SIGKILL)
    codes = [service.post("/v1/classifications", json={"texts": ["둘"]}).status_code for _ in range(3)]
    assert codes[-1] == 200, codes
    assert set(codes) <= {200, 503}


def _send_for(seconds: float, client: socket.socket) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        client.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")


def test_a_body_in_pieces_without_end_is_cut_off(service: Running) -> None:
    """Not with its first byte too many: for a few seconds the rest is thrown away, so that the answer arrives."""
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        client.sendall(b"POST /api/v1/diaries HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|pipe"):
            _send_for(60, client)
    assert service.client.get("/v1/health").status_code == 200


def test_stopping_answers_what_was_asked_and_leaves_no_process_behind(service: Running) -> None:
    """The last test of this server."""
    answers: list[int] = []
    many = {"texts": [f"{i}번째 글을 천천히 적어 본다" for i in range(200)]}
    asking = threading.Thread(target=lambda: answers.append(service.post("/v1/classifications", json=many).status_code))
    asking.start()
    time.sleep(0.5)  # until the request is under way; if it were not, it would be refused and the test fail
    children = service.children()
    service.process.send_signal(signal.SIGTERM)
    asking.join(60)
    said = service.process.communicate(timeout=60)[1].decode()
    assert answers == [200]
    assert service.process.returncode in (0, -signal.SIGTERM)
    assert "번째 글" not in said
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]

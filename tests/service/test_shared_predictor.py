"""Where the service runs beside the pages, both ask one process, which holds one encoder."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest

from annotator import try_out
from annotator.accounts import api_tokens
from annotator.errors import UserError
from annotator.messages import explain
from annotator.project import opened
from annotator.serving import predictor_client
from service.app import create
from service.batching import Engine
from tests import trying as small
from tests.service.conftest import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

TEXT = "오늘은 정말 기쁘고 즐거운 하루였다."
PATIENCE = 120.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = small.make(tmp_path_factory.mktemp("shared"))
    yield path
    predictor_client.close(path)


@pytest.fixture(scope="module")
def token(path: Path) -> str:
    with opened(path) as db:
        return api_tokens.add(db, "web", ["classify"], per_minute=10_000)


@pytest.fixture
def program(path: Path, token: str) -> Program:
    from fastapi.testclient import TestClient

    return Program(TestClient(create(path), raise_server_exceptions=False), token)


def _children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_a_text_that_is_tried_and_a_request_are_answered_by_one_process(path: Path, program: Program) -> None:
    before = {child.pid for child in _children()}
    predicted = try_out.ask(path, TEXT).predicted.result(PATIENCE)
    (answer,) = program.post("/v1/classifications", json={"texts": [TEXT]}).json()["predictions"]
    assert list(answer["proba"].values()) == pytest.approx(predicted.proba[0].tolist(), abs=1e-3)
    started = [child.pid for child in _children() if child.pid not in before]
    assert started == [predictor_client.client_of(path).pid]


def test_the_end_of_the_process_is_told_once_to_each_who_waits_and_the_next_question_works(
    path: Path, program: Program
) -> None:
    assert program.post("/v1/classifications", json={"texts": [TEXT]}).status_code == 200
    pid = predictor_client.client_of(path).pid
    assert pid is not None
    child = psutil.Process(pid)
    child.suspend()
    trial = try_out.ask(path, TEXT)
    child.kill()
    error = trial.predicted.exception(PATIENCE)
    assert isinstance(error, UserError)
    assert error.code == "predictor_ended"
    assert explain(error, "ko").startswith("글을 살펴보던 프로그램이 도중에 멈췄어요.")
    assert trial.explained.result(PATIENCE), "the next question starts another"
    assert program.post("/v1/classifications", json={"texts": [TEXT]}).status_code == 200


def test_a_text_that_is_tried_does_not_wait_for_a_long_request(path: Path) -> None:
    engine, client = Engine(path), predictor_client.client_of(path)
    left: list[int] = []

    async def ask() -> None:
        long = asyncio.create_task(engine.classify([f"{i}번째 날" for i in range(1000)]))
        await asyncio.sleep(0)
        assert client.waiting > 900, "the request is in the queue"
        predicted = try_out.ask(path, TEXT).predicted
        predicted.add_done_callback(lambda _: left.append(client.waiting))
        assert (await long).proba.shape[0] == 1000

    # In a thread of its own: where browser tests have run before, this one has an event loop already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(ask())).result()
    assert left[0] > 700, "it was answered after the first parts of the request"

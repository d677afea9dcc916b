"""Trying the model on a text: answered by a real process, kept nowhere, put among the diaries only when asked."""

from __future__ import annotations

import io
import wave
from concurrent.futures import Future
from contextlib import closing
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from annotator import project, settings, try_out
from annotator.accounts.permissions import Person
from annotator.errors import UserError
from annotator.finding import nearest
from annotator.messages import explain
from annotator.serving import predictor_client
from annotator.serving.predictor import Predictor
from db.label_sets import labels
from db.texts import diaries
from learner.errors import LearnerError
from tests import trying as small
from tests.learner.tiny_speech import write_tiny_ctc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

pytestmark = pytest.mark.slow

TEXT = "오늘은 정말 기쁘고 즐거운 하루였다. 눈물이 났다."
PATIENCE = 120.0
"""Seconds that the first answer may take on a machine with other work: the process loads torch."""

LEAD = Person(1, "나", "reviewer", is_solo=False)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = small.make(tmp_path_factory.mktemp("trying"))
    yield path
    predictor_client.close(path)


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    with closing(project.open_project(path)) as db:
        yield db


def _code(future: Future[str]) -> str:
    error = future.exception(PATIENCE)
    assert isinstance(error, UserError | LearnerError)
    assert explain(error)
    return error.code


def test_a_question_goes_before_what_is_loaded_ahead(path: Path) -> None:
    predictor_client.close(path)
    try_out.warm_up(path)
    trial = try_out.ask(path, TEXT)
    # Who waits for a future may go on before its callbacks have run.
    warm: SimpleQueue[bool] = SimpleQueue()
    trial.explained.add_done_callback(lambda _: warm.put(try_out.is_warm(path)))
    trial.wait(PATIENCE)
    assert trial.predicted.done()
    trial.wait(PATIENCE)
    assert trial.is_done
    assert not warm.get(timeout=PATIENCE)


def test_a_text_is_predicted_and_explained_as_a_diary_would_be_and_leaves_no_trace(path: Path, db: Database) -> None:
    before = list(db.conn.iterdump())
    trial = try_out.ask(path, TEXT)
    proba = trial.predicted.result(PATIENCE).proba
    np.testing.assert_allclose(proba, Predictor(path).predict([TEXT]).proba, atol=1e-5)
    trial.explained.result(PATIENCE)
    shown = try_out.show(db, trial, "ko")
    assert [label.name for label in shown.labels] == [label.name for label in labels.list_labels(db)]
    assert shown.version == 0
    item = shown.item
    sentences = [TEXT[start:end] for start, end in item["sentences"]]
    assert sentences == ["오늘은 정말 기쁘고 즐거운 하루였다.", "눈물이 났다."]
    assert len(item["explanation"]["arc"]) == 2
    assert len(item["explanation"]["weights"]) == len(TEXT.split())
    assert item["prediction"]["unknown"] == []
    assert trial.is_done

    assert list(db.conn.iterdump()) == before
    written = [file for file in path.parent.rglob("*") if file.is_file() and TEXT.encode() in file.read_bytes()]
    assert written == []


def test_before_an_answer_is_there_only_the_text_is_shown(db: Database) -> None:
    trial = try_out.Trial("죽고 싶다는 생각을 했다.", Future(), Future())
    shown = try_out.show(db, trial, "ko")
    assert (shown.labels, shown.version, shown.item["prediction"]) == ((), None, None)
    assert shown.item["care"], "whoever writes this is told where to turn"
    trial.give_up()
    with pytest.raises(UserError) as raised:
        try_out.show(db, trial, "ko")
    assert raised.value.code == "trying_stopped"


def test_a_process_that_was_killed_is_said_and_the_next_question_starts_another(path: Path) -> None:
    assert try_out.ask(path, TEXT).predicted.result(PATIENCE) is not None
    pid = predictor_client.client_of(path).pid
    assert pid is not None
    process = psutil.Process(pid)
    process.kill()
    process.wait()
    assert try_out.ask(path, TEXT).predicted.result(PATIENCE).version == 0


@pytest.mark.parametrize(("text", "code"), [(" \n", "trying_empty"), ("가" * 5_001, "trying_too_long")])
def test_a_text_that_cannot_be_tried_is_refused_at_once(path: Path, text: str, code: str) -> None:
    with pytest.raises(UserError) as raised:
        try_out.ask(path, text)
    assert raised.value.code == code
    assert explain(raised.value)


def test_a_text_is_kept_when_asked_and_only_once(db: Database) -> None:
    text = '따옴표 "와" 줄바꿈이\n있는 글, 쉼표도 있다.'
    kept = try_out.add_to_diaries(db, text, person=LEAD)
    assert kept.is_new
    diary = diaries.get_diary(db, kept.diary_id)
    assert diary.text == text
    assert db.execute("select source from diaries where id = ?", [kept.diary_id]).fetchone()[0] == try_out.SOURCE
    again = try_out.add_to_diaries(db, text, person=LEAD)
    assert (again.diary_id, again.is_new) == (kept.diary_id, False)
    with pytest.raises(UserError) as raised:
        try_out.add_to_diaries(db, "다른 글", person=Person(2, "지민", "annotator", is_solo=False))
    assert raised.value.code == "right_missing"
    with pytest.raises(UserError) as raised:
        try_out.add_to_diaries(db, "\u200b", person=LEAD)
    assert raised.value.code == "trying_not_kept"


def test_what_is_missing_is_told_apart(opened: Database) -> None:
    assert try_out.obstacle(opened) == "try_out.no_diaries"
    try_out.add_to_diaries(opened, TEXT, person=LEAD)
    assert try_out.obstacle(opened) == "try_out.no_model"


def test_speech_is_written_down_by_the_checkpoint_that_is_named(path: Path, db: Database, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        try_out.transcribe(path, b"", try_out.speech_model(db))
    assert raised.value.code == "speech_off"
    checkpoint = write_tiny_ctc(tmp_path / "ctc")
    settings.change(db, speech_model=f" {checkpoint} ")
    assert try_out.speech_model(db) == str(checkpoint)
    noise = np.random.default_rng(0).normal(0, 3000, 16_000).astype("<i2")
    recorded = io.BytesIO()
    with wave.open(recorded, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(try_out.AUDIO_RATE)
        file.writeframes(noise.tobytes())
    assert try_out.transcribe(path, recorded.getvalue(), str(checkpoint)).result(PATIENCE)
    assert _code(try_out.transcribe(path, recorded.getvalue(), "no/such-model")) == "checkpoint_missing"
    assert _code(try_out.transcribe(path, recorded.getvalue()[:60], str(checkpoint))) == "speech_too_short"


def test_a_text_has_the_vector_that_a_diary_of_these_words_would_have(path: Path) -> None:
    predictor = Predictor(path)
    vector = predictor.vector(TEXT)
    assert vector.ndim == 1
    assert np.array_equal(vector, predictor.vector(TEXT))
    assert not np.allclose(vector, predictor.vector("전혀 다른 이야기다."))
    assert np.allclose(vector, nearest.vector_of(path, TEXT), atol=1e-5)

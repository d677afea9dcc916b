"""A round that learns from marked words, end to end on a tiny encoder."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import project
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round import rationale_training
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from db.answers import rationales
from db.answers.rationales import NewRationale
from db.models import rounds
from db.people import annotators
from db.texts import diaries
from learner.encoders import tiers
from learner.encoders.encoder import default_cache
from tests.conftest import copy_project
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database
    from learner.encoders.encoder import Encoded

pytestmark = pytest.mark.slow

WORD = "모루빈"
LABELS = (2, 5)
"""행복 and 슬픔, as the project numbers them."""


def _diary(i: int) -> str:
    """Return a diary; a word of no meaning stands in the sad ones."""
    mood = ("정말 기쁘고 즐거운 하루였다", f"{WORD} 너무 슬프고 눈물이 났다")[i % 2]
    return f"{i}번째 날. 오늘은 {mood}."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    characters = "".join(map(_diary, range(10)))
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "tiny", characters)


@pytest.fixture(scope="module")
def read(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose diaries have vectors and answers of the first model."""
    path = tmp_path_factory.mktemp("read") / "project.db"
    project.init(path, seed="00" * 16, encoder=str(tiny))
    runtime = WorkerRuntime(path, cache=default_cache())
    with closing(project.open_project(path)) as db:
        rows = [f"{_diary(i)},{('행복', '슬픔')[i % 2]}" for i in range(60)]
        import_file(db, "\n".join(["text,label", *rows]).encode(), "a.csv", after=enqueue_import)
        while (piece := tasks.next_piece(runtime, db)) is not None and piece.step != "explain":
            pass
    runtime.close()
    return path


@pytest.fixture
def opened(read: Path, tmp_path: Path) -> Iterator[Database]:
    with closing(project.open_project(copy_project(read, tmp_path))) as db:
        yield db


def _round(runtime: WorkerRuntime, db: Database, tier: str = "instant") -> rounds.Round:
    round_id = round_cases.request(db, annotator_id=None, tier=tier)
    round_job.run(lambda name: round_job.run_step(runtime, round_id, name))
    done = rounds.get_round(db, round_id)
    assert (done.status, done.error) == ("done", None)
    return done


def _mark(db: Database, diary_id: int, verdict: Any, *, name: str = "나", label_id: int = 5) -> int:
    start = diaries.get_diary(db, diary_id).text.index(WORD)
    me = annotators.get_or_create_id(db, name)
    token = f"mark-{rationales.last_rationale_id(db)}"
    mark = NewRationale(diary_id, me, label_id, start, start + len(WORD), verdict, token)
    return rationales.add(db, mark) or 0


def _with_word(db: Database, part: diaries.Part = "pool") -> list[int]:
    ids = diaries.list_ids(db, part)
    return [int(i) for i in ids if WORD in diaries.get_diary(db, int(i)).text]


def test_the_next_round_learns_that_a_marked_word_is_no_evidence(runtime: WorkerRuntime, opened: Database) -> None:
    _round(runtime, opened)
    chosen = _with_word(opened)[:10]
    for diary_id in chosen:
        _mark(opened, diary_id, "wrong")
    told = _round(runtime, opened).report["rationales"]
    assert [mark["diary_id"] for mark in told] == chosen[::-1]
    assert {(mark["label_id"], mark["verdict"]) for mark in told} == {(5, "wrong")}
    before, after = (np.array([mark[name] for mark in told]) for name in ("before", "after"))
    assert before.mean() > 0.1
    assert np.abs(after).mean() < 0.5 * before.mean()
    start, end = told[0]["span"]
    assert diaries.get_diary(opened, told[0]["diary_id"]).text[start:end] == WORD
    assert not any(isinstance(value, str) and WORD in value for mark in told for value in mark.values())


def test_the_next_round_learns_that_a_marked_word_is_evidence(runtime: WorkerRuntime, opened: Database) -> None:
    _round(runtime, opened)
    for diary_id in _with_word(opened)[:10]:
        _mark(opened, diary_id, "right", label_id=2)
    told = _round(runtime, opened).report["rationales"]
    before, after = (np.mean([mark[name] for mark in told]) for name in ("before", "after"))
    assert before < 0 < after


def test_a_round_without_marks_reports_none(runtime: WorkerRuntime, opened: Database) -> None:
    assert _round(runtime, opened).report["rationales"] == []


def test_a_first_round_has_the_version_without_labels_to_compare_with(runtime: WorkerRuntime, opened: Database) -> None:
    _mark(opened, _with_word(opened)[0], "right")
    (mark,) = _round(runtime, opened).report["rationales"]
    assert mark["before"] is not None


def test_words_are_measured_with_each_versions_own_encoder(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tiers.STEPS, "adapter", 4)
    first = _mark(opened, _with_word(opened)[0], "wrong")
    plain = _round(runtime, opened).report["rationales"][0]
    tuned = _round(runtime, opened, "adapter").report["rationales"][0]
    assert tuned["before"] == pytest.approx(plain["after"], abs=1e-3)
    assert first


def test_what_people_disagree_on_teaches_nothing(opened: Database) -> None:
    one, two, three = _with_word(opened)[:3]
    _mark(opened, one, "wrong")
    _mark(opened, one, "right", name="너")
    _mark(opened, two, "wrong")
    newest = _mark(opened, two, "wrong", name="너")
    _mark(opened, three, "wrong", label_id=2)
    marks = rationale_training.gather(opened, LABELS, up_to=rationales.last_rationale_id(opened))
    assert [(m.diary_id, m.label_id) for m in marks.rationales] == [(two, 5), (three, 2)]
    assert marks.rationales[0].id == newest
    assert marks.columns.tolist() == [1, 0]
    assert all(WORD in text and WORD not in without for text, without in zip(marks.texts, marks.without, strict=True))


def test_marks_on_test_diaries_and_for_labels_that_are_gone_teach_nothing(opened: Database) -> None:
    _mark(opened, _with_word(opened, "test")[0], "wrong")
    _mark(opened, _with_word(opened)[0], "wrong", label_id=7)
    marks = rationale_training.gather(opened, LABELS, up_to=rationales.last_rationale_id(opened))
    assert marks.rationales == ()


def test_each_changed_text_is_encoded_once_and_never_taken_for_another(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _mark(opened, _with_word(opened)[0], "wrong")
    encoder, encode = runtime.encoder(opened), runtime.encode
    encoded: list[list[str]] = []

    def noting(db: Database, texts: list[str], **more: Any) -> Encoded:
        encoded.append(texts)
        return encode(db, texts, **more)

    monkeypatch.setattr(runtime, "encode", noting)
    marks = rationale_training.gather(opened, LABELS, up_to=1)
    mean = np.zeros(encoder.width, np.float32)
    first = rationale_training.learn_from(runtime, opened, marks, encoder, mean=mean, space=None)
    again = rationale_training.learn_from(runtime, opened, marks, encoder, mean=mean, space=None)
    assert encoded == [list(marks.without)]
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.effects, again.effects)
    # The same number in a copy of the database, but another word.
    other = rationale_training.Marks(marks.rationales, marks.columns, marks.texts, ("오늘은 정말 기쁘고",))
    changed = rationale_training.learn_from(runtime, opened, other, encoder, mean=mean, space=None)
    assert changed is not None
    assert len(encoded) == 2
    assert not np.allclose(changed.effects, first.effects)

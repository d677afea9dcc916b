from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import NotFoundError
from db.models import explanations, models, word_emotions
from db.models.word_emotions import NewWordEmotion
from db.people import annotators
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

SAD, HAPPY = 5, 2


def _say(db: Database, word: str, label_id: int | None, verdict: word_emotions.Verdict = "confirmed") -> int:
    me = annotators.get_or_create_id(db, "나")
    return word_emotions.add(db, NewWordEmotion(word, label_id, verdict, "hand", me))


def test_the_newest_row_of_a_word_stands(opened: Database) -> None:
    first = _say(opened, "눈물", SAD)
    assert word_emotions.last_id(opened) == first
    _say(opened, "비", None)
    _say(opened, "눈물", HAPPY)
    _say(opened, "책상", None, "rejected")
    standing = word_emotions.list_standing(opened)
    assert [(e.word, e.label_id, e.verdict) for e in standing] == [
        ("눈물", HAPPY, "confirmed"),
        ("비", None, "confirmed"),
        ("책상", None, "rejected"),
    ]
    assert word_emotions.count_confirmed(opened) == 1
    earlier = word_emotions.list_standing(opened, up_to=first)
    assert [(e.word, e.label_id) for e in earlier] == [("눈물", SAD)]


def test_what_is_taken_back_stands_no_more_but_is_kept(opened: Database) -> None:
    _say(opened, "눈물", SAD)
    _say(opened, "눈물", None, "none")
    assert word_emotions.list_standing(opened) == []
    emotion = word_emotions.find(opened, "눈물")
    assert emotion is not None
    assert emotion.verdict == "none"
    with pytest.raises(sqlite3.IntegrityError, match="only added to"):
        opened.conn.execute("delete from word_emotions")


def test_a_label_that_does_not_exist_is_refused(opened: Database) -> None:
    with pytest.raises(NotFoundError, match="row_gone"):
        _say(opened, "눈물", 99)


def test_explained_diaries_come_once_each_and_without_the_test_part(opened: Database) -> None:
    fill(opened, 3)
    opened.conn.execute("update diaries set part = case id when 3 then 'test' else 'pool' end")
    opened.conn.commit()
    model_id = models.add_model(opened, models.NewModel("instant", "bundled", "hash", (2, 5), b"", {}))
    before = word_emotions.evidence_mark(opened, model_id)
    for diary_id, unit, size in ((1, "eojeol", 1), (1, "morpheme", 2), (2, "morpheme", 2), (3, "eojeol", 1)):
        spans = tuple((i, i + 1) for i in range(size))
        weights = np.full((size, 2), diary_id, np.float32)
        explanations.store_explanation(
            opened, explanations.Explanation(diary_id, model_id, unit, spans, weights, (1.0, 1.0), 9)
        )  # type: ignore[arg-type]
    assert word_emotions.evidence_mark(opened, model_id) != before
    explained = list(word_emotions.list_explained(opened, model_id, unit="eojeol", limit=10))
    assert [(e.diary_id, len(e.spans), e.weights.shape) for e in explained] == [(2, 2, (2, 2)), (1, 1, (1, 2))]
    assert len(list(word_emotions.list_explained(opened, model_id, unit="eojeol", limit=1))) == 1


def test_what_is_asked_for_waits_until_it_is_done(opened: Database) -> None:
    assert not word_emotions.is_asked(opened, "effect"), "nobody has asked yet"
    word_emotions.ask(opened, "effect")
    asked = word_emotions.last_asked(opened, "effect")
    word_emotions.ask(opened, "effect")
    word_emotions.mark_done(opened, "effect", asked)
    assert word_emotions.is_asked(opened, "effect"), "it was asked for again meanwhile"
    assert not word_emotions.is_asked(opened, "vectors")
    word_emotions.mark_done(opened, "effect", asked + 1)
    assert not word_emotions.is_asked(opened, "effect")

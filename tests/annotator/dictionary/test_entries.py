from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.dictionary import entries
from annotator.errors import UserError
from db.models import models, word_emotions
from db.people import annotators
from learner.lexicon import word_vectors
from learner.lexicon.word_vectors import WordVectors
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

HAPPY, SAD = 2, 5


@pytest.fixture
def me(opened: Database) -> int:
    return annotators.get_or_create_id(opened, "나")


def _standing(db: Database) -> dict[str, tuple[int | None, str]]:
    return {e.word: (e.label_id, e.verdict) for e in word_emotions.list_standing(db)}


def test_a_word_by_hand_is_kept_in_its_dictionary_form(opened: Database, me: int) -> None:
    assert entries.add(opened, " 기뻤어요! ", HAPPY, annotator_id=me).word == "기쁘다"
    assert entries.add(opened, "눈물이 났다", SAD, annotator_id=me).word == "눈물 나다"
    assert entries.add(opened, "책상", None, annotator_id=me).word == "책상"
    assert _standing(opened) == {
        "기쁘다": (HAPPY, "confirmed"),
        "눈물 나다": (SAD, "confirmed"),
        "책상": (None, "confirmed"),
    }


@pytest.mark.parametrize(
    ("written", "code"),
    [("", "word_missing"), (" \n", "word_missing"), ("...", "word_missing"), ("가" * 41, "word_too_long")],
)
def test_what_is_no_word_is_refused_and_nothing_kept(opened: Database, me: int, written: str, code: str) -> None:
    with pytest.raises(UserError, match=code):
        entries.add(opened, written, SAD, annotator_id=me)
    assert _standing(opened) == {}


def test_too_many_words_are_no_phrase(opened: Database, me: int) -> None:
    with pytest.raises(UserError, match="word_phrase_too_long"):
        entries.add(opened, "비 눈물 꽃 책상 바다 하늘", SAD, annotator_id=me)


def test_a_label_that_is_not_in_the_set_is_refused(opened: Database, me: int) -> None:
    with pytest.raises(UserError, match="label_unknown"):
        entries.add(opened, "눈물", 99, annotator_id=me)
    assert _standing(opened) == {}


def test_a_press_is_taken_back_to_what_stood_before(opened: Database, me: int) -> None:
    first = entries.confirm(opened, "눈물", SAD, annotator_id=me)
    second = entries.confirm(opened, "눈물", HAPPY, annotator_id=me)
    third = entries.reject(opened, "눈물", annotator_id=me)
    assert entries.undo(opened, third, annotator_id=me)
    assert _standing(opened) == {"눈물": (HAPPY, "confirmed")}
    assert not entries.undo(opened, second, annotator_id=me), "it was overtaken"
    assert not entries.undo(opened, first, annotator_id=me)
    assert _standing(opened) == {"눈물": (HAPPY, "confirmed")}
    alone = entries.reject(opened, "비", annotator_id=me)
    assert entries.undo(opened, alone, annotator_id=me)
    assert "비" not in _standing(opened)


def test_every_word_of_a_text_is_tagged_and_nothing_of_it_is_lost(opened: Database, me: int) -> None:
    entries.add(opened, "눈물이 났다", SAD, annotator_id=me)
    entries.add(opened, "기쁘다", HAPPY, annotator_id=me)
    entries.add(opened, "책상", None, annotator_id=me)
    text = " 책상에서 눈물이 났다. <b>기쁘지 않았다</b>"
    tokens = entries.tag_text(opened, text)
    assert "".join(token.text for token in tokens) == text
    words = [(t.word, t.label and t.label.name, t.is_known) for t in tokens if t.word]
    assert words[:2] == [("책상", None, True), ("눈물 나다", "슬픔", True)]
    assert ("안 기쁘다", None, False) in words


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=()), max_size=40))
def test_the_pieces_of_any_text_are_the_text(opened: Database, text: str) -> None:
    assert "".join(token.text for token in entries.tag_text(opened, text)) == text


def test_a_text_that_takes_too_long_is_refused(opened: Database) -> None:
    with pytest.raises(UserError, match="text_too_long_to_tag"):
        entries.tag_text(opened, "가" * (entries.MOST_CHARACTERS + 1))


def test_a_word_whose_label_is_gone_has_no_emotion(opened: Database, me: int) -> None:
    entries.add(opened, "눈물", SAD, annotator_id=me)
    opened.conn.execute("pragma foreign_keys = off")
    opened.conn.execute("delete from labels where id = ?", (SAD,))
    opened.conn.commit()
    (token,) = [token for token in entries.tag_text(opened, "눈물") if token.word]
    assert (token.label, token.is_known) == (None, True)


def _keep_vectors(path: Path, kind: entries.VectorKind, encoder_hash: str) -> None:
    words = WordVectors(("눈물", "울다", "웃다"), np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32))
    about = {"encoder_hash": encoder_hash, "diaries": 300}
    word_vectors.store(entries.vectors_file(path, kind), words, about)


def test_related_words_are_proposed_and_enter_only_by_a_press(opened: Database, project_path: Path, me: int) -> None:
    assert entries.propose(opened, project_path, "encoder").relations is None
    _keep_vectors(project_path, "encoder", "hash")
    assert entries.propose(opened, project_path, "encoder").relations == []
    entries.confirm(opened, "눈물", SAD, annotator_id=me)
    proposals = entries.propose(opened, project_path, "encoder")
    assert [(r.form, r.label, r.nearest) for r in proposals.relations or ()] == [("울다", SAD, "눈물")]
    assert list(_standing(opened)) == ["눈물"]
    entries.reject(opened, "울다", annotator_id=me, source="similar")
    assert entries.propose(opened, project_path, "encoder").relations == []


def test_vectors_of_an_earlier_encoder_say_so(opened: Database, project_path: Path) -> None:
    models.activate(
        opened, models.add_model(opened, models.NewModel("zero", "bundled", "new", (2, 5), b"", {})), reason="x"
    )
    _keep_vectors(project_path, "encoder", "old")
    assert entries.propose(opened, project_path, "encoder").is_older
    _keep_vectors(project_path, "encoder", "new")
    assert not entries.propose(opened, project_path, "encoder").is_older


def test_few_diaries_are_too_little_text(opened: Database, project_path: Path) -> None:
    fill(opened, 20)
    proposals = entries.propose(opened, project_path, "own")
    assert (proposals.is_too_small, proposals.diary_count, proposals.relations) == (True, 20, None)


def test_vectors_are_waited_for_once_asked(opened: Database) -> None:
    assert not entries.is_waiting(opened, "vectors")
    entries.ask(opened, "vectors")
    assert entries.is_waiting(opened, "vectors")

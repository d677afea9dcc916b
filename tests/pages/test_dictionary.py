from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import project
from annotator import settings as project_settings
from annotator.dictionary import entries, evidence
from db.label_sets import labels
from db.models import explanations, models, word_emotions
from db.people import annotators
from db.texts import diaries
from learner.lexicon import word_vectors
from learner.lexicon.word_vectors import WordVectors
from learner.text.units import eojeol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from db import Database

SAD = 5
MARKUP = "<img src=x onerror=alert(1)>"


def _explain(db: Database) -> None:
    """Let a model have explained all six diaries: 눈물 speaks for sadness, everything else against it."""
    db.conn.execute("update diaries set part = 'pool'")
    db.conn.commit()
    project_settings.change(db, blind_share=0.0)
    label_ids = tuple(label.id for label in labels.list_labels(db))
    model_id = models.add_model(db, models.NewModel("zero", "bundled", "hash", label_ids, b"", {}))
    models.activate(db, model_id, reason="test")
    for diary in diaries.list_diaries(db, range(1, 7)):
        spans = eojeol(diary.text)
        weights = np.zeros((len(spans), len(label_ids)), np.float32)
        weights[:, label_ids.index(SAD)] = [0.9 if "눈물" in diary.text[a:b] else -0.1 for a, b in spans]
        fit = (1.0,) * len(label_ids)
        explanations.store_explanation(
            db, explanations.Explanation(diary.id, model_id, "eojeol", spans, weights, fit, 9)
        )


@pytest.fixture
def explained(filled: Path) -> Path:
    with project.opened(filled) as db:
        _explain(db)
    return filled


def _standing(path: Path) -> dict[str, tuple[int | None, str]]:
    with project.opened(path) as db:
        return {e.word: (e.label_id, e.verdict) for e in word_emotions.list_standing(db)}


def _press(app: AppTest, start: str) -> AppTest:
    next(button for button in app.button if button.key and button.key.startswith(start)).click()
    return app.run()


def _choose(app: AppTest, start: str, value: Any) -> AppTest:
    next(group for group in app.button_group if group.key and group.key.startswith(start)).set_value(value)
    return app.run()


def _html(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_without_a_model_the_page_says_what_to_do(filled: Path, open_app: Callable[..., AppTest]) -> None:
    app = open_app("dictionary")
    assert app.title[0].value == "감정 사전"
    assert any("아직 모델이 없어요" in info.value for info in app.info)
    assert app.sidebar, "through the frame"
    assert not app.exception


def test_without_explanations_the_page_says_what_to_do(filled: Path, open_app: Callable[..., AppTest]) -> None:
    with project.opened(filled) as db:
        model_id = models.add_model(db, models.NewModel("zero", "bundled", "hash", (1, 2), b"", {}))
        models.activate(db, model_id, reason="test")
    assert any("설명한 일기가 아직 없어요" in info.value for info in open_app("dictionary").info)


def test_the_strongest_word_is_confirmed_with_one_press_and_taken_back(
    explained: Path, open_app: Callable[..., AppTest]
) -> None:
    app = open_app("dictionary")
    assert not app.exception
    assert "눈물" in _html(app)
    assert "<u>눈물이</u>" in _html(app)
    assert any("슬픔 +0.90" in caption.value for caption in app.caption)
    app = _press(app, f"dictionary_confirm_{SAD}_")
    assert _standing(explained) == {"눈물": (SAD, "confirmed")}
    app = _press(app, "dictionary_reject_")
    assert [verdict for _, verdict in _standing(explained).values()].count("rejected") == 1
    app = _press(app, "dictionary_undo")
    app = _press(app, "dictionary_undo")
    assert _standing(explained) == {}
    assert not app.exception


def test_a_word_can_be_put_off_and_one_without_emotion_kept(explained: Path, open_app: Callable[..., AppTest]) -> None:
    app = _press(open_app("dictionary"), "dictionary_later_")
    assert not any(button.key == "dictionary_later_눈물" for button in app.button)
    _press(app, "dictionary_none_")
    assert [label_id for label_id, _ in _standing(explained).values()] == [None]


def test_words_are_filtered_and_turned_by_the_page(explained: Path, open_app: Callable[..., AppTest]) -> None:
    app = open_app("dictionary")
    assert any("1 / 2쪽" in caption.value for caption in app.caption)
    app = _press(app, "dictionary_next")
    assert any("2 / 2쪽" in caption.value for caption in app.caption)
    app.text_input(key="dictionary_search").set_value("눈물이").run()
    assert len(app.dataframe[0].value) == 1
    app.text_input(key="dictionary_search").set_value("없는말").run()
    assert any("맞는 낱말이 없어요" in info.value for info in app.info)
    app.text_input(key="dictionary_search").set_value("").run()
    app = _choose(app, "dictionary_state", "rejected")
    assert any("맞는 낱말이 없어요" in info.value for info in app.info)


def test_a_word_by_hand_comes_in_and_what_is_none_is_said(explained: Path, open_app: Callable[..., AppTest]) -> None:
    app = open_app("dictionary")
    app.text_input(key="dictionary_add_word").set_value("외로웠어요")
    app = _press(app, "FormSubmitter:dictionary_add")
    assert list(_standing(explained)) == ["외롭다"]
    app.text_input(key="dictionary_add_word").set_value("...")
    app = _press(app, "FormSubmitter:dictionary_add")
    assert any("낱말을 찾지 못했어요" in error.value for error in app.error)
    assert list(_standing(explained)) == ["외롭다"]


def test_a_text_is_tagged_and_no_markup_of_it_survives(explained: Path, open_app: Callable[..., AppTest]) -> None:
    with project.opened(explained) as db:
        entries.add(db, "눈물", SAD, annotator_id=annotators.get_or_create_id(db, "나"))
    app = _choose(open_app("dictionary"), "dictionary_section", "tryout")
    app.text_area(key="dictionary_tryout").set_value(f"{MARKUP} 눈물이 났다").run()
    assert "[슬픔]" in _html(app)
    assert MARKUP not in _html(app)
    assert "&lt;img" in _html(app)
    assert not app.exception


def test_no_markup_of_a_diary_or_a_word_survives(explained: Path, open_app: Callable[..., AppTest]) -> None:
    with project.opened(explained) as db:
        db.conn.execute("update diaries set text = ? || ' 눈물이 난다' where id = 4", (MARKUP,))
        db.conn.commit()
        me = annotators.get_or_create_id(db, "나")
        word_emotions.add(db, word_emotions.NewWordEmotion(MARKUP, SAD, "confirmed", "hand", me))
    app = _choose(open_app("dictionary"), "dictionary_state", "confirmed")
    assert MARKUP not in _html(app)
    assert "&lt;img" in _html(app)
    assert not app.exception


def test_related_words_wait_for_a_press(explained: Path, open_app: Callable[..., AppTest]) -> None:
    with project.opened(explained) as db:
        entries.add(db, "눈물", SAD, annotator_id=annotators.get_or_create_id(db, "나"))
    vectors = np.array([[1, 0], [0.8, 0.6]], np.float32)
    about = {"encoder_hash": "hash", "diaries": 6}
    word_vectors.store(entries.vectors_file(explained, "encoder"), WordVectors(("눈물", "울다"), vectors), about)
    app = _choose(open_app("dictionary"), "dictionary_section", "related")
    assert any("울다" in text.value for text in app.markdown)
    assert any("글이 모자라요" in info.value for info in app.info)
    assert "울다" not in _standing(explained)
    _press(app, "dictionary_accept_")
    assert _standing(explained)["울다"] == (SAD, "confirmed")


def test_words_of_more_diaries_are_asked_of_the_worker(explained: Path, open_app: Callable[..., AppTest]) -> None:
    app = _press(open_app("dictionary"), "dictionary_more")
    assert any("작업자가 꺼져 있어" in warning.value for warning in app.warning)
    with project.opened(explained) as db:
        assert entries.is_waiting(db, "evidence")
        assert sorted(evidence.list_due(db)) == [1, 2, 3, 4, 5, 6]
        assert not evidence.can_ask_more(db)


def test_making_related_words_is_asked_of_the_worker(explained: Path, open_app: Callable[..., AppTest]) -> None:
    app = _press(_choose(open_app("dictionary"), "dictionary_section", "related"), "dictionary_make")
    assert any("작업자가 꺼져 있어" in warning.value for warning in app.warning)
    with project.opened(explained) as db:
        assert entries.is_waiting(db, "vectors")


def test_the_switch_is_kept_and_says_what_is_missing(explained: Path, open_app: Callable[..., AppTest]) -> None:
    app = _choose(open_app("dictionary"), "dictionary_section", "effect")
    assert any("감정이 있는 낱말이 아직 없어요" in info.value for info in app.info)
    app.toggle(key="dictionary_use").set_value(True).run()
    with project.opened(explained) as db:
        assert project_settings.load(db).use_dictionary


_FIGURES = {"accuracy_low": 0.4, "accuracy_high": 0.9, "f1": [0.5, 0.5], "confusion": [[10, 10], [10, 10]]}


@pytest.mark.parametrize(
    ("p", "accuracy", "n", "words"),
    [
        (0.01, 0.9, 40, "더 많이 맞혔어요"),
        (0.4, 0.9, 40, "우연일 수 있어요"),
        (0.01, 0.2, 40, "오히려 더 틀렸고"),
        (0.01, 0.9, 12, "믿기 어려워요"),
    ],
)
def test_it_is_called_better_only_where_the_test_allows(
    explained: Path, open_app: Callable[..., AppTest], p: float, accuracy: float, n: int, words: str
) -> None:
    before, after = ({"n": n, "accuracy": a, "macro_f1": a, **_FIGURES} for a in (0.5, accuracy))
    with project.opened(explained) as db:
        effect = {
            "model_id": 1, "up_to": 0, "word_count": 3, "strength": 1.5, "train_count": 90, "touched": 5, "p": p,
            "before": before, "after": after, "f1_change": {"value": 0.1, "low": -0.1, "high": 0.2},
            "measured_at": "2026-01-01T00:00:00.000+00:00",
        }  # fmt: skip
        word_emotions.store_effect(db, effect)
    app = _choose(open_app("dictionary"), "dictionary_section", "effect")
    assert not app.exception
    told = [element.value for element in (*app.success, *app.warning, *app.info)]
    assert any(words in text for text in told)
    assert any("더 많이 맞혔어요" in text for text in told) == (words == "더 많이 맞혔어요")

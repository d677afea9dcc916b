from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import project
from db import decisions, label_doubts, models
from db.label_doubts import NewDoubt

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def _doubt_first_two(db: Database) -> None:
    labelled = [d for d in decisions.list_standing(db, [1, 2]) if d.label_id]
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {}))
    doubts = [NewDoubt(d.id, d.diary_id, 0.1 * d.diary_id, 6, True) for d in labelled]
    label_doubts.store_doubts(db, model_id, doubts)


@pytest.fixture
def doubted(filled: Path) -> Path:
    """Two imported labels, 행복 and 당황, where the model finds 중립 likelier."""
    with project.opened(filled) as db:
        db.conn.execute("update diaries set part = 'pool'")
        db.conn.commit()
        _doubt_first_two(db)
    return filled


def _said(app) -> str:
    groups = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(element.value for group in groups for element in group)


def _button(app, words: str):
    return next(b for b in app.main.get("button") if words in b.label)


def test_without_doubts_the_page_says_when_there_will_be_some(filled: Path, open_app) -> None:
    app = open_app("doubts")
    assert not app.error
    assert "다시 볼 라벨이 없어요" in app.info[0].value


def test_a_doubted_label_is_shown_with_the_alternative_and_its_keys(doubted: Path, open_app) -> None:
    app = open_app("doubts")
    assert not app.error
    assert "행복" in _said(app)
    assert "중립" in _said(app)
    assert _button(app, "그대로 두기").proto.shortcut == "k"
    assert _button(app, "중립 감정으로 바꾸기").proto.shortcut == "6"


def test_keeping_goes_on_to_the_next_and_can_be_undone(doubted: Path, open_app) -> None:
    app = open_app("doubts")
    _button(app, "그대로 두기").click().run()
    assert not app.error
    assert "당황" in _said(app)
    assert app.main.get("progress")[0].proto.text == "1 / 2"
    _button(app, "되돌리기").click().run()
    assert "행복" in _said(app)
    assert app.main.get("progress")[0].proto.text == "0 / 2"


def test_changing_is_a_decision_of_the_person_at_the_browser(doubted: Path, open_app) -> None:
    app = open_app("doubts")
    _button(app, "중립 감정으로 바꾸기").click().run()
    assert not app.error
    with project.opened(doubted) as db:
        assert 6 in [d.label_id for d in decisions.list_standing(db, [1])]


def test_the_end_is_said(doubted: Path, open_app) -> None:
    app = open_app("doubts")
    for _ in range(2):
        _button(app, "그대로 두기").click().run()
    assert "다 봤어요" in app.success[0].value
    assert _button(app, "되돌리기")

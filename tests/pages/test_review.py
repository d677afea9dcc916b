from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.review import actions, returned
from annotator.review.actions import ReviewAction
from db.people import annotators
from db.review import reviews
from tests import reviewed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def doubted(ready: Path) -> Path:
    """지민 has labelled twelve diaries, 1 and 2 wrongly; 서연 says something else of 3."""
    with project.opened(ready) as db:
        reviewed.make(db)
    return ready


def _send_back(path: Path, comment: str) -> None:
    with project.opened(path) as db:
        me = annotators.get_or_create_id(db, "검토자")
        actions.apply(db, ReviewAction("return", 1, reviews.get_revision(db, 1), comment=comment), reviewer_id=me)


def _button(app, words: str):
    return next(b for b in app.main.get("button") if words in b.label)


def test_before_the_worker_has_looked_the_page_says_what_will_come(filled: Path, open_app) -> None:
    app = open_app("review")
    assert not app.error
    assert "아직 고르지 않았어요" in app.main.markdown[0].value


def test_the_rows_are_counted_and_filters_narrow_them(doubted: Path, open_app) -> None:
    app = open_app("review")
    assert not app.error
    assert "3개" in [caption.value for caption in app.main.caption]
    app.main.selectbox(key="review_signal_ko").set_value("disagreement").run()
    assert "1개" in [caption.value for caption in app.main.caption]
    app.main.selectbox(key="review_label_ko").set_value(7).run()
    assert "조건에 맞는 글이 없어요" in app.main.markdown[0].value


def test_the_surest_are_listed_before_they_are_accepted(doubted: Path, open_app) -> None:
    app = open_app("review")
    app.main.get("popover")
    app.session_state["review_bulk_0"] = True
    app.run()
    assert not app.error
    listed = next(element.proto.body for element in app.main.get("html") if "%" in element.proto.body)
    assert listed.count("<div") == 2
    _button(app, "이 2편 받아들이기").click().run()
    assert not app.error
    assert "1개" in [caption.value for caption in app.main.caption]


def test_a_comment_full_of_markup_is_shown_as_text(doubted: Path, open_app) -> None:
    _send_back(doubted, "<script>alert(1)</script> **굵게** :smile: </p><b>")
    app = open_app()
    app.sidebar.selectbox(key="frame_name").set_value("지민").run()
    app.switch_page("pages/corrections/page.py").run()
    assert not app.error
    shown = [element.proto.body for element in app.main.get("html")]
    assert any("&lt;script&gt;alert(1)&lt;/script&gt; **굵게** :smile: &lt;/p&gt;&lt;b&gt;" in body for body in shown)
    assert not any("<script>" in body or "<b>" in body for body in shown)
    assert not any("검토자" in str(element.value) for element in [*app.main.markdown, *app.main.caption])


def _shown(app, since: float) -> None:
    drafts = app.session_state["session_drafts"]
    drafts["corrections_shown"] = (drafts["corrections_shown"][0], since)


def test_who_answers_a_card_that_has_only_just_appeared_is_told_that_it_did_not_count(doubted: Path, open_app) -> None:
    _send_back(doubted, "다시 봐 주세요")
    app = open_app()
    app.sidebar.selectbox(key="frame_name").set_value("지민").run()
    app.switch_page("pages/corrections/page.py").run()
    _shown(app, time.monotonic() + 60)
    _button(app, "행복").click().run()
    assert [toast.value for toast in app.toast] == ["방금 나온 글이라 저장하지 않았어요. 읽고 나서 눌러 주세요."]
    with project.opened(doubted) as db:
        assert returned.count(db, annotators.get_or_create_id(db, "지민")) == 1


def test_an_answer_ends_the_waiting_and_can_be_undone(doubted: Path, open_app) -> None:
    _send_back(doubted, "다시 봐 주세요")
    app = open_app()
    app.sidebar.selectbox(key="frame_name").set_value("지민").run()
    app.switch_page("pages/corrections/page.py").run()
    assert _button(app, "행복").proto.shortcut == "2"
    _shown(app, time.monotonic() - 60)
    _button(app, "행복").click().run()
    assert not app.error
    assert "다 봤어요" in app.info[0].value
    with project.opened(doubted) as db:
        assert returned.count(db, annotators.get_or_create_id(db, "지민")) == 0
    _button(app, "되돌리기").click().run()
    assert not app.error
    with project.opened(doubted) as db:
        assert returned.count(db, annotators.get_or_create_id(db, "지민")) == 1


def test_nothing_sent_back_is_said(filled: Path, open_app) -> None:
    app = open_app("corrections")
    assert not app.error
    assert "고쳐 볼 글이 없어요" in app.info[0].value

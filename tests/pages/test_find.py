"""찾기: the address is the search, hits are shown with what is known, and a diary's page offers what one may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db.answers import decisions
from db.texts import care_flags
from tests import reviewed
from tests.reviewed import HAPPY

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from tests.pages.conftest import OpenApp


@pytest.fixture
def ready_diaries(ready: Path) -> Path:
    """A project of thirty diaries, all labelled by 지민."""
    with project.opened(ready) as db:
        reviewed.make(db, 30)
    return ready


def _find(open_app: OpenApp, **search: str) -> AppTest:
    app = open_app()
    for name, value in search.items():
        app.query_params[name] = value
    return app.switch_page("pages/find/page.py").run()


def _html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def _said(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.success, *app.error))


def test_the_address_is_the_search(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app, q="눈물", label="슬픔")
    assert not app.exception
    assert app.text_input[0].value == "눈물"
    assert ">눈물</mark>" in _html(app)
    assert "찾은 일기" in _said(app)


def test_typing_words_changes_the_address_and_the_list(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app)
    assert "찾은 일기 30편" in _said(app)
    app.text_input[0].set_value("29번째").run()
    assert app.query_params["q"] == "29번째"
    assert "찾은 일기 1편" in _said(app)


def test_the_next_page_begins_where_the_last_one_ended(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app)
    app.button(key="find_more").click().run()
    assert app.query_params["after"]
    assert "find_open_5" in {button.key for button in app.button}
    assert "find_open_30" not in {button.key for button in app.button}


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        ({"q": "없는낱말"}, "그런 일기가 없어요"),
        ({"q": '"'}, "찾을 말이 없어요"),
        ({"q": "가" * 10_000}, "10,000자"),
        ({"label": "없음"}, "없음"),
        ({"since": "어제"}, "어제"),
        ({"like": "999"}, "999"),
    ],
)
def test_what_can_not_be_found_is_said(
    ready_diaries: Path, open_app: OpenApp, search: dict[str, str], sentence: str
) -> None:
    app = _find(open_app, **search)
    assert not app.exception
    assert sentence in _said(app)


def test_a_diarys_page_shows_its_story_and_takes_a_label(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app, diary="1")
    assert app.title[0].value == "1번 일기"
    assert "0번째 날" in _html(app)
    assert "지민 님이 슬픔을 골랐어요" in _html(app)
    app.button(key=f"find_label_1_{HAPPY}").click().run()
    assert "행복으로 저장했어요" in _said(app)
    with project.opened(ready_diaries) as db:
        newest = decisions.list_standing(db, [1])[-1]
        assert (newest.label_id, newest.memo) == (HAPPY, "")


def test_a_diary_is_marked_for_care_from_its_page(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app, diary="2")
    app.button(key="find_care").click().run()
    assert not app.exception
    with project.opened(ready_diaries) as db:
        assert care_flags.find_flag(db, 2) is not None
    assert "find_care" not in {button.key for button in app.button}


def test_a_diary_that_is_forgotten_while_its_page_is_open_is_said(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app, diary="2")
    with project.opened(ready_diaries) as db:
        forgetting.forget(db, None, Selection(ids=(2,)))
    app.button(key=f"find_label_2_{HAPPY}").click().run()
    assert not app.exception
    assert "완전히 지웠어요" in _said(app)


def test_what_was_found_is_sent_to_the_queue(ready_diaries: Path, open_app: OpenApp) -> None:
    with project.opened(ready_diaries) as db:
        db.conn.execute("delete from standing")
        db.conn.commit()
    app = _find(open_app, q="눈물")
    app.button(key="find_send_25").click().run()
    assert "15편을 다음 차례로 보냈어요" in _said(app)


def test_in_english_everything_is_said_in_english(
    ready_diaries: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAEUMGYEOL_LANG", "en")
    app = _find(open_app, q="눈물")
    assert "15 diaries found" in _said(app)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import accounts, people, project, sessions
from pages.widgets import session

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

PASSWORD = "correct horse 1"


def _make_first(app: AppTest, again: str) -> AppTest:
    app.text_input(key="people_first_password").set_value(PASSWORD)
    app.text_input(key="people_first_again").set_value(again)
    return next(button for button in app.button if button.label == "만들고 로그인하러 가기").click().run()


def test_the_first_account_is_made_alone_and_closes_the_door_behind_it(
    filled: Path, open_app, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "token", lambda: None)  # the tests' app has no cookies
    with project.opened(filled) as db:
        alone = people.identify(db, "나")
    app = _make_first(open_app("people"), again=PASSWORD)
    assert "다시 로그인해 주세요" in app.error[0].value
    assert not app.title
    with project.opened(filled) as db:
        assert accounts.get_id(db, "나") == alone
    assert "다시 로그인해 주세요" in open_app().error[0].value


def test_two_passwords_that_differ_make_no_account(filled: Path, open_app) -> None:
    app = _make_first(open_app("people"), again="another horse 2")
    assert "서로 달라요" in app.error[0].value
    with project.opened(filled) as db:
        assert not accounts.has_any(db)


@pytest.fixture
def signed_in(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An administrator's browser: the tests' app has no cookies, so the token is handed over here."""
    with project.opened(filled) as db:
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        token = sessions.login(db, "수아", PASSWORD, address="192.0.2.1")
    monkeypatch.setattr(session, "token", lambda: token)
    return filled


def test_who_is_signed_in_stands_in_the_sidebar_instead_of_the_name_box(signed_in: Path, open_app) -> None:
    app = open_app("people")
    assert not app.error
    assert [box for box in app.sidebar.selectbox if box.key == "frame_name"] == []
    assert "수아" in app.sidebar.get("html")[0].proto.body


def test_an_invite_shows_its_link_and_can_be_withdrawn(signed_in: Path, open_app) -> None:
    app = open_app("people")
    app.text_input(key="people_invite_name").set_value("지민 *굵게*")
    app = next(button for button in app.button if button.label == "초대 링크 만들기").click().run()
    token = app.code[0].value.rsplit("/", 1)[1]
    with project.opened(signed_in) as db:
        assert accounts.get_invite(db, token).name == "지민 *굵게*"
    app = next(button for button in app.button if button.label == "초대 거두기").click().run()
    with project.opened(signed_in) as db:
        assert accounts.list_invites(db) == []


def test_the_last_administrator_is_told_why_the_account_stays_open(signed_in: Path, open_app) -> None:
    app = open_app("people")
    app = next(button for button in app.button if button.label == "계정 닫기").click().run()
    assert "관리자가 “수아” 한 사람뿐이에요" in app.error[0].value


def test_the_log_is_turned_page_by_page(signed_in: Path, open_app) -> None:
    with project.opened(signed_in) as db:
        for i in range(40):
            accounts.invite(db, None, f"사람 {i}", "annotator")
        for i in range(40):
            accounts.withdraw(db, None, f"사람 {i}")
    app = open_app("people")
    first = list(app.dataframe[0].value["무엇을"])
    assert first == ["초대 거둠"] * 30
    app.button(key="people_log_older").click().run()
    assert list(app.dataframe[0].value["무엇을"]) == ["초대 거둠"] * 10 + ["초대"] * 20
    app.button(key="people_log_newest").click().run()
    assert list(app.dataframe[0].value["무엇을"]) == first

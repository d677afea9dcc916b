from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.accounts import accounts, sessions
from pages.widgets import session

if TYPE_CHECKING:
    from pathlib import Path


PASSWORD = "correct horse 1"


def test_who_works_alone_is_told_what_an_account_changes_and_led_to_the_form(filled: Path, open_app) -> None:
    app = open_app("people")
    assert "혼자, 로그인 없이" in app.info[0].value
    assert not app.text_input
    assert any('href="/first"' in html.proto.body for html in app.main.get("html"))


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

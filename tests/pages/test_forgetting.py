"""Administrators let diaries go: by writer and number on 설정, a whole import on 가져오기."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import project
from annotator.accounts import accounts, sessions
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db.texts import batches, diaries
from pages.widgets import session

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from streamlit.testing.v1 import AppTest

    from tests.pages.conftest import OpenApp


def _page_text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.success) for element in kind)


def _count(path: Path) -> int:
    with project.opened(path) as db:
        return len(diaries.list_ids(db))


def test_by_number_it_is_shown_asked_and_done(filled: Path, open_app: OpenApp) -> None:
    app = open_app("settings")
    app.segmented_control[0].set_value("ids").run()
    assert app.button(key="forget_look_settings").disabled
    app.text_input(key="settings_forget_ids").set_value("2, 4").run()
    app.button(key="forget_look_settings").click().run()
    assert "2편" in _page_text(app)
    assert _count(filled) == 6
    app.button(key="forget_cancel_settings").click().run()
    assert _count(filled) == 6
    app.button(key="forget_look_settings").click().run()
    app.button(key="forget_confirm_settings").click().run()
    assert not app.error
    assert _count(filled) == 4
    assert "2편을 완전히 지웠어요" in _page_text(app)
    assert "백업" in _page_text(app)


def test_what_is_not_there_is_said(filled: Path, open_app: OpenApp) -> None:
    app = open_app("settings")
    app.text_input(key="settings_forget_author").set_value("아무개").run()
    app.button(key="forget_look_settings").click().run()
    assert app.error
    assert _count(filled) == 6


def test_what_was_shown_counts_only_for_what_is_chosen(filled: Path, open_app: OpenApp) -> None:
    app = open_app("settings")
    app.segmented_control[0].set_value("ids").run()
    app.text_input(key="settings_forget_ids").set_value("2").run()
    app.button(key="forget_look_settings").click().run()
    app.text_input(key="settings_forget_ids").set_value("2 3 4").run()
    assert "forget_confirm_settings" not in {button.key for button in app.button}


def test_an_import_is_taken_back_from_the_list_of_imports(filled: Path, open_app: OpenApp) -> None:
    app = open_app("import_diaries")
    app.selectbox(key="import_forget_1_ko").set_value(1).run()
    app.button(key="forget_look_import").click().run()
    app.button(key="forget_confirm_import").click().run()
    assert not app.error
    assert _count(filled) == 0
    with project.opened(filled) as db:
        assert batches.list_batches(db)[0].file_name == ""


def test_a_reviewer_finds_neither_the_choice_nor_the_right(
    filled: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project.opened(filled) as db:
        accounts.add(db, None, "관리", "administrator", password="correct horse battery staple 7")
        reviewer = accounts.add(db, None, "가람", "reviewer", password="wrong cow generator paper 9")
        token = sessions.begin(db, reviewer, "127.0.0.1")
    monkeypatch.setattr(session, "token", lambda: token)
    app = open_app("import_diaries")
    assert not app.error
    assert "forget_look_import" not in {button.key for button in app.button}


def test_the_page_of_versions_and_the_team_tell_what_is_missing(filled: Path, open_app: OpenApp) -> None:
    with project.opened(filled) as db:
        forgetting.forget(db, None, Selection(ids=(1,)))
    for page in ("team", "learn", "overview", "import_diaries", "people"):
        app = open_app(page)
        assert not app.exception
        assert not app.error, page

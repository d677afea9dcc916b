from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import project, settings
from annotator.accounts import accounts, sessions
from db.models import facts
from db.people import audit_log
from pages.widgets import session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    OpenApp = Callable[..., AppTest]


def test_a_change_counts_at_once_and_is_on_record(ready: Path, open_app: OpenApp) -> None:
    app = open_app("settings")
    app.number_input(key="settings_overlap").set_value(2).run()
    app.slider(key="settings_overlap_share").set_value(30).run()
    app.toggle(key="settings_several_labels").set_value(True).run()
    assert not app.error
    with project.opened(ready) as db:
        now = settings.load(db)
        actions = [(entry.action, entry.subject) for entry in audit_log.list_entries(db, limit=10)]
    assert (now.overlap, now.overlap_share, now.several_labels) == (2, 0.3, True)
    assert ("settings.change", "overlap") in actions


def test_only_an_administrator_gets_in(ready: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    with project.opened(ready) as db:
        accounts.add(db, None, "관리", "administrator", password="correct horse battery staple 7")
        reviewer = accounts.add(db, None, "가람", "reviewer", password="wrong cow generator paper 9")
        token = sessions.begin(db, reviewer, "127.0.0.1")
    monkeypatch.setattr(session, "token", lambda: token)
    with pytest.raises(ValueError, match="navigation page"):
        open_app("settings")


def test_before_it_is_measured_the_choice_says_when_it_will_be(open_app: OpenApp, ready: Path) -> None:
    with project.opened(ready) as db:
        assert settings.load(db).precision == "auto"
    said = [caption.value for caption in open_app("settings").caption]
    assert "읽을 일기가 2,000편 넘게 밀리면 그때 이 컴퓨터에서 재서 골라요." in said


def test_what_was_measured_of_the_forms_stands_beside_their_choice(ready: Path, open_app: OpenApp) -> None:
    with project.opened(ready) as db:
        agreement = {"n": 500, "mean_cosine": 0.999, "least_cosine": 0.99, "same_answers": 0.994}
        speeds = {"fp32": 64.0, "int8": 99.6, "bf16": 39.2}
        facts.store_measured_precision(db, chosen="int8", speeds=speeds, agreement={"int8": agreement})
    app = open_app("settings")
    said = [caption.value for caption in app.caption]
    assert "지금은 fp32 방식으로 읽어요." in said
    assert "다음 학습부터는 int8 방식으로 읽어요." in said
    assert "이 컴퓨터에서 1초에 읽은 글 수: int8 100, fp32 64, bf16 39." in said
    assert "int8 방식과 fp32를 일기 500편으로 견주니 497편의 답이 같았어요." in said
    app.selectbox(key="settings_precision").set_value("fp32").run()
    assert not app.error
    assert not any("다음 학습부터는" in caption.value for caption in app.caption)
    with project.opened(ready) as db:
        assert settings.load(db).precision == "fp32"

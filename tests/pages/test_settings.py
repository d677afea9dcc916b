from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import project, settings
from annotator.accounts import accounts, sessions
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

"""살펴볼 글: what waits for the lead, the original on request, and the note of what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.accounts.permissions import machine_owner
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from annotator.privacy import care
from annotator.worker.tasks import care_flags
from db.people import audit_log

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from tests.pages.conftest import OpenApp

GRAVE = "살기 싫다는 말이 나온다. <b>전화</b> 010-1234-5678."


@pytest.fixture
def flagged(ready: Path) -> Path:
    """A project with a diary that waits for the lead and one that doesn't."""
    with project.opened(ready) as db:
        import_file(db, f"text\n{GRAVE}\n맑은 하루였다.".encode(), "diaries.csv", after=enqueue_import)
        while care_flags.scan(db):
            pass
    return ready


def _html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def test_a_flagged_diary_is_shown_covered_with_where_to_turn(flagged: Path, open_app: OpenApp) -> None:
    app = open_app("care")
    assert not app.exception
    assert "109" in app.info[0].value
    shown = _html(app)
    assert "●●●-●●●●-●●●●" in shown
    assert "&lt;b&gt;전화" in shown, "what is in a diary is no markup"
    assert "맑은 하루" not in shown


def test_the_original_is_shown_once_and_on_record(flagged: Path, open_app: OpenApp) -> None:
    app = open_app("care")
    app.button(key="care_reveal_1").click().run()
    assert "010-1234-5678" in _html(app)
    assert "010-1234-5678" not in _html(app.run())
    with project.opened(flagged) as db:
        assert [entry.action for entry in audit_log.list_entries(db)] == ["mask.reveal"]


def test_what_was_done_is_noted_and_the_diary_moves_to_the_others(flagged: Path, open_app: OpenApp) -> None:
    app = open_app("care")
    app.text_input(key="care_note_1").input("연락했어요").run()
    app.button(key="care_handle_1").click().run()
    assert not app.exception
    assert "살기 싫다" not in _html(app)
    with project.opened(flagged) as db:
        card = care.list_cards(db, person=machine_owner(), which="handled", limit=9)[0]
    assert (card.flag.diary_id, card.flag.note) == (1, "연락했어요")


def test_a_project_without_such_diaries_says_so(filled: Path, open_app: OpenApp) -> None:
    app = open_app("care")
    assert any("살펴볼 글이 없어요" in caption.value for caption in app.caption)

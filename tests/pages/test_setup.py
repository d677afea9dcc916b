from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import project
from db.label_sets.labels import list_labels
from db.texts.diaries import count_diaries

if TYPE_CHECKING:
    from pathlib import Path


def test_the_seven_emotions_are_one_press_away(path: Path, open_app) -> None:
    app = open_app()
    app.button(key="setup_start").click().run()
    assert not app.error
    with project.opened(path) as db:
        assert [label.name for label in list_labels(db)] == ["분노", "행복", "불안", "당황", "슬픔", "중립", "혐오"]
        assert count_diaries(db) == 0
    assert app.title[0].value == "일기 가져오기"


def test_the_demo_brings_its_diaries_along_and_leads_to_labelling(path: Path, open_app) -> None:
    app = open_app()
    app.toggle(key="setup_demo").set_value(True).run()
    app.button(key="setup_start").click().run()
    assert not app.error
    with project.opened(path) as db:
        assert count_diaries(db) >= 350
    assert app.sidebar.selectbox(key="frame_name").value == "나"


def test_labels_can_come_from_a_file(path: Path, open_app) -> None:
    app = open_app()
    app.radio(key="setup_way_ko").set_value("file").run()
    assert not app.button
    content = '[[labels]]\nname = "좋음"\ndefinition = "<b>좋다</b>"\n[[labels]]\nname = "나쁨"\n'
    app.file_uploader(key="setup_file").upload("labels.toml", content.encode(), "application/toml").run()
    assert "&lt;b&gt;좋다&lt;/b&gt;" in app.main.get("html")[0].proto.body
    app.button(key="setup_start").click().run()
    with project.opened(path) as db:
        assert [(label.name, label.key) for label in list_labels(db)] == [("좋음", "1"), ("나쁨", "2")]


def test_a_label_file_that_cannot_be_used_is_explained_and_nothing_is_made(path: Path, open_app) -> None:
    app = open_app()
    app.radio(key="setup_way_ko").set_value("file").run()
    app.file_uploader(key="setup_file").upload("labels.toml", b'[[labels]]\nname = "a"\n', "application/toml").run()
    assert "2개에서" in app.error[0].value
    assert not app.button
    assert not path.exists()

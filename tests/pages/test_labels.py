"""감정과 지침: the label set, guidelines, history and second looks, through the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import project
from annotator.accounts import annotators
from annotator.label_sets import editing, guidelines
from annotator.label_sets.editing import NewLabel
from annotator.review import rechecks
from db.answers import training_data

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from tests.pages.conftest import OpenApp

ANGER, JOY, FEAR, SHOCK, SORROW, NEUTRAL, DISGUST = range(1, 8)


def _text(app: AppTest) -> str:
    return "\n".join(str(element.value) for kind in ("markdown", "caption", "html") for element in app.get(kind))


def _names(path: Path) -> list[str]:
    with project.opened(path) as db:
        return [label.name for label in editing.list_labels(db)]


def _view(app: AppTest, view: str) -> AppTest:
    return app.get_by_key("labels_view_ko").set_value(view).run()


def test_the_table_shows_each_label_with_its_decisions_and_opens_one_at_a_time(filled: Path, open_app: OpenApp) -> None:
    app = open_app("labels")
    assert not app.exception
    assert app.sidebar  # the frame has run
    shown = _text(app)
    assert all(name in shown for name in _names(filled))
    app.button(key=f"labels_open_{SORROW}").click().run()
    assert app.text_input(key=f"labels_{SORROW}_name").value == "슬픔"
    app.button(key=f"labels_open_{JOY}").click().run()
    assert not [field for field in app.text_input if field.key == f"labels_{SORROW}_name"]


def test_a_label_is_changed_where_it_stands(filled: Path, open_app: OpenApp) -> None:
    app = open_app("labels")
    app.button(key=f"labels_open_{JOY}").click().run()
    app.text_input(key=f"labels_{JOY}_name").set_value("기쁨").run()
    app.text_input(key=f"labels_{JOY}_note").set_value("부르기 쉽게").run()
    app.button(key="labels_save").click().run()
    assert not app.error
    assert "기쁨" in _names(filled)
    with project.opened(filled) as db:
        assert editing.list_changes(db)[0].note == "부르기 쉽게"


def test_a_merge_says_what_it_will_do_then_does_it_and_the_history_takes_it_back(
    filled: Path, open_app: OpenApp
) -> None:
    app = open_app("labels")
    app.button(key=f"labels_open_{SORROW}").click().run()
    app.get_by_key(f"labels_way_{SORROW}_ko").set_value("merge").run()
    app.selectbox(key=f"labels_into_{SORROW}_ko").set_value(FEAR).run()
    assert "판단 1개(일기 1개, 1명)를 불안으로" in _text(app)
    app.button(key="labels_act").click().run()
    assert "슬픔" not in _names(filled)
    _view(app, "history")
    assert "슬픔을 불안에 합침" in _text(app)
    app.button(key="labels_undo_1").click().run()
    assert "슬픔" in _names(filled)


def test_a_split_leaves_a_list_and_one_key_settles_each_diary(filled: Path, open_app: OpenApp) -> None:
    app = open_app("labels")
    app.button(key=f"labels_open_{SORROW}").click().run()
    app.get_by_key(f"labels_way_{SORROW}_ko").set_value("split").run()
    app.text_area(key=f"labels_{SORROW}_parts").set_value("서운함: 아쉽다.\n그리움").run()
    app.button(key="labels_act").click().run()
    assert _names(filled)[-2:] == ["서운함", "그리움"]
    _view(app, "recheck")
    assert "할머니 목소리" in _text(app)
    part = next(button for button in app.button if button.label == "서운함")
    assert part.proto.shortcut == "8"
    part.click().run()
    assert not app.error
    with project.opened(filled) as db:
        assert not rechecks.count(db)
        pool = [int(i) for kind in ("pool", "test") for i in training_data.list_labelled(db, part=kind).label_ids]
    assert sorted(pool) == sorted([JOY, SHOCK, ANGER, 8, NEUTRAL, FEAR])
    app.button(key="labels_recheck_undo").click().run()
    with project.opened(filled) as db:
        assert rechecks.count(db) == 1


def test_what_can_not_be_done_is_said_and_changes_nothing(filled: Path, open_app: OpenApp) -> None:
    app = open_app("labels")
    app.button(key="labels_add").click().run()
    app.text_input(key="labels_new_name").set_value("슬픔").run()
    app.button(key="labels_add_now").click().run()
    assert "두 번" in app.error[0].value
    assert len(_names(filled)) == 7


def test_a_guideline_is_written_with_a_preview_and_its_versions_stay(filled: Path, open_app: OpenApp) -> None:
    app = _view(open_app("labels"), "guide")
    app.text_area(key="labels_guide_1_0_0_text").set_value("<b>따지고</b> 싶으면 고른다.").run()
    assert "&lt;b&gt;따지고" in _text(app)
    app.text_area(key="labels_guide_1_0_0_examples").set_value("하나\n\n둘").run()
    app.button(key="labels_guide_save").click().run()
    assert not app.error
    with project.opened(filled) as db:
        guideline = guidelines.of_label(db, ANGER)
    assert guideline is not None
    assert (guideline.text, guideline.examples) == ("<b>따지고</b> 싶으면 고른다.", ("하나", "둘"))


def test_a_change_that_others_rest_on_can_not_be_taken_back_first(filled: Path, open_app: OpenApp) -> None:
    with project.opened(filled) as db:
        me = annotators.get_or_create(db, "나")
        editing.add(db, NewLabel("서운함"), annotator_id=me)
        editing.merge(db, SORROW, 8, annotator_id=me)
    app = _view(open_app("labels"), "history")
    assert app.button(key="labels_undo_1").disabled
    assert not app.button(key="labels_undo_2").disabled

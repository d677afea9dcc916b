"""찾기: the address is the search, hits are shown with what is known, and a diary's page offers what one may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import project
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db.answers import decisions
from db.models import models, predictions
from db.models.models import NewModel
from db.texts import care_flags
from tests import reviewed
from tests.conftest import import_ours
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


def _bring(app: AppTest, **search: str) -> AppTest:
    """Run the page with an address that the browser sends."""
    app.query_params.clear()
    for name, value in search.items():
        app.query_params[name] = value
    return app.run()


def test_a_redrawing_that_began_before_does_not_bring_the_former_address_back(
    ready_diaries: Path, open_app: OpenApp
) -> None:
    app = _find(open_app, q="눈물")
    app.button(key="find_groups").click().run()
    assert app.query_params["view"] == "groups"
    _bring(app, q="눈물")
    assert (app.query_params["view"], app.query_params["q"]) == ("groups", "눈물")
    assert not app.text_input, "the grid is drawn, not the search"
    _bring(app, q="눈물", view="map")
    assert app.query_params["view"] == "map", "an address that is neither is meant"


def test_the_former_address_is_meant_once_a_moment_has_gone_by(
    ready_diaries: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.find.address._OVERTAKEN_SECONDS", 0.0)
    app = _find(open_app, q="눈물")
    app.button(key="find_groups").click().run()
    _bring(app, q="눈물")
    assert "view" not in app.query_params
    assert app.text_input[0].value == "눈물"


def test_the_address_is_the_search(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app, q="눈물", label="슬픔")
    assert not app.exception
    assert app.text_input[0].value == "눈물"
    assert ">눈물</mark>" in _html(app)
    assert "찾은 일기" in _said(app)


def test_an_empty_project_leads_to_the_import(ready: Path, open_app: OpenApp) -> None:
    app = _find(open_app)
    assert not app.exception
    assert [link.proto.label for link in app.main.get("page_link")] == ["일기 가져오기"]


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


@pytest.fixture
def two_versions(ready_diaries: Path) -> Path:
    """The thirty diaries, and a second version whose head for 슬픔 is damaged."""
    with project.opened(ready_diaries) as db:
        old = models.list_models(db)[0]
        proba = predictions.load_predictions(db, old).copy()
        proba[1::2] = np.roll(proba[1::2], 1, axis=1)
        made = models.add_model(db, NewModel("instant", "bundled", "encoder", old.label_ids, b"", {}))
        predictions.store_predictions(db, made, proba)
    return ready_diaries


def test_what_changed_shows_the_damaged_label_first_with_its_diaries(two_versions: Path, open_app: OpenApp) -> None:
    app = _find(open_app, view="changed")
    assert not app.exception
    assert "두 판이 모두 답한 30편 가운데 15편의 답이 달라졌어요." in _said(app)
    labels, pairs = (table.value for table in app.dataframe if "나간 답" in table.value or "답의 쌍" in table.value)
    assert (labels.iloc[0]["라벨"], labels.iloc[0]["나가서 틀림"]) == ("슬픔", 14)
    assert pairs.iloc[0]["답의 쌍"] == "슬픔 → 중립"
    assert "틀리게 됨 (그 밖에 배우지 않은 일기)" in _said(app)


def test_a_pair_of_answers_is_part_of_the_address(two_versions: Path, open_app: OpenApp) -> None:
    app = _find(open_app, view="changed", first="1", second="0", was="중립", now="슬픔")
    assert not app.exception
    assert "찾은 일기 15편" in _said(app)
    pair = next(box for box in app.selectbox if box.label == "답의 쌍")
    pair.select(("", "")).run()
    assert "was" not in app.query_params


def test_missing_answers_are_asked_for_once(two_versions: Path, open_app: OpenApp) -> None:
    with project.opened(two_versions) as db:
        import_ours(db, "text\n뒤늦게 온 글이다", "late.csv")
    app = _find(open_app, view="changed")
    assert "0판의 답이 없는 1편, 1판의 답이 없는 1편" in _said(app)
    app.button(key="find_changed_request").click().run()
    assert "빠진 답을 받고 있어요" in _said(app)
    assert "find_changed_request" not in {button.key for button in app.button}


def test_with_one_version_nothing_can_have_changed(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app, view="changed")
    assert not app.exception
    assert "두 판 이상 생기면" in app.info[0].value


@pytest.fixture
def dated(ready: Path) -> Path:
    """Four dated diaries of two writers, two of them decided, with a month between without any."""
    lines = ["기쁜 날,2026-01-05,가람", "또 기쁜 날,2026-01-06,나래", "비가 왔다,2026-03-02,가람", "모르는 날,,가람"]
    with project.opened(ready) as db:
        import_ours(db, "\n".join(["text,date,author", *lines]), "dated.csv")
        reviewed.label(db, 1, HAPPY)
        reviewed.label(db, 3, reviewed.SAD)
    return ready


def _time_chart(app: AppTest) -> list[dict[str, Any]]:
    (chart,) = app.get("plotly_chart")
    traces: list[dict[str, Any]] = json.loads(chart.proto.spec)["data"]
    return traces


def test_feelings_over_time_show_gaps_and_what_they_do_not_say(dated: Path, open_app: OpenApp) -> None:
    app = _find(open_app, view="time", what="행복")
    assert not app.exception
    decided, answered, _ = _time_chart(app)
    assert (decided["x"], decided["y"]) == (["2026-01", "2026-02", "2026-03"], [1.0, None, 0.0])
    assert answered["y"] == [None, None, None]
    assert decided["connectgaps"] is False
    assert "글쓴이가 그때 느낀 마음을 재지 않아요" in app.info[0].value
    assert "라벨이 있는 평가용 일기가 30편은 있어야" in _said(app)
    assert "날짜가 없거나 읽지 못한 일기 1편" in _said(app)


def test_a_writer_and_weeks_are_part_of_the_address_which_names_nobody(dated: Path, open_app: OpenApp) -> None:
    app = _find(open_app, view="time")
    who = next(box for box in app.selectbox if box.label == "누구의 일기")
    who.select_index(1).run()
    assert not app.exception
    assert "가람" not in str(app.query_params)
    app.query_params["step"] = "week"
    app.run()
    assert _time_chart(app)[0]["x"][0] == "2026-01-05"


def test_among_several_people_feelings_over_time_are_closed(dated: Path, open_app: OpenApp) -> None:
    with project.opened(dated) as db:
        reviewed.label(db, 2, HAPPY, name="서연")
    app = _find(open_app, view="time")
    assert "관리자가 설정의" in app.info[0].value
    assert not app.get("plotly_chart")


def test_many_at_once_is_for_reviewers_and_says_what_is_missing(ready_diaries: Path, open_app: OpenApp) -> None:
    app = _find(open_app, view="groups")
    assert not app.exception
    assert "묶을 일기가 없어요" in "\n".join(element.value for element in app.info)
    with project.opened(ready_diaries) as db:
        db.conn.execute("delete from standing where diary_id > 10")
        db.conn.commit()
    app = _find(open_app, view="groups", kind="similar", answer="행복", at="999", cell="x")
    assert not app.exception
    assert [box.value for box in app.selectbox if box.label == "모델의 답"] == [HAPPY]
    app = _find(open_app, view="groups", q="없는낱말이다")
    assert "한꺼번에 라벨을 붙일 수 있는 것이 없어요" in _said(app)

"""The map on 찾기: what it waits for, what it leaves out, and the clusters, from which everything can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from annotator import project
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import pool_map
from annotator.finding.query import Query
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db.connection import rows, write
from db.texts import diaries
from learner.encoders.vector_store import VectorFile
from pages.find import map_selection
from tests import mapped, reviewed
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from tests.pages.conftest import OpenApp


BOX = [[-20, -20], [0, -20], [0, 20], [-20, 20]]
"""Around the happy ones of `tests.mapped`."""


@pytest.fixture
def laid_out(ready: Path) -> Path:
    """A project of forty diaries, all labelled by 지민 but the last four, and a map of them."""
    with project.opened(ready) as db:
        reviewed.make(db, 40)
        with write(db):
            db.conn.execute("delete from standing where diary_id > 36")
            db.conn.execute("update settings set value = '0.0' where key = 'blind_share'")
        mapped.lay_out(db)
    return ready


def _map(open_app: OpenApp, **search: str) -> AppTest:
    app = open_app()
    for name, value in {"view": "map", **search}.items():
        app.query_params[name] = value
    return app.switch_page("pages/find/page.py").run()


def _said(app: AppTest) -> str:
    parts = (*app.markdown, *app.caption, *app.success, *app.error, *app.info, *app.subheader)
    return "\n".join(str(element.value) for element in parts)


def _keys(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button]


def test_clusters_are_listed_with_words_sizes_and_answers(laid_out: Path, open_app: OpenApp) -> None:
    app = _map(open_app)
    assert not app.exception
    assert not app.error
    said = _said(app)
    assert "**기쁘다 · 즐겁다**" in said
    assert "일기 20편 · 모델의 답을 볼 수 있는 20편: 슬픔 20편" in said
    assert "비슷한 일기 묶음" in said


def test_a_cluster_leads_to_the_list_by_a_link_and_back_to_the_map(laid_out: Path, open_app: OpenApp) -> None:
    app = _map(open_app)
    app.button(key="find_map_list_1").click().run()
    assert not app.exception
    number = str(app.query_params["selection"])
    assert "찾은 일기 20편" in _said(app)
    # Whoever gets the link sees the same.
    other = _map(open_app, selection=number)
    assert "**슬프다 · 눈물**" in _said(other)
    assert "**기쁘다 · 즐겁다**" not in _said(other)


def test_a_cluster_leads_to_the_grid(laid_out: Path, open_app: OpenApp) -> None:
    app = _map(open_app)
    app.button(key="find_map_groups_0").click().run()
    assert not app.exception
    assert app.query_params["view"] == "groups"
    assert "골라 온 일기예요" in _said(app)


def test_a_cluster_is_sent_to_the_queue(laid_out: Path, open_app: OpenApp) -> None:
    app = _map(open_app)
    app.button(key="find_map_send_1").click().run()
    assert not app.exception
    assert "2편을 다음 차례로 보냈어요" in _said(app)
    with project.opened(laid_out) as db:
        queued = rows(db, "select diary_id from queue where strategy = 'searched' order by place")
        assert queued == [(38,), (40,)]


def test_what_is_selected_stays_while_colours_change_and_loses_what_is_forgotten(
    laid_out: Path, open_app: OpenApp
) -> None:
    app = _map(open_app)
    app.button(key="find_map_choose_0").click().run()
    assert "**고른 일기 20편**" in _said(app)
    assert "모델의 답을 볼 수 있는 20편: 행복 20편" in _said(app)
    app.query_params["colour"] = "confidence"
    app.run()
    assert "**고른 일기 20편**" in _said(app)
    with project.opened(laid_out) as db:
        forgetting.forget(db, None, Selection(ids=(1, 3)))
    app.run()
    assert "**고른 일기 18편**" in _said(app)
    app.button(key="find_map_clear").click().run()
    assert "고른 일기" not in _said(app)


def test_filters_stay_on_the_way_from_the_list_to_the_map(laid_out: Path, open_app: OpenApp) -> None:
    app = _map(open_app, q="눈물")
    assert "**슬프다 · 눈물**" in _said(app)
    assert "**기쁘다 · 즐겁다**" not in _said(app)
    app.button(key="find_clear").click().run()
    assert app.query_params.get("q") is None
    assert app.query_params["view"] == "map"
    assert "**기쁘다 · 즐겁다**" in _said(app)


def test_a_search_without_hits_helps_on(laid_out: Path, open_app: OpenApp) -> None:
    app = _map(open_app, q="코끼리")
    assert "그런 일기가 없어요" in _said(app)


def test_a_link_to_a_selection_that_is_gone_says_so(laid_out: Path, open_app: OpenApp) -> None:
    assert "이제 없어요" in _said(_map(open_app, selection="99"))


def test_what_is_not_on_the_map_yet_is_said_with_its_number(laid_out: Path, open_app: OpenApp) -> None:
    with project.opened(laid_out) as db:
        mapped.lay_out(db, without=tuple(range(1, 21)))
    assert "20편은 아직 지도에 없어요" in _said(_map(open_app))


def test_a_map_of_other_vectors_says_that_it_is_outdated_and_how_far_the_new_ones_are(
    laid_out: Path, open_app: OpenApp
) -> None:
    with project.opened(laid_out) as db:
        mapped.lay_out(db, encoder_hash="another")
        VectorFile(mapped.vectors_folder(db) / "encoder", width=8).clear(diaries.list_ids(db)[:20])
    assert "예전 모습이에요. 40편 가운데 20편을 읽었고" in _said(_map(open_app))


def test_words_that_are_still_looked_for_are_said(laid_out: Path, open_app: OpenApp) -> None:
    with project.opened(laid_out) as db:
        mapped.lay_out(db, words=False)
    app = _map(open_app)
    assert "묶음을 나타낼 말을 찾고 있어요" in _said(app)
    assert "find_map_list_0" in _keys(app)


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        ({"type": "area", "number": 1, "corners": BOX, "hidden": []}, 20),
        ({"type": "area", "number": 1, "corners": BOX, "hidden": [1]}, 0),
        ({"type": "area", "number": 1, "corners": BOX}, 20),
        ({"type": "area", "number": 1, "corners": BOX, "hidden": 7}, 20),
        ({"type": "area", "number": 1, "corners": BOX, "hidden": ["1", None, {}, 10**30, -1]}, 20),
        ({"type": "area", "number": 0, "corners": BOX}, None),
        ({"type": "pick", "id": 3}, 1),
        ({"type": "pick", "id": 99}, 0),
        ({"type": "pick", "id": 10**30}, 0),
        ({"type": "pick", "id": "3"}, None),
        ({"type": "pick"}, None),
        ({"type": "clear"}, None),
        ({"type": "else", "id": 3}, None),
    ],
)
def test_whatever_a_browser_sends_selects_diaries_of_the_map_or_nothing(
    laid_out: Path, sent: dict[str, Any], count: int | None
) -> None:
    with project.opened(laid_out) as db:
        shown = pool_map.read(db, laid_out, diary_access.owner(0), Query())
    selected = map_selection._read(shown, sent)
    assert (None if selected is None else len(selected.ids)) == count


def test_an_area_that_can_be_none_is_refused(laid_out: Path) -> None:
    with project.opened(laid_out) as db:
        shown = pool_map.read(db, laid_out, diary_access.owner(0), Query())
    with pytest.raises(UserError, match="find_area"):
        map_selection._read(shown, {"type": "area", "number": 1, "corners": "all"})


def test_a_lost_map_is_drawn_anew_and_that_is_said(laid_out: Path, open_app: OpenApp) -> None:
    with project.opened(laid_out) as db:
        (place,) = mapped.vectors_folder(db).glob("map-*")
    (place / "tokens.i32").write_bytes(b"\xff" * 400)
    assert "다시 그려요" in _said(_map(open_app))


@pytest.mark.parametrize(
    ("count", "said"), [(1, "30편부터"), (12, "지금은 12편이에요"), (31, "31편 가운데 0편을 읽었어요")]
)
def test_without_a_map_it_says_what_it_waits_for(ready: Path, open_app: OpenApp, count: int, said: str) -> None:
    with project.opened(ready) as db:
        fill(db, count)
    assert said in _said(_map(open_app))


def test_half_of_the_vectors_missing_is_said_with_numbers(ready: Path, open_app: OpenApp) -> None:
    with project.opened(ready) as db:
        reviewed.make(db, 40)
        VectorFile(mapped.vectors_folder(db) / "encoder", width=8).clear(diaries.list_ids(db)[:20])
    assert "40편 가운데 20편을 읽었어요" in _said(_map(open_app))


def test_all_vectors_and_no_map_means_that_it_is_being_drawn(ready: Path, open_app: OpenApp) -> None:
    with project.opened(ready) as db:
        reviewed.make(db, 40)
    assert "지도를 그리는 중이에요" in _said(_map(open_app))

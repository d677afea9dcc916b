"""The map shows where diaries lie to those who may see them, and says nothing that has to stay hidden."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import map_clusters, map_kinds, pool_map, query
from annotator.finding.map_kinds import COLOURINGS
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db import connection
from db.connection import write
from db.people import annotators
from learner.layout import layout_store
from tests import mapped, reviewed
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from annotator.finding.pool_map import PoolMap
    from db import Database


@pytest.fixture
def db(opened: Database) -> Database:
    """Forty diaries, all labelled by 지민, 3 by 서연 too, and a map of them."""
    reviewed.make(opened, 40)
    mapped.lay_out(opened)
    return opened


def _path(db: Database) -> Path:
    return Path(connection.file_of(db))


def _read(db: Database, actor: Actor | None = None, *, colouring: str = "prediction", **asked: Any) -> PoolMap:
    actor = actor or diary_access.owner(0)
    return pool_map.read(db, _path(db), actor, query.read(asked), colouring=colouring)  # type: ignore[arg-type]


def _kinds(shown: PoolMap) -> dict[str, set[int]]:
    """Return the diaries of each kind that any is of."""
    named = [kind.name or kind.what for kind in shown.kinds]
    return {name: set(shown.ids[shown.kind_of == i].tolist()) for i, name in enumerate(named) if i in shown.kind_of}


def _undecide(db: Database, *diary_ids: int) -> None:
    with write(db):
        db.conn.executemany("delete from standing where diary_id = ?", [(i,) for i in diary_ids])


def test_all_hits_are_on_it_coloured_by_what_the_model_answers(db: Database) -> None:
    shown = _read(db)
    assert shown.ids.tolist() == list(range(1, 41))
    assert _kinds(shown) == {"행복": set(range(1, 41, 2)), "슬픔": set(range(2, 41, 2))}
    assert (shown.places[:, 0] < 0).tolist() == [i % 2 == 1 for i in shown.ids.tolist()]
    assert shown.state.map_count == 40
    assert not shown.state.is_outdated


def test_the_filters_of_the_list_narrow_it_down(db: Database) -> None:
    assert _read(db, q="눈물").ids.tolist() == list(range(2, 41, 2))
    assert _read(db, label="행복", prediction="슬픔").ids.tolist() == [2]
    assert _read(db, differs="people").ids.tolist() == [3]
    assert not len(_read(db, q="없는말").ids)


def test_it_is_coloured_by_labels_and_by_who_decided(db: Database) -> None:
    _undecide(db, 40)
    labelled = _kinds(_read(db, colouring="label"))
    assert labelled["행복"] == {2, *range(3, 40, 2)}
    assert labelled["none"] == {40}
    people = _kinds(_read(db, colouring="person"))
    assert people == {"지민": set(range(1, 40)) - {3}, "several": {3}, "none": {40}}


def test_a_retired_label_is_still_what_somebody_said(db: Database) -> None:
    with write(db):
        db.conn.execute("update labels set retired_at = '2026-01-01T00:00:00.000Z' where id = ?", (SAD,))
    assert _kinds(_read(db, colouring="label"))["others"] == {1, *range(4, 41, 2)}


def test_confidence_is_told_in_ranges_that_hold_their_lower_bound(db: Database) -> None:
    for sure, bound, what in ((0.4, 0.5, "below"), (0.5, 0.5, "from"), (0.75, 0.7, "from"), (0.95, 0.9, "from")):
        reviewed.add_model(db, sure=sure)
        shown = _read(db, colouring="confidence")
        kind = shown.kinds[int(shown.kind_of[0])]
        assert (kind.what, kind.bound) == (what, bound), sure


@pytest.mark.parametrize("colouring", COLOURINGS)
def test_no_colour_and_no_cluster_betrays_the_answer_to_what_is_still_decided_blind(
    db: Database, colouring: str
) -> None:
    project_settings.change(db, blind_test=True)
    with write(db):
        db.conn.execute("update diaries set part = 'test' where id in (5, 6)")
    _undecide(db, 5, 6)
    shown = _read(db, colouring=colouring)
    assert _kinds(shown).get("none", set()) == {5, 6}
    counted = sum(cluster.answered for cluster in map_clusters.list_clusters(db, _path(db), shown))
    assert counted == 38
    assert pool_map.count_answers(shown, np.array([5, 6])) == []
    # Nor by a filter.
    assert not {5, 6} & set(_read(db, prediction="행복").ids.tolist() + _read(db, prediction="슬픔").ids.tolist())


def test_the_colour_of_a_diary_follows_from_who_it_is_shown_to_by_no_way_but_its_kind(db: Database) -> None:
    # The share that is decided blind hides answers in the pool, too; once decided, they show.
    project_settings.change(db, blind_share=1.0)
    _undecide(db, *range(1, 41))
    assert set(_kinds(_read(db))) == {"none"}
    reviewed.label(db, 7, HAPPY)
    assert _kinds(_read(db))["행복"] == {7}


def test_only_reviewers_see_it(db: Database) -> None:
    annotator_id = annotators.get_or_create_id(db, "서연")
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, 'annotator', '', '')",
            (annotator_id,),
        )
    actor = diary_access.person(annotator_id)
    for ask in (lambda: _read(db, actor), lambda: pool_map.read_state(db, _path(db), actor)):
        with pytest.raises(UserError, match="right_missing"):
            ask()


def test_lines_are_covered_and_of_those_that_one_may_see(db: Database) -> None:
    project_settings.change(db, mask=True)
    with write(db):
        db.conn.execute("update diaries set text = '전화는 010-1234-5678. 끝' || char(10) || '둘째 줄' where id = 1")
    assert pool_map.list_lines(db, diary_access.owner(0), np.array([1])) == ["전화는 ●●●-●●●●-●●●●. 끝 둘째 줄"]
    # An annotator has no more lines than diaries that were before them.
    other = annotators.get_or_create_id(db, "하늘")
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, 'annotator', '', '')",
            (other,),
        )
    assert pool_map.list_lines(db, diary_access.person(other), np.array([1, 2])) == ["", ""]


def test_what_has_no_place_yet_is_counted(db: Database) -> None:
    mapped.lay_out(db, without=(4, 5))
    shown = _read(db)
    assert len(shown.ids) == 38
    assert shown.off_count == 2
    assert _read(db, q="눈물").off_count == 1


def test_what_is_forgotten_is_not_on_it_any_more(db: Database) -> None:
    forgetting.forget(db, None, Selection(ids=(7, 40)))
    shown = _read(db)
    assert shown.ids.tolist() == [i for i in range(1, 40) if i != 7]
    assert shown.off_count == 0
    assert not map_clusters.are_named(db, _path(db)), "the words are found anew"
    assert len(map_clusters.list_clusters(db, _path(db), shown)) == 2


def test_a_map_of_another_encoder_is_shown_and_called_outdated(db: Database) -> None:
    mapped.lay_out(db, encoder_hash="another")
    shown = _read(db)
    assert shown.state.is_outdated
    assert len(shown.ids) == 40
    assert shown.state.encoded_count == 40


def test_a_lost_map_is_said_and_nothing_is_on_it(db: Database) -> None:
    (place,) = mapped.vectors_folder(db).glob("map-*")
    (place / "vectors.f32").write_bytes(b"")
    state = pool_map.read_state(db, _path(db), diary_access.owner(0))
    assert state.is_lost
    assert state.number == 0
    assert not len(_read(db).ids)


def test_of_more_than_a_browser_draws_a_sample_stays_the_same(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_map, "MOST_DRAWN", 10)
    shown = _read(db)
    assert len(shown.ids) == 40
    drawn = shown.ids[shown.drawn].tolist()
    assert len(drawn) == 10
    fewer = _read(db, q="눈물")
    assert {i for i in drawn if i % 2 == 0} <= set(fewer.ids[fewer.drawn].tolist())
    # What is not drawn is selected all the same.
    box = pool_map.read_corners([[-20, -20], [0, -20], [0, 20], [-20, 20]])
    assert pool_map.select(shown, box).tolist() == list(range(1, 41, 2))


def test_an_area_selects_what_is_in_it_and_not_what_is_hidden(db: Database) -> None:
    shown = _read(db)
    left = pool_map.read_corners([[-20, -20], [0, -20], [0, 20], [-20, 20]])
    assert pool_map.select(shown, left).tolist() == list(range(1, 41, 2))
    happy = next(i for i, kind in enumerate(shown.kinds) if kind.name == "행복")
    assert not len(pool_map.select(shown, left, hidden=[happy]))
    assert not len(pool_map.select(shown, pool_map.read_corners([[50, 50], [60, 50], [60, 60]])))


def test_an_area_with_a_bay_leaves_out_what_lies_in_the_bay() -> None:
    bay = np.array([[0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6]], np.float32)
    places = np.array([[1, 5], [3, 5], [5, 5], [3, 1], [7, 3], [-1, 3], [3, 2.5]], np.float32)
    assert pool_map.within(places, bay).tolist() == [True, False, True, True, False, False, False]


@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=3, unique=True),
    st.lists(st.tuples(st.floats(-60, 60, width=32), st.floats(-60, 60, width=32)), max_size=30),
)
def test_in_a_triangle_is_what_lies_on_one_side_of_its_edges(
    corners: list[tuple[int, int]], places: list[tuple[float, float]]
) -> None:
    (ax, ay), (bx, by), (cx, cy) = corners
    are_inside = pool_map.within(np.array(places, np.float32).reshape(-1, 2), np.array(corners, np.float32))
    for (x, y), is_inside in zip(places, are_inside.tolist(), strict=True):
        sides = [
            (bx - ax) * (y - ay) - (by - ay) * (x - ax),
            (cx - bx) * (y - by) - (cy - by) * (x - bx),
            (ax - cx) * (y - cy) - (ay - cy) * (x - cx),
        ]
        if min(abs(side) for side in sides) > 1e-2:
            assert is_inside == (min(sides) > 0 or max(sides) < 0)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "M0,0",
        [],
        [[0, 0], [1, 1]],
        [[0, 0]] * 1_001,
        [[0, 0], [1, 1], [2]],
        [[0, 0], [1, 1], ["2", 2]],
        [[0, 0], [1, 1], [True, 2]],
        [[0, 0], [1, 1], [float("nan"), 2]],
        [[0, 0], [1, 1], [float("inf"), 2]],
        [[0, 0], [1, 1], [1e300, 2]],
        [[0, 0], [1, 1], {"x": 1}],
        {"x": [0, 1, 2]},
    ],
)
def test_anything_that_is_no_area_is_refused(sent: Any) -> None:
    with pytest.raises(UserError, match="find_area"):
        pool_map.read_corners(sent)


def test_clusters_say_their_words_their_size_and_what_the_model_answers(db: Database) -> None:
    _undecide(db, *range(1, 41))
    shown = _read(db, sort="")
    happy, sad = map_clusters.list_clusters(db, _path(db), shown)
    assert happy.words == ("기쁘다", "즐겁다")
    assert (len(happy.diary_ids), happy.answers, happy.answered) == (20, (("행복", 20),), 20)
    assert sad.diary_ids.tolist() == list(range(2, 41, 2))
    # Of what a query asks for, without those of which it asks for nothing, the largest first.
    (only,) = map_clusters.list_clusters(db, _path(db), _read(db, q="눈물"))
    assert only.number == 1
    with_few = _read(db, q="-3번째")
    first, second = map_clusters.list_clusters(db, _path(db), with_few)
    assert len(first.diary_ids) >= len(second.diary_ids)
    assert len(first.diary_ids) + len(second.diary_ids) == len(with_few.ids) < 40


def test_kinds_without_a_model_are_none(opened: Database) -> None:
    reviewed.make(opened, 31)
    mapped.lay_out(opened)
    with write(opened):
        opened.conn.execute("delete from activations")
    shown = _read(opened)
    assert set(_kinds(shown)) == {"none"}
    assert shown.state.encoded_count == 31, "by the encoder that it was drawn from"
    assert map_kinds.COLOURINGS[0] == "prediction"
    assert layout_store.find(mapped.vectors_folder(opened), forgotten=0) is not None

"""Groups hold what is close together and called the same, and only what a press may take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import accounts, diary_access
from annotator.errors import UserError
from annotator.finding import finder, groups, query, selections
from annotator.labelling import group_acts
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db import connection
from db.answers import group_checks
from db.connection import write
from db.people import annotators
from db.texts import care_flags
from learner.encoders.vector_store import VectorFile
from tests import reviewed
from tests.conftest import fill
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from db import Database

COUNT = 40


@pytest.fixture
def db(opened: Database) -> Database:
    """Forty undecided diaries of two moods, each mood close together."""
    fill(opened, COUNT)
    with write(opened):
        opened.conn.execute("update diaries set part = 'pool'")
    reviewed.add_model(opened)
    reviewed.add_vectors(opened)
    return opened


@pytest.fixture
def path(db: Database) -> Path:
    return Path(connection.file_of(db))


@pytest.fixture
def me(db: Database) -> Actor:
    return diary_access.person(annotators.get_or_create_id(db, "지민"))


def test_diaries_of_one_prediction_that_lie_close_are_a_group(db: Database, path: Path, me: Actor) -> None:
    assert groups.count_open(db, path, me) == groups.Open({HAPPY: 20, SAD: 20}, 0)
    grid = groups.suggest(db, path, me, "similar", HAPPY)
    assert grid is not None
    assert (grid.place, grid.count, grid.part, grid.parts, grid.label_id) == (0, 1, 0, 1, HAPPY)
    assert sorted(card.diary_id for card in grid.cards) == list(range(1, COUNT, 2))
    assert {card.prediction for card in grid.cards} == {"행복"}


def test_near_copies_are_a_group_of_their_own(db: Database, path: Path, me: Actor) -> None:
    vectors = np.random.default_rng(0).normal(0, 1, (COUNT, 8)).astype(np.float32)
    vectors[[0, 2, 4, 6]] = vectors[0] + 0.01 * vectors[[0, 2, 4, 6]]
    file = VectorFile(project.vectors_folder(path) / "encoder", width=8)
    file.write(list(range(1, COUNT + 1)), vectors, np.full(COUNT, 5, np.int32))
    grid = groups.suggest(db, path, me, "copies", HAPPY)
    assert grid is not None
    assert {card.diary_id for card in grid.cards} == {1, 3, 5, 7}
    empty = groups.suggest(db, path, me, "copies", SAD)
    assert empty is not None
    assert empty.cards == ()


def test_what_no_press_may_take_is_in_no_group(db: Database, path: Path, me: Actor) -> None:
    reviewed.label(db, 1, SAD, name="서연")
    care_flags.flag(db, [3], list_hash="list", up_to=COUNT)
    with write(db):
        db.conn.execute("update diaries set part = 'test' where id = 5")
    forgetting.forget(db, None, Selection(ids=(7,)))
    grid = groups.suggest(db, path, me, "similar", HAPPY)
    assert grid is not None
    shown = {card.diary_id for card in grid.cards}
    assert not shown & {1, 3, 5, 7}
    assert shown == set(group_acts.list_open(db, me, list(range(1, COUNT, 2)), project_settings.load(db)))


def test_what_one_may_not_see_in_a_list_one_does_not_get_as_a_grid(db: Database, path: Path) -> None:
    accounts.add(db, None, "수아", "administrator", email="a@example.org")
    who = accounts.add(db, None, "지민", "annotator", email="b@example.org")
    actor = diary_access.person(accounts.get_id(db, "지민"))
    assert who
    for attempt in (
        lambda: groups.count_open(db, path, actor),
        lambda: groups.suggest(db, path, actor, "similar", HAPPY),
        lambda: groups.show(db, path, actor, query.read({})),
    ):
        with pytest.raises(UserError, match="right_missing"):
            attempt()


def test_hits_and_selections_come_in_pages_the_newest_first(
    db: Database, path: Path, me: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MOST", 16)
    number = selections.keep(db, me, list(range(1, COUNT + 1)))
    reviewed.label(db, COUNT, SAD, name="서연")
    asked = query.read({"selection": str(number)})
    pages = [groups.show(db, path, me, asked, place=place) for place in (0, 1, 2, 9)]
    assert [len(page.cards) for page in pages] == [16, 16, 7, 7]
    assert [(page.place, page.count) for page in pages] == [(0, 3), (1, 3), (2, 3), (2, 3)]
    assert [card.diary_id for page in pages[:3] for card in page.cards] == list(range(COUNT - 1, 0, -1))
    assert pages[0].gone_count == 1
    words = groups.show(db, path, me, query.read({"q": "눈물"}))
    assert {card.prediction for card in words.cards} == {"슬픔"}


def test_what_is_like_a_diary_comes_the_nearest_first(db: Database, path: Path, me: Actor) -> None:
    near = groups.show(db, path, me, query.read({"like": "1"}))
    assert [card.diary_id for card in near.cards][:5] == finder.list_ids(
        db, path, me, query.read({"like": "1"}), limit=5
    )


def test_what_is_held_out_shows_no_answer_of_the_model_and_a_label_of_many_is_told(
    db: Database, path: Path, me: Actor
) -> None:
    group_acts.label(db, me, list(range(1, COUNT, 2)), HAPPY, token="token-of-a-grid", kind="similar")
    held = set(group_checks.list_held_ids(db))
    hits = {hit.diary_id: hit for hit in finder.find(db, path, me, query.read({})).hits}
    assert {i for i, hit in hits.items() if hit.prediction is None} == held
    grouped = {i for i, hit in hits.items() if any(answer.is_group for answer in hit.answers)}
    assert grouped == set(range(1, COUNT, 2)) - held
    by_answer = finder.find(db, path, me, query.read({"prediction": "행복"})).hits
    assert not held & {hit.diary_id for hit in by_answer}, "a filter would tell what lists hide"


def test_without_vectors_it_is_said(opened: Database) -> None:
    fill(opened, 4)
    reviewed.add_model(opened)
    me = diary_access.person(annotators.get_or_create_id(opened, "지민"))
    path = Path(connection.file_of(opened))
    assert groups.count_open(opened, path, me).without_vector > 0
    with pytest.raises(UserError, match="find_no_vectors"):
        groups.suggest(opened, path, me, "similar", HAPPY)

"""Nothing stands on both sides of a comparison: near-copies are left out or put together, writers share a fold."""

from __future__ import annotations

import csv
import io
import secrets
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from annotator.worker.round import gathering
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import near_copies
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import rows
from db.models import facts, models
from db.people import annotators
from db.texts import diaries
from learner.classification import folds
from learner.encoders.encoder import default_cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from db import Database

LABELS = (2, 5)
COUNT = 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    project.init(tmp_path / "project.db", seed="00" * 16)
    return tmp_path / "project.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    with closing(project.open_project(path)) as opened:
        yield opened


@pytest.fixture
def runtime(path: Path) -> Iterator[WorkerRuntime]:
    made = WorkerRuntime(path, cache=default_cache())
    yield made
    made.close()


def _fill(runtime: WorkerRuntime, db: Database, *, writers: Sequence[str] = ("",)) -> NDArray[np.float32]:
    """Import diaries whose vectors are far apart, but for each second one, which is a near-copy of the one before."""
    written = io.StringIO()
    lines = [(writers[i % len(writers)], f"{i}번째 날의 서로 다른 글") for i in range(COUNT)]
    csv.writer(written).writerows([("작성자", "일기"), *lines])
    import_file(db, written.getvalue().encode(), "a.csv", after=enqueue_import)
    file = runtime.vector_file(db)
    vectors = np.random.default_rng(0).normal(size=(COUNT, file.width)).astype(np.float32)
    vectors[1::2] = vectors[::2] + np.float32(0.1) * vectors[1::2]
    file.write(range(1, COUNT + 1), vectors, np.full(COUNT, 9, np.int32))
    return vectors


def _decide(db: Database, diary_ids: Sequence[int]) -> None:
    me = annotators.get_or_create_id(db, "나")
    for diary_id in diary_ids:
        decision = NewDecision(diary_id, me, "label", secrets.token_hex(8), LABELS[diary_id % 3 == 0])
        assert decisions.add(db, decision)


def _torn(db: Database) -> list[int]:
    """Return the first diary of each pair whose near-copy is in the other part."""
    part_of = dict(rows(db, "select id, part from diaries"))
    return [i for i in range(1, COUNT, 2) if part_of[i] != part_of[i + 1]]


def _follow_all(runtime: WorkerRuntime, db: Database) -> None:
    while near_copies.follow(runtime, db) is not None:
        pass


def test_a_labelled_near_copy_of_a_test_diary_that_counts_does_not_train(runtime: WorkerRuntime, db: Database) -> None:
    vectors = _fill(runtime, db)
    torn = _torn(db)
    assert torn, "the seed tears some pairs apart"
    _decide(db, range(1, COUNT + 1))
    gathered = gathering.gather(runtime, db, LABELS, up_to=None)
    assert gathered.left_out_count == len(torn)
    assert not set(gathered.copies.tolist()) & set(gathered.training.diary_ids.tolist())
    assert len(gathered.training.columns) + gathered.left_out_count + len(gathered.test.columns) == COUNT
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit[gathered.training.diary_ids - 1] @ unit[gathered.test.diary_ids - 1].T
    assert cosines.max() < 0.95


def test_a_near_copy_of_a_test_diary_that_nobody_has_decided_trains(runtime: WorkerRuntime, db: Database) -> None:
    _fill(runtime, db)
    pool = diaries.list_ids(db, "pool").tolist()
    _decide(db, pool)
    gathered = gathering.gather(runtime, db, LABELS, up_to=None)
    assert gathered.copies.tolist() == []
    assert sorted(gathered.training.diary_ids.tolist()) == pool


def test_examples_come_in_the_order_of_their_draws_whichever_diary_came_first(
    runtime: WorkerRuntime, db: Database
) -> None:
    _fill(runtime, db)
    _decide(db, diaries.list_ids(db).tolist())
    gathered = gathering.gather(runtime, db, LABELS, up_to=None)
    by_draw = [i for (i,) in db.conn.execute("select id from diaries where part = 'pool' order by draw")]
    assert gathered.training.diary_ids.tolist() == [i for i in by_draw if i not in gathered.copies]
    assert gathered.test.diary_ids.tolist() == diaries.list_ids(db, "test").tolist()


def test_what_a_version_has_learned_does_not_measure_it(runtime: WorkerRuntime, db: Database) -> None:
    _fill(runtime, db)
    _decide(db, range(1, COUNT + 1))
    before = gathering.gather(runtime, db, LABELS, up_to=None)
    learned = tuple(before.training.all_decision_ids.tolist())
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", LABELS, b"", {}, learned))
    moved = before.training.diary_ids[:5]
    diaries.put_in_part(db, moved, "test")
    after = gathering.gather(runtime, db, LABELS, up_to=None, measured=models.get_model(db, model_id))
    assert after.test.diary_ids.tolist() == before.test.diary_ids.tolist()
    assert set(moved.tolist()) <= set(gathering.gather(runtime, db, LABELS, up_to=None).test.diary_ids.tolist())


def test_near_copies_that_nobody_has_seen_go_where_the_first_one_is(runtime: WorkerRuntime, db: Database) -> None:
    _fill(runtime, db)
    part_of_first = dict(rows(db, "select id, part from diaries where id % 2 = 1"))
    assert _torn(db)
    _follow_all(runtime, db)
    assert _torn(db) == []
    assert dict(rows(db, "select id, part from diaries where id % 2 = 1")) == part_of_first
    of_test = "select distinct q.strategy from queue q join diaries d on d.id = q.diary_id where d.part = 'test'"
    assert rows(db, of_test) == [("random",)]
    assert facts.copies_looked_for(db, runtime.encoder(db).hash) == COUNT


def test_near_copies_that_somebody_has_decided_stay_where_they_are(runtime: WorkerRuntime, db: Database) -> None:
    _fill(runtime, db)
    torn = _torn(db)
    _decide(db, [torn[0] + 1])
    _follow_all(runtime, db)
    assert _torn(db) == torn[:1]


def test_near_copies_are_looked_for_up_to_the_first_diary_without_a_vector(
    runtime: WorkerRuntime, db: Database
) -> None:
    _fill(runtime, db)
    runtime.vector_file(db).clear(np.array([30]))
    _follow_all(runtime, db)
    assert facts.copies_looked_for(db, runtime.encoder(db).hash) == 29


def test_a_diary_follows_its_writer_and_not_a_near_copy(runtime: WorkerRuntime, db: Database) -> None:
    _fill(runtime, db, writers=[f"쓴이{i}" for i in range(12)])
    torn = _torn(db)
    assert torn
    _follow_all(runtime, db)
    assert _torn(db) == torn
    of_writer = rows(db, "select count(distinct part) from diaries group by author")
    assert set(of_writer) == {(1,)}


@pytest.mark.parametrize("seed", range(5))
def test_no_writer_and_no_near_copy_is_in_two_folds(runtime: WorkerRuntime, db: Database, seed: int) -> None:
    writers = [f"쓴이{i}" for i in range(30)]
    _fill(runtime, db, writers=writers)
    ids = np.random.default_rng(seed).permutation(np.arange(1, COUNT + 1))
    groups = gathering.groups_of(runtime, db, ids)
    assert groups.by == "writers"
    dealt = dict(zip(ids.tolist(), folds.deal(ids % 2, groups.numbers, seed=seed).tolist(), strict=True))
    assert all(dealt[i] == dealt[i + 1] for i in range(1, COUNT, 2))
    assert all(dealt[i] == dealt[i + len(writers)] for i in range(1, COUNT - len(writers) + 1))


@pytest.mark.parametrize("writers", [["혼자"], [""]], ids=["one writer", "no names"])
def test_where_writers_do_not_tell_diaries_apart_folds_keep_near_copies_together(
    runtime: WorkerRuntime, db: Database, writers: list[str]
) -> None:
    _fill(runtime, db, writers=writers)
    groups = gathering.groups_of(runtime, db, np.arange(1, COUNT + 1))
    assert groups.by == "texts"
    assert len(set(groups.numbers.tolist())) == COUNT // 2


def test_texts_of_one_pattern_train_and_stay_in_their_parts(runtime: WorkerRuntime, db: Database) -> None:
    vectors = _fill(runtime, db)
    runtime.vector_file(db).write(range(1, COUNT + 1), np.tile(vectors[:1], (COUNT, 1)), np.full(COUNT, 9, np.int32))
    before = diaries.list_ids(db, "test").tolist()
    _follow_all(runtime, db)
    assert diaries.list_ids(db, "test").tolist() == before
    _decide(db, range(1, COUNT + 1))
    gathered = gathering.gather(runtime, db, LABELS, up_to=None)
    assert gathered.is_patterned
    assert len(gathered.training.columns) == len(gathered.copies) == COUNT - len(before)
    assert gathered.left_out_count == 0


def test_examples_that_are_nearly_all_the_same_are_dealt_singly(runtime: WorkerRuntime, db: Database) -> None:
    vectors = _fill(runtime, db)
    runtime.vector_file(db).write(range(1, COUNT + 1), np.tile(vectors[:1], (COUNT, 1)), np.full(COUNT, 9, np.int32))
    groups = gathering.groups_of(runtime, db, np.arange(1, COUNT + 1))
    assert groups.by == "none"
    assert len(set(groups.numbers.tolist())) == COUNT

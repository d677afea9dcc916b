"""In which order diaries are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings
from annotator.labelling import queueing
from db.answers import decisions, queue
from db.answers.decisions import NewDecision
from db.models import models
from db.people import annotators
from db.texts import diaries
from tests.conftest import fill, import_ours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database


def _model(db: Database) -> models.Model:
    label_ids = tuple(range(1, 8))
    return models.get_model(
        db, models.add_model(db, models.NewModel("zero", "bundled", "hash", label_ids, b"weights", settings={}))
    )


def _proba(count: int) -> NDArray[np.float32]:
    """Return probabilities that grow surer with the diary's id."""
    sure = np.linspace(0.2, 0.9, count, dtype=np.float32)
    return np.column_stack([sure, *[(1 - sure) / 6] * 6]).astype(np.float32)


def _rank(
    db: Database, proba: NDArray[np.float32], strategy: str = "margin", seed: int = 1, uniform_share: float = 0.0
) -> list[queue.QueueEntry]:
    chosen = settings.new_settings(strategy=strategy, uniform_share=uniform_share)
    features = np.eye(len(proba) + 1, dtype=np.float32)  # no two diaries alike
    return queueing.rank_pool(
        db, _model(db), proba, features=lambda ids: features[ids], committee=(), settings=chosen, seed=seed
    )


def test_an_import_is_asked_for_in_random_order_with_test_diaries_among_it(opened: Database) -> None:
    fill(opened, 100)
    head = queue.list_head(opened, 100)
    assert sorted(head) == list(range(1, 101))
    assert head != sorted(head)
    parts = [diaries.get_diary(opened, i).part for i in head]
    assert parts[0] == "pool"
    for start in range(0, 80, 20):
        assert 2 <= parts[start : start + 20].count("test") <= 6, "each stretch holds its share"


def test_a_later_import_comes_after_the_first_and_labelled_rows_are_not_asked_for(opened: Database) -> None:
    fill(opened, 10)
    first = queue.list_head(opened, 99)
    fill(opened, 4, labelled=True)
    assert queue.list_head(opened, 99) == [i for i in first if i > 4], "labels that come for diaries here answer them"
    import_ours(opened, "text\n" + "\n".join(f"{i}번째로 더 쓴 날" for i in range(20)), "more.csv")
    assert queue.list_head(opened, 6) == [i for i in first if i > 4]
    assert sorted(queue.list_head(opened, 99)[6:]) == list(range(11, 31))


@pytest.mark.parametrize("strategy", ["margin", "least_confidence", "entropy"])
def test_what_the_model_is_least_sure_of_comes_first(opened: Database, strategy: str) -> None:
    fill(opened, 60)
    entries = _rank(opened, _proba(60), strategy)
    ranked = [entry.diary_id for entry in entries if entry.strategy == strategy]
    assert ranked == sorted(ranked) == diaries.list_ids(opened, "pool").tolist()
    scores = [entry.score for entry in entries if entry.strategy == strategy]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1


def test_test_diaries_keep_their_random_order_and_their_share(opened: Database) -> None:
    fill(opened, 60)
    entries = _rank(opened, _proba(60))
    test = [entry.diary_id for entry in entries if entry.strategy == "random"]
    assert test == diaries.list_ids(opened, "test").tolist()
    assert any(entry.strategy == "random" for entry in entries[:10])
    assert len({entry.diary_id for entry in entries}) == 60


def test_decided_diaries_are_not_asked_for_again(opened: Database) -> None:
    fill(opened, 30)
    me = annotators.get_or_create_id(opened, "나")
    for diary_id, kind in ((1, "label"), (2, "skip"), (3, "flag")):
        label_id = 1 if kind == "label" else None
        decisions.add(opened, NewDecision(diary_id, me, kind, f"token-{diary_id}", label_id))  # type: ignore[arg-type]
    assert {entry.diary_id for entry in _rank(opened, _proba(30))} == set(range(4, 31))


def test_diaries_without_a_prediction_wait_behind_the_ranked_ones(opened: Database) -> None:
    fill(opened, 40)
    proba = _proba(30)  # the last ten were imported since
    proba[4] = np.nan
    pool = set(diaries.list_ids(opened, "pool").tolist())
    in_pool = [entry for entry in _rank(opened, proba) if entry.diary_id in pool]
    known = [i for i in sorted(pool) if i <= 30 and i != 5]
    assert [entry.diary_id for entry in in_pool[: len(known)]] == known
    assert {entry.diary_id for entry in in_pool[len(known) :]} == pool - set(known)
    assert {entry.strategy for entry in in_pool[len(known) :]} <= {"random"}


def test_the_same_seed_gives_the_same_order(opened: Database) -> None:
    fill(opened, 40)
    first, again, other = (_rank(opened, _proba(40), "random", seed) for seed in (1, 1, 2))
    assert first == again != other


def test_an_empty_project_gives_an_empty_queue(opened: Database) -> None:
    assert _rank(opened, np.zeros((0, 7), np.float32)) == []


def test_a_long_pool_is_ranked_as_far_as_a_queue_goes(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(opened, 60)
    monkeypatch.setattr(queueing, "QUEUE_LENGTH", 5)
    pool = diaries.list_ids(opened, "pool").tolist()
    entries = _rank(opened, _proba(60))
    ranked = [e.diary_id for e in entries if e.strategy == "margin"]
    assert ranked == pool[: len(ranked)]
    assert len(entries) == 5
    assert 1 <= len(ranked) < 5, "test diaries are among them"


def test_a_long_import_is_asked_for_as_far_as_a_queue_goes_and_more_is_drawn_of_both_parts(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "QUEUE_LENGTH", 20)
    fill(opened, 100)
    first = queue.list_head(opened, 100)
    assert len(first) == 20
    more = queue.list_unqueued_ids(opened, limit=40)
    assert len(set(more)) == 40
    assert not set(first) & set(more)
    assert {diaries.get_diary(opened, i).part for i in more} == {"pool", "test"}
    assert more == queue.list_unqueued_ids(opened, limit=40)
    assert len(queue.list_unqueued_ids(opened, limit=1000)) == 80


def test_the_uniform_share_is_drawn_at_random_spread_over_the_queue_and_marked(opened: Database) -> None:
    fill(opened, 300)
    ranked = _rank(opened, _proba(300), uniform_share=0.25)
    pool = [entry for entry in ranked if diaries.get_diary(opened, entry.diary_id).part == "pool"]
    assert len({entry.diary_id for entry in pool}) == len(pool)
    for start in range(0, 200, 40):
        assert 8 <= sum(entry.strategy == "random" for entry in pool[start : start + 40]) <= 12
    drawn = [entry.diary_id for entry in pool if entry.strategy == "random"]
    assert drawn != sorted(drawn)
    assert len(drawn) == round(0.25 * len(pool))

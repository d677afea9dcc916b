"""Texts of a pool are found by words, by a prediction and by likeness, and become diaries when they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings as project_settings
from annotator.accounts import annotators, diary_access
from annotator.errors import UserError
from annotator.finding import pool_search
from annotator.pool import engines, preparing, searching, stages
from annotator.pool import rows as pool_rows
from annotator.pool.searching import PoolQuery
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from annotator.serving import encoder_cache
from db.answers import queue
from db.models import models
from db.pool import members
from db.texts import diaries
from learner.pool.storage import PoolError
from tests.annotator.pool.test_stages import add_version, read_stage

if TYPE_CHECKING:
    from annotator.pool.pools import Pool
    from annotator.serving.runtime import ModelRuntime
    from db import Database

pytest.importorskip("duckdb", reason="the extra scale is not installed")


def find(db: Database, pool: Pool, query: PoolQuery, limit: int = 500) -> list[int]:
    return [hit.number for hit in searching.search(db, pool, query, settings=project_settings.load(db), limit=limit)]


def test_words_are_found_where_all_of_them_stand_and_test_texts_are_not(opened: Database, pool: Pool) -> None:
    fetched = pool_rows.fetch(opened, pool, np.arange(1, 251), with_texts=True).texts
    expected = [
        n
        for n, (text, is_test) in enumerate(zip(fetched["text"], fetched["is_test"], strict=True), 1)
        if "눈물이" in text and "1번째" in text and not is_test
    ]
    assert find(opened, pool, PoolQuery(("눈물이", "1번째"))) == expected
    assert expected
    assert find(opened, pool, PoolQuery(("눈물이", "1번째")), limit=2) == expected[:2]
    assert find(opened, pool, PoolQuery(("없는 말",))) == []


@pytest.mark.parametrize("word", ["'", "' or true --", "%", "_", "\\", "'; drop table x; --", "눈물'이"])
def test_a_word_is_a_word_whatever_it_holds(opened: Database, pool: Pool, word: str) -> None:
    assert find(opened, pool, PoolQuery((word,))) == []


def test_nothing_and_an_unknown_label_are_said(opened: Database, pool: Pool) -> None:
    with pytest.raises(UserError, match="pool_search_empty"):
        find(opened, pool, PoolQuery())
    with pytest.raises(UserError, match="label_unknown"):
        find(opened, pool, PoolQuery(label="기쁨이"))
    with pytest.raises(PoolError, match="pool_no_model"):
        find(opened, pool, PoolQuery(label="행복"))


def test_a_forgotten_text_is_not_found(opened: Database, pool: Pool) -> None:
    numbers = find(opened, pool, PoolQuery(("눈물이",)))
    forgetting.forget(opened, None, Selection(pool_numbers=(numbers[0],)))
    assert find(opened, pool, PoolQuery(("눈물이",))) == numbers[1:]


@pytest.mark.slow
def test_prediction_and_likeness_and_sending(runtime: ModelRuntime, opened: Database, pool: Pool) -> None:
    stages.encode(runtime, opened, pool, engines.InlineEngine())
    encoder = runtime.load_encoder(opened, encoder_cache.of_next_round(opened))
    model = add_version(opened, encoder.hash, encoder.width)
    models.activate(opened, model.id, reason="test")
    with pytest.raises(PoolError, match="pool_input_missing"):
        find(opened, pool, PoolQuery(label="행복"))
    stages.predict(runtime, opened, pool, engines.InlineEngine(), model)
    proba = read_stage(opened, pool, preparing.predict_stage(model.id))
    hits = searching.search(
        opened, pool, PoolQuery(label="행복"), settings=project_settings.load(opened), limit=500
    )  # fmt: skip
    assert all(proba[hit.number - 1].argmax() == 1 for hit in hits)
    assert [hit.probability for hit in hits] == sorted((hit.probability or 0 for hit in hits), reverse=True)
    actor = diary_access.owner(annotators.get_or_create(opened, "나"))
    sent = pool_search.send(opened, actor, pool, hits[:5], query={"q": "행복"})
    assert len(sent.sent_ids) == 5
    assert members.count(opened, pool.id) == diaries.count_diaries(opened) == 5
    assert sorted(queue.list_head(opened, 10)) == [1, 2, 3, 4, 5]
    vector = searching.vector_of(opened, pool, 1)
    likest = searching.search(opened, pool, PoolQuery(like=vector), settings=project_settings.load(opened), limit=3)
    assert likest[0].diary_id == 1
    assert likest[0].likeness == pytest.approx(1, abs=1e-5)
    with pytest.raises(UserError, match="pool_not_member"):
        searching.vector_of(opened, pool, 99)

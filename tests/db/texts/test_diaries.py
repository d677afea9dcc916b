"""What is asked of the diaries without reading all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.answers import decisions
from db.answers.decisions import NewDecision
from db.people import annotators
from db.texts import diaries, sentences
from db.texts.batch_insertion import insert_batch
from db.texts.batches import Batch, NewDiary
from db.texts.sentences import Sentences
from tests.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db import Database


def test_the_count_is_that_of_the_rows(opened: Database) -> None:
    assert diaries.count_diaries(opened) == 0
    fill(opened, 10)
    fill(opened, 30)  # ten of them are there already
    assert diaries.count_diaries(opened) == len(diaries.list_ids(opened)) == 30
    test = diaries.list_ids(opened, "test")
    assert np.flatnonzero(diaries.mark_test(opened)).tolist() == sorted(i - 1 for i in test.tolist())


def test_undecided_test_diaries_come_in_the_order_of_their_draws(opened: Database) -> None:
    fill(opened, 60)
    test = diaries.list_ids(opened, "test").tolist()
    me = annotators.get_or_create_id(opened, "나")
    decisions.add(opened, NewDecision(test[1], me, "label", "token", 1))
    left = [i for i in test if i != test[1]]
    assert diaries.list_undecided_test(opened, limit=100).tolist() == left
    assert diaries.list_undecided_test(opened, limit=2).tolist() == left[:2]


def test_diaries_without_sentences_are_found_behind_a_mark(opened: Database) -> None:
    fill(opened, 8)
    sentences.store_sentences(opened, [Sentences(i, ((0, 1),), "kss") for i in (1, 2, 5)])
    assert sentences.list_unsplit_ids(opened, limit=3) == [3, 4, 6]
    assert sentences.list_unsplit_ids(opened, limit=3, after=6) == [7, 8]
    assert sentences.count_unsplit(opened) == 5


def test_a_sample_follows_the_draws_over_both_parts(opened: Database) -> None:
    fill(opened, 30)
    draws = {row[1]: row[0] for row in opened.conn.execute("select draw, text from diaries")}
    assert diaries.sample_texts(opened, limit=12) == sorted(draws, key=draws.__getitem__)[:12]


def test_ids_without_a_diary_are_passed_over(opened: Database) -> None:
    fill(opened, 3)
    assert diaries.keep_known(opened, np.array([9, 3, 1])).tolist() == [3, 1]


MANY = 50_000
"""So many rows are written as those of a large file are."""


def _many(*, broken: bool) -> Iterator[NewDiary]:
    for number in range(1, MANY + 1):
        draw = number * 7919 % MANY
        yield NewDiary(number, f"{number}", number.to_bytes(16, "big"), None, None, "{}", "pool", draw)
    if broken:
        raise OSError("the file can't be read to its end")


def test_a_large_import_leaves_the_schema_as_it_was_whole_or_broken_off(opened: Database) -> None:
    def schema() -> list[tuple[str, str]]:
        return sorted(opened.conn.execute("select name, coalesce(sql, '') from sqlite_master").fetchall())

    before = schema()
    me = annotators.get_or_create_id(opened, "나")
    batch = Batch("many.csv", "00", "csv", "utf-8", {}, me, MANY)
    with pytest.raises(OSError, match="can't be read"):
        insert_batch(opened, batch, _many(broken=True), [], source="many.csv")
    assert (schema(), diaries.count_diaries(opened)) == (before, 0)
    insert_batch(opened, batch, _many(broken=False), [], source="many.csv")
    assert (schema(), diaries.count_diaries(opened)) == (before, MANY)
    assert opened.conn.execute("pragma integrity_check").fetchone()[0] == "ok"

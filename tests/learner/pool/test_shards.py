"""Shards read back as they were written, the same rows give the same bytes, and foreign files are known."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.pool import shards
from learner.pool.keys import SeenKeys, key_of, odds_of_collision
from learner.pool.storage import PoolError, Storage

if TYPE_CHECKING:
    from pathlib import Path

ROWS = shards.texts_of(
    [
        ("오늘은 눈물이 났다.", 7, "2026-03-01", "김서연", "{}", "a.csv", 5, False),
        (None, 0, None, None, None, None, 0, False),
        ("기쁜 날.", 9, None, None, '{"place": "집"}', "b.csv", 2**61, True),
    ]
)


def _equal(one: shards.Texts, other: shards.Texts) -> bool:
    return shards.texts_to_bytes(one, shard=0, pool="p") == shards.texts_to_bytes(other, shard=0, pool="p")


def test_texts_read_back(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    made = shards.write_texts(storage, 3, ROWS, pool="p")
    assert (made.shard, made.rows, made.bytes) == (3, 3, storage.size("texts/00003.parquet"))
    rows = shards.read_texts(storage, 3, digest=made.digest)
    assert _equal(rows, ROWS)
    assert rows.is_there.tolist() == [True, False, True]


def test_a_truncated_a_foreign_and_a_missing_shard_are_known_by_their_digest(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    made = shards.write_texts(storage, 0, ROWS, pool="p")
    content = storage.read("texts/00000.parquet")
    for other in (content[:-1], shards.texts_to_bytes(ROWS, shard=0, pool="another")):
        storage.write("texts/00000.parquet", other)
        with pytest.raises(PoolError, match="pool_shard_differs"):
            shards.read_texts(storage, 0, digest=made.digest)
    storage.remove("texts/00000.parquet")
    with pytest.raises(PoolError, match="pool_file_missing"):
        shards.read_texts(storage, 0, digest=made.digest)


@pytest.mark.parametrize("place", ["folder", "memory"])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_rows_of_a_stage_read_back(tmp_path: Path, place: str, count: int) -> None:
    storage = Storage(str(tmp_path) if place == "folder" else f"memory://{secrets.token_hex(4)}")
    values = np.random.default_rng(0).normal(size=(count, 5)).astype(np.float32)
    made = shards.write_rows(storage, "encode/abc", 1, values, source="digest-of-texts")
    opened = shards.open_rows(storage, "encode/abc", 1, digest=made.digest)
    assert np.array_equal(opened.values, values)
    assert (opened.stage, opened.source) == ("encode/abc", "digest-of-texts")


def test_rows_of_another_stage_and_broken_ones_are_refused(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    shards.write_rows(storage, "encode/abc", 0, np.zeros((2, 3), np.float32), source="x")
    content = storage.read("encode/abc/00000.arrow")
    for name, other in (("encode/other", content), ("encode/broken", content[:-9]), ("encode/none", b"x")):
        storage.write(f"{name}/00000.arrow", other)
        with pytest.raises(PoolError, match="pool_shard_differs"):
            shards.open_rows(storage, name, 0, digest=None)


def test_a_number_says_where_a_text_lies() -> None:
    assert [shards.place_of(number, 10) for number in (1, 10, 11, 25)] == [(0, 0), (0, 9), (1, 0), (2, 4)]
    numbers = np.array([25, 1, 11, 10])
    places = {shard: numbers[at].tolist() for shard, at in shards.numbers_by_shard(numbers, 10).items()}
    assert places == {0: [1, 10], 1: [11], 2: [25]}


def test_keys_differ_by_project_and_equal_texts_are_seen_whatever_lies_between() -> None:
    assert key_of(b"a" * 16, seed=b"1") != key_of(b"a" * 16, seed=b"2")
    random = np.random.default_rng(1)
    keys = random.integers(1, 300, 2000)
    seen, first, is_new = SeenKeys(), set[int](), []
    for block in np.array_split(keys, 17):
        is_new += seen.add(block).tolist()
    for key, new in zip(keys.tolist(), is_new, strict=True):
        assert new == (key not in first)
        first.add(key)


def test_the_odds_of_two_texts_with_one_key_grow_with_the_square() -> None:
    assert odds_of_collision(1_000_000) == pytest.approx(1 / 18_446_762, rel=1e-3)
    assert odds_of_collision(100_000_000) == pytest.approx(1 / 1845, rel=1e-2)

"""Layouts on disk: whole or none, emptied as vectors are, and never taken for what they are not."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.encoders import vector_store
from learner.layout import layout_store
from learner.layout.layout_store import LAID_OUT, PLACED, About

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ABOUT = About("encoder", "2026-11-29T00:00:00.000Z", count=5, clusters=2, forgotten=0)
IDS = np.array([1, 2, 3, 5, 9])


def _store(folder: Path, about: About = ABOUT) -> Path:
    places = np.arange(10, dtype=np.float32).reshape(5, 2)
    kinds = np.array([LAID_OUT] * 4 + [PLACED], np.int32)
    number = layout_store.store(folder, about, IDS, places, np.array([0, 1, 0, 1, 0]), kinds)
    return folder / f"map-{number:08d}"


def test_what_is_stored_is_read_again(tmp_path: Path) -> None:
    _store(tmp_path)
    layout = layout_store.find(tmp_path, forgotten=0)
    assert layout is not None
    assert layout.about == ABOUT
    assert (np.flatnonzero(layout.is_there) + 1).tolist() == IDS.tolist()
    assert layout.places[IDS - 1].tolist() == np.arange(10).reshape(5, 2).tolist()
    assert np.isnan(layout.places[3]).all()
    assert layout.clusters[:5].tolist() == [0, 1, 0, -1, 1]
    assert (np.flatnonzero(layout.is_laid_out) + 1).tolist() == [1, 2, 3, 5]


def test_the_next_one_takes_its_place_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = _store(tmp_path)
    second = _store(tmp_path, replace(ABOUT, encoder_hash="another"))
    assert not first.exists()
    layout = layout_store.find(tmp_path, forgotten=0)
    assert layout is not None
    assert (layout.number, layout.about.encoder_hash) == (2, "another")
    layout_store.store_words(tmp_path, layout, [("바다",), ()])
    assert {stat.S_IMODE(each.stat().st_mode) for each in second.iterdir()} == {0o600}
    assert stat.S_IMODE(second.stat().st_mode) == 0o700


def test_one_that_was_cut_off_while_it_was_written_is_none_and_the_last_one_holds(tmp_path: Path) -> None:
    first = _store(tmp_path)
    begun = tmp_path / "map-00000002"
    vector_store.VectorFile(begun, width=3).write([1], np.zeros((1, 3), np.float32), np.ones(1, np.int32))
    layout = layout_store.find(tmp_path, forgotten=0)
    assert layout is not None
    assert layout.number == 1
    assert _store(tmp_path).name == "map-00000003"
    assert not begun.exists()
    assert not first.exists()


def test_forgetting_empties_its_rows_and_takes_the_words_away(tmp_path: Path) -> None:
    place = _store(tmp_path)
    layout = layout_store.find(tmp_path, forgotten=0)
    assert layout is not None
    layout_store.store_words(tmp_path, layout, [("바다",), ("시험",)])
    assert layout_store.find_words(tmp_path, layout) == (("바다",), ("시험",))
    file = vector_store.find(place)
    assert file is not None
    file.clear(np.array([2, 9]))
    layout_store.remove_words(tmp_path)
    assert not file.read([2, 9]).any()
    assert layout_store.find_words(tmp_path, layout) is None
    after = layout_store.find(tmp_path, forgotten=2)
    assert after is not None
    assert (np.flatnonzero(after.is_there) + 1).tolist() == [1, 3, 5]
    assert layout_store.find(tmp_path, forgotten=1) is None, "more is missing than was forgotten"


def test_further_diaries_are_added_and_more_than_were_noted_are_no_loss(tmp_path: Path) -> None:
    _store(tmp_path)
    layout = layout_store.find(tmp_path, forgotten=0)
    assert layout is not None
    spot = np.ones((1, 2), np.float32)
    layout_store.add(tmp_path, layout, replace(ABOUT, count=6), np.array([12]), spot, np.array([1]))
    after = layout_store.find(tmp_path, forgotten=0)
    assert after is not None
    assert after.about.count == 6
    assert (after.clusters[11], after.is_laid_out[11]) == (1, False)
    # Cut off between the rows and the note of them.
    layout_store.add(tmp_path, after, replace(ABOUT, count=6), np.array([13]), spot, np.array([1]))
    assert layout_store.find(tmp_path, forgotten=0) is not None


def _cut(place: Path) -> None:
    vectors = place / "vectors.f32"
    vectors.write_bytes(vectors.read_bytes()[:40])


def _empty(place: Path) -> None:
    (place / "tokens.i32").write_bytes(b"")


def _foreign_numbers(place: Path) -> None:
    vectors = place / "vectors.f32"
    vectors.write_bytes(b"\xff" * vectors.stat().st_size)


def _foreign_kinds(place: Path) -> None:
    counts = place / "tokens.i32"
    counts.write_bytes(b"\x07" * counts.stat().st_size)


def _other_clusters(place: Path) -> None:
    (place / "map.json").write_text(json.dumps({**json.loads((place / "map.json").read_text()), "clusters": 1}))


def _no_about(place: Path) -> None:
    (place / "map.json").write_text("{")


def _other_about(place: Path) -> None:
    (place / "map.json").write_text('{"count": "many", "further": 1}')


def _list_about(place: Path) -> None:
    (place / "map.json").write_text("[1]")


@pytest.mark.parametrize(
    "damage",
    [_cut, _empty, _foreign_numbers, _foreign_kinds, _other_clusters, _no_about, _other_about, _list_about],
)
def test_a_damaged_one_is_lost_and_the_next_takes_its_place(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    assert not layout_store.is_lost(tmp_path, forgotten=0)
    place = _store(tmp_path)
    assert not layout_store.is_lost(tmp_path, forgotten=0)
    damage(place)
    assert layout_store.find(tmp_path, forgotten=0) is None
    assert layout_store.is_lost(tmp_path, forgotten=0)
    _store(tmp_path)
    assert not layout_store.is_lost(tmp_path, forgotten=0)

"""The worker draws the map of all diaries once they have vectors, keeps it up, and forgets on it what is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial import procrustes

from annotator import project
from annotator import settings as project_settings
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from annotator.worker import tasks
from annotator.worker.tasks import pool_map
from db.forgetting import forgotten
from db.texts import diaries
from learner.encoders import vector_store
from learner.layout import layout_store, tsne
from tests.conftest import fill, fill_by_mood, import_ours

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.worker.runtime import WorkerRuntime as Runtime
    from db import Database
    from learner.layout.layout_store import Layout

pytestmark = pytest.mark.slow


def _folder(runtime: Runtime) -> Path:
    return project.vectors_folder(runtime.database)


def _find(runtime: Runtime, db: Database) -> Layout | None:
    return layout_store.find(_folder(runtime), forgotten=len(forgotten.list_ids(db)))


def _get(runtime: Runtime, db: Database) -> Layout:
    layout = _find(runtime, db)
    assert layout is not None
    return layout


def _keep_up(runtime: Runtime, db: Database) -> list[tuple[int, int]]:
    pieces = []
    while (piece := pool_map.draw(runtime, db)) is not None:
        pieces.append(piece)
    return pieces


def _add(runtime: Runtime, db: Database, count: int) -> None:
    """Import further diaries, with vectors like those of the first."""
    known = diaries.list_ids(db)
    import_ours(db, "text\n" + "\n".join(f"나중에 온 {i}번째 일기다." for i in range(count)), "later.csv")
    new = np.setdiff1d(diaries.list_ids(db), known)
    file = runtime.vector_file(db)
    noise = np.random.default_rng(1).normal(0, 0.1, (len(new), file.width))
    file.write(new.tolist(), (file.read(known[: len(new)]) + noise).astype(np.float32), np.full(len(new), 9, np.int32))


def test_the_map_is_drawn_in_pieces_with_its_clusters_and_their_words(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 120)
    pieces = _keep_up(runtime, opened)
    assert len(pieces) > 20
    assert all(done <= total for done, total in pieces)
    layout = _get(runtime, opened)
    assert (layout.is_there.sum(), layout.is_laid_out.sum()) == (120, 120)
    assert layout.about.encoder_hash == runtime.encoder(opened).hash
    words = layout_store.find_words(_folder(runtime), layout)
    assert words is not None
    named = {word for each in words for word in each}
    assert named & {"기쁘다", "즐겁다"}
    assert named & {"슬프다", "눈물"}
    # The moods lie apart.
    happy = layout.places[:120][np.arange(1, 121) % 2 == 1]
    sad = layout.places[:120][np.arange(1, 121) % 2 == 0]
    assert np.linalg.norm(happy.mean(axis=0) - sad.mean(axis=0)) > layout.places[:120].std()
    assert pool_map.draw(runtime, opened) is None


def test_it_comes_last_of_all_upkeep_and_not_before_there_are_vectors(
    runtime: Runtime, opened: Database, tiny: Path
) -> None:
    project_settings.change(opened, encoder=str(tiny))
    fill(opened, tsne.FEWEST)
    assert pool_map.draw(runtime, opened) is None
    steps = []
    while (piece := tasks.next_piece(runtime, opened)) is not None:
        steps.append(piece.step)
    assert "map" in steps
    first = steps.index("map")
    assert "encode" in steps[:first]
    assert not {"encode", "explain"} & set(steps[first:])
    assert _find(runtime, opened) is not None


def test_few_diaries_have_no_map(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, tsne.FEWEST - 1)
    assert _keep_up(runtime, opened) == []


def test_the_same_project_gives_the_same_map_also_where_it_was_cut_off(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 80)
    _keep_up(runtime, opened)
    first = _get(runtime, opened)
    for place in _folder(runtime).glob("map-*"):
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    for _ in range(12):
        pool_map.draw(runtime, opened)
    assert _find(runtime, opened) is None
    runtime.marks.map_job = None  # as the next worker finds it
    _keep_up(runtime, opened)
    assert np.array_equal(_get(runtime, opened).places, first.places, equal_nan=True)


def test_a_few_further_diaries_lie_beside_their_nearest_and_the_others_stay(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 100)
    _keep_up(runtime, opened)
    before = _get(runtime, opened)
    _add(runtime, opened, 10)
    _keep_up(runtime, opened)
    after = _get(runtime, opened)
    assert after.number == before.number
    assert (after.places[:100] == before.places[:100]).all()
    assert not after.is_laid_out[100:110].any()
    for new in range(100, 110):
        twin = after.places[new - 100]
        assert np.linalg.norm(after.places[new] - twin) < 0.5 * before.places[:100].std()
        assert after.clusters[new] == after.clusters[new - 100]


def test_many_further_ones_have_it_drawn_anew_from_where_everything_was(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 100)
    _keep_up(runtime, opened)
    before = _get(runtime, opened)
    _add(runtime, opened, 40)
    _keep_up(runtime, opened)
    after = _get(runtime, opened)
    assert after.number > before.number
    assert after.is_laid_out[:140].all()
    # Within a mood the vectors are chance, so that little holds texts where they were.
    assert procrustes(before.places[:100], after.places[:100])[2] < 0.3


def test_another_encoder_has_it_drawn_anew(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 60)
    _keep_up(runtime, opened)
    layout = _get(runtime, opened)
    about = layout.about
    ids = np.arange(1, 61)
    other = layout_store.About("another", about.made_at, about.count, about.clusters, about.forgotten)
    kinds = np.full(60, layout_store.LAID_OUT, np.int32)
    layout_store.store(_folder(runtime), other, ids, layout.places[:60], layout.clusters[:60], kinds)
    _keep_up(runtime, opened)
    assert _get(runtime, opened).about.encoder_hash == runtime.encoder(opened).hash


def test_of_more_than_are_laid_out_the_same_sample_is_and_the_others_are_put_beside_it(
    runtime: Runtime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsne, "MOST_LAID_OUT", 60)
    fill_by_mood(runtime, opened, 150)
    _keep_up(runtime, opened)
    layout = _get(runtime, opened)
    assert (layout.is_there.sum(), layout.is_laid_out.sum()) == (150, 60)
    # Those that come later take the places of some, and nothing else changes in the sample.
    _add(runtime, opened, 20)
    _keep_up(runtime, opened)
    after = _get(runtime, opened)
    assert (after.is_there.sum(), after.is_laid_out.sum()) == (170, 60)
    assert pool_map.draw(runtime, opened) is None


def test_what_is_forgotten_goes_from_the_map_and_the_words_are_found_anew(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 60)
    _keep_up(runtime, opened)
    layout = _get(runtime, opened)
    (place,) = _folder(runtime).glob("map-*")
    assert (place / layout_store.WORDS).exists()
    forgetting.forget(opened, None, Selection(ids=(7, 60)))
    file = vector_store.find(place)
    assert file is not None
    assert not file.read([7, 60]).any()
    assert not file.has(np.array([7, 60])).any()
    assert not (place / layout_store.WORDS).exists()
    after = _get(runtime, opened)
    assert (after.number, int(after.is_there.sum())) == (layout.number, 58)
    _keep_up(runtime, opened)
    assert (place / layout_store.WORDS).exists()
    assert _get(runtime, opened).number == layout.number, "the others stay where they are"


@pytest.mark.parametrize("pieces", [1, 30, 45])
def test_what_is_forgotten_while_it_is_drawn_is_not_on_it(runtime: Runtime, opened: Database, pieces: int) -> None:
    fill_by_mood(runtime, opened, 60)
    for _ in range(pieces):
        pool_map.draw(runtime, opened)
    forgetting.forget(opened, None, Selection(ids=(7,)))
    _keep_up(runtime, opened)
    layout = _get(runtime, opened)
    assert not layout.is_there[6]
    assert layout.is_there.sum() == 59


def test_a_map_that_was_damaged_is_drawn_anew(runtime: Runtime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 60)
    _keep_up(runtime, opened)
    (place,) = _folder(runtime).glob("map-*")
    (place / "vectors.f32").write_bytes(b"foreign")
    assert _find(runtime, opened) is None
    _keep_up(runtime, opened)
    assert _get(runtime, opened).is_there.sum() == 60


def test_covered_numbers_and_single_letters_name_no_cluster() -> None:
    assert pool_map._forms("전화 ●●●-●●●●-●●●● 바다에 갔다 ㅋㅋ") == [
        word for word in pool_map._forms("전화 바다에 갔다 ㅋㅋ") if word != "●"
    ]


def test_while_nothing_has_changed_the_map_is_not_read_again(
    runtime: Runtime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_by_mood(runtime, opened, 40)
    _keep_up(runtime, opened)
    reads = []
    find = layout_store.find
    monkeypatch.setattr(layout_store, "find", lambda *args, **given: reads.append(1) or find(*args, **given))
    assert pool_map.draw(runtime, opened) is None
    assert reads == []
    forgetting.forget(opened, None, Selection(ids=(3,)))
    assert pool_map.draw(runtime, opened) is not None, "words are to be found anew"
    assert reads

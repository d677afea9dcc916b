"""Drawing the map of all diaries: the last of all upkeep, in pieces of about a second. See docs/finding.md."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.privacy import forgotten_files, masking
from annotator.worker.tasks.progress import forgotten_ids
from db import clock
from db.forgetting import forgotten
from db.texts import diaries
from learner.active_learning import draws
from learner.layout import clusters as grouping
from learner.layout import layout_store, tsne
from learner.layout.layout_store import LAID_OUT, PLACED, About, Layout
from learner.text.lemmas import find_words

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from learner.encoders.vector_store import VectorFile

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

_GROWTH = 0.2
"""Share of further diaries, put beside their nearest, from which on the map is drawn anew."""

_WORDS_FROM = 10_000
"""Diaries that the words of clusters come from: about twenty seconds of analysis."""

_ROWS_AT_A_TIME = 16_384
_TEXTS_A_PIECE = 256
_PIECES = 100
"""Of the whole work, for those who look on."""


def draw(runtime: WorkerRuntime, db: Database) -> tuple[int, int] | None:
    """Go on with whatever is missing of the map; return how far it is, None if nothing is."""
    marks = runtime.marks
    if marks.map_job is None:
        made_from = _made_from(runtime, db)
        if made_from == marks.map_made_from:
            return None
        marks.map_job = _begin(runtime, db)
        if marks.map_job is None:
            marks.map_made_from = made_from
            return None
    try:
        return round(_PIECES * next(marks.map_job)), _PIECES
    except StopIteration:
        marks.map_job = None
        return _PIECES, _PIECES
    except BaseException:
        marks.map_job = None
        raise


def _made_from(runtime: WorkerRuntime, db: Database) -> object:
    """Return what changes whenever the map may be out of date: to look through a million diaries takes too long."""
    folder = project.vectors_folder(runtime.database)
    encoder_hash = runtime.encoder(db).hash
    files = [folder / encoder_hash / "tokens.i32", *folder.glob(f"{layout_store.PREFIX}*/*")]
    seen = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(files) if file.is_file()]
    return diaries.last_diary_id(db), forgotten.count_forgettings(db), encoder_hash, tuple(seen)


def _begin(runtime: WorkerRuntime, db: Database) -> Iterator[float] | None:
    """Return the most urgent work that the map is waiting for."""
    file, gone = runtime.vector_file(db), forgotten_ids(runtime.marks, db)
    folder = project.vectors_folder(runtime.database)
    encoded = np.setdiff1d(np.flatnonzero(file.present(diaries.last_diary_id(db))) + 1, gone)
    layout = layout_store.find(folder, forgotten=len(gone))
    if len(encoded) < tsne.FEWEST:
        return None
    if layout is None or layout.about.encoder_hash != runtime.encoder(db).hash:
        return _lay_out(runtime, db, file, encoded, layout)
    added = np.setdiff1d(encoded, np.flatnonzero(layout.is_there) + 1)
    laid_out = int(layout.is_laid_out.sum())
    if len(added) and (laid_out < tsne.FEWEST or _has_grown(layout, len(added))):
        return _lay_out(runtime, db, file, encoded, layout)
    if len(added):
        return _add(runtime, db, file, added, layout)
    if layout_store.find_words(folder, layout) is None:
        return _find_words(runtime, db, layout)
    return None


def _has_grown(layout: Layout, added: int) -> bool:
    laid_out = int(layout.is_laid_out.sum())
    placed = int(layout.is_there.sum()) - laid_out
    return laid_out < tsne.MOST_LAID_OUT and placed + added > _GROWTH * laid_out


def _seed(runtime: WorkerRuntime, db: Database) -> int:
    return int(runtime.settings(db).seed[:8], 16)


def _lay_out(
    runtime: WorkerRuntime, db: Database, file: VectorFile, ids: IntArray, layout: Layout | None
) -> Iterator[float]:
    """Draw the map, from where everything was on the last one."""
    seed, encoder_hash = _seed(runtime, db), runtime.encoder(db).hash
    chosen = _sample(ids, seed)
    reduced, mean, axes = tsne.reduce(file.read(chosen))
    are_other = layout is not None and layout.about.encoder_hash != encoder_hash
    work = tsne.lay_out(reduced, seed=seed, last=_last(layout, chosen), are_other=are_other)
    places = yield from _shifted(work, 0.0, 0.85)
    groups = grouping.divide(reduced, seed=seed)
    yield 0.87
    others = np.setdiff1d(ids, chosen)
    placed = yield from _shifted(_placed(file, others, (mean, axes), reduced, places), 0.87, 0.13)
    all_ids = np.concatenate([chosen, others])
    all_places = np.concatenate([places, placed[0]])
    all_groups = np.concatenate([groups, groups[placed[1]]])
    kinds = np.where(np.isin(all_ids, chosen), LAID_OUT, PLACED).astype(np.int32)
    with forgotten_files.writing(runtime.database):
        there = ~np.isin(all_ids, forgotten.list_ids(db))
        if there.any():
            about = _about(db, encoder_hash, int(there.sum()), int(groups.max()) + 1)
            folder = project.vectors_folder(runtime.database)
            layout_store.store(folder, about, all_ids[there], all_places[there], all_groups[there], kinds[there])


def _about(db: Database, encoder_hash: str, count: int, cluster_count: int) -> About:
    return About(encoder_hash, clock.now(), count, cluster_count, len(forgotten.list_ids(db)))


def _sample(ids: IntArray, seed: int) -> IntArray:
    """Return the diaries that are laid out exactly: all, or as many as can be, by draws that stay theirs."""
    if len(ids) <= tsne.MOST_LAID_OUT:
        return ids
    return np.sort(ids[draws.smallest(draws.draw(ids, seed=seed, purpose="sample"), tsne.MOST_LAID_OUT)])


def _last(layout: Layout | None, ids: IntArray) -> FloatArray | None:
    """Return where diaries were on a layout, (n, 2), NaN for those that were not."""
    if layout is None:
        return None
    places = np.full((max(int(ids[-1]), len(layout.places)), 2), np.nan, np.float32)
    places[: len(layout.places)] = layout.places
    return places[ids - 1]


def _placed(
    file: VectorFile, ids: IntArray, axes: tuple[FloatArray, FloatArray], reduced: FloatArray, places: FloatArray
) -> Generator[float, None, tuple[FloatArray, IntArray]]:
    """Return where further diaries lie, (n, 2), and which of those that are laid out is the nearest to each, (n,)."""
    coordinates, nearest = [np.zeros((0, 2), np.float32)], [np.zeros(0, np.int64)]
    for at in range(0, len(ids), _ROWS_AT_A_TIME):
        rows = tsne.project(file.read(ids[at : at + _ROWS_AT_A_TIME]), *axes)
        part = yield from _shifted(tsne.place(rows, reduced, places), at / len(ids), len(rows) / len(ids))
        coordinates.append(part[0])
        nearest.append(part[1])
    return np.concatenate(coordinates), np.concatenate(nearest)


def _add(runtime: WorkerRuntime, db: Database, file: VectorFile, ids: IntArray, layout: Layout) -> Iterator[float]:
    """Put further diaries beside their nearest."""
    chosen = np.flatnonzero(layout.is_laid_out) + 1
    reduced, mean, axes = tsne.reduce(file.read(chosen))
    yield 0.1
    places = layout.places[chosen - 1]
    coordinates, nearest = yield from _shifted(_placed(file, ids, (mean, axes), reduced, places), 0.1, 0.9)
    groups = layout.clusters[chosen - 1][nearest]
    folder = project.vectors_folder(runtime.database)
    with forgotten_files.writing(runtime.database):
        gone = forgotten.list_ids(db)
        there = ~np.isin(ids, gone)
        if there.any():
            on_it = np.setdiff1d(np.flatnonzero(layout.is_there) + 1, gone)
            about = replace(layout.about, count=len(on_it) + int(there.sum()), forgotten=len(gone))
            layout_store.add(folder, layout, about, ids[there], coordinates[there], groups[there])


def _find_words(runtime: WorkerRuntime, db: Database, layout: Layout) -> Iterator[float]:
    """Find the words that tell each cluster from the others, among the texts as they are shown."""
    number, settings = forgotten.count_forgettings(db), project_settings.load(db)
    ids = np.flatnonzero(layout.is_there) + 1
    if len(ids) > _WORDS_FROM:
        ids = np.sort(np.random.default_rng(_seed(runtime, db)).permutation(ids)[:_WORDS_FROM])
    ids = diaries.keep_known(db, ids)
    words: list[list[str]] = []
    for at in range(0, len(ids), _TEXTS_A_PIECE):
        texts = diaries.list_texts(db, ids[at : at + _TEXTS_A_PIECE])
        words += [_forms(masking.mask(text, settings)) for text in texts]
        yield len(words) / len(ids)
    telling = grouping.telling_words(words, layout.clusters[ids - 1], layout.about.clusters)
    folder = project.vectors_folder(runtime.database)
    with forgotten_files.writing(runtime.database):
        # The words may be those of a diary that is gone: they are found anew.
        if forgotten.count_forgettings(db) == number and _is_current(db, folder, layout):
            layout_store.store_words(folder, layout, telling)


def _is_current(db: Database, folder: Path, layout: Layout) -> bool:
    newest = layout_store.find(folder, forgotten=len(forgotten.list_ids(db)))
    return newest is not None and newest.number == layout.number


def _forms(text: str) -> list[str]:
    """Return the words of a text without what is covered in it."""
    return [word.form for word in find_words(text) if masking.COVER not in word.form and len(word.form) > 1]


def _shifted(work: Any, start: float, share: float) -> Any:
    """Pass on the progress of a part of the work, and its result."""
    while True:
        try:
            yield start + share * next(work)
        except StopIteration as ended:
            return ended.value

"""Upkeep: what follows from the diaries and the serving model, computed in small pieces, most urgent first.

Each task looks for something that is missing, makes one batch of it and keeps it in one transaction, so a
killed worker just goes on. What people have before them, or will get next, comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import ordering
from db import diaries, labels, models, queue
from db.diaries import Sentences
from learner import classifier as classifiers
from learner import text_space as text_spaces
from learner.explanations import explain, seed_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from annotator.worker.workbench import Serving, Workbench
    from db import Database

HEAD = 24
"""Diaries at the head of the queue that are kept ready to be shown."""

EXPLAINED_HEAD = 12
"""How many of them are explained ahead: an explanation costs seconds, and a new model asks for new ones."""

_SPLIT_BATCH = 512
_ENCODE_BATCH = 48
_PREDICT_BATCH = 4096
_MEAN_OF = 256


@dataclass(frozen=True, slots=True)
class Progress:
    """One piece of upkeep that was done.

    Attributes:
        step: message key of what it was.
        done, total: how far that kind of work is.
    """

    step: str
    done: int
    total: int


def next_piece(bench: Workbench, db: Database) -> Progress | None:
    """Do the most urgent piece of work that is due; return None if nothing is."""
    for task in _TASKS:
        if (progress := task(bench, db)) is not None:
            return progress
    return None


def state(db: Database) -> object:
    """Return a value that differs whenever upkeep could have become due: cheap enough to look at all the time."""
    return queue.signature(db)


def _head(db: Database) -> NDArray[np.int64]:
    return np.array(queue.head(db, HEAD), np.int64)


def _split_head(bench: Workbench, db: Database) -> Progress | None:
    head = [i for i in queue.head(db, HEAD) if diaries.find_sentences(db, i) is None]
    return _split(bench, db, head)


def _split_rest(bench: Workbench, db: Database) -> Progress | None:
    return _split(bench, db, diaries.list_unsplit_ids(db, limit=_SPLIT_BATCH))


def _split(bench: Workbench, db: Database, diary_ids: list[int]) -> Progress | None:
    if not diary_ids:
        return None
    splits = bench.splitter().split(diaries.list_texts(db, diary_ids))
    diaries.store_sentences(
        db, [Sentences(i, split.spans, split.splitter) for i, split in zip(diary_ids, splits, strict=True)]
    )
    total = diaries.count_diaries(db)
    return Progress("split", total - diaries.count_unsplit(db), total)


def _encode_head(bench: Workbench, db: Database) -> Progress | None:
    return _encode(bench, db, _head(db))


def _encode_rest(bench: Workbench, db: Database) -> Progress | None:
    return _encode(bench, db, diaries.list_ids(db))


def _encode(bench: Workbench, db: Database, diary_ids: NDArray[np.int64]) -> Progress | None:
    file = bench.vector_file(db)
    missing = diary_ids[~file.has(diary_ids)][:_ENCODE_BATCH]
    if not len(missing):
        return None
    bench.encode_missing(db, missing)
    counts = file.token_counts()
    models.store_cut_count(db, int((counts > bench.encoder(db).max_tokens).sum()))
    return Progress("encode", int((counts > 0).sum()), diaries.count_diaries(db))


def _first_model(bench: Workbench, db: Database) -> Progress | None:
    """Make the model that needs no label, as soon as the head of the queue has vectors."""
    active = models.find_active(db)
    if active is not None and active.encoder_hash == bench.encoder(db).hash:
        return None
    ids = diaries.list_ids(db)
    encoded = ids[bench.vector_file(db).has(ids)]
    if not len(encoded):
        return None
    make_zero_label_model(bench, db, encoded[:_MEAN_OF])
    return Progress("first_model", 1, 1)


def make_zero_label_model(bench: Workbench, db: Database, sample: NDArray[np.int64]) -> int:
    """Keep and activate a zero-label model of the encoder in force; return its id."""
    encoder, label_set = bench.encoder(db), labels.list_labels(db)
    mean = bench.vector_file(db).read(sample).mean(axis=0)
    names, definitions = [label.name for label in label_set], [label.definition for label in label_set]
    classifier = classifiers.zero_label(encoder, names, definitions, mean=mean)
    model = models.NewModel(
        tier="zero",
        encoder=encoder.name,
        encoder_hash=encoder.hash,
        label_ids=tuple(label.id for label in label_set),
        weights=classifier.to_bytes(),
        settings={"mean_of": len(sample)},
    )
    model_id = models.add_model(db, model)
    models.activate(db, model_id, reason="first")
    return model_id


def _predict(bench: Workbench, db: Database) -> Progress | None:
    """Predict the diaries that have a vector and no prediction by the serving model.

    At once where somebody is about to see one; otherwise when many are due, or when all have vectors.
    """
    serving = bench.serving(db)
    if serving is None:
        return None
    proba = _stored_proba(db, serving)
    ids = diaries.list_ids(db)
    due = ids[np.isnan(proba[ids - 1]).any(axis=1)]
    encoded = bench.vector_file(db).has(due)
    urgent = np.isin(due[encoded], _head(db)).any()
    if not encoded.any() or not (urgent or encoded.all() or encoded.sum() >= _PREDICT_BATCH):
        return None
    due = due[encoded]
    proba[due - 1] = serving.classifier.proba(bench.features(db, serving, due))
    models.store_predictions(db, serving.model.id, proba, changed=due)
    return Progress("predict", int((~np.isnan(proba).any(axis=1)).sum()), len(ids))


def _stored_proba(db: Database, serving: Serving) -> NDArray[np.float32]:
    stored = models.load_predictions(db, serving.model)
    proba = np.full((diaries.last_diary_id(db), len(serving.model.label_ids)), np.nan, np.float32)
    proba[: len(stored)] = stored[: len(proba)]
    return proba


def _rank(bench: Workbench, db: Database) -> Progress | None:
    """Follow the serving model with the queue where a person, not a round, has put it in force."""
    serving = bench.serving(db)
    if serving is None or serving.model.tier == "zero" or queue.ranked_by(db) == serving.model.id:
        return None
    settings = bench.settings(db)
    entries = ordering.rank_pool(
        db,
        serving.model,
        models.load_predictions(db, serving.model),
        strategy=settings.strategy,
        seed=int(settings.seed[:8], 16),
        test_share=settings.test_share,
    )
    queue.replace_queue(db, entries, model_id=serving.model.id)
    return Progress("rank", 1, 1)


def _explain_head(bench: Workbench, db: Database) -> Progress | None:
    """Explain one diary of the head of the queue."""
    serving = bench.serving(db)
    if serving is None:
        return None
    head, unit = queue.head(db, EXPLAINED_HEAD), bench.settings(db).unit
    due = models.list_unexplained(db, head, serving.model.id, unit)
    if not due:
        return None
    explain_diary(bench, db, serving, due[0])
    return Progress("explain", len(head) - len(due) + 1, len(head))


def explain_diary(bench: Workbench, db: Database, serving: Serving, diary_id: int) -> None:
    """Compute and keep the explanation of one diary by a model."""
    unit = bench.settings(db).unit
    diary = diaries.get_diary(db, diary_id)
    split = diaries.find_sentences(db, diary_id)
    explained = explain(
        diary.text,
        unit=unit,
        sentences=split.spans if split else (),
        proba_of=lambda texts: bench.proba_of_texts(db, serving, texts),
        seed=seed_of(serving.model.weights_hash, diary_id, unit),
    )
    models.store_explanation(
        db,
        models.Explanation(
            diary_id,
            serving.model.id,
            unit,
            explained.spans,
            explained.weights,
            tuple(map(float, explained.fit)),
            explained.sample_count,
        ),
    )


def _warm_up(bench: Workbench, db: Database) -> Progress | None:
    """Load what the first round would wait for, once a process."""
    if bench.is_warm:
        return None
    classifiers.warm_up()
    bench.is_warm = True
    return Progress("warm_up", 1, 1)


def _fit_text_space(bench: Workbench, db: Database) -> Progress | None:
    """Fit the text space once there are enough diaries, and again when their number has doubled."""
    count = diaries.count_diaries(db)
    newest = models.find_text_space(db)
    if count < text_spaces.FEWEST_TEXTS or (newest is not None and count < 2 * newest[2]):
        return None
    space = text_spaces.fit(diaries.sample_texts(db, limit=text_spaces.MOST_TEXTS), seed=0)
    models.add_text_space(db, space.to_bytes(), fitted_on=count)
    return Progress("text_space", 1, 1)


def _fill_text_features(bench: Workbench, db: Database) -> Progress | None:
    found = bench.text_space(db)
    if found is None:
        return None
    ids, file = diaries.list_ids(db), bench.text_file(found[0])
    missing = ids[~file.has(ids)][:2048]
    if not len(missing):
        return None
    bench.text_features(db, found[0], missing)
    return Progress("text_features", int(file.has(ids).sum()), len(ids))


def _refill_queue(bench: Workbench, db: Database) -> Progress | None:
    """Keep the queue longer than what people can decide before the next look."""
    if queue.count_waiting(db, limit=HEAD * 4) >= HEAD * 4:
        return None
    more = queue.unqueued_ids(db, limit=1000)
    if not more:
        return None
    queue.append_to_queue(db, more, strategy="random")
    return Progress("refill", 1, 1)


_TASKS: tuple[Callable[[Workbench, Database], Progress | None], ...] = (
    _refill_queue,
    _split_head,
    _encode_head,
    _first_model,
    _predict,
    _rank,
    _explain_head,
    _warm_up,
    _fit_text_space,
    _split_rest,
    _encode_rest,
    _fill_text_features,
)

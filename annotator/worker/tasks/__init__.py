"""Upkeep: what follows from the diaries and the serving model, computed in small pieces, most urgent first.

Each task looks for something that is missing, makes one batch of it and keeps it in one transaction, so a
killed worker just goes on. What people have before them, or will get next, comes first.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import blinding
from annotator.labelling import board, queueing
from annotator.privacy import forgotten_files
from annotator.quality import automation_bias
from annotator.serving import explaining, scoring
from annotator.worker.tasks import care_flags, dictionary, review_queue, round_analysis
from db.answers import queue
from db.connection import write
from db.forgetting import forgotten
from db.label_sets import labels
from db.models import explanations, facts, models, predictions
from db.models import text_spaces as models_text_spaces
from db.review import reviews
from db.texts import diaries, sentences
from db.texts.sentences import Sentences
from learner.classification import classifier as classifiers
from learner.classification import ngram_features as text_spaces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from annotator.worker.runtime import ProgressMarks, WorkerRuntime
    from db import Database
    from learner.encoders.vector_store import VectorFile

HEAD = 48
"""Diaries at the head of the queue that are kept ready to be shown."""

EXPLAINED_HEAD = 24
"""How many of them are explained ahead of all other work: an explanation costs seconds."""

_SPLIT_BATCH = 512
_ENCODE_BATCH = 48
_TEXT_FEATURES_BATCH = 2048
_PREDICT_BATCH = 4096
_MEAN_OF = 256
_AUDIT_SECONDS = 10.0


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


def next_piece(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Do the most urgent piece of work that is due; return None if nothing is."""
    for task in _TASKS:
        if (progress := task(bench, db)) is not None:
            return progress
    return None


def state(db: Database) -> object:
    """Return a value that differs whenever upkeep could have become due: cheap enough to look at all the time."""
    return (*queue.signature(db), reviews.last_review_id(db))


def _head(db: Database) -> NDArray[np.int64]:
    return np.array(queue.head(db, HEAD), np.int64)


def _split_head(bench: WorkerRuntime, db: Database) -> Progress | None:
    head = [i for i in queue.head(db, HEAD) if sentences.find_sentences(db, i) is None]
    return _split(bench, db, head)


def _split_rest(bench: WorkerRuntime, db: Database) -> Progress | None:
    known, last = bench.marks, diaries.last_diary_id(db)
    if known.split_up_to >= last:
        return None
    due = sentences.list_unsplit_ids(db, limit=_SPLIT_BATCH, after=known.split_up_to)
    progress = _split(bench, db, due)
    known.split_up_to = due[-1] if due else last
    return progress


def _split(bench: WorkerRuntime, db: Database, diary_ids: list[int]) -> Progress | None:
    if not diary_ids:
        return None
    splits = bench.splitter().split(diaries.list_texts(db, diary_ids))
    sentences.store_sentences(
        db, [Sentences(i, split.spans, split.splitter) for i, split in zip(diary_ids, splits, strict=True)]
    )
    total = diaries.count_diaries(db)
    return Progress("split", total - sentences.count_unsplit(db), total)


def _encode_head(bench: WorkerRuntime, db: Database) -> Progress | None:
    return _encode(bench, db, _head(db))


def _encode_rest(bench: WorkerRuntime, db: Database) -> Progress | None:
    return _encode(bench, db, _first_missing(bench.marks, db, bench.vector_file(db), limit=_ENCODE_BATCH))


def _first_missing(known: ProgressMarks, db: Database, file: VectorFile, *, limit: int) -> NDArray[np.int64]:
    """Return the first diaries that have no row in a file."""
    missing = np.setdiff1d(np.flatnonzero(~file.present(diaries.last_diary_id(db))) + 1, _forgotten(known, db))
    for at in range(0, len(missing), limit):
        if len(found := diaries.keep_known(db, missing[at : at + limit])):
            return found
    return missing[:0]


def _forgotten(known: ProgressMarks, db: Database) -> NDArray[np.int64]:
    """Return the ids of forgotten diaries, ascending: nothing is made of them, and nothing missing."""
    if known.forgettings != (number := forgotten.count_forgettings(db)):
        known.forgotten, known.forgettings = forgotten.list_ids(db), number
    return known.forgotten


def _encode(bench: WorkerRuntime, db: Database, diary_ids: NDArray[np.int64]) -> Progress | None:
    file = bench.vector_file(db)
    missing = diary_ids[~file.has(diary_ids)]
    if not len(missing):
        return None
    bench.encode_missing(db, missing)
    counts = file.token_counts()
    facts.store_cut_count(db, int((counts > bench.encoder(db).max_tokens).sum()))
    return Progress("encode", int((counts > 0).sum()), diaries.count_diaries(db))


def _first_model(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Make the model that needs no label, as soon as the head of the queue has vectors."""
    active = models.find_active(db)
    if active is not None and active.encoder_hash == bench.encoder(db).hash and not _is_of_other_labels(db, active):
        return None
    encoded = np.flatnonzero(bench.vector_file(db).present(diaries.last_diary_id(db))) + 1
    if not len(encoded):
        return None
    make_zero_label_model(bench, db, encoded[:_MEAN_OF])
    return Progress("first_model", 1, 1)


def _is_of_other_labels(db: Database, model: models.Model) -> bool:
    """Say whether a model that knows labels by their names and definitions alone was made for other ones."""
    label_set = labels.list_labels(db)
    if model.tier != "zero":
        return False
    if "labels" not in model.settings:  # made before the wording was kept
        return set(model.label_ids) != {label.id for label in label_set}
    return bool(model.settings["labels"] != _wording(label_set))


def _wording(label_set: Sequence[labels.Label]) -> str:
    """Return the identity of all that a model without labels knows of them; their order is none of it."""
    told = sorted((label.id, label.name, label.definition) for label in label_set)
    return hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()


def make_zero_label_model(bench: WorkerRuntime, db: Database, sample: NDArray[np.int64]) -> int:
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
        settings={"mean_of": len(sample), "labels": _wording(label_set)},
    )
    model_id = models.add_model(db, model)
    models.activate(db, model_id, reason="first")
    return model_id


def _predict(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Predict the diaries that have a vector and no prediction by the serving model.

    At once where somebody is about to see one; otherwise when many are due, or when all have vectors.
    """
    serving = bench.serving(db)
    if serving is None:
        return None
    predicted = _predicted(bench.marks, db, serving)
    due = np.setdiff1d(np.flatnonzero(~predicted) + 1, _forgotten(bench.marks, db))
    if not len(due):
        return None
    encoded = bench.vector_file(db).has(due)
    urgent = np.isin(_head(db), due[encoded]).any()
    if not encoded.any() or not (urgent or encoded.all() or encoded.sum() >= _PREDICT_BATCH):
        return None
    due = due[encoded]
    predictions.update_predictions(db, serving.model.id, due, scoring.score(bench, db, serving, due))
    predicted[due - 1] = True
    return Progress("predict", int(predicted.sum()), len(predicted))


def _predicted(known: ProgressMarks, db: Database, serving: Serving) -> NDArray[np.bool_]:
    """Say of which diaries the serving model's prediction is kept, by diary id - 1."""
    rows = diaries.last_diary_id(db)
    activation_id = models.last_activation_id(db)
    if known.activation_id != activation_id:
        known.activation_id = activation_id
        known.predicted = ~np.isnan(predictions.load_predictions(db, serving.model)[:rows, 0])
    if len(known.predicted) < rows:
        known.predicted = np.pad(known.predicted, (0, rows - len(known.predicted)))
    return known.predicted


def _rank(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Follow the serving model with the queue where a person, not a round, has put it in force."""
    serving = bench.serving(db)
    if serving is None or serving.model.tier == "zero":
        return None
    is_whole = _ranked_partly_but_now_whole(bench, db, serving)
    if queue.ranked_by(db) == serving.model.id and not is_whole:
        return None
    settings = bench.settings(db)
    entries = queueing.rank_pool(
        db,
        serving.model,
        predictions.load_predictions(db, serving.model),
        features=lambda ids: bench.features(db, serving, ids),
        committee=serving.classifier.committee,
        settings=settings,
        seed=int(settings.seed[:8], 16),
    )
    with write(db):
        queue.replace_queue(db, entries, model_id=serving.model.id)
        if is_whole:
            facts.clear_partly_ranked(db)
    return Progress("rank", 1, 1)


def _ranked_partly_but_now_whole(bench: WorkerRuntime, db: Database, serving: Serving) -> bool:
    """Say whether a round with a new encoder ranked the first diaries only, and all are predicted by now."""
    if not facts.is_partly_ranked(db, serving.model.id):
        return False
    count = diaries.count_diaries(db)
    if bench.vectors_of(serving).present(diaries.last_diary_id(db)).sum() < count:
        return False
    proba = predictions.load_predictions(db, serving.model)
    return int((~np.isnan(proba).any(axis=1)).sum()) >= count


def _explain_head(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Explain one diary of the head of the queue."""
    serving = bench.serving(db)
    if serving is None:
        return None
    settings = bench.settings(db)
    head = [i for i in queue.head(db, EXPLAINED_HEAD) if not blinding.is_blind(diaries.get_diary(db, i), settings)]
    unit = settings.unit
    due = explanations.list_unexplained(db, head, serving.model.id, unit)
    if not due:
        return None
    explaining.explain_diary(bench, db, serving, due[0])
    return Progress("explain", len(head) - len(due) + 1, len(head))


def _warm_up(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Load what the first round would wait for, once a process."""
    if bench.is_warm:
        return None
    classifiers.warm_up()
    bench.is_warm = True
    return Progress("warm_up", 1, 1)


def _fit_text_space(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Fit the text space once there are enough diaries, and again when their number has doubled."""
    count = diaries.count_diaries(db)
    if count < text_spaces.FEWEST_TEXTS or count < 2 * _fitted_on(bench.marks, db):
        return None
    space = text_spaces.fit(diaries.sample_texts(db, limit=text_spaces.MOST_TEXTS), seed=0)
    models_text_spaces.add_text_space(db, space.to_bytes(), fitted_on=count)
    return Progress("text_space", 1, 1)


def _fitted_on(known: ProgressMarks, db: Database) -> int:
    newest = models_text_spaces.find_newest_text_space(db)
    if newest is None:
        return 0
    if newest not in known.fitted_on:
        found = models_text_spaces.find_text_space(db, newest)
        known.fitted_on[newest] = 0 if found is None else found[2]
    return known.fitted_on[newest]


def _fill_text_features(bench: WorkerRuntime, db: Database) -> Progress | None:
    found = bench.text_space(db)
    if found is None:
        return None
    file = bench.text_file(found[0])
    missing = _first_missing(bench.marks, db, file, limit=_TEXT_FEATURES_BATCH)
    if not len(missing):
        return None
    bench.text_features(db, found[0], missing)
    return Progress("text_features", int((file.token_counts() > 0).sum()), diaries.count_diaries(db))


def _study(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Measure of the newest round what nobody waited for."""
    return Progress("study", 1, 1) if round_analysis.study(bench, db) else None


def _audit_at_times(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Keep the reviewers' queue up while people decide without a pause and other work waits behind."""
    return _audit(bench, db) if time.monotonic() >= bench.marks.audit_at else None


def _audit(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Keep the reviewers' queue up with decisions, rounds and explanations."""
    bench.marks.audit_at = time.monotonic() + _AUDIT_SECONDS
    return Progress("audit", 1, 1) if review_queue.refresh(bench, db) else None


def _explain_audited(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Explain one diary that a reviewer will look at next."""
    return Progress("explain", 1, 1) if review_queue.explain_next(bench, db) else None


def _measure_dictionary(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Measure what the word-emotion dictionary does, once somebody asks or a new model serves."""
    return Progress("dictionary", 1, 1) if dictionary.measure(bench, db) else None


def _explain_more(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Explain one more of the diaries that somebody wants words of."""
    found = dictionary.explain_more(bench, db)
    return None if found is None else Progress("evidence", *found)


def _relate_words(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Go on with the vectors of words that somebody asked for."""
    found = dictionary.relate(bench, db)
    return None if found is None else Progress("words", *found)


def _follow_forgetting(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Let the files follow where something was forgotten and whoever did it could not end."""
    if forgotten.is_finished(db):
        return None
    return Progress("forget", 1, 1) if forgotten_files.follow(db, bench.database) else None


def _look_after(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Look through diaries for what the lead should see before anybody else is handed it."""
    found = care_flags.scan(db)
    return None if found is None else Progress("care", *found)


def _refill_queue(bench: WorkerRuntime, db: Database) -> Progress | None:
    """Keep the queue longer than what people can decide before the next look."""
    rules = board.rules_of(bench.settings(db))
    if queue.count_waiting(db, limit=HEAD * 4, rules=rules) >= HEAD * 4:
        return None
    more = queue.unqueued_ids(db, limit=1000, rules=rules)
    if not more:
        return None
    queue.append_to_queue(db, more, strategy="random")
    return Progress("refill", 1, 1)


_TASKS: tuple[Callable[[WorkerRuntime, Database], Progress | None], ...] = (
    _follow_forgetting,
    _look_after,
    _refill_queue,
    _split_head,
    _encode_head,
    _first_model,
    _predict,
    _rank,
    _explain_head,
    _audit_at_times,
    _measure_dictionary,
    _study,
    _explain_audited,
    _warm_up,
    _fit_text_space,
    _relate_words,
    _split_rest,
    _encode_rest,
    _fill_text_features,
    _explain_more,
    _audit,
)

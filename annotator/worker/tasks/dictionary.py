"""What the worker does for the word-emotion dictionary: measuring its effect, and vectors of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import settings as project_settings
from annotator.dictionary import adjustment, evidence
from annotator.dictionary import entries as dictionary
from annotator.privacy import forgotten_files
from annotator.serving import explaining
from annotator.training.audience import drawn_writers
from annotator.training.examples import votes_of
from annotator.worker.round import encoder_tuning, evaluation, gathering
from db import clock
from db.answers import training_data
from db.connection import write
from db.forgetting import forgotten
from db.models import explanations, models, rounds, word_emotions
from db.texts import diaries
from learner.classification import classifier as classifiers
from learner.lexicon import lexicon, word_vectors
from learner.text.lemmas import find_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from annotator.training.examples import TrainingSet
    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from learner.lexicon.word_vectors import WordVectors

    FloatArray = NDArray[np.float32]

MOST_DIARIES = 10_000
"""Diaries that word vectors are made from: about twenty seconds of analysis."""

_TEXTS_A_PIECE = 256
_WORDS_A_PIECE = 128
_PIECES = 100
"""Of the whole work, for those who look on."""


def measure(runtime: WorkerRuntime, db: Database) -> bool:
    """Measure what the dictionary does, if somebody asked or a new model serves; return False if nothing was due."""
    if not _is_due(db):
        return False
    asked, up_to = word_emotions.last_asked(db, "effect"), word_emotions.last_id(db)
    serving = runtime.serving(db)
    effect = None if serving is None or not serving.model.training_decisions else _effect(runtime, db, serving, up_to)
    with write(db):
        word_emotions.mark_done(db, "effect", asked)
        if effect is not None:
            word_emotions.store_effect(db, effect)
    return True


def _is_due(db: Database) -> bool:
    if word_emotions.is_asked(db, "effect"):
        return True
    effect, active = adjustment.find_effect(db), models.find_active(db)
    if effect is None or active is None or not active.training_decisions:
        return False
    return effect.model_id != active.id and project_settings.load(db).use_dictionary


def _effect(runtime: WorkerRuntime, db: Database, serving: Serving, up_to: int) -> dict[str, Any]:
    """Choose the strength on the training labels and measure it on the test part; see
    `annotator.dictionary.adjustment.Effect`."""
    model = serving.model
    made_by = rounds.find_by_model(db, model.id)
    up_to_round = None if made_by is None else made_by.last_decision_id
    train = gathering.gather(runtime, db, model.label_ids, up_to=up_to_round).training
    tested = training_data.list_labelled(db, part="test")
    test = votes_of(gathering.unlearned(tested, model), model.label_ids)
    entries = adjustment.entries_of(db, up_to=up_to)
    strength = _strength(runtime, db, serving, train, entries)
    refiner = adjustment.DictionaryAdjuster(entries, model.label_ids, strength)
    runtime.encode_missing(db, test.diary_ids)
    before = np.zeros((0, len(model.label_ids)), np.float32)
    if len(test.diary_ids):
        before = serving.classifier.proba(runtime.features(db, serving, test.diary_ids))
    texts, writers = diaries.list_texts(db, test.diary_ids), drawn_writers(db, test.diary_ids)
    after = refiner.refine(texts, before)
    return {
        "model_id": model.id,
        "up_to": up_to,
        "word_count": sum(label is not None for label in entries.values()),
        "strength": strength,
        "train_count": len(train.columns),
        "touched": int(refiner.votes(texts).any(axis=1).sum()),
        "before": evaluation.figures(before, test.columns, writers=writers),
        "after": evaluation.figures(after, test.columns, writers=writers),
        **(evaluation.comparison(before, after, test.columns) if len(texts) else {}),
        "measured_at": clock.now(),
    }


def _strength(
    runtime: WorkerRuntime, db: Database, serving: Serving, train: TrainingSet, entries: dict[str, int | None]
) -> float:
    """Choose how much the words count, by heads that had not seen the labels on which it is chosen."""
    if len(np.unique(train.columns)) < 2:
        return 0.0
    runtime.encode_missing(db, train.diary_ids)
    trained = classifiers.train(
        runtime.features(db, serving, train.diary_ids),
        train.targets,
        mean=serving.classifier.mean,
        text_space="",
        seed=int(runtime.settings(db).seed[:8], 16),
        calibrate_on=encoder_tuning.untouched(db, runtime.encoder(db), train.diary_ids),
        groups=gathering.groups_of(runtime, db, train.diary_ids, act_ids=train.act_ids).numbers,
        weights=train.weights,
        prior_mean=serving.classifier.prior_mean,
    )
    honest = trained.calibrated_on
    if (honest & train.is_single).any():
        honest = honest & train.is_single
    voted = adjustment.DictionaryAdjuster(entries, serving.model.label_ids, 0.0).votes(
        diaries.list_texts(db, train.diary_ids[honest])
    )
    return lexicon.fit_strength(trained.out_of_fold[honest], voted, train.targets[honest])


def explain_more(runtime: WorkerRuntime, db: Database) -> tuple[int, int] | None:
    """Explain one more of the diaries that somebody wants words of; return how far it is, None if nothing is due."""
    diary_ids = evidence.list_due(db)
    serving = runtime.serving(db) if diary_ids else None
    if serving is None:
        return None
    due = explanations.list_unexplained(db, diary_ids, serving.model.id, runtime.settings(db).unit)
    if due:
        explaining.explain_diary(runtime, db, serving, due[0])
        return len(diary_ids) - len(due) + 1, len(diary_ids)
    if not word_emotions.is_asked(db, "evidence"):
        return None
    word_emotions.mark_done(db, "evidence", word_emotions.last_asked(db, "evidence"))
    return len(diary_ids), len(diary_ids)


def relate(runtime: WorkerRuntime, db: Database) -> tuple[int, int] | None:
    """Go on with the vectors of words that somebody asked for; return how far it is, None if nothing is due."""
    marks = runtime.marks
    if marks.word_job is None:
        if not word_emotions.is_asked(db, "vectors"):
            return None
        marks.word_job = _make_vectors(runtime, db, word_emotions.last_asked(db, "vectors"))
    try:
        return round(_PIECES * next(marks.word_job)), _PIECES
    except StopIteration:
        marks.word_job = None
        return _PIECES, _PIECES
    except BaseException:
        marks.word_job = None
        raise


def _make_vectors(runtime: WorkerRuntime, db: Database, asked: int) -> Iterator[float]:
    """Make and keep both kinds of word vectors, a piece at a time; yield the share that is done."""
    number = forgotten.count_forgettings(db)
    texts = diaries.sample_texts(db, limit=MOST_DIARIES, with_flagged=False)
    sentences: list[list[str]] = []
    for at in range(0, len(texts), _TEXTS_A_PIECE):
        sentences += [[word.form for word in find_words(text)] for text in texts[at : at + _TEXTS_A_PIECE]]
        yield 0.4 * len(sentences) / len(texts)
    seed = int(runtime.settings(db).seed[:8], 16)
    own = None
    word_count = sum(map(len, sentences))
    if len(texts) >= word_vectors.FEWEST_DIARIES and word_count >= word_vectors.FEWEST_WORDS:
        training = word_vectors.train(sentences, seed=seed)
        own = yield from _shifted(training, 0.4, 0.3)
    # Words that people put in by hand may be rare: the encoder knows those too.
    forms = tuple(dict.fromkeys([*word_vectors.vocabulary(sentences), *adjustment.entries_of(db)]))
    encoder, parts = runtime.encoder(db), []
    for at in range(0, len(forms), _WORDS_A_PIECE):
        parts.append(runtime.encode(db, forms[at : at + _WORDS_A_PIECE], encoder=encoder).vectors)
        yield 0.7 + 0.3 * at / len(forms)
    about: dict[str, str | int] = {"encoder_hash": encoder.hash, "diaries": len(texts), "words": word_count}
    of_encoder = word_vectors.of_encoder(forms, np.concatenate(parts) if parts else np.zeros((0, 1), np.float32))
    with forgotten_files.writing(runtime.database):
        # The words may be those of a diary that is gone: it stays asked for, and is made anew.
        if forgotten.count_forgettings(db) == number:
            _store_vectors(runtime, of_encoder, own, about)
            word_emotions.mark_done(db, "vectors", asked)


def _store_vectors(
    runtime: WorkerRuntime, of_encoder: WordVectors, own: WordVectors | None, about: dict[str, str | int]
) -> None:
    word_vectors.store(dictionary.vectors_file(runtime.database, "encoder"), of_encoder, about)
    own_file = dictionary.vectors_file(runtime.database, "own")
    if own is None:
        own_file.unlink(missing_ok=True)
    else:
        word_vectors.store(own_file, own, about)


def _shifted(training: Any, start: float, share: float) -> Any:
    """Pass on the progress of a training, as a part of the whole, and its result."""
    while True:
        try:
            yield start + share * next(training)
        except StopIteration as ended:
            return ended.value

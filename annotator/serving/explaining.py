"""Explanations of diaries, stored with what explaining the next model takes, so that it needs no encoder."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from annotator.serving import exact_features
from db.models import explanation_cache, explanations
from db.texts import diaries
from db.texts import sentences as texts_sentences
from learner.encoders.precision import EXACT, split_name
from learner.explanation import explainer
from learner.explanation.explanation_cache import ExplanationCache, from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime, Serving
    from db import Database
    from learner.explanation.explainer import Explained
    from learner.explanation.local_surrogate import Method
    from learner.explanation.removal_check import RemovalCheck
    from learner.text.characters import Span

    FloatArray = NDArray[np.float32]
    Unit = Literal["eojeol", "morpheme", "sentence"]


def explain_diary(runtime: ModelRuntime, db: Database, serving: Serving, diary_id: int) -> bool:
    """Compute and store a model's explanation of a diary, without the encoder if an earlier one is stored.

    Returns:
        Whether it took the encoder, and so as long as an explanation usually takes.
    """
    settings = runtime.settings(db)
    replacement = exact_features.find_replacement(runtime, db, serving)
    made_with = _made_with(serving, settings.unit, replacement, settings.explanation_method)
    stored = explanation_cache.find(db, diary_id, made_with)
    explained, cache = _explain_diary(
        runtime, db, serving, diary_id, settings.explanation_method, None if stored is None else from_bytes(stored)
    )
    explanation_cache.store(db, diary_id, made_with, cache.to_bytes())
    explanations.store_explanation(db, _as_stored(explained, diary_id, serving, settings.unit))
    return stored is None


def explain_diary_by(
    runtime: ModelRuntime, db: Database, serving: Serving, diary_id: int, method: Method
) -> explanations.Explanation:
    """Return the explanation of a diary by any method; nothing of it is stored."""
    explained, _ = _explain_diary(runtime, db, serving, diary_id, method, None)
    return _as_stored(explained, diary_id, serving, runtime.settings(db).unit)


def explain_text(
    runtime: ModelRuntime, db: Database, serving: Serving, text: str, sentences: Sequence[Span]
) -> explanations.Explanation:
    """Return the fast explanation of a text outside the project; nothing of it is stored."""
    explained, _ = _explain(runtime, db, serving, text, sentences, text, "fast", None)
    return _as_stored(explained, 0, serving, runtime.settings(db).unit)


def _explain_diary(
    runtime: ModelRuntime,
    db: Database,
    serving: Serving,
    diary_id: int,
    method: Method,
    cache: ExplanationCache | None,
) -> tuple[Explained, ExplanationCache]:
    diary = diaries.get_diary(db, diary_id)
    split = texts_sentences.find_sentences(db, diary_id)
    sentences = split.spans if split else ()
    return _explain(runtime, db, serving, diary.text, sentences, diary_id, method, cache)


def _explain(
    runtime: ModelRuntime,
    db: Database,
    serving: Serving,
    text: str,
    sentences: Sequence[Span],
    identity: str | int,
    method: Method,
    cache: ExplanationCache | None,
) -> tuple[Explained, ExplanationCache]:
    unit, replacement = runtime.settings(db).unit, exact_features.find_replacement(runtime, db, serving)
    return explainer.explain(
        text,
        unit=unit,
        sentences=sentences,
        features_of=_features_of(runtime, db, serving, text, identity),
        head=serving.classifier.head,
        unlearned=serving.classifier.unlearned,
        seed=explainer.seed_of(identity, unit),
        method=method,
        cache=cache,
        # Gates remove words; they tell nothing about replaced ones.
        gradients_of=None if replacement else exact_features.gradients_of(runtime, db, serving, text),
        replacement=replacement,
    )


def _features_of(
    runtime: ModelRuntime, db: Database, serving: Serving, text: str, identity: str | int
) -> Callable[[list[str]], FloatArray]:
    """Return how to compute the features of perturbed texts.

    They are exact, and moved by what the form's features of the whole text differ from the exact ones: the explained
    answer is the one that is shown, and differences between perturbed texts are exact.
    """
    if split_name(serving.model.encoder)[1] == EXACT:
        return lambda texts: runtime.features_of_texts(db, serving, texts)
    moved = functools.cache(
        lambda: _shown(runtime, db, serving, text, identity) - exact_features.of_texts(runtime, db, serving, [text])
    )
    return lambda texts: exact_features.of_texts(runtime, db, serving, texts) + moved()


def _shown(runtime: ModelRuntime, db: Database, serving: Serving, text: str, identity: str | int) -> FloatArray:
    """Return the features from which the answer comes that people see, (1, features)."""
    if isinstance(identity, int) and runtime.vectors_of(serving).has(np.array([identity]))[0]:
        return runtime.features(db, serving, np.array([identity], np.int64))
    return runtime.features_of_texts(db, serving, [text])


def _as_stored(explained: Explained, diary_id: int, serving: Serving, unit: Unit) -> explanations.Explanation:
    check = explained.removal_check
    return explanations.Explanation(
        diary_id,
        serving.model.id,
        unit,
        explained.spans,
        explained.weights,
        tuple(map(float, explained.r_squared)),
        explained.sample_count,
        explained.stability,
        None if check is None else _check_as_stored(check),
        explained.sentence_probabilities.tolist(),
    )


def _made_with(serving: Serving, unit: str, replacement: str, method: Method) -> str:
    """Return a key for everything that features depend on, so that features of different origins are never mixed."""
    classifier = serving.classifier
    origin = (serving.model.encoder_hash, classifier.text_space, unit, replacement, method, explainer.VERSION)
    return hashlib.blake2b(repr(origin).encode() + classifier.mean.tobytes(), digest_size=16).hexdigest()


def _check_as_stored(check: RemovalCheck) -> dict[str, Any]:
    return {
        "label_index": check.label,
        "spans": [list(span) for span in check.spans],
        "before": round(check.before, 4),
        "after": round(check.after, 4),
        "after_random": None if check.after_random is None else round(check.after_random, 4),
    }

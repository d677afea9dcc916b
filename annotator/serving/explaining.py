"""Explanations of diaries, kept with what the next model needs to be explained without the encoder."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

from db.models import explanation_cache, explanations
from db.texts import diaries
from db.texts import sentences as texts_sentences
from learner.explanation import explainer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.serving.runtime import ModelRuntime, Serving
    from db import Database
    from learner.explanation.explainer import Deletion, Explained
    from learner.text.characters import Span

    Unit = Literal["eojeol", "morpheme", "sentence"]


def explain_diary(runtime: ModelRuntime, db: Database, serving: Serving, diary_id: int) -> None:
    """Compute and keep the explanation of one diary by a model: without the encoder where an earlier one is kept."""
    unit = runtime.settings(db).unit
    diary = diaries.get_diary(db, diary_id)
    split = texts_sentences.find_sentences(db, diary_id)
    filler = runtime.filler(db, serving)
    made_with = _made_with(serving, unit, filler)
    known = explanation_cache.find(db, diary_id, made_with)
    found, kept = explainer.explain(
        diary.text,
        unit=unit,
        sentences=split.spans if split else (),
        features_of=lambda texts: runtime.features_of_texts(db, serving, texts),
        head=serving.classifier.head,
        seed=explainer.seed_of(diary_id, unit),
        kept=None if known is None else explainer.kept_from_bytes(known),
        # Gates remove; of words that are filled in for they tell nothing.
        slopes_of=None if filler else runtime.slopes_of(db, serving, diary.text),
        filler=filler,
    )
    explanation_cache.store(db, diary_id, made_with, kept.to_bytes())
    explanations.store_explanation(db, _as_stored(found, diary_id, serving, unit))


def explain_text(
    runtime: ModelRuntime, db: Database, serving: Serving, text: str, sentences: Sequence[Span]
) -> explanations.Explanation:
    """Return the explanation of a text that is no diary of the project; nothing of it is kept."""
    unit = runtime.settings(db).unit
    filler = runtime.filler(db, serving)
    found, _ = explainer.explain(
        text,
        unit=unit,
        sentences=sentences,
        features_of=lambda texts: runtime.features_of_texts(db, serving, texts),
        head=serving.classifier.head,
        seed=explainer.seed_of(text, unit),
        slopes_of=None if filler else runtime.slopes_of(db, serving, text),
        filler=filler,
    )
    return _as_stored(found, 0, serving, unit)


def _as_stored(found: Explained, diary_id: int, serving: Serving, unit: Unit) -> explanations.Explanation:
    return explanations.Explanation(
        diary_id,
        serving.model.id,
        unit,
        found.spans,
        found.weights,
        tuple(map(float, found.fit)),
        found.sample_count,
        found.stability,
        None if found.deletion is None else _stored(found.deletion),
        found.arc.tolist(),
    )


def _made_with(serving: Serving, unit: str, filler: str) -> str:
    """Return the identity of all that features come from, so that those of another origin are never mixed in."""
    classifier = serving.classifier
    origin = (serving.model.encoder_hash, classifier.text_space, unit, filler, explainer.VERSION)
    return hashlib.blake2b(repr(origin).encode() + classifier.mean.tobytes(), digest_size=16).hexdigest()


def _stored(deletion: Deletion) -> dict[str, Any]:
    return {
        "label_index": deletion.label,
        "spans": [list(span) for span in deletion.spans],
        "before": round(deletion.before, 4),
        "after": round(deletion.after, 4),
    }

"""Explanations of diaries, kept with what the next model needs to be explained without the encoder."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from db import attributions, diaries, models
from learner import explanations

if TYPE_CHECKING:
    from annotator.worker.workbench import Serving, Workbench
    from db import Database
    from learner.explanations import Deletion


def explain_diary(bench: Workbench, db: Database, serving: Serving, diary_id: int) -> None:
    """Compute and keep the explanation of one diary by a model: without the encoder where an earlier one is kept."""
    unit = bench.settings(db).unit
    diary = diaries.get_diary(db, diary_id)
    split = diaries.find_sentences(db, diary_id)
    made_with = _made_with(serving, unit)
    known = attributions.find(db, diary_id, made_with)
    found, kept = explanations.explain(
        diary.text,
        unit=unit,
        sentences=split.spans if split else (),
        features_of=lambda texts: bench.features_of_texts(db, serving, texts),
        head=serving.classifier.head,
        seed=explanations.seed_of(diary_id, unit),
        kept=None if known is None else explanations.kept_from_bytes(known),
    )
    attributions.store(db, diary_id, made_with, kept.to_bytes())
    models.store_explanation(
        db,
        models.Explanation(
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
        ),
    )


def _made_with(serving: Serving, unit: str) -> str:
    """Return the identity of all that features come from, so that those of another origin are never mixed in."""
    classifier = serving.classifier
    origin = (serving.model.encoder_hash, classifier.text_space, unit, explanations.VERSION)
    return hashlib.blake2b(repr(origin).encode() + classifier.mean.tobytes(), digest_size=16).hexdigest()


def _stored(deletion: Deletion) -> dict[str, Any]:
    return {
        "label_index": deletion.label,
        "spans": [list(span) for span in deletion.spans],
        "before": round(deletion.before, 4),
        "after": round(deletion.after, 4),
    }

"""Predictions of a published text classifier before the project has its own labels.

The checkpoint, used as it is, reads the diaries at the head of the queue, and its answers, in the labels of the
project, are kept as the predictions of a model version. The version itself is a head on the project's own encoder that
has learned to answer like the checkpoint: with it all other diaries, those that are imported later too, are predicted,
diaries are explained, and the first round has something to be better than. The checkpoint itself is not needed again.

Source: Hinton et al. (2015), Distilling the Knowledge in a Neural Network.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.label_sets.crosswalks import ids_by_name
from annotator.serving.runtime import ModelRuntime
from db.answers import queue
from db.connection import write
from db.label_sets import labels
from db.models import models, predictions
from db.texts import diaries
from learner.active_learning.query_strategies import STRATEGIES
from learner.classification import classifier as classifiers
from learner.classification import pretrained
from learner.encoders.encoder import default_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.label_sets.crosswalks import Crosswalk
    from annotator.label_sets.projection import LabelProjection
    from db import Database
    from learner.classification.classifier import Trained
    from learner.classification.pretrained import TextClassifier

    FloatArray = NDArray[np.float32]
    Said = Callable[[str, float], None]

MOST_DIARIES = 2_000
"""Diaries that the checkpoint reads unless asked otherwise: enough to learn its answers from."""

_FEWEST_DIARIES = 20
_TEXTS_A_TURN = 64
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The outcome of a prefill.

    Attributes:
        version: of the model that was made.
        read_count: diaries that the checkpoint has answered.
        agreement: share of them that the head answers like the checkpoint though it had not seen its answer, in [0, 1].
        is_active: whether the version serves now; one that has learned from people stays in force.
        targets: the label here by the checkpoint's own name; empty for none.
    """

    version: int
    read_count: int
    agreement: float
    is_active: bool
    targets: dict[str, str]


def prefill(
    db: Database,
    path: Path,
    checkpoint: str,
    *,
    pairs: Mapping[str, str] | None = None,
    crosswalk: Crosswalk | None = None,
    limit: int = MOST_DIARIES,
    on_progress: Said = lambda step, share: None,
) -> Prefilled:
    """Have a published text classifier predict the diaries that people will get next.

    Args:
        checkpoint: hub name or folder.
        pairs, crosswalk: the label here by the checkpoint's own, empty for none; labels of the same name need neither.
        limit: most diaries that it reads, from the head of the queue on.
        on_progress: is told the step (``load``, ``read``, ``learn``) and its share.

    Raises:
        UserError: if a label of the checkpoint has no counterpart, fewer than two labels are left, or there are too few
            diaries.
        LearnerError: if the checkpoint or the project's encoder can't be used.
    """
    waiting = np.array(sorted(queue.list_head(db, limit)), np.int64)
    if len(waiting) < _FEWEST_DIARIES:
        raise UserError("prefill_no_diaries", found=len(waiting), least=_FEWEST_DIARIES)
    on_progress("load", 0.0)
    classifier = pretrained.load(checkpoint)
    columns, targets = _columns(db, classifier, pairs or {}, crosswalk)
    texts = diaries.list_texts(db, waiting)
    proba = columns.proba(_read(classifier, texts, on_progress))
    # If all labels that the checkpoint considered likely have no counterpart, it has no answer.
    known = np.isfinite(proba).all(axis=1)
    waiting, proba = waiting[known], proba[known]
    if len(np.unique(proba.argmax(axis=1))) < 2 or len(waiting) < _FEWEST_DIARIES:
        raise UserError("prefill_one_answer", name=checkpoint, count=len(waiting))
    model, trained = _learn(db, ModelRuntime(path, cache=default_cache()), waiting, proba, columns, on_progress)
    agreement = float((trained.out_of_fold.argmax(axis=1) == proba.argmax(axis=1)).mean())
    named = replace(
        model,
        settings={**model.settings, "checkpoint": checkpoint, "labels": targets},
        metrics={"agreement": agreement, "read": len(waiting)},
    )
    model_id, is_active = _keep(db, named, waiting, proba)
    return Prefilled(models.get_model(db, model_id).version, len(waiting), agreement, is_active, targets)


def _columns(
    db: Database, classifier: TextClassifier, pairs: Mapping[str, str], crosswalk: Crosswalk | None
) -> tuple[LabelProjection, dict[str, str]]:
    """Return the projection of the checkpoint's columns onto the labels in force, and the same mapping by names."""
    in_force = labels.list_labels(db)
    targets = {label.name: label.name for label in in_force}
    if crosswalk is not None:
        ids_by_name(crosswalk, {label.name: label.id for label in in_force})
        targets |= crosswalk.targets()
    targets |= {_plain(source): _plain(target) for source, target in pairs.items()}
    label_names = ", ".join(label.name for label in in_force)
    if unknown := sorted(set(targets.values()) - {label.name for label in in_force} - {""}):
        raise UserError("label_unknown", found=", ".join(unknown[:_SHOWN]), known=label_names)
    if strange := sorted(set(map(_plain, pairs)) - set(map(_plain, classifier.labels))):
        own = ", ".join(classifier.labels[:_SHOWN])
        raise UserError("prefill_map_strange", name=classifier.name, found=", ".join(strange), known=own)
    if missing := [label for label in classifier.labels if _plain(label) not in targets]:
        listing = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
        raise UserError(
            "prefill_labels_unmapped",
            name=classifier.name,
            count=len(missing),
            labels=listing,
            known=label_names,
            example=f"--map '{missing[0]}={in_force[0].name}'",
            without=f"--map '{missing[0]}='",
        )
    place_of = {label.name: place for place, label in enumerate(in_force)}
    sources = [place_of.get(targets[_plain(label)], -1) for label in classifier.labels]
    columns = projection.LabelProjection(tuple(label.id for label in in_force), np.array(sources, np.int64))
    if columns.known_count < 2:
        raise UserError("prefill_labels_too_few", name=classifier.name, known=label_names)
    return columns, {label: targets[_plain(label)] for label in classifier.labels}


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()


def _read(classifier: TextClassifier, texts: Sequence[str], on_progress: Said) -> FloatArray:
    parts = []
    for at in range(0, len(texts), _TEXTS_A_TURN):
        on_progress("read", at / len(texts))
        parts.append(classifier.proba(texts[at : at + _TEXTS_A_TURN]))
    on_progress("read", 1.0)
    return np.concatenate(parts)


def _learn(
    db: Database,
    runtime: ModelRuntime,
    ids: NDArray[np.int64],
    proba: FloatArray,
    columns: LabelProjection,
    on_progress: Said,
) -> tuple[models.NewModel, Trained]:
    """Teach a head on the encoder in force to answer like the checkpoint."""
    encoder, settings = runtime.encoder(db), runtime.settings(db)
    vectors = _vectors(db, runtime, ids, on_progress)
    mean = encoder.by_parts(vectors.mean(axis=0))
    features = classifiers.join_features(vectors, None, mean=mean)
    seed = int(settings.seed[:8], 16)
    # Without n-grams: their file is the worker's, which may be writing it.
    trained = classifiers.train(features, proba, mean=mean, text_space="", seed=seed)
    head = trained.classifier
    if STRATEGIES[settings.strategy].committee:
        head = replace(head, committee=classifiers.bootstrap(features, proba, start=head, seed=0))
    model = models.NewModel(
        models.READY_MADE, encoder.name, encoder.hash, columns.label_ids, head.to_bytes(), {"seed": settings.seed[:8]}
    )
    return model, trained


def _vectors(db: Database, runtime: ModelRuntime, ids: NDArray[np.int64], on_progress: Said) -> FloatArray:
    """Return the vectors of diaries: stored ones, or new ones, which are left for the worker to store."""
    file = runtime.vector_file(db)
    there = file.has(ids)
    vectors = np.zeros((len(ids), runtime.encoder(db).width), np.float32)
    vectors[there] = file.read(ids[there])
    missing = np.flatnonzero(~there)
    for at in range(0, len(missing), _TEXTS_A_TURN):
        on_progress("learn", at / len(missing))
        places = missing[at : at + _TEXTS_A_TURN]
        vectors[places] = runtime.encode(db, diaries.list_texts(db, ids[places]), urgent=True).vectors
    on_progress("learn", 1.0)
    return vectors


def _keep(db: Database, model: models.NewModel, ids: NDArray[np.int64], proba: FloatArray) -> tuple[int, bool]:
    """Keep the version with the checkpoint's own answers, and put it in force unless one that people taught serves."""
    with write(db):
        active = models.find_active(db)
        is_active = active is None or not active.training_decisions
        model_id = models.add_model(db, model)
        predictions.update_predictions(db, model_id, ids, proba)
        if is_active:
            models.activate(db, model_id, reason="prefill")
    return model_id, is_active

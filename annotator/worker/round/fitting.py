"""Training the head of a round's version."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.errors import UserError
from annotator.serving import zero_label
from annotator.worker.round import (
    calibration_data,
    consensus,
    encoder_tuning,
    gathering,
    inputs,
    rationale_training,
)
from annotator.worker.round import pool as pool_of_round
from db.answers import rationales
from db.connection import write
from db.forgetting import forgotten
from db.label_sets import labels
from db.models import facts, models, rounds
from db.texts import diaries
from learner.active_learning.query_strategies import STRATEGIES
from learner.classification import classifier as classifiers
from learner.classification import first_prior, metrics, unlearned
from learner.encoders import emotion_editions
from learner.encoders.precision import split_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime
    from annotator.settings import Settings
    from annotator.training.examples import TrainingSet
    from annotator.worker.round.gathering import Gathered, Groups
    from db import Database
    from learner.classification.classifier import Classifier, Trained
    from learner.classification.ngram_features import NgramFeatures
    from learner.classification.rationale_loss import Marked
    from learner.classification.temperature import CalibrationData
    from learner.encoders.encoder import Encoder
    from learner.encoders.vector_store import VectorFile

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]


def fit(runtime: ModelRuntime, db: Database, round_id: int) -> inputs.Result:
    """Train the head and store it as a new version, unless this round has done so already."""
    this = rounds.get_round(db, round_id)
    if this.model_id is not None:
        return {"model_id": this.model_id}
    number = forgotten.count_forgettings(db)
    if not pool_of_round.read(runtime, db, round_id, inputs.encoder_of(db, this)):
        return inputs.cancel(db, round_id)
    ground = _ground(runtime, db, this)
    version = _make(runtime, db, this, ground)
    with write(db):
        if forgotten.count_forgettings(db) != number:
            raise UserError("row_gone")  # trained again, without what was forgotten
        model_id = models.add_model(db, version)
        rounds.set_model(db, round_id, model_id)
        if ground.file.present(diaries.last_diary_id(db)).sum() < diaries.count_diaries(db):
            facts.mark_partly_ranked(db, model_id)
    return {"model_id": model_id}


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a round's head reads, and how it is trained.

    Attributes:
        encoder, exact: in the form that the version reads, and in float32: what a word changes is as small as the
            rounding of a faster form.
        encoded: (diaries,) which have a vector.
        space: hash and features of the n-grams; None for a tuned encoder, which knows what they tell, and without
            which the version is one that transformers can load.
        mean: (parts, width / parts) centre of the vectors.
    """

    encoder: Encoder
    exact: Encoder
    file: VectorFile
    encoded: NDArray[np.bool_]
    space: tuple[str, NgramFeatures] | None
    mean: FloatArray
    label_ids: tuple[int, ...]
    settings: Settings
    seed: int

    @property
    def space_hash(self) -> str:
        return self.space[0] if self.space else ""


def _ground(runtime: ModelRuntime, db: Database, this: rounds.Round) -> _Ground:
    spec, settings = inputs.encoder_of(db, this), runtime.settings(db)
    encoder = runtime.load_encoder(db, spec)
    file = runtime.vector_file(db, encoder)
    space = runtime.text_space(db) if this.tier == "instant" else None
    encoded = file.present(diaries.last_diary_id(db))
    return _Ground(
        encoder=encoder,
        exact=runtime.load_encoder(db, spec.exact),
        file=file,
        encoded=encoded,
        space=space,
        mean=_mean(db, encoder, file, encoded, space[0] if space else ""),
        label_ids=inputs.label_ids_of(db, this),
        settings=settings,
        seed=int(settings.seed[:8], 16),
    )


def _features(runtime: ModelRuntime, db: Database, ground: _Ground, diary_ids: IntArray) -> FloatArray:
    text_features = runtime.text_features(db, ground.space[0], diary_ids) if ground.space else None
    return classifiers.join_features(ground.file.read(diary_ids), text_features, mean=ground.mean)


def _make(runtime: ModelRuntime, db: Database, this: rounds.Round, ground: _Ground) -> models.NewModel:
    gathered = inputs.examples_of(runtime, db, this)
    training = gathered.training
    features = _features(runtime, db, ground, training.diary_ids)
    untouched = encoder_tuning.untouched(db, ground.encoder, training.diary_ids)
    apart = gathering.groups_of(runtime, db, training.diary_ids, act_ids=training.act_ids)
    up_to = rationales.last_rationale_id(db)
    calibration = _calibration(runtime, db, ground, gathered)
    spread = calibration.pool_features if len(calibration.pool_features) else features
    first = _first_model(db, ground, training, spread[:, : ground.encoder.width])
    prior_strength = _prior_strength(ground, first, training, features, apart)
    prior_mean = first_prior.mean_of(first.head[0], prior_strength) if first else None
    marked = _marked(runtime, db, ground, up_to)
    training = consensus.settle(
        gathered,
        ground.label_ids,
        features,
        untouched=untouched,
        groups=apart.numbers,
        seed=ground.seed,
        prior_mean=prior_mean,
    )
    trained = classifiers.train(
        features,
        training.targets,
        mean=ground.mean,
        text_space=ground.space_hash,
        seed=ground.seed,
        calibrate_on=untouched,
        calibration=calibration,
        marked=marked,
        groups=apart.numbers,
        weights=training.weights,
        prior_mean=prior_mean,
    )
    classifier = _with_committee(ground, trained.classifier, features, training, marked, seed=this.number)
    classifier = _with_unlearned(first, classifier, training, spread)
    return models.NewModel(
        tier=this.tier,
        encoder=ground.encoder.name,
        encoder_hash=ground.encoder.hash,
        label_ids=ground.label_ids,
        weights=classifier.to_bytes(),
        settings={
            "strength": classifiers.INVERSE_REGULARISATION,
            "text_share": classifiers.NGRAM_SCALE,
            "prior_share": classifiers.LOGIT_ADJUSTMENT,
            "seed": ground.settings.seed[:8],
            "last_rationale_id": up_to,
            "prior_strength": prior_strength,
            **_unlearned(classifier, ground.label_ids),
        },
        training_decisions=tuple(training.all_decision_ids.tolist()),
        metrics=_metrics(trained, training, apart, untouched),
    )


def _calibration(runtime: ModelRuntime, db: Database, ground: _Ground, gathered: Gathered) -> CalibrationData:
    """Return what the temperature is fitted on beside the training examples."""
    return calibration_data.gather(
        runtime,
        db,
        gathered.training,
        gathered.test,
        lambda ids: _features(runtime, db, ground, ids),
        encoded=ground.encoded,
        of_pool=pool_of_round.spread_features(db, ground.encoder.hash, ground.space_hash or None, ground.mean),
    )


def _marked(runtime: ModelRuntime, db: Database, ground: _Ground, up_to: int) -> Marked | None:
    """Return what the words that people marked ask of the head."""
    marks = rationale_training.gather(db, ground.label_ids, up_to=up_to)
    space = ground.space[1] if ground.space else None
    return rationale_training.learn_from(runtime, db, marks, ground.exact, mean=ground.mean, space=space)


def _prior_strength(
    ground: _Ground, first: zero_label.FirstModel | None, training: TrainingSet, features: FloatArray, apart: Groups
) -> float:
    """Return how far the head is drawn towards the model that needs no label: where the emotions know its labels."""
    if first is None or not first.knows_most:
        return 0.0
    return first_prior.choose_strength(
        first.head[0],
        features,
        training.targets,
        groups=apart.numbers,
        weights=training.weights,
        seed=ground.seed,
    )


def _with_committee(
    ground: _Ground,
    classifier: Classifier,
    features: FloatArray,
    training: TrainingSet,
    marked: Marked | None,
    *,
    seed: int,
) -> Classifier:
    """Add further heads where the strategy asks how far they disagree."""
    if not STRATEGIES[ground.settings.strategy].committee:
        return classifier
    committee = classifiers.bootstrap(
        features, training.targets, start=classifier, seed=seed, marked=marked, weights=training.weights
    )
    return replace(classifier, committee=committee)


def _with_unlearned(
    first: zero_label.FirstModel | None, classifier: Classifier, training: TrainingSet, spread: FloatArray
) -> Classifier:
    """Add what labels without an example answer with."""
    if first is None or training.targets.any(axis=0).all():
        return classifier
    shares = unlearned.find(first.head, training.targets, spread, weights=training.weights)
    return replace(classifier, unlearned=shares)


def _first_model(
    db: Database, ground: _Ground, training: TrainingSet, sample: FloatArray
) -> zero_label.FirstModel | None:
    """Return the model that needs no label; None if nothing is made of it, or the labels have changed meanwhile.

    Args:
        sample: (n, width) vectors of the pool, centred.
    """
    if split_name(ground.encoder.name)[0] not in emotion_editions.FOLDERS and training.targets.any(axis=0).all():
        return None
    of_id = {label.id: label for label in labels.list_labels(db)}
    if not all(label_id in of_id for label_id in ground.label_ids):
        return None
    names = [of_id[i].name for i in ground.label_ids]
    definitions = [of_id[i].definition for i in ground.label_ids]
    # Made anew, of what a pool in shards and one machine have alike: the first model's sample is only one's own. By the
    # exact form, as upkeep encodes meanwhile, which the int8 form does not bear.
    nowhere = np.zeros_like(ground.mean)
    return zero_label.of_labels(ground.exact, names, definitions, sample, mean=nowhere)


def _unlearned(classifier: classifiers.Classifier, label_ids: tuple[int, ...]) -> dict[str, list[int]]:
    """Return what is noted with a version of the labels that it has learned from no example."""
    return {"unlearned": [label_ids[i] for i in classifier.unlearned.places]} if classifier.unlearned else {}


def _metrics(
    trained: Trained, training: TrainingSet, apart: Groups, untouched: NDArray[np.bool_] | None
) -> dict[str, Any]:
    honest = trained.calibrated_on
    # What was labelled as one of many measures nothing, unless there is nothing else.
    measured = honest & training.is_single if (honest & training.is_single).any() else honest
    checked = metrics.evaluate(trained.out_of_fold[measured], training.columns[measured])
    return {
        "out_of_fold": {**asdict(checked), "apart_by": apart.by},
        # Too few examples that the encoder was not tuned on: the temperature comes from all, and is overconfident.
        "calibrated_on_tuned": untouched is not None and not np.array_equal(honest, untouched),
    }


def _mean(db: Database, encoder: Encoder, file: VectorFile, encoded: NDArray[np.bool_], text_space: str) -> FloatArray:
    """Return the centre of the vectors: the serving version's, or that of the pool."""
    mean = _centre(db, encoder, text_space)
    if mean is None:
        mean = pool_of_round.mean_vector(db, encoder.hash)
    mean = _mean_of(file, np.flatnonzero(encoded) + 1) if mean is None else mean
    return encoder.by_parts(mean.reshape(-1))


def _centre(db: Database, encoder: Encoder, text_space: str) -> NDArray[np.float32] | None:
    """Return the centre of the serving version if that has seen the same features; None otherwise.

    The mean of a pool hardly moves, and with the same centre the effect of words on features is known. Vectors that
    leave out their common direction need none.
    """
    if encoder.is_centred:
        return np.zeros(encoder.width, np.float32)
    model = models.find_active(db)
    if model is None or model.tier == "zero" or model.encoder_hash != encoder.hash:
        return None
    classifier = classifiers.from_bytes(models.get_weights(db, model.id))
    return classifier.mean if classifier.text_space == text_space else None


def _mean_of(file: VectorFile, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean vector of the pool, over 20,000 evenly spread diaries of a longer one."""
    spread = ids[:: max(1, len(ids) // 20_000)]
    return np.asarray(file.read(spread).mean(axis=0), np.float32)

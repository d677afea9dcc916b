"""Why a person is asked about a diary, in words: by the version that asked, with the figures it had then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.label_sets import projection
from annotator.messages import say
from annotator.training import prediction_sets
from db.answers import groups, searched
from db.models import models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.labelling.board_items import BoardContext
    from annotator.messages import Language
    from db import Database
    from db.answers.queue import Lease
    from db.models.models import Model
    from db.texts.diaries import Diary

    FloatArray = NDArray[np.float32]

_MOST_CANDIDATES = 3
"""Labels of a prediction set that are named: of more than these nobody would say that they narrow it down."""

_BY_CHANCE = ("random", "")


def why(
    db: Database, lease: Lease, diary: Diary, prediction: dict[str, Any] | None, scene: BoardContext, *, is_blind: bool
) -> str:
    """Explain in words why this diary is next, without revealing what the model thinks of a blind one."""
    asked = _asked(db, lease, diary, prediction, scene, is_blind=is_blind)
    notes = (_by_whom(scene, prediction), _by_dictionary(scene, diary, prediction), _candidates(scene, prediction))
    return " ".join(part for part in (asked, *notes) if part)


def _asked(
    db: Database, lease: Lease, diary: Diary, prediction: dict[str, Any] | None, scene: BoardContext, *, is_blind: bool
) -> str:
    language = scene.language
    if diary.part == "test":
        return say("why.test", language)
    if lease.strategy == searched.STRATEGY:
        return _by_search(searched.find_query(db, diary.id) or {}, language)
    if is_blind:
        return say("why.blind", language)
    if lease.strategy == groups.STRATEGY:
        return say("why.group", language)
    asker = None if lease.model_id is None else models.get_model(db, lease.model_id)
    if lease.strategy in _BY_CHANCE:
        return _by_chance(asker, scene)
    if asker is None or (scene.model is not None and asker.id == scene.model.id):
        return _by_strategy(lease.strategy, None if prediction is None else prediction["proba"], scene)
    return _by_earlier(lease.strategy, asker, projection.find_proba(db, asker, diary.id), scene)


def _by_chance(asker: Model | None, scene: BoardContext) -> str:
    if asker is not None and asker.training_decisions:
        return say("why.control", scene.language)
    has_learned = scene.model is not None and bool(scene.model.training_decisions)
    return say("why.random_before" if has_learned else "why.random", scene.language)


def _by_earlier(strategy: str, asker: Model, proba: FloatArray | None, scene: BoardContext) -> str:
    chosen = say("why.by_version", scene.language, version=asker.version)
    if proba is None:
        return chosen
    reason = _by_strategy(strategy, proba.tolist(), scene)
    return f"{chosen} {say('why.reason_then', scene.language, reason=reason)}"


def _by_strategy(strategy: str, proba: Sequence[float] | None, scene: BoardContext) -> str:
    """Return the reason of a strategy, with the probabilities of the version that asked."""
    if proba is None:
        return say("why.no_prediction", scene.language)
    order = sorted(range(len(proba)), key=lambda i: -proba[i])[:2]
    (first, p_first), (second, p_second) = ((scene.names[i], round(100 * proba[i])) for i in order)
    return say(f"why.{strategy}", scene.language, first=first, second=second, p_first=p_first, p_second=p_second)


def _by_search(query: dict[str, str], language: Language) -> str:
    """Say what was looked for when somebody sent a diary."""
    if query.get("q"):
        return say("why.searched_words", language, words=query["q"])
    if query.get("like"):
        return say("why.searched_like", language, id=query["like"])
    if query.get("selection"):
        return say("why.searched_selection", language)
    return say("why.searched", language)


def _by_whom(scene: BoardContext, prediction: dict[str, Any] | None) -> str:
    """Return a note if a published checkpoint made the prediction: it has learned nothing from these people."""
    if prediction is None or scene.model is None or scene.model.tier != models.READY_MADE:
        return ""
    return say("why.ready_made", scene.language)


def _by_dictionary(scene: BoardContext, diary: Diary, prediction: dict[str, Any] | None) -> str:
    """Return a note if the word-emotion dictionary is on and would give another answer than the model."""
    if prediction is None or scene.refiner is None:
        return ""
    refined = scene.refiner.refine([diary.text], np.array([prediction["proba"]], np.float32))[0]
    answer = int(refined.argmax())
    if answer == prediction["label_index"]:
        return ""
    likely = round(100 * float(refined[answer]))
    return say("why.dictionary", scene.language, label=scene.names[answer], p=likely)


def _candidates(scene: BoardContext, prediction: dict[str, Any] | None) -> str:
    """Return a note of all labels that the promise takes, if the settings ask for it and the version can promise."""
    promised = prediction_sets.promise_of(scene.model) if scene.settings.prediction_sets else None
    if prediction is None or promised is None or scene.columns is None or not scene.columns.is_same:
        return ""
    columns, level = prediction_sets.columns_in_set(prediction["proba"], promised), round(100 * promised.level)
    if len(columns) > _MOST_CANDIDATES:
        return say("why.candidates_many", scene.language, level=level, count=len(columns))
    labels = say("why.candidates_or", scene.language).join(scene.names[column] for column in columns)
    return say("why.candidates", scene.language, level=level, labels=labels)

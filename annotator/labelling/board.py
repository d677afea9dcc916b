"""Labelling: hand out diaries, store what people decide about them, take it back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.dictionary import adjustment
from annotator.label_sets import projection
from annotator.labelling import rationales
from annotator.labelling.decisions import list_recent
from annotator.labelling.pace import find_pace
from annotator.labelling.waiting import wait_for
from annotator.messages import Language, say
from annotator.privacy import care
from annotator.privacy.masking import mask as masked
from annotator.serving import explanation_text
from annotator.training import prediction_sets
from annotator.training.rounds import learned_up_to
from db.answers import decisions, queue, repeats, searched
from db.answers.repeats import Repeat
from db.label_sets import labels
from db.models import models
from db.texts import diaries, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.dictionary.adjustment import DictionaryAdjuster
    from annotator.label_sets.projection import LabelProjection
    from annotator.labelling.pace import Pace
    from annotator.labelling.waiting import Wait
    from annotator.settings import Settings
    from db import Database
    from db.answers.queue import Lease
    from db.models.explanations import Explanation
    from db.models.models import Model
    from db.texts.diaries import Diary

LOOKAHEAD = 6
"""Diaries a browser tab holds: the one on screen and those that follow it without waiting."""

_MOST_HELD = 10 * LOOKAHEAD
"""Diaries one person holds in all tabs together: whoever names ever new tabs does not get to read everything."""

_RECENT = 8

_MOST_CANDIDATES = 3
"""Labels of a prediction set that are named: of more than these nobody would say that they narrow it down."""


def keep_alive(db: Database, *, annotator_id: int, holder: str) -> None:
    """Extend the leases of a person's tab that is still open."""
    queue.renew(db, annotator_id=annotator_id, holder=holder, seconds=project_settings.LEASE_SECONDS)


def storage_scope(db: Database, name: str) -> str:
    """Return a name for one person's work in one project, under which a browser keeps its unsent events."""
    seed = project_settings.load(db).seed
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Board:
    """What one browser tab shows.

    Attributes:
        items: the diary on screen and those that follow it, ready for JSON.
        diary_count: diaries in the project.
        left: diaries this person could still be asked for.
        mine: labels this person has given.
        since_round: labels that the serving model has not seen.
        recent: this person's newest decisions, newest first.
        model_id: the serving model.
        wait: what the first diary still waits for; None if nothing is missing.
        pace: how fast the person reads in this sitting; None before ten diaries of it.
    """

    items: list[dict[str, Any]]
    diary_count: int
    left: int
    mine: int
    since_round: int
    recent: list[dict[str, Any]]
    model_id: int | None
    wait: Wait | None
    pace: Pace | None


def load_board(
    db: Database,
    *,
    annotator_id: int,
    holder: str,
    language: Language,
    shown_model_id: int | None = None,
    lookahead: int = LOOKAHEAD,
    sees_flagged: bool = True,
    with_repeats: bool = True,
    by: Actor | None = None,
) -> Board:
    """Return what a tab shows, handing out diaries as needed.

    Args:
        shown_model_id: the model that served when the tab was last drawn. When another one serves now, the
            diaries that the tab holds but does not show are exchanged for those the new model asks for.
        lookahead: how many diaries the holder gets when it runs low.
        sees_flagged: whether diaries that the lead looks after are handed out, too, to those who may see them; see
            `annotator.privacy.care`.
        with_repeats: whether some diaries may be ones that the person has decided before.
        by: who looks; None for the annotator, at the app.

    Raises:
        UserError: ``right_missing`` for somebody whose account is closed.
    """
    actor = by or diary_access.person(annotator_id, holder=holder)
    diary_access.require_right(db, actor, "label")
    settings = project_settings.load(db)
    sees_flagged = sees_flagged and diary_access.has_right(db, actor, "review")
    rules = rules_of(settings, sees_flagged=sees_flagged, with_repeats=with_repeats)
    active = models.find_active(db)
    leases = _visible_leases(db, actor)
    if active is not None and shown_model_id not in (None, active.id) and leases:
        queue.release(db, annotator_id=annotator_id, holder=holder, keep=[leases[0].diary_id])
        leases = leases[:1]
    if len(leases) <= lookahead // 2:
        leases = queue.claim(
            db,
            annotator_id=annotator_id,
            holder=holder,
            limit=lookahead - len(leases),
            seconds=project_settings.LEASE_SECONDS,
            rules=rules,
        )
    phrases = care.load_list(db)
    scene = load_context(db, settings, active, language)
    items = [_item(db, lease, scene) for lease in leases]
    for lease, item in zip(leases, items, strict=True):
        item["care"] = care.needs_care(db, lease.diary_id, item["text"], phrases)
        marks = [] if lease.is_repeat else rationales.list_for_diary(db, item["diary_id"], annotator_id=annotator_id)
        item["rationales"] = marks
    if items and not leases[0].is_repeat:
        items[0]["previous"] = _previous(db, leases[0].diary_id, annotator_id)
    counted = queue.tally_of(db, rules)
    return Board(
        items=items,
        diary_count=diaries.count_diaries(db),
        left=queue.count_open(db, annotator_id, rules),
        mine=counted.labels_of[annotator_id] + repeats.count_labels(db, annotator_id),
        since_round=counted.labels_since(learned_up_to(db, active)),
        recent=_recent(db, annotator_id),
        model_id=None if active is None else active.id,
        wait=_wait(db, items, scene),
        pace=find_pace(db, annotator_id, now=datetime.now(UTC)),
    )


def _wait(db: Database, items: Sequence[dict[str, Any]], scene: BoardContext) -> Wait | None:
    if not items or items[0]["blind"] or (items[0]["prediction"] and items[0]["explanation"]):
        return None
    model_id = None if scene.model is None else scene.model.id
    return wait_for(db, items[0]["diary_id"], model_id=model_id, unit=scene.settings.unit)


def _visible_leases(db: Database, actor: Actor) -> list[Lease]:
    """Return the leases of a tab, and give back those whose diaries its person may no longer see."""
    leases = queue.list_leases(db, annotator_id=actor.annotator_id, holder=actor.holder)
    visible = diary_access.allowed(db, actor, "see", [lease.diary_id for lease in leases])
    if len(visible) < len(leases):
        queue.release(db, annotator_id=actor.annotator_id, holder=actor.holder, keep=visible)
    return [lease for lease in leases if lease.diary_id in visible]


def rules_of(settings: Settings, *, sees_flagged: bool = True, with_repeats: bool = True) -> queue.Rules:
    """Return the rules by which a project hands out its diaries."""
    return queue.Rules(
        overlap=settings.overlap,
        overlap_share=settings.overlap_share,
        repeat_share=settings.repeat_share if with_repeats else 0.0,
        gold_share=settings.gold_share,
        searched_share=settings.searched_share,
        sees_flagged=sees_flagged,
        most_held=_MOST_HELD,
    )


def _recent(db: Database, annotator_id: int) -> list[dict[str, Any]]:
    """Return a person's newest answers, ready for JSON."""
    return [
        {
            "token": answer.token,
            "diary_id": answer.diary_id,
            "kind": answer.kind,
            "label_id": answer.label_id,
            "other_label_ids": () if isinstance(answer, Repeat) else answer.other_label_ids,
            "intensity": None if isinstance(answer, Repeat) else answer.intensity,
        }
        for answer in list_recent(db, annotator_id, limit=_RECENT)
    ]


@dataclass(frozen=True, slots=True)
class BoardContext:
    """What it takes to show the diaries of a page, read once for all of them.

    Attributes:
        model: the one that serves; None while there is none.
        columns: how its answers become those of the labels in force.
        names: of the labels in force, in their order.
        refiner: the word-emotion dictionary, where it is switched on.
    """

    settings: Settings
    model: Model | None
    columns: LabelProjection | None
    names: Sequence[str]
    refiner: DictionaryAdjuster | None
    language: Language


def load_context(db: Database, settings: Settings, model: Model | None, language: Language) -> BoardContext:
    """Return what it takes to show diaries right now."""
    names = [label.name for label in labels.list_labels(db)]
    columns = None if model is None else projection.current_projection(db, model)
    return BoardContext(settings, model, columns, names, adjustment.find_refiner(db, model), language)


def _item(db: Database, lease: Lease, scene: BoardContext) -> dict[str, Any]:
    diary = diaries.get_diary(db, lease.diary_id)
    blind = lease.is_repeat or blinding.is_blind(diary, scene.settings)
    split = sentences.find_sentences(db, diary.id)
    prediction = None if blind else prediction_of(db, scene, diary)
    text = masked(diary.text, scene.settings)
    return {
        "token": lease.token,
        "diary_id": diary.id,
        "text": text,
        "covered": text != diary.text,
        "care": False,
        "sentences": [list(span) for span in split.spans] if split else [],
        "blind": blind,
        "prediction": prediction,
        "explanation": None if blind else explanation_of(db, scene, diary),
        "why": why(lease, diary, prediction, scene, is_blind=blind, query=searched.find_query(db, diary.id))
        + _by_whom(scene, prediction)
        + _by_dictionary(scene, diary, prediction)
        + _candidates(scene, prediction),
        "written_on": diary.written_on,
        "author": diary.author,
        "previous": None,
    }


def prediction_of(db: Database, scene: BoardContext, diary: Diary) -> dict[str, Any] | None:
    """Return the model's prediction of a diary, ready for JSON; None if there is none yet."""
    if scene.model is None or scene.columns is None:
        return None
    proba = projection.find_proba(db, scene.model, diary.id, scene.columns)
    return None if proba is None else prediction_data(scene.model.id, scene.model.version, proba, scene.columns.known)


def prediction_data(model_id: int, version: int, proba: NDArray[np.float32], known: Sequence[bool]) -> dict[str, Any]:
    """Return a prediction, ready for JSON.

    Args:
        proba: (k,) of the labels in force.
        known: (k,) whether the model has learned each of them: 0 % of the others is no answer.
    """
    return {
        "model_id": model_id,
        "model_version": version,
        "proba": [round(float(p), 5) for p in proba],
        "label_index": int(proba.argmax()),
        "unknown": [index for index, is_known in enumerate(known) if not is_known],
    }


def explanation_of(db: Database, scene: BoardContext, diary: Diary) -> dict[str, Any] | None:
    """Return the model's explanation of a diary, ready for JSON and in words; None if there is none yet."""
    if scene.model is None or scene.columns is None:
        return None
    explanation = projection.find_explanation(db, scene.model, diary.id, scene.settings.unit, scene.columns)
    proba = None if explanation is None else projection.find_proba(db, scene.model, diary.id, scene.columns)
    if explanation is None or proba is None:
        return None
    text = masked(diary.text, scene.settings)
    return explanation_data(text, explanation, proba.tolist(), scene.names, scene.language)


def explanation_data(
    text: str, explanation: Explanation, proba: Sequence[float], names: Sequence[str], language: Language
) -> dict[str, Any]:
    """Return an explanation, ready for JSON and in words.

    Args:
        text: as it is shown.
        proba: (k,) of the labels in force, whose names these are.
    """
    reading = explanation_text.read(text, explanation, proba, names, language)
    return {
        "spans": [list(span) for span in explanation.spans],
        "weights": [[round(float(w), 5) for w in row] for row in explanation.weights],
        "fit": list(explanation.fit),
        "stability": explanation.stability,
        "arc": explanation.arc and [[round(p, 4) for p in row] for row in explanation.arc],
        "groups": [list(span) for span in reading.groups],
        "sentence": reading.sentence,
        "contrast": reading.contrast,
        "deletion": reading.deletion,
    }


def _by_whom(scene: BoardContext, prediction: dict[str, Any] | None) -> str:
    """Return a note if a published checkpoint made the prediction: it has learned nothing from these people."""
    if prediction is None or scene.model is None or scene.model.tier != models.READY_MADE:
        return ""
    return " " + say("why.ready_made", scene.language)


def _by_dictionary(scene: BoardContext, diary: Diary, prediction: dict[str, Any] | None) -> str:
    """Return a note if the word-emotion dictionary is on and would give another answer than the model."""
    if prediction is None or scene.refiner is None:
        return ""
    refined = scene.refiner.refine([diary.text], np.array([prediction["proba"]], np.float32))[0]
    answer = int(refined.argmax())
    if answer == prediction["label_index"]:
        return ""
    likely = round(100 * float(refined[answer]))
    return " " + say("why.dictionary", scene.language, label=scene.names[answer], p=likely)


def _candidates(scene: BoardContext, prediction: dict[str, Any] | None) -> str:
    """Return a note of all labels that the promise takes, if the settings ask for it and the version can promise."""
    promised = prediction_sets.promise_of(scene.model) if scene.settings.prediction_sets else None
    if prediction is None or promised is None or scene.columns is None or not scene.columns.is_same:
        return ""
    columns, level = prediction_sets.columns_in_set(prediction["proba"], promised), round(100 * promised.level)
    if len(columns) > _MOST_CANDIDATES:
        return " " + say("why.candidates_many", scene.language, level=level, count=len(columns))
    labels = say("why.candidates_or", scene.language).join(scene.names[column] for column in columns)
    return " " + say("why.candidates", scene.language, level=level, labels=labels)


def _previous(db: Database, diary_id: int, annotator_id: int) -> dict[str, Any] | None:
    undone = decisions.find_undone(db, diary_id, annotator_id)
    if undone is None:
        return None
    return {
        "kind": undone.kind,
        "label_id": undone.label_id,
        "memo": undone.memo,
        "other_label_ids": list(undone.other_label_ids),
        "intensity": undone.intensity,
    }


def why(
    lease: Lease,
    diary: Diary,
    prediction: dict[str, Any] | None,
    scene: BoardContext,
    *,
    is_blind: bool,
    query: dict[str, str] | None = None,
) -> str:
    """Explain in words why this diary is next, without revealing what the model thinks of a blind one.

    Args:
        query: what was looked for, if somebody searched for the diary.
    """
    language, names = scene.language, scene.names
    if diary.part == "test":
        return say("why.test", language)
    if lease.strategy == searched.STRATEGY:
        return _by_search(query or {}, language)
    if is_blind:
        return say("why.blind", language)
    if prediction is None or lease.strategy in ("random", ""):
        has_learned = scene.model is not None and bool(scene.model.training_decisions)
        key = "random" if not has_learned else "no_prediction" if prediction is None else "control"
        return say(f"why.{key}", language)
    order = sorted(range(len(names)), key=lambda i: -prediction["proba"][i])[:2]
    (first, p_first), (second, p_second) = ((names[i], prediction["proba"][i]) for i in order)
    return say(
        f"why.{lease.strategy}",
        language,
        first=first,
        second=second,
        p_first=round(100 * p_first),
        p_second=round(100 * p_second),
    )


def _by_search(query: dict[str, str], language: Language) -> str:
    """Say what was looked for when somebody sent a diary."""
    if query.get("q"):
        return say("why.searched_words", language, words=query["q"])
    if query.get("like"):
        return say("why.searched_like", language, id=query["like"])
    return say("why.searched", language)

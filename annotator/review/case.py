"""One diary as a reviewer sees it: text and explanation, who decided what and when, and what helps to decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.label_sets import guidelines
from annotator.labelling import board_items
from annotator.messages import say
from annotator.privacy import masking
from annotator.review import actions
from annotator.review.excerpts import excerpt
from db.answers import decisions, gold
from db.label_sets import labels
from db.models import models
from db.people import annotators
from db.review import queue, reviews
from db.texts import diaries, sentences
from learner.encoders.nearest_neighbours import similarities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.accounts.diary_access import Actor
    from annotator.messages import Language
    from annotator.settings import Settings
    from db import Database
    from db.answers.decisions import Decision
    from db.label_sets.labels import Label
    from db.models.models import Model
    from db.review.reviews import Moment
    from db.texts.diaries import Diary

SIMILAR = 3
"""Decided diaries that stand beside the one under review."""

_FIRST_REACH, _FARTHER = 256, 16


@dataclass(frozen=True, slots=True)
class Case:
    """A diary under review, ready for JSON; see `pages.components.review_board` for the fields of the dicts.

    Attributes:
        mark: the state that the reviewer sees; comes back with the action.
        item: the diary as the label page shows one.
        given_id: the label in force; None if nobody has labelled the diary any more.
        why: what each signal says, the strongest first.
        votes: who said what.
        standing: what the review in force says; None if the diary is open.
        moments: what happened to it, oldest first.
        similar: similar diaries that have been decided.
        guide: what is written about telling the two likeliest labels apart.
        is_gold: whether everybody is shown the diary to see how well the guidelines are known.
    """

    diary_id: int
    mark: tuple[int, int]
    item: dict[str, Any]
    given_id: int | None
    expected_error: float | None
    why: tuple[str, ...]
    votes: tuple[dict[str, Any], ...]
    standing: dict[str, Any] | None
    moments: tuple[dict[str, str], ...]
    similar: tuple[dict[str, Any], ...]
    guide: dict[str, Any] | None
    is_gold: bool


@dataclass(frozen=True, slots=True)
class _CaseContext:
    """What every part of a case needs."""

    db: Database
    actor: Actor
    settings: Settings
    language: Language
    label_of: dict[int, Label]
    name_of: dict[int, str]
    active: Model | None

    def label(self, label_id: int | None) -> str:
        """Return the name of a label, even if it is no longer in force; empty for none."""
        return self.label_of[label_id].name if label_id in self.label_of else ""

    def say(self, key: str, **values: str | float) -> str:
        return say(key, self.language, **values)


def read(db: Database, path: Path, diary_id: int, language: Language, *, reviewer_id: int) -> Case:
    """Return a diary under review.

    Args:
        path: of the database; the vectors of the diaries lie beside it.

    Raises:
        UserError: ``right_missing`` for whoever may not review.
        NotFoundError: if there is no such diary.
    """
    actor = diary_access.person(reviewer_id)
    diary_access.require(db, actor, "review", diary_id)
    desk = _CaseContext(
        db,
        actor,
        project_settings.load(db),
        language,
        {label.id: label for label in labels.list_all_labels(db)},
        dict(annotators.list_annotators(db)),
        models.find_active(db),
    )
    mark = reviews.get_revision(db, diary_id)
    diary = diaries.get_diary(db, diary_id)
    diary = replace(diary, text=masking.mask(diary.text, desk.settings))
    standing = actions.list_labelled(db, diary_id)
    given_id = actions.in_force(standing).label_id if standing else None
    item = _item(desk, diary)
    row = queue.find_row(db, diary_id)
    signals = {} if row is None or reviews.find_standing(db, diary_id) else row.signals
    return Case(
        diary_id=diary_id,
        mark=mark,
        item=item,
        given_id=given_id,
        expected_error=None if row is None else row.expected_error,
        why=_why(desk, signals, standing, given_id),
        votes=tuple(_vote(desk, decision) for decision in standing),
        standing=_standing(desk, diary_id),
        moments=tuple(_moment(desk, moment) for moment in reviews.list_moments(db, diary_id)),
        similar=_similar(desk, path, diary_id),
        guide=_guide(desk, given_id, standing, item),
        is_gold=gold.find(db, diary_id) is not None,
    )


def _item(desk: _CaseContext, diary: Diary) -> dict[str, Any]:
    """Return the diary as on the label page, without the model's answer if it is a blind test diary."""
    blind = diary.part == "test" and desk.settings.blind_test
    split = sentences.find_sentences(desk.db, diary.id)
    has_answer = desk.active is not None and desk.active.tier != "zero" and not blind
    scene = board_items.load_context(desk.db, desk.settings, desk.active if has_answer else None, desk.language)
    return {
        "token": str(diary.id),
        "text": diary.text,
        "sentences": [list(span) for span in split.spans] if split else [],
        "blind": blind,
        "prediction": board_items.prediction_of(desk.db, scene, diary),
        "explanation": board_items.explanation_of(desk.db, scene, diary),
        "written_on": diary.written_on,
        "author": diary.author,
    }


def _why(
    desk: _CaseContext, signals: dict[str, float], standing: Sequence[Decision], given_id: int | None
) -> tuple[str, ...]:
    """Return in words what each signal says, the strongest first."""
    votes = Counter(decision.label_id for decision in standing)
    shares = ", ".join(f"{desk.label(label_id)} {count}" for label_id, count in votes.most_common())
    return tuple(
        desk.say(
            f"review.why_{name}",
            label=desk.label(given_id),
            percent=max(1, min(99, round(100 * (1 - strength if name == "low_confidence" else strength)))),
            shares=shares,
        )
        for name, strength in sorted(signals.items(), key=lambda signal: -signal[1])
    )


def _vote(desk: _CaseContext, decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision.id,
        "name": desk.name_of[decision.annotator_id],
        "label_id": decision.label_id,
        "label": str(desk.label(decision.label_id)),
        "colour": desk.label_of[decision.label_id].colour if decision.label_id in desk.label_of else "",
        "memo": decision.memo,
        "at": _clock(decision.decided_at),
        "can_answer": not reviews.is_import(desk.db, decision.id),
    }


def _standing(desk: _CaseContext, diary_id: int) -> dict[str, Any] | None:
    """Return what the review in force says about the diary."""
    review = reviews.find_standing(desk.db, diary_id)
    if review is None:
        return None
    decision = None if review.decision_id is None else decisions.get_decision(desk.db, review.decision_id)
    sentence = desk.say(
        f"review.standing_{review.kind}",
        name=desk.name_of[review.reviewer_id],
        label=desk.label(None if decision is None else decision.label_id),
    )
    return {"kind": review.kind, "said": sentence, "comment": review.comment if review.comment != "-" else ""}


def _moment(desk: _CaseContext, moment: Moment) -> dict[str, str]:
    kind = f"undo_{moment.undone_kind}" if moment.kind == "undo" else moment.kind
    if moment.what == "decision":
        kind = "import" if moment.is_import else kind
    sentence = desk.say(f"review.{moment.what}_{kind}", name=moment.name, label=desk.label(moment.label_id))
    words = moment.words if moment.words != "-" else ""
    return {"at": _clock(moment.at), "said": sentence, "words": words}


def _clock(iso: str) -> str:
    """Return a stored UTC time in the local time of this machine."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")


def _similar(desk: _CaseContext, path: Path, diary_id: int) -> tuple[dict[str, Any], ...]:
    """Return the most similar diaries that have been decided, the nearest first."""
    if desk.active is None:
        return ()
    near = similarities(project.vectors_folder(path) / desk.active.encoder_hash, diary_id)
    if not len(near):
        return ()
    near[diary_id - 1] = -1
    neighbours: list[int] = []
    reach = _FIRST_REACH
    while len(neighbours) < SIMILAR and reach // _FARTHER < len(near):
        nearest = np.argpartition(-near, min(reach, len(near) - 1))[:reach]
        nearest = nearest[np.argsort(-near[nearest], kind="stable")]
        nearest = nearest[near[nearest] > -1] + 1
        decided = {d.diary_id for d in decisions.list_standing(desk.db, nearest.tolist()) if d.kind == "label"}
        ranked = [int(i) for i in nearest if int(i) in decided]
        visible = diary_access.allowed(desk.db, desk.actor, "see", ranked[:_FIRST_REACH])
        neighbours = [diary_id for diary_id in ranked if diary_id in visible][:SIMILAR]
        reach *= _FARTHER
    return tuple(_neighbour(desk, i, float(near[i - 1])) for i in neighbours)


def _neighbour(desk: _CaseContext, diary_id: int, similarity: float) -> dict[str, Any]:
    text = masking.mask(diaries.get_diary(desk.db, diary_id).text, desk.settings)
    standing = actions.list_labelled(desk.db, diary_id)
    settled = reviews.find_standing(desk.db, diary_id)
    counted = settled.decision_id if settled else None
    named = [d for d in standing if d.id == counted] or standing
    votes = Counter(decision.label_id for decision in named)
    return {
        "diary_id": diary_id,
        "text": excerpt(text),
        "labels": [
            {"name": str(desk.label(label_id)), "count": count, "colour": desk.label_of[label_id or 0].colour}
            for label_id, count in votes.most_common()
        ],
        "similarity": round(similarity, 2),
        "note": settled.comment if settled and settled.comment != "-" else "",
        "is_settled": counted is not None,
    }


def _guide(
    desk: _CaseContext, given_id: int | None, standing: Sequence[Decision], item: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the guideline for telling the label in force and its strongest rival apart."""
    rival = _rival(desk, given_id, standing, item)
    if given_id is None or rival is None:
        return None
    title = desk.say("review.guide_pair", first=desk.label(given_id), second=desk.label(rival))
    guideline = guidelines.find_for_pair(desk.db, given_id, rival)
    if guideline is not None:
        return {"title": title, "text": guideline.text, "examples": list(guideline.examples), "definitions": []}
    definitions = []
    for label_id in (given_id, rival):
        written = guidelines.of_label(desk.db, label_id)
        text = written.text if written else desk.label_of[label_id].definition
        definitions.append({"label": str(desk.label(label_id)), "text": text})
    definitions = [definition for definition in definitions if definition["text"]]
    return {"title": title, "text": "", "examples": [], "definitions": definitions} if definitions else None


def _rival(desk: _CaseContext, given_id: int | None, standing: Sequence[Decision], item: dict[str, Any]) -> int | None:
    """Return the label that the given one is most likely confused with: by people's votes, else by the model."""
    others = Counter(d.label_id for d in standing if d.label_id != given_id)
    if others:
        return others.most_common(1)[0][0]
    if item["prediction"] is None:
        return None
    proba, in_order = item["prediction"]["proba"], [label.id for label in labels.list_labels(desk.db)]
    ranked = sorted(range(len(in_order)), key=lambda i: -proba[i])
    return next((in_order[i] for i in ranked if in_order[i] != given_id), None)

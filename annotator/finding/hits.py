"""A hit as a list shows it: a line of text with what was found in it, and what is known of the diary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.label_sets import projection
from annotator.privacy import masking
from db.answers import decisions, group_checks, groups
from db.label_sets import labels
from db.models import models
from db.people import annotators
from db.review import reviews
from db.search import folding
from db.texts import care_flags, diaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.diary_access import Actor
    from annotator.finding.filters import Sight
    from annotator.finding.nearest import Nearness
    from annotator.finding.words import Words
    from annotator.settings import Settings
    from db import Database
    from db.answers.decisions import Decision
    from db.label_sets.labels import Label
    from db.models.models import Model
    from db.search.facets import State
    from db.texts.diaries import Diary, Part

_BEFORE = 24
"""Letters that stand before the first word that was found."""

_LINE = 160


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person decided.

    Attributes:
        label: name of the label; empty for a skip or a flag.
        is_group: whether it was given to many diaries by one press.
    """

    name: str
    kind: str
    label: str
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A diary that was found.

    Attributes:
        line: a part of the text, covered as everywhere, in NFC and without line breaks.
        spans: where the words stand in it, half-open.
        state: the one that matters most.
        answers: those that one may see.
        prediction, probability: what the serving model says; None where there is nothing, or it is hidden.
        part: None for those who should not know it.
        nearness: cosine similarity to what the hits are like.
    """

    diary_id: int
    line: str
    spans: tuple[tuple[int, int], ...]
    state: State
    answers: tuple[Answer, ...]
    prediction: str | None
    probability: float | None
    part: Part | None
    author: str | None
    source: str | None
    written_on: str | None
    length: int
    nearness: float | None = None


@dataclass(frozen=True, slots=True)
class _Context:
    db: Database
    sight: Sight
    words: Words
    settings: Settings
    label_of: dict[int, Label]
    name_of: dict[int, str]
    model: Model | None
    columns: projection.LabelProjection | None
    nearness: Nearness | None
    held_ids: frozenset[int]
    grouped_ids: frozenset[int]


def describe(
    db: Database, actor: Actor, sight: Sight, words: Words, diary_ids: Sequence[int], nearness: Nearness | None
) -> list[Hit]:
    """Return diaries as hits, in the order of the ids; those that are gone or may not be seen are left out."""
    model = models.find_active(db) if sight.is_reviewer else None
    visible = diary_access.allowed(db, actor, "see", diary_ids)
    of_id = {diary.id: diary for diary in diaries.list_diaries(db, [i for i in diary_ids if i in visible])}
    standing: dict[int, list[Decision]] = {diary_id: [] for diary_id in of_id}
    for decision in decisions.list_standing(db, list(of_id)):
        if sight.own_id in (None, decision.annotator_id):
            standing[decision.diary_id].append(decision)
    context = _Context(
        db,
        sight,
        words,
        project_settings.load(db),
        {label.id: label for label in labels.list_all_labels(db)},
        dict(annotators.list_annotators(db)),
        model,
        None if model is None else projection.current_projection(db, model),
        nearness,
        frozenset(group_checks.list_held_ids(db)),
        frozenset(groups.list_act_of(db, [d.id for each in standing.values() for d in each])),
    )
    return [_hit(context, of_id[i], standing[i]) for i in diary_ids if i in of_id]


def _hit(context: _Context, diary: Diary, standing: Sequence[Decision]) -> Hit:
    line, spans = excerpt(masking.mask(diary.text, context.settings), context.words.required)
    prediction, probability = _prediction(context, diary, is_decided=bool(standing))
    return Hit(
        diary.id,
        line,
        spans,
        _state(context, diary.id, standing),
        tuple(_answer(context, decision) for decision in standing),
        prediction,
        probability,
        diary.part if context.sight.is_reviewer else None,
        None if diary.author is None else masking.mask(diary.author, context.settings),
        diary.source,
        diary.written_on,
        len(diary.text),
        None if context.nearness is None else round(float(context.nearness.cosines[diary.id - 1]), 4),
    )


def excerpt(text: str, words: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a line of a text around the first word that stands in it, and where the words stand in the line."""
    line = " ".join(folding.compose(text).split())
    spans = folding.find_spans(line, words)
    start = max(0, spans[0][0] - _BEFORE) if spans and spans[0][1] > _LINE - _BEFORE else 0
    end = min(len(line), start + _LINE)
    shown = ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
    shift = bool(start) - start
    return shown, tuple((first + shift, min(last, end) + shift) for first, last in spans if first < end)


def _prediction(context: _Context, diary: Diary, *, is_decided: bool) -> tuple[str | None, float | None]:
    if context.model is None or context.columns is None:
        return None, None
    if not is_decided and (diary.id in context.held_ids or blinding.is_blind(diary, context.settings)):
        return None, None  # whoever decides it shall not have read it here
    proba = projection.find_proba(context.db, context.model, diary.id, context.columns)
    if proba is None:
        return None, None
    place = int(np.argmax(proba))
    return context.label_of[context.columns.label_ids[place]].name, round(float(proba[place]), 4)


def _answer(context: _Context, decision: Decision) -> Answer:
    label = context.label_of.get(decision.label_id or 0)
    name, is_group = context.name_of[decision.annotator_id], decision.id in context.grouped_ids
    return Answer(name, decision.kind, "" if label is None else label.name, is_group)


def _state(context: _Context, diary_id: int, standing: Sequence[Decision]) -> State:
    if care_flags.find_flag(context.db, diary_id) is not None:
        return "withheld"
    review = reviews.find_standing(context.db, diary_id)
    if review is not None and (context.sight.is_reviewer or review.kind == "return"):
        settled: dict[str, State] = {"return": "returned", "ambiguous": "ambiguous"}
        return settled.get(review.kind, "reviewed")
    kinds = {decision.kind for decision in standing}
    if "label" in kinds:
        return "decided"
    return "flagged" if "flag" in kinds else "skipped" if kinds else "waiting"

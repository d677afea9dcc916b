"""What one version answers otherwise than another, with its diaries, for those who may review. See docs/finding.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import filters, hits, reasons
from annotator.finding.words import Words
from annotator.label_sets import projection
from annotator.privacy import masking
from annotator.serving.predictor_client import client_of
from annotator.serving.request_queue import Question
from annotator.training import version_changes, versions
from annotator.training.version_changes import GROUPS
from db.label_sets import labels
from db.models import facts, models
from db.texts import diaries

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.hits import Hit
    from annotator.messages import Language
    from annotator.training.version_changes import Answers, Changes, Group
    from db import Database
    from db.models.models import Model
    from learner.text.characters import Spans

PAGE = 20

Outcome = Literal["lost", "wrong", "undecided", "gained"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What a changed answer is worth, the worst first: right before, wrong both times, undecided, right now."""


@dataclass(frozen=True, slots=True)
class ChangedDiary:
    """A diary that two versions answer differently.

    Attributes:
        truth: the label that most people gave; None for an undecided one.
        group: where its decision counts; None for an undecided one.
    """

    hit: Hit
    before: str
    before_proba: float
    after: str
    after_proba: float
    truth: str | None
    group: Group | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ChangedList:
    """A page of changed diaries, the worst first.

    Attributes:
        count: all that may be listed.
        hidden: further ones that are still to be decided blind, or withheld from whoever asks.
    """

    diaries: tuple[ChangedDiary, ...]
    count: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Side:
    """One version's answer to a diary, and why.

    Attributes:
        reason: in words; empty where nothing explains it.
        words: half-open spans of the text that speak most for the answer.
    """

    version: int
    label: str
    proba: float
    reason: str
    words: Spans


def list_versions(db: Database) -> list[int]:
    """Return the numbers of all versions, oldest first."""
    return [model.version for model in models.list_models(db)]


def summarize(db: Database, actor: Actor, first: int, second: int) -> Changes:
    """Return what changed from one version to another, on the diaries of which both answers are stored.

    Raises:
        UserError: ``right_missing`` for whoever may not review; ``version_unknown``; ``versions_equal``.
    """
    diary_access.require_right(db, actor, "review")
    return version_changes.summarize(db, *_pair(db, first, second))


def _pair(db: Database, first: int, second: int) -> tuple[Model, Model]:
    before, after = (versions.get_version(db, version) for version in (first, second))
    if first == second:
        raise UserError("versions_equal", version=first)
    return before, after


def request(db: Database, actor: Actor, first: int, second: int) -> None:
    """Have the worker store what both versions answer to every diary that has a vector. Raises as `summarize` does."""
    diary_access.require_right(db, actor, "review")
    facts.request_predictions(db, [model.id for model in _pair(db, first, second)])


def is_requested(db: Database) -> bool:
    """Return whether the worker has still to store what somebody asked for."""
    return bool(facts.list_requested_predictions(db))


def list_changed(
    db: Database,
    actor: Actor,
    first: int,
    second: int,
    *,
    before: str = "",
    after: str = "",
    skip: int = 0,
    limit: int = PAGE,
) -> ChangedList:
    """Return diaries that two versions answer differently: those lost first, the surest in each kind.

    Args:
        before, after: names of the answers; empty for all.

    Raises:
        UserError: as `summarize`; ``find_unknown_label`` for a label that there is not.
    """
    diary_access.require_right(db, actor, "review")
    answers = version_changes.load(db, *_pair(db, first, second))
    moved = answers.changed
    for name, columns in ((before, answers.before), (after, answers.after)):
        if name:
            moved &= columns == _column(answers, name)
    sight = filters.sight_of(db, actor)
    open_to_them = filters.visible(db, actor, sight, len(moved))
    listed = moved & ~blinding.still_blind(db, len(moved))
    listed = listed if open_to_them is None else listed & open_to_them
    rows = _worst_first(answers, np.flatnonzero(listed))
    shown = rows[skip : skip + limit]
    described = hits.describe(db, actor, sight, Words(), (shown + 1).tolist(), None)
    return ChangedList(tuple(_changed(answers, hit) for hit in described), len(rows), int((moved & ~listed).sum()))


def _column(answers: Answers, name: str) -> int:
    if name not in answers.label_names:
        raise UserError("find_unknown_label", value=name[:40])
    return answers.label_names.index(name)


def _worst_first(answers: Answers, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[np.lexsort((-answers.after_proba[rows], _outcomes(answers, rows)))]


def _outcomes(answers: Answers, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what each changed answer is worth, as a place in `OUTCOMES`."""
    truth = answers.truth[rows]
    cases = [truth < 0, truth == answers.before[rows], truth == answers.after[rows]]
    places = [OUTCOMES.index(outcome) for outcome in ("undecided", "lost", "gained")]
    return np.select(cases, places, OUTCOMES.index("wrong"))


def _changed(answers: Answers, hit: Hit) -> ChangedDiary:
    row = hit.diary_id - 1
    is_decided = answers.truth[row] >= 0
    return ChangedDiary(
        hit,
        answers.label_names[answers.before[row]],
        round(float(answers.before_proba[row]), 4),
        answers.label_names[answers.after[row]],
        round(float(answers.after_proba[row]), 4),
        answers.label_names[answers.truth[row]] if is_decided else None,
        GROUPS[answers.groups[row]] if is_decided else None,
        OUTCOMES[int(_outcomes(answers, np.array([row]))[0])],
    )


def explain(
    db: Database, path: Path, actor: Actor, diary_id: int, first: int, second: int, language: Language
) -> tuple[str, tuple[Side, ...]]:
    """Have both versions explain their answers, unless they have; return as `read_sides`. The first takes seconds."""
    pair = _open_pair(db, actor, diary_id, first, second)
    (done,) = client_of(path).ask([Question("explain_versions", (diary_id, tuple(model.id for model in pair)))])
    done.result()
    return read_sides(db, actor, diary_id, first, second, language)


def read_sides(
    db: Database, actor: Actor, diary_id: int, first: int, second: int, language: Language
) -> tuple[str, tuple[Side, ...]]:
    """Return a diary's text, and what each of two versions answers to it and why, as far as that is stored.

    Raises:
        UserError: as `list_changed`; ``find_still_blind`` for a diary that is still to be decided blind.
        NotFoundError: for a diary that is not there.
    """
    pair = _open_pair(db, actor, diary_id, first, second)
    text = masking.mask(diaries.get_diary(db, diary_id).text, project_settings.load(db))
    sides = (_side(db, model, diary_id, text, language) for model in pair)
    return text, tuple(side for side in sides if side is not None)


def _open_pair(db: Database, actor: Actor, diary_id: int, first: int, second: int) -> tuple[Model, Model]:
    """Return two versions whose answers to a diary somebody may see."""
    diary_access.require_right(db, actor, "review")
    diary_access.require(db, actor, "see", diary_id)
    if blinding.still_blind(db, diary_id)[diary_id - 1]:
        raise UserError("find_still_blind", id=diary_id)
    return _pair(db, first, second)


def _side(db: Database, model: Model, diary_id: int, text: str, language: Language) -> Side | None:
    proba = projection.find_proba(db, model, diary_id)
    if proba is None:
        return None
    answer = int(proba.argmax())
    label = labels.list_labels(db)[answer].name
    return Side(model.version, label, float(proba[answer]), *reasons.find_reason(db, model, diary_id, text, language))

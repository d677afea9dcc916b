"""A diary's own page: what it says, what was said of it, and what can be done with it, as far as somebody may."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import filters, hits, reasons
from annotator.finding.words import Words
from annotator.label_sets import projection
from annotator.labelling.decisions import decide
from annotator.messages import say
from annotator.privacy import masking
from annotator.review import case as review_case
from db.answers import decisions, searched
from db.answers.decisions import NewDecision
from db.connection import write
from db.label_sets import labels
from db.models import models
from db.review import reviews
from db.texts import diaries, sentences

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.accounts.diary_access import Actor
    from annotator.finding.filters import Sight
    from annotator.finding.hits import Hit
    from annotator.messages import Language
    from db import Database
    from db.review.reviews import Moment
    from db.texts.diaries import Diary

Act = Literal["label", "send", "review", "care", "forget"]


@dataclass(frozen=True, slots=True)
class Shown:
    """The prediction that stands on the page, noted with a label that is given there.

    Attributes:
        label_id: what the model answers.
    """

    model_id: int
    label_id: int
    proba: float


@dataclass(frozen=True, slots=True)
class DiaryPage:
    """A diary's own page.

    Attributes:
        text: covered as everywhere.
        sentences: half-open spans of the text.
        hit: what lists show of it.
        shown: the prediction on the page; None where there is none, or it is hidden.
        explanation: in words; empty where there is none.
        words: half-open spans of the words that speak most for the answer, ascending.
        moments: what happened to it, oldest first: of an annotator's diary only what they did themselves.
        standing: what the review in force says.
        similar: similar diaries that have been decided.
        versions: of each version whose answer is kept, its number, label and probability, oldest first.
        acts: what this person may do with it.
        own_label_id: the label that this person has given it.
    """

    diary_id: int
    text: str
    sentences: tuple[tuple[int, int], ...]
    hit: Hit
    shown: Shown | None
    explanation: str
    words: tuple[tuple[int, int], ...]
    moments: tuple[dict[str, str], ...]
    standing: dict[str, Any] | None
    similar: tuple[dict[str, Any], ...]
    versions: tuple[tuple[int, str, float], ...]
    acts: frozenset[Act]
    own_label_id: int | None


def read(db: Database, path: Path, actor: Actor, diary_id: int, language: Language) -> DiaryPage:
    """Return a diary's page.

    Raises:
        UserError: ``diary_not_handed`` for a diary that somebody may not see.
        NotFoundError: ``diary_missing`` or ``diary_forgotten``, to those whom every diary is open to.
    """
    diary_access.require(db, actor, "see", diary_id)
    sight = filters.sight_of(db, actor)
    diary = diaries.get_diary(db, diary_id)
    split = sentences.find_sentences(db, diary_id)
    (hit,) = hits.describe(db, actor, sight, Words(), [diary_id], None) or (None,)
    if hit is None:
        raise UserError("diary_not_handed")
    settings = project_settings.load(db)
    shown = None if hit.prediction is None or _is_test(diary, db) else _shown(db, diary_id)
    text = masking.mask(diary.text, settings)
    explained = None if shown is None else models.get_model(db, shown.model_id)
    case = review_case.read(db, path, diary_id, language, reviewer_id=actor.annotator_id) if sight.is_reviewer else None
    return DiaryPage(
        diary_id,
        text,
        () if split is None else split.spans,
        hit,
        shown,
        *reasons.find_reason(db, explained, diary_id, text, language),
        case.moments if case is not None else _own_moments(db, sight, hit, diary_id, language),
        None if case is None else case.standing,
        () if case is None else case.similar,
        _versions(db, diary_id) if shown is not None else (),
        _acts(db, actor, diary_id, hit),
        _own_label(db, actor, diary_id),
    )


def _is_test(diary: Diary, db: Database) -> bool:
    """Return whether what the model says stays hidden: whoever corrects test diaries by it would measure nothing."""
    return diary.part == "test" and blinding.is_blind(diary, project_settings.load(db))


def _shown(db: Database, diary_id: int) -> Shown | None:
    active = models.find_active(db)
    proba = None if active is None else projection.find_proba(db, active, diary_id)
    if active is None or proba is None:
        return None
    label_ids = [label.id for label in labels.list_labels(db)]
    return Shown(active.id, label_ids[int(proba.argmax())], float(proba.max()))


def _versions(db: Database, diary_id: int) -> tuple[tuple[int, str, float], ...]:
    names = [label.name for label in labels.list_labels(db)]
    answers = []
    for model in sorted(models.list_models(db), key=lambda each: each.version):
        proba = projection.find_proba(db, model, diary_id)
        if proba is not None:
            answers.append((model.version, names[int(proba.argmax())], float(proba.max())))
    return tuple(answers)


def _own_moments(db: Database, sight: Sight, hit: Hit, diary_id: int, language: Language) -> tuple[dict[str, str], ...]:
    own = {answer.name for answer in hit.answers}
    name_of = {label.id: label.name for label in labels.list_all_labels(db)}
    moments = [moment for moment in reviews.list_moments(db, diary_id) if moment.name in own]
    return tuple(_moment(moment, name_of, language) for moment in moments if moment.what != "review")


def _moment(moment: Moment, name_of: dict[int, str], language: Language) -> dict[str, str]:
    kind = f"undo_{moment.undone_kind}" if moment.kind == "undo" else moment.kind
    kind = "import" if moment.is_import else kind
    label = name_of.get(moment.label_id or 0, "")
    return {
        "at": moment.at[:16].replace("T", " "),
        "said": say(f"review.{moment.what}_{kind}", language, name=moment.name, label=label),
        "words": moment.words if moment.words != "-" else "",
    }


def _acts(db: Database, actor: Actor, diary_id: int, hit: Hit) -> frozenset[Act]:
    acts: set[Act] = set()
    if diary_access.may(db, actor, "decide", diary_id) and not _is_test_undecided(db, diary_id):
        acts.add("label")
    if diary_access.has_right(db, actor, "review"):
        acts |= {"care"} if hit.state != "withheld" else set()
        acts |= {"review"} if hit.answers else {"send"}
    if diary_access.has_right(db, actor, "administrate"):
        acts.add("forget")
    return frozenset(acts)


def _own_label(db: Database, actor: Actor, diary_id: int) -> int | None:
    own = [d for d in decisions.list_standing(db, [diary_id]) if d.annotator_id == actor.annotator_id]
    return own[0].label_id if own else None


def label(
    db: Database, actor: Actor, diary_id: int, label_id: int, *, shown: Shown | None, memo: str = ""
) -> int | None:
    """Give a diary a label in one's own name, or another one than before; return the decision's id.

    Args:
        shown: the prediction that stood beside it, which may have swayed.

    Raises:
        UserError: for a diary that somebody may not decide, or a label that is not in the set;
            ``find_test_undecided`` for a test diary that nobody has decided yet.
    """
    decision = NewDecision(
        diary_id,
        actor.annotator_id,
        "label",
        f"find-{secrets.token_hex(16)}",
        label_id,
        memo,
        None if shown is None else shown.model_id,
        None if shown is None else shown.label_id,
        None if shown is None else shown.proba,
        asked_by=searched.STRATEGY,
    )
    with write(db):
        diary_access.require(db, actor, "decide", diary_id)
        if _is_test_undecided(db, diary_id):
            raise UserError("find_test_undecided", id=diary_id)
        return decide(db, decision, by=actor)


def _is_test_undecided(db: Database, diary_id: int) -> bool:
    """Return whether a diary still waits for its turn in the test part.

    If those that somebody found came first, what is measured on the test part would not hold for all diaries.
    """
    return diaries.get_diary(db, diary_id).part == "test" and not decisions.list_standing(db, [diary_id])

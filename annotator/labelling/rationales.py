"""Marks that call a word evidence for the label, or none. The next round learns from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.privacy import masking
from db.answers import rationales
from db.answers.rationales import NewRationale
from db.connection import write
from db.label_sets import labels
from db.models import models
from db.texts import diaries

if TYPE_CHECKING:
    from annotator.accounts.permissions import Person
    from annotator.labelling.events import BoardEvent
    from db import Database
    from db.models.rounds import Round


def add(db: Database, event: BoardEvent, *, annotator_id: int) -> int | None:
    """Keep a mark as a browser sent it; return its id, or None if its token was used before.

    Raises:
        UserError: for a label that is not in the set, a span that holds no word of the diary, or a diary that this
            person was never handed.
        NotFoundError: for a model that does not exist; for a diary, where this person may mark every one.
    """
    if event.diary_id is None or event.label_id is None or event.span is None or event.verdict is None:
        raise UserError("event_broken")
    new = NewRationale(
        diary_id=event.diary_id,
        annotator_id=annotator_id,
        label_id=event.label_id,
        start=event.span[0],
        end=event.span[1],
        verdict=event.verdict,
        token=event.token,
        model_id=event.model_id,
    )
    with write(db):
        diary_access.require(db, diary_access.person(annotator_id), "mark", new.diary_id)
        _check(db, new)
        return rationales.add(db, new)


def _check(db: Database, new: NewRationale) -> None:
    text = diaries.get_diary(db, new.diary_id).text
    if new.end > len(text) or not text[new.start : new.end].strip():
        raise UserError("rationale_outside", start=new.start, end=new.end, id=new.diary_id)
    name_of = {label.id: label.name for label in labels.list_all_labels(db)}
    if new.label_id not in name_of:
        raise UserError("label_unknown", found=str(new.label_id), known=", ".join(name_of.values()))
    if new.model_id is not None:
        models.get_model(db, new.model_id)


def list_for_diary(db: Database, diary_id: int, *, annotator_id: int) -> list[dict[str, Any]]:
    """Return one person's marks in force on a diary, ready for JSON."""
    return [
        {"span": [mark.start, mark.end], "verdict": mark.verdict, "label_id": mark.label_id}
        for mark in rationales.list_standing(db, diary_id, annotator_id)
    ]


@dataclass(frozen=True, slots=True)
class MarkedWord:
    """A word that people had marked, and how a round changed its weight.

    Attributes:
        verdict: ``right`` or ``wrong``: whether they called it evidence for the label.
        before, after: what the word adds to the label in the old and the new version, as a difference of scores
            whose mean over the labels is 0; `before` is None without a comparable old version.
    """

    diary_id: int
    word: str
    label: str
    verdict: str
    before: float | None
    after: float

    @property
    def came_nearer_to_nothing(self) -> bool:
        """Whether the word moves its label less than before."""
        return self.before is not None and abs(self.after) < abs(self.before)


def list_for_round(db: Database, ended: Round, *, person: Person) -> list[MarkedWord]:
    """Return the marked words in a round's report, newest mark first, of diaries that this person may see, masked."""
    report = ended.report.get("rationales", [])
    actor = diary_access.actor_of(person)
    visible = diary_access.allowed(db, actor, "see", {mark["diary_id"] for mark in report})
    visible_marks = [mark for mark in report if mark["diary_id"] in visible]
    name_of = {label.id: label.name for label in labels.list_all_labels(db)}
    masked = project_settings.load(db)
    texts = [
        masking.mask(text, masked) for text in diaries.list_texts(db, [mark["diary_id"] for mark in visible_marks])
    ]
    return [
        MarkedWord(
            diary_id=mark["diary_id"],
            word=text[slice(*mark["span"])],
            label=name_of.get(mark["label_id"], "?"),
            verdict=mark["verdict"],
            before=mark["before"],
            after=mark["after"],
        )
        for mark, text in zip(visible_marks, texts, strict=True)
    ]

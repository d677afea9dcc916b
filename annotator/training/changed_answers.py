"""What the newest version answers otherwise than the one before, with diaries as examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.privacy import masking
from annotator.training.version_changes import Decided
from db.answers import decisions
from db.label_sets import labels
from db.models import models
from db.texts import diaries

if TYPE_CHECKING:
    from annotator.accounts.permissions import Person
    from db import Database
    from db.models.rounds import Round

_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A diary of which two versions think differently: the beginning of its text, and the names of both answers."""

    diary_id: int
    excerpt: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangedAnswers:
    """How many of the n diaries that both versions have predicted got another answer, with examples.

    Attributes:
        decided: wins and losses on decided diaries; empty in reports of earlier releases.
        versions: the one before, and the new one.
    """

    n: int
    count: int
    examples: list[ChangedAnswer]
    decided: tuple[Decided, ...]
    versions: tuple[int, int] | None


def find_changed(db: Database, ended: Round, *, person: Person) -> ChangedAnswers | None:
    """Return what a round changed, with examples that this person may see, masked; None where nothing was compared."""
    changed = ended.report.get("changed")
    if changed is None:
        return None
    stored = changed["examples"]
    visible = diary_access.allowed(
        db, diary_access.actor_of(person), "see", {example["diary_id"] for example in stored}
    )
    shown = [example for example in stored if example["diary_id"] in visible]
    name_of = {label.id: label.name for label in labels.list_all_labels(db)}
    texts = diaries.list_texts(db, [example["diary_id"] for example in shown])
    settings = project_settings.load(db)
    examples = [
        ChangedAnswer(
            example["diary_id"],
            _beginning(masking.mask(text, settings)),
            name_of.get(example["before"], "?"),
            name_of.get(example["after"], "?"),
        )
        for example, text in zip(shown, texts, strict=True)
    ]
    decided = tuple(Decided(**each) for each in changed.get("decided", ()))
    return ChangedAnswers(int(changed["n"]), int(changed["count"]), examples, decided, _versions(db, ended))


def _versions(db: Database, ended: Round) -> tuple[int, int] | None:
    if ended.previous_model_id is None or ended.model_id is None:
        return None
    return models.get_model(db, ended.previous_model_id).version, models.get_model(db, ended.model_id).version


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT].rstrip()}…"


def list_unseen_labels(db: Database) -> list[str]:
    """Return the names of the labels in force that no diary of the pool has, so that no model can learn them."""
    counts = decisions.count_by_label(db, part="pool")
    return [label.name for label in labels.list_labels(db) if not counts.get(label.id)]

"""What the newest version answers otherwise than the one before, with diaries as examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.privacy import masking
from db.answers import decisions
from db.label_sets import labels
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
    """How many of the n diaries that both versions have predicted got another answer, with examples."""

    n: int
    count: int
    examples: list[ChangedAnswer]


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
    return ChangedAnswers(int(changed["n"]), int(changed["count"]), examples)


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT].rstrip()}…"


def list_unseen_labels(db: Database) -> list[str]:
    """Return the names of the labels in force that no diary of the pool has, so that no model can learn them."""
    counts = decisions.count_by_label(db, part="pool")
    return [label.name for label in labels.list_labels(db) if not counts.get(label.id)]

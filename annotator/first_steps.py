"""The first three steps of a project: import diaries, read some, train for the first time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from db.answers import decisions
from db.models import rounds
from db.texts import diaries

if TYPE_CHECKING:
    from db import Database

Step = Literal["import", "read", "learn"]

STEPS: tuple[Step, ...] = ("import", "read", "learn")

READ_FIRST = 20
"""Labels after which a first round is worth its time."""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """Where a new project stands.

    Attributes:
        step: the step to take now.
        read_count: diaries that have been labelled, at most `READ_FIRST`.
    """

    step: Step
    read_count: int


def find_first_steps(db: Database) -> FirstSteps | None:
    """Return the step that a new project is at; None once a round has trained."""
    if any(this.status == "done" for this in rounds.list_rounds(db)):
        return None
    if not diaries.count_diaries(db):
        return FirstSteps("import", 0)
    read_count = min(READ_FIRST, decisions.count_by_kind(db).get("label", 0))
    return FirstSteps("learn" if read_count == READ_FIRST else "read", read_count)

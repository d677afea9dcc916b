"""How long somebody waits for an explanation that is not there yet, from what this machine has measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.answers import queue
from db.models import explanations, facts, rounds

if TYPE_CHECKING:
    from db import Database


@dataclass(frozen=True, slots=True)
class Wait:
    """What an explanation waits for.

    Attributes:
        for_round: whether a round that runs or is about to comes first.
        seconds: how long it will take once nothing else comes first; None while none was ever measured.
    """

    for_round: bool
    seconds: float | None


def wait_for(db: Database, diary_id: int, *, model_id: int | None, unit: str) -> Wait:
    """Return the wait for the explanation of the diary on a screen, other people's screens included."""
    on_screens = queue.list_held(db, 1)
    due = on_screens if model_id is None else explanations.list_unexplained(db, on_screens, model_id, unit)
    ahead = due.index(diary_id) if diary_id in due else 0
    each = facts.explanation_seconds(db)
    return Wait(rounds.find_open(db) is not None, None if each is None else (ahead + 1) * each)

"""Attempts at a round: one that has ended its worker three times is given up, not begun again without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.training.rounds import plan_round
from db.models import rounds

if TYPE_CHECKING:
    from db import Database

MOST_DEATHS = 3
"""Workers that may end without warning in a round, which is what the system does to one that takes too much memory."""


def begin(db: Database, round_id: int) -> bool:
    """Count an attempt; end the round instead, and return False, if its workers have died too often."""
    deaths = rounds.begin_attempt(db, round_id)
    if deaths >= MOST_DEATHS:
        _give_up(db, round_id, deaths)
    return deaths < MOST_DEATHS


def _give_up(db: Database, round_id: int, deaths: int) -> None:
    # A deeper round that the worker starts by itself is not started again for the same labels.
    report = {"train": plan_round(db).label_count, **rounds.get_round(db, round_id).report}
    error = {"code": "round_fatal", "details": {"count": deaths}}
    rounds.end(db, round_id, status="failed", report=report, error=error)

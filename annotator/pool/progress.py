"""How far the work on the shards of a pool is: told by what drives it, kept for those who watch a round."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from db.models import facts

if TYPE_CHECKING:
    from db import Database
    from db.models.rounds import Round

STEP = "pool"
"""What a round says that it does while shards are worked on."""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How far a stage is.

    Attributes:
        stage: its kind, such as ``encode``.
        done, total: shards.
        texts_a_second: of this run so far; 0 before the first shard.
    """

    stage: str
    done: int
    total: int
    texts_a_second: float


def store(db: Database, round_id: int, now: StageProgress) -> None:
    """Keep how far a round's work on a pool is."""
    facts.store_pool_progress(db, round_id=round_id, **asdict(now))


def find(db: Database, current: Round) -> StageProgress | None:
    """Return how far a round's work on a pool is; None while it does something else."""
    now = facts.pool_progress(db)
    if current.step != STEP or now.pop("round_id", None) != current.id:
        return None
    return StageProgress(**now)

"""Sending texts of a pool to the head of the queue: they become diaries first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.finding import sending
from annotator.pool import joining

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.diary_access import Actor
    from annotator.finding.sending import Sent
    from annotator.pool.pools import Pool
    from annotator.pool.searching import PoolHit
    from db import Database


def send(db: Database, actor: Actor, pool: Pool, hits: Sequence[PoolHit], *, query: dict[str, str]) -> Sent:
    """Make diaries of hits and have them handed out next.

    Args:
        actor: who may review.
        query: what was looked for, which stands beside the diaries as the reason.

    Raises:
        UserError: ``right_missing``.
        PoolError: if a shard can't be read.
    """
    sending.require(db, actor)
    numbers = np.array([hit.number for hit in hits], np.int64)
    ids = joining.join(db, pool, numbers)
    ordered = [ids[number] for number in numbers.tolist() if number in ids]
    return sending.send_ids(db, actor, ordered[: sending.MOST_SENT], query=query)

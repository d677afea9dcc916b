"""The worker on shards as Ray Data calls it; a module of its own, so that an actor loads little else."""

from __future__ import annotations

from typing import Any

from learner.pool.worker import ShardWorker


class ShardActor:
    """A `ShardWorker` for batches of tasks.

    Args:
        job: a `learner.pool.worker.Job` as JSON.
    """

    def __init__(self, job: str) -> None:
        self._worker = ShardWorker(job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Return a receipt, and its payload, for each task of a batch."""
        receipts = [self._worker.do(str(task)) for task in batch["task"]]
        return {"receipt": [r.to_json() for r in receipts], "payload": [r.payload for r in receipts]}

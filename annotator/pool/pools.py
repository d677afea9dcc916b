"""The pool of a project: which one is in force, and how far its stages are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.errors import UserError
from db.pool import manifest, members
from learner.pool import storage
from learner.pool.storage import Storage

if TYPE_CHECKING:
    from db import Database
    from db.pool.manifest import Pool as Pool


@dataclass(frozen=True, slots=True)
class StageStatus:
    """How far a stage is.

    Attributes:
        stage: ``texts``, ``encode/<encoder hash>``, ``ngrams/<space>`` or ``predict/<model id>``.
        shard_count: shards whose file counts, out of those of the pool.
        bytes: of these files.
        seconds: how long the shards took, one after the other.
        cpu_seconds: processor time that they took.
        texts_a_second: of processor time; None where nothing was measured.
    """

    stage: str
    shard_count: int
    bytes: int
    seconds: float
    cpu_seconds: float
    texts_a_second: float | None


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool and its stages.

    Attributes:
        member_count: texts that have become diaries.
        is_in_force: whether rounds choose from it.
    """

    url: str
    row_count: int
    test_count: int
    shard_count: int
    member_count: int
    is_in_force: bool
    stages: tuple[StageStatus, ...]


def find_in_force(db: Database) -> Pool | None:
    """Return the pool that rounds choose from; None where they choose from the project's own diaries."""
    url = project_settings.load(db).pool
    return get_pool(db, url) if url else None


def get_pool(db: Database, url: str | None = None) -> Pool:
    """Return the pool at an address, or the one in force.

    Raises:
        UserError: ``pool_unknown`` if the project has none there, ``pool_none`` if none is in force.
    """
    url = url or project_settings.load(db).pool
    if not url:
        known = manifest.list_pools(db)
        if len(known) == 1:
            return known[0]
        raise UserError("pool_none")
    pool = manifest.find_pool(db, storage.normalise(url))
    if pool is None:
        raise UserError("pool_unknown", url=url)
    return pool


def list_statuses(db: Database) -> list[PoolStatus]:
    """Return how far the stages of all pools of the project are, the oldest pool first."""
    return [status(db, pool) for pool in manifest.list_pools(db)]


def storage_of(pool: Pool) -> Storage:
    """Return where the files of a pool lie.

    Raises:
        PoolError: ``pool_filesystem``.
    """
    return Storage(pool.url)


def status(db: Database, pool: Pool) -> PoolStatus:
    """Return how far the stages of a pool are, by its manifest; no file is opened."""
    stages = tuple(_stage_status(db, pool, stage) for stage in manifest.list_stages(db, pool.id))
    return PoolStatus(
        url=pool.url,
        row_count=pool.row_count,
        test_count=pool.test_count,
        shard_count=pool.shard_count,
        member_count=members.count(db, pool.id),
        is_in_force=project_settings.load(db).pool == pool.url,
        stages=stages,
    )


def _stage_status(db: Database, pool: Pool, stage: str) -> StageStatus:
    texts = manifest.list_shards(db, pool.id, manifest.TEXTS)
    shards = [
        shard
        for shard in manifest.list_shards(db, pool.id, stage).values()
        if stage == manifest.TEXTS or shard.source == texts[shard.shard].digest
    ]
    cpu_seconds = sum(shard.cpu_seconds for shard in shards)
    rows = sum(shard.rows for shard in shards)
    return StageStatus(
        stage=stage,
        shard_count=len(shards),
        bytes=sum(shard.bytes for shard in shards),
        seconds=sum(shard.seconds for shard in shards),
        cpu_seconds=cpu_seconds,
        texts_a_second=rows / cpu_seconds if cpu_seconds else None,
    )

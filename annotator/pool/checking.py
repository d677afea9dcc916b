"""Looking whether the files of a pool are those of its manifest: every byte is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.pool.pools import storage_of
from annotator.privacy import forgotten_pool
from db.pool import manifest
from learner.pool import shards
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.pool.pools import Pool
    from db import Database
    from db.pool.manifest import Shard
    from learner.pool.storage import Storage


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the files found, by their names.

    Attributes:
        count: files that are those of the manifest.
        bytes: of these.
        lost: texts that are missing, truncated or of another pool: they have to come back from a copy.
        due: files of stages that are missing, truncated or foreign; they count no longer, and are made again.
        uncounted: files that the manifest doesn't know, as a process leaves them that ends in the middle.
    """

    count: int
    bytes: int
    lost: tuple[str, ...]
    due: tuple[str, ...]
    uncounted: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every file that counts is there, and as it was."""
        return not self.lost and not self.due


def check(db: Database, pool: Pool, *, on_progress: Callable[[int, int], None] = lambda done, total: None) -> Checked:
    """Compare every file with the manifest. Of a stage, those that differ are noted as due.

    Args:
        on_progress: is told how many files have been read, of how many.
    """
    storage = storage_of(pool)
    files = [
        (stage, shard)
        for stage in manifest.list_stages(db, pool.id)
        for shard in manifest.list_shards(db, pool.id, stage).values()
    ]
    count = byte_count = 0
    lost: list[str] = []
    due: list[str] = []
    for done, (stage, shard) in enumerate(files):
        on_progress(done, len(files))
        name = shards.name_of(stage, shard.shard)
        if _is_as_described(db, pool, storage, stage, shard):
            count, byte_count = count + 1, byte_count + shard.bytes
        elif stage == manifest.TEXTS:
            lost.append(name)
        else:
            manifest.drop_shard(db, pool.id, stage, shard.shard)
            due.append(name)
    on_progress(len(files), len(files))
    known = {shards.name_of(stage, shard.shard) for stage, shard in files}
    uncounted = [name for name in storage.list_names() if "/" in name and name not in known and _is_of_stage(name)]
    return Checked(count, byte_count, tuple(lost), tuple(due), tuple(uncounted))


def _is_of_stage(name: str) -> bool:
    return name.split("/")[0] in (manifest.TEXTS, "encode", "ngrams", "predict")


def _is_as_described(db: Database, pool: Pool, storage: Storage, stage: str, shard: Shard) -> bool:
    try:
        described = forgotten_pool.current(db, pool, storage, stage, shard)
    except PoolError as error:
        if error.code not in ("pool_shard_differs", "pool_file_missing"):
            raise
        return False
    name = shards.name_of(stage, shard.shard)
    return storage.size(name) == described.bytes and storage.digest(name) == described.digest

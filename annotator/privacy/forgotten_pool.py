"""Taking forgotten texts out of the shards of a pool, and out of everything that was made of them.

A file can't be changed in place: another one takes its place. The manifest names it before it is written, so that
whichever of both is there after a power cut is known, and the work goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from annotator.privacy import forgotten_key
from db.connection import write
from db.forgetting import forgotten
from db.pool import manifest, members
from learner.pool import shards
from learner.pool.storage import PoolError, Storage, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from db import Database
    from db.pool.manifest import Pool, Shard
    from learner.pool.shards import Texts

    IntArray = NDArray[np.int64]


def find_of_author(db: Database, is_author: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Return the texts of a writer in all pools, as (pool id, number); every shard is read.

    Raises:
        PoolError: if a shard can't be read: nobody could say that nothing of the writer is left.
    """
    numbers = []
    for pool in manifest.list_pools(db):
        if not pool.has_writers:
            continue
        storage = Storage(pool.url)
        for number, shard in manifest.list_shards(db, pool.id, manifest.TEXTS).items():
            rows = shards.read_texts(storage, number, digest=current(db, pool, storage, manifest.TEXTS, shard).digest)
            first = number * pool.rows_a_shard + 1
            numbers += [
                (pool.id, first + row) for row, author in enumerate(rows.authors) if author and is_author(author)
            ]
    return numbers


def follow(db: Database) -> int:
    """Take every text that is leaving out of its pool; return how many files were replaced.

    Raises:
        PoolError: if a shard can't be read or written; the next call goes on.
    """
    count = 0
    for pool in manifest.list_pools(db):
        numbers = members.list_leaving(db, pool.id)
        for shard, places in shards.numbers_by_shard(numbers, pool.rows_a_shard).items():
            rows = (numbers[places] - 1) % pool.rows_a_shard
            count += _blank(db, pool, shard, rows)
            members.mark_left(db, pool.id, numbers[places])
    return count


def _blank(db: Database, pool: Pool, number: int, rows: IntArray) -> int:
    storage = Storage(pool.url)
    stages = manifest.list_stages_of_shard(db, pool.id, number)
    before = current(db, pool, storage, manifest.TEXTS, stages.pop(manifest.TEXTS))
    texts = shards.read_texts(storage, number, digest=before.digest)
    _refuse(db, texts, rows)
    content = shards.texts_to_bytes(_without(texts, rows), shard=number, pool=pool.identity)
    after = digest_of(content)
    # What a stage made counts if it is of these texts, or of what was to take their place when this was cut off.
    sources = {before.digest, after, stages_source(db, pool, number)}
    manifest.announce(db, pool.id, manifest.TEXTS, number, next_bytes=len(content), next_digest=after)
    for stage, shard in stages.items():
        _blank_stage(db, pool, storage, stage, shard, rows, source=after, sources=sources)
    storage.write(shards.name_of(manifest.TEXTS, number), content)
    described = replace(before, bytes=len(content), digest=after, next_bytes=None, next_digest=None)
    manifest.put_shard(db, pool.id, manifest.TEXTS, described)
    return 1 + len(stages)


def stages_source(db: Database, pool: Pool, number: int) -> str | None:
    """Return the digest of the texts that are about to take the place of a shard's; None if none are."""
    return manifest.list_shards(db, pool.id, manifest.TEXTS)[number].next_digest


def _refuse(db: Database, texts: Texts, rows: IntArray) -> None:
    """Have imports refuse the texts, as far as the project refuses what was forgotten."""
    digest_of_text = forgotten_key.digester(db)
    if digest_of_text is None:
        return
    there = [text for row in rows.tolist() if (text := texts.texts[row]) is not None]
    with write(db):
        forgotten.add_digests(db, [digest_of_text(text) for text in there])


def _without(texts: Texts, rows: IntArray) -> Texts:
    """Return the rows with nothing but their place left of some."""
    gone = set(rows.tolist())

    def cleared(values: list[str | None]) -> list[str | None]:
        return [None if row in gone else value for row, value in enumerate(values)]

    keys, draws, is_test = texts.keys.copy(), texts.draws.copy(), texts.is_test.copy()
    keys[rows], draws[rows], is_test[rows] = 0, 0, False
    columns = (texts.texts, texts.written_on, texts.authors, texts.metadata, texts.sources)
    text, written_on, authors, metadata, sources = map(cleared, columns)
    return replace(
        texts,
        texts=text,
        keys=keys,
        written_on=written_on,
        authors=authors,
        metadata=metadata,
        sources=sources,
        draws=draws,
        is_test=is_test,
    )


def _blank_stage(
    db: Database,
    pool: Pool,
    storage: Storage,
    stage: str,
    shard: Shard,
    rows: IntArray,
    *,
    source: str,
    sources: set[str | None],
) -> None:
    """Blank the rows of a stage's file; one that counts no longer, or is not there, is removed instead."""
    name = shards.name_of(stage, shard.shard)
    try:
        shard = current(db, pool, storage, stage, shard)
        opened = shards.open_rows(storage, stage, shard.shard, digest=shard.digest)
    except PoolError:
        opened = None
    if opened is None or opened.source not in sources:
        manifest.drop_shard(db, pool.id, stage, shard.shard)
        storage.remove(name)
        return
    values = opened.values.copy()
    values[rows] = np.nan
    content = shards.rows_to_bytes(values, stage=stage, source=source)
    digest = digest_of(content)
    manifest.announce(db, pool.id, stage, shard.shard, next_bytes=len(content), next_digest=digest)
    storage.write(name, content)
    described = replace(shard, bytes=len(content), digest=digest, source=source, next_bytes=None, next_digest=None)
    manifest.put_shard(db, pool.id, stage, described)


def current(db: Database, pool: Pool, storage: Storage, stage: str, shard: Shard) -> Shard:
    """Return what the manifest says of a file, after a replacement that was cut off: whichever of both is there.

    Raises:
        PoolError: ``pool_shard_differs`` if it is neither, ``pool_file_missing``.
    """
    if shard.next_digest is None:
        return shard
    name = shards.name_of(stage, shard.shard)
    digest = storage.digest(name)
    if digest == shard.digest:
        return shard
    if digest != shard.next_digest:
        raise PoolError("pool_shard_differs", url=pool.url, name=name)
    opened = None if stage == manifest.TEXTS else shards.open_rows(storage, stage, shard.shard, digest=digest)
    described = replace(
        shard,
        bytes=int(shard.next_bytes or 0),
        digest=digest,
        source="" if opened is None else opened.source,
        next_bytes=None,
        next_digest=None,
    )
    manifest.put_shard(db, pool.id, stage, described)
    return described

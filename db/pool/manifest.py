"""The manifest of a pool: which shards it has, and which file of each counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db import clock
from db.connection import one, rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlite_utils import Database

TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool in shards.

    Attributes:
        identity: random; its files name it.
        url: a folder, or an address with a scheme.
        row_count: texts, forgotten ones included, whose places stay.
        test_count: of these, the texts of the test part.
        has_writers: whether any of its texts names a writer.
        batch_id: the import under which its texts become diaries; None as long as none has.
    """

    id: int
    identity: str
    url: str
    rows_a_shard: int
    row_count: int
    test_count: int
    has_writers: bool
    batch_id: int | None
    created_at: str

    @property
    def shard_count(self) -> int:
        """The number of its shards."""
        return -(-self.row_count // self.rows_a_shard)


@dataclass(frozen=True, slots=True)
class Shard:
    """A file as the manifest describes it.

    Attributes:
        source: digest of the texts that it was made from; empty for texts.
        next_digest: digest of the file that is about to take its place; None if none is.
        seconds, cpu_seconds: what making it took; 0 for texts.
        engine: what made it, ``local`` or ``ray``; empty for texts.
    """

    shard: int
    rows: int
    bytes: int
    digest: str
    source: str = ""
    next_bytes: int | None = None
    next_digest: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What was done to shards of a kind of stage by an engine.

    Attributes:
        seconds: from the first to the last file, by the clock.
        core_seconds: processor time.
    """

    kind: str
    engine: str
    shards: int
    texts: int
    seconds: float
    core_seconds: float


_POOL = "id, identity, url, rows_a_shard, row_count, test_count, has_writers, batch_id, created_at"
_SHARD = "shard, rows, bytes, digest, source, next_bytes, next_digest, seconds, cpu_seconds, engine"


def add_pool(
    db: Database,
    *,
    identity: str,
    url: str,
    rows_a_shard: int,
    shards: Sequence[Shard],
    test_count: int,
    has_writers: bool,
) -> int:
    """Store a pool with the files of its texts, all at once, and return its id."""
    values = {
        "identity": identity,
        "url": url,
        "rows_a_shard": rows_a_shard,
        "row_count": sum(shard.rows for shard in shards),
        "test_count": test_count,
        "has_writers": int(has_writers),
        "now": clock.now(),
    }
    statement = """
        insert into pools (identity, url, rows_a_shard, row_count, test_count, has_writers, created_at)
        values (:identity, :url, :rows_a_shard, :row_count, :test_count, :has_writers, :now)
    """
    with write(db):
        pool_id = int(db.conn.execute(statement, values).lastrowid or 0)
        for shard in shards:
            put_shard(db, pool_id, TEXTS, shard)
    return pool_id


def find_pool(db: Database, url: str) -> Pool | None:
    """Return the pool at an address, if the project has one there."""
    return _pool(one(db, f"select {_POOL} from pools where url = :url", url=url))  # noqa: S608 - constants


def get_pool(db: Database, pool_id: int) -> Pool:
    """Return a pool by its id."""
    return Pool(*_typed(one(db, f"select {_POOL} from pools where id = :id", id=pool_id)))  # noqa: S608 - constants


def list_pools(db: Database) -> list[Pool]:
    """Return all pools of the project, oldest first."""
    return [Pool(*_typed(row)) for row in rows(db, f"select {_POOL} from pools order by id")]  # noqa: S608 - constants


def has_writers(db: Database) -> bool:
    """Return whether any pool names writers."""
    return scalar(db, "select 1 from pools where has_writers limit 1") is not None


def set_batch(db: Database, pool_id: int, batch_id: int) -> None:
    """Note under which import the texts of a pool become diaries."""
    db.conn.execute("update pools set batch_id = ? where id = ?", (batch_id, pool_id))


def _pool(row: Any) -> Pool | None:
    return None if row is None else Pool(*_typed(row))


def _typed(row: Any) -> list[Any]:
    values = list(row)
    values[6] = bool(values[6])
    return values


def put_shard(db: Database, pool_id: int, stage: str, shard: Shard) -> None:
    """Describe a file, in place of what the manifest said of it."""
    statement = """
        insert or replace into pool_shards (pool_id, stage, shard, rows, bytes, digest, source, seconds, cpu_seconds,
            engine, made_at)
        values (:pool, :stage, :shard, :rows, :bytes, :digest, :source, :seconds, :cpu_seconds, :engine, :now)
    """
    values = {
        "pool": pool_id,
        "stage": stage,
        "shard": shard.shard,
        "rows": shard.rows,
        "bytes": shard.bytes,
        "digest": shard.digest,
        "source": shard.source,
        "seconds": shard.seconds,
        "cpu_seconds": shard.cpu_seconds,
        "engine": shard.engine,
        "now": clock.now(),
    }
    with write(db):
        db.conn.execute(statement, values)


def announce(db: Database, pool_id: int, stage: str, shard: int, *, next_bytes: int, next_digest: str) -> None:
    """Note that another file is about to take the place of one: whichever of both is there counts."""
    statement = """
        update pool_shards set next_bytes = ?, next_digest = ? where pool_id = ? and stage = ? and shard = ?
    """
    with write(db):
        db.conn.execute(statement, (next_bytes, next_digest, pool_id, stage, shard))


def drop_shard(db: Database, pool_id: int, stage: str, shard: int) -> None:
    """Have a file count no longer."""
    with write(db):
        db.conn.execute(
            "delete from pool_shards where pool_id = ? and stage = ? and shard = ?", (pool_id, stage, shard)
        )


def drop_stages(db: Database, pool_id: int, stages: Iterable[str]) -> None:
    """Have no file of some stages count any longer."""
    with write(db):
        for stage in stages:
            db.conn.execute("delete from pool_shards where pool_id = ? and stage = ?", (pool_id, stage))


def list_shards(db: Database, pool_id: int, stage: str) -> dict[int, Shard]:
    """Return the files of a stage by their shard."""
    sql = f"select {_SHARD} from pool_shards where pool_id = :pool and stage = :stage order by shard"  # noqa: S608
    return {int(row[0]): Shard(*row) for row in rows(db, sql, pool=pool_id, stage=stage)}


def list_stages(db: Database, pool_id: int) -> list[str]:
    """Return the stages of which there are files, by name."""
    sql = "select distinct stage from pool_shards where pool_id = :pool order by stage"
    return [str(stage) for (stage,) in rows(db, sql, pool=pool_id)]


def list_stages_of_shard(db: Database, pool_id: int, shard: int) -> dict[str, Shard]:
    """Return what there is of one shard, by stage."""
    sql = f"select stage, {_SHARD} from pool_shards where pool_id = :pool and shard = :shard order by stage"  # noqa: S608
    return {str(row[0]): Shard(*row[1:]) for row in rows(db, sql, pool=pool_id, shard=shard)}


def list_work_since(db: Database, pool_id: int, time: str) -> list[Work]:
    """Return what has been made since a time, by kind of stage and engine."""
    sql = """
        select substr(stage, 1, instr(stage, '/') - 1), engine, count(*), sum(rows),
            (julianday(max(made_at)) - julianday(min(made_at))) * 86400 + max(seconds), sum(cpu_seconds)
        from pool_shards where pool_id = :pool and made_at >= :time and engine <> '' group by 1, 2 order by 1, 2
    """
    return [Work(*row) for row in rows(db, sql, pool=pool_id, time=time)]

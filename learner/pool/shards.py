"""The files of a pool: texts as Parquet, and what each stage makes of them as uncompressed Arrow IPC.

Text is read by column and compressed; vectors are read by row, and a compressed or encoded row costs several times as
much. A stage's file names the texts that it was made from, so that it counts for no others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.pool.storage import PoolError, Storage, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

ROWS = 50_000
"""Texts of a shard; only the last one of a pool has fewer. Hence a text's number says where it lies."""

TEXTS = "texts"

_ROWS_A_GROUP = 5_000
_ABOUT = b"maeumgyeol"


@dataclass(frozen=True, slots=True)
class Made:
    """A file that is in its place.

    Attributes:
        digest: of the file, see `learner.pool.storage.digest_of`.
        source: digest of the texts that it was made from; empty for texts.
    """

    shard: int
    rows: int
    bytes: int
    digest: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """The rows of a shard. A forgotten one has only its place.

    Attributes:
        texts: None where one was forgotten.
        keys: (n,) int64 keyed digests by which equal texts are known; 0 where one was forgotten.
        draws: (n,) int64 in [0, 2**62): by which parts are drawn.
        is_test: (n,) whether a text is in the test part.
    """

    texts: list[str | None]
    keys: NDArray[np.int64]
    written_on: list[str | None]
    authors: list[str | None]
    metadata: list[str | None]
    sources: list[str | None]
    draws: NDArray[np.int64]
    is_test: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of rows, forgotten ones included."""
        return len(self.texts)

    @property
    def is_there(self) -> NDArray[np.bool_]:
        """Return (n,) whether a text has not been forgotten."""
        return np.array([text is not None for text in self.texts], np.bool_)


def name_of(stage: str, shard: int) -> str:
    """Return the name of a file: ``texts/00017.parquet``, ``encode/<hash>/00017.arrow``."""
    return f"{stage}/{shard:05d}.{'parquet' if stage == TEXTS else 'arrow'}"


def place_of(number: int, rows_a_shard: int) -> tuple[int, int]:
    """Return shard and row of a text by its number, which counts from 1."""
    return divmod(number - 1, rows_a_shard)


def write_texts(storage: Storage, shard: int, rows: Texts, *, pool: str) -> Made:
    """Write the texts of a shard.

    Args:
        pool: identity of the pool, so that the shard of another one is known as such.
    """
    content = texts_to_bytes(rows, shard=shard, pool=pool)
    storage.write(name_of(TEXTS, shard), content)
    return Made(shard, len(rows), len(content), digest_of(content))


def texts_to_bytes(rows: Texts, *, shard: int, pool: str) -> bytes:
    """Return the file of a shard's texts; the same rows give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "text": pa.array(rows.texts, pa.string()),
            "key": pa.array(rows.keys, pa.int64()),
            "written_on": pa.array(rows.written_on, pa.string()),
            "author": pa.array(rows.authors, pa.string()),
            "metadata": pa.array(rows.metadata, pa.string()),
            "source": pa.array(rows.sources, pa.string()),
            "draw": pa.array(rows.draws, pa.int64()),
            "is_test": pa.array(rows.is_test, pa.bool_()),
            "row": pa.array(np.arange(len(rows), dtype=np.int32)),
        }
    )
    about = json.dumps({"pool": pool, "shard": shard}).encode()
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.replace_schema_metadata({_ABOUT: about}), sink, compression="zstd", row_group_size=_ROWS_A_GROUP
    )
    return bytes(sink.getvalue())


def read_texts(storage: Storage, shard: int, *, digest: str) -> Texts:
    """Return the texts of a shard.

    Raises:
        PoolError: ``pool_shard_differs`` if the file is not the one of the manifest, ``pool_file_missing``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(read_checked(storage, name_of(TEXTS, shard), digest)))
    values = {name: table[name] for name in table.column_names}
    return Texts(
        values["text"].to_pylist(),
        _array(values["key"], np.int64),
        values["written_on"].to_pylist(),
        values["author"].to_pylist(),
        values["metadata"].to_pylist(),
        values["source"].to_pylist(),
        _array(values["draw"], np.int64),
        _array(values["is_test"], np.bool_),
    )


def read_table(storage: Storage, shard: int, columns: Sequence[str], *, digest: str) -> pa.Table:
    """Return some columns of a shard's texts. Raises as `read_texts` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = read_checked(storage, name_of(TEXTS, shard), digest)
    return pq.read_table(pa.BufferReader(content), columns=list(columns))


def read_columns(storage: Storage, shard: int, columns: Sequence[str], *, digest: str) -> dict[str, NDArray[Any]]:
    """Return columns of numbers of a shard's texts, (n,) each. Raises as `read_texts` does."""
    table = read_table(storage, shard, columns, digest=digest)
    return {name: np.array(table[name].combine_chunks().to_numpy(zero_copy_only=False)) for name in columns}


def _array(column: Any, kind: type) -> NDArray[Any]:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), kind)


def read_checked(storage: Storage, name: str, digest: str) -> bytes:
    """Return a file if it is the one of the manifest.

    Raises:
        PoolError: ``pool_shard_differs`` if it is another one, ``pool_file_missing``, ``pool_unreadable``.
    """
    content = storage.read(name)
    if digest_of(content) != digest:
        raise PoolError("pool_shard_differs", url=storage.url, name=name)
    return content


def write_rows(storage: Storage, stage: str, shard: int, values: FloatArray, *, source: str) -> Made:
    """Write what a stage has made of a shard, (n, width) float32; rows of NaN are those without a text."""
    content = rows_to_bytes(values, stage=stage, source=source)
    storage.write(name_of(stage, shard), content)
    return Made(shard, len(values), len(content), digest_of(content), source)


def rows_to_bytes(values: FloatArray, *, stage: str, source: str) -> memoryview:
    """Return the file of a stage's rows."""
    import pyarrow as pa

    width = values.shape[1]
    flat = pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
    column = pa.FixedSizeListArray.from_arrays(flat, width)
    about = json.dumps({"stage": stage, "texts": source}).encode()
    schema = pa.schema([pa.field("values", column.type)], metadata={_ABOUT: about})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch([column], schema=schema))
    return memoryview(sink.getvalue())


@dataclass(frozen=True, slots=True)
class Rows:
    """An opened file of a stage.

    Attributes:
        values: (n, width) float32, read-only, over the file's own bytes.
        stage, source: what it was made for, and the digest of the texts it was made from.
    """

    values: FloatArray
    stage: str
    source: str


def open_rows(storage: Storage, stage: str, shard: int, *, digest: str | None) -> Rows:
    """Open what a stage has made of a shard.

    Args:
        digest: that of the manifest; None opens what is there, to find out whether it counts.

    Raises:
        PoolError: ``pool_shard_differs`` if it is not the file of the manifest, or none of ours.
    """
    import pyarrow as pa

    name = name_of(stage, shard)
    path = storage.path(name)
    try:
        if path is None:
            buffer = pa.py_buffer(storage.read(name))
        else:
            with pa.memory_map(str(path)) as mapped:
                buffer = mapped.read_buffer()
    except FileNotFoundError as error:
        raise PoolError("pool_file_missing", url=storage.url, name=name) from error
    if digest is not None and digest_of(memoryview(buffer)) != digest:
        raise PoolError("pool_shard_differs", url=storage.url, name=name)
    try:
        return _rows_of(buffer, stage)
    except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
        raise PoolError("pool_shard_differs", url=storage.url, name=name) from error


def _rows_of(buffer: pa.Buffer, stage: str) -> Rows:
    import pyarrow as pa

    table = pa.ipc.open_file(buffer).read_all()
    about = json.loads(table.schema.metadata[_ABOUT])
    if about["stage"] != stage:
        raise ValueError("of another stage")
    column = table["values"].combine_chunks()
    width = column.type.list_size
    flat = column.values.to_numpy(zero_copy_only=True) if len(column) else np.zeros(0, np.float32)
    return Rows(flat.reshape(-1, width), str(about["stage"]), str(about["texts"]))


def numbers_by_shard(numbers: NDArray[np.int64], rows_a_shard: int) -> dict[int, NDArray[np.int64]]:
    """Return for each shard which places of an array of numbers lie in it."""
    shards = (numbers - 1) // rows_a_shard
    return {int(shard): np.flatnonzero(shards == shard) for shard in np.unique(shards)}


def texts_of(rows: Sequence[tuple[Any, ...]]) -> Texts:
    """Return rows as columns: (text, key, written on, author, metadata, source, draw, is test) each."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    text, key, written_on, author, metadata, source, draw, is_test = columns
    return Texts(
        list(text),
        np.array(key, np.int64),
        list(written_on),
        list(author),
        list(metadata),
        list(source),
        np.array(draw, np.int64),
        np.array(is_test, np.bool_),
    )

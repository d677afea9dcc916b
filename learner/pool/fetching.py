"""Single rows of a shard: the texts that become diaries, and what the chosen ones are compared by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.pool import shards
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.pool.storage import Storage

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

TEXT_COLUMNS = ("text", "written_on", "author", "metadata", "source", "draw", "is_test")


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows, in the order in which they were asked for.

    Attributes:
        numbers: (n,) of the texts.
        texts: by column of `TEXT_COLUMNS`, n values each; empty if no texts were asked for.
        values: by stage, (n, width).
    """

    numbers: IntArray
    texts: dict[str, list[Any]]
    values: dict[str, FloatArray]


def fetch(
    storage: Storage,
    shard: int,
    rows: Sequence[int],
    *,
    rows_a_shard: int,
    source: str,
    with_texts: bool,
    stages: Sequence[tuple[str, str]],
) -> bytes:
    """Return some rows of a shard as Arrow IPC; `from_bytes` reads it.

    Args:
        source: digest of its texts.
        stages: each with the digest of its file.

    Raises:
        PoolError: ``pool_shard_differs`` if a file is not the one of the manifest, ``pool_file_missing``.
    """
    import pyarrow as pa

    places = np.array(rows, np.int64)
    # A whole file is read only where there is no other way: of one that is mapped a few rows are.
    is_mapped = storage.folder is not None
    columns: dict[str, Any] = {"number": pa.array(shard * rows_a_shard + 1 + places)}
    if with_texts:
        table = shards.read_table(storage, shard, TEXT_COLUMNS, digest=source).take(pa.array(places))
        columns |= {name: table[name].combine_chunks() for name in TEXT_COLUMNS}
    for stage, digest in stages:
        opened = shards.open_rows(storage, stage, shard, digest=None if is_mapped else digest)
        if opened.source != source:
            raise PoolError("pool_shard_differs", url=storage.url, name=shards.name_of(stage, shard))
        values = opened.values[places]
        columns[stage] = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    batch = pa.record_batch(list(columns.values()), names=list(columns))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def from_bytes(content: bytes) -> Fetched:
    """Return the rows that a worker sent."""
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.py_buffer(content)).read_all()
    texts = {name: table[name].to_pylist() for name in TEXT_COLUMNS if name in table.column_names}
    values = {}
    for name in table.column_names:
        if "/" in name:
            column = table[name].combine_chunks()
            values[name] = column.values.to_numpy(zero_copy_only=True).reshape(-1, column.type.list_size)
    return Fetched(np.asarray(table["number"].to_numpy(), np.int64), texts, values)


def join(parts: Sequence[Fetched], numbers: IntArray) -> Fetched:
    """Return rows of several shards in the order of some numbers, each of which is among them."""
    there = np.concatenate([part.numbers for part in parts]) if parts else np.zeros(0, np.int64)
    order = np.argsort(there, kind="stable")
    places = order[np.searchsorted(there[order], numbers)]
    texts: dict[str, list[Any]] = {}
    for name in parts[0].texts if parts else ():
        column = [value for part in parts for value in part.texts[name]]
        texts[name] = [column[place] for place in places.tolist()]
    values = {
        stage: np.concatenate([part.values[stage] for part in parts])[places]
        for stage in (parts[0].values if parts else ())
    }
    return Fetched(numbers, texts, values)

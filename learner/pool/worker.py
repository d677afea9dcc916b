"""What works on shards: it loads an encoder or a head once, and does one shard after the other.

The same in a process of this computer and in a node of a cluster. It gets names and paths, never arrays, and knows no
database: what it made it reports as a receipt.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learner.classification import classifier as classifiers
from learner.classification import ngram_features
from learner.pool import encoder_files, fetching, ranking, stages
from learner.pool.storage import Storage
from maeumgyeol.errors import AppError, where

if TYPE_CHECKING:
    from learner.pool.shards import Made

HEADS, SPACES = "heads", "spaces"


@dataclass(frozen=True, slots=True)
class Job:
    """What is done to shards.

    Attributes:
        url, rows_a_shard: of the pool.
        kind: ``encode``, ``ngrams``, ``predict``, ``rank`` or ``fetch``.
        stage: name of the files that are made; empty for the last two.
        encoder: hash of the encoder.
        file: name of the head or of the text space in the pool.
        cache: where an encoder is kept; empty for `learner.pool.encoder_files.node_cache`.
        request: fields of a `learner.pool.ranking.RankRequest`, or ``with_texts`` for ``fetch``.
    """

    url: str
    rows_a_shard: int
    kind: str
    stage: str = ""
    encoder: str = ""
    file: str = ""
    cache: str = ""
    request: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it for a worker."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of a job.

    Attributes:
        source: digest of its texts.
        inputs: by stage, digests of the files that are read.
        rows: which rows to fetch, or which to leave out.
        moved: rows that are in the test part, and in the pool part, by now.
    """

    shard: int
    source: str
    inputs: dict[str, str] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    moved: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))

    def to_json(self) -> str:
        """Return it for a worker."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a task.

    Attributes:
        rows, byte_count, digest, source: of the file that was made, see `learner.pool.shards.Made`.
        seconds, cpu_seconds: what it took; 0 if the file was there.
        code, details: of the error, if there was one; its sentence is in the catalogue of messages.
        payload: what ``rank`` and ``fetch`` return.
    """

    shard: int
    rows: int = 0
    byte_count: int = 0
    digest: str = ""
    source: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    code: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    payload: bytes = b""

    def to_json(self) -> str:
        """Return it without its payload."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__ if name != "payload"})


class ShardWorker:
    """Does tasks of one job."""

    def __init__(self, job_json: str) -> None:
        self._job = Job(**json.loads(job_json))
        self._storage = Storage(self._job.url)
        self._loaded: Any = None

    def do(self, task_json: str) -> Receipt:
        """Do a task; an error becomes a receipt, too: it must not end the work on other shards."""
        task = Task(**json.loads(task_json))
        began, cpu_began = time.monotonic(), time.process_time()
        try:
            receipt = self._do(task)
        except AppError as error:
            return Receipt(task.shard, code=error.code, details=error.details)
        except MemoryError:
            return Receipt(task.shard, code="memory_full")
        except Exception as error:
            return Receipt(task.shard, code="fault", details={"kind": where(error)})
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
        return replace(receipt, seconds=seconds, cpu_seconds=cpu_seconds)

    def _do(self, task: Task) -> Receipt:
        if self._job.kind == "rank":
            return Receipt(task.shard, payload=self._rank(task))
        if self._job.kind == "fetch":
            return Receipt(task.shard, payload=self._fetch(task))
        stage = self._job.stage
        made = stages.find_made(self._storage, stage, task.shard, source=task.source) or self._make(task)
        return Receipt(made.shard, made.rows, made.bytes, made.digest, made.source)

    def _make(self, task: Task) -> Made:
        job, storage = self._job, self._storage
        if self._loaded is None:
            self._loaded = self._load()
        if job.kind == "encode":
            return stages.encode(storage, job.stage, task.shard, self._loaded, source=task.source)
        if job.kind == "ngrams":
            return stages.ngrams(storage, job.stage, task.shard, self._loaded.transform, source=task.source)
        files = dict(task.inputs)
        encode = next(name for name in files if name.startswith("encode/"))
        space = next((name for name in files if name.startswith("ngrams/")), None)
        return stages.predict(
            storage,
            job.stage,
            task.shard,
            self._loaded,
            source=task.source,
            vectors=(encode, files[encode]),
            text_features=None if space is None else (space, files[space]),
        )

    def _load(self) -> Any:
        if self._job.kind == "encode":
            _use_one_thread()
            cache = Path(self._job.cache) if self._job.cache else encoder_files.node_cache()
            return encoder_files.load(self._storage, self._job.encoder, cache=cache)
        content = self._storage.read(self._job.file)
        load = ngram_features.from_bytes if self._job.kind == "ngrams" else classifiers.from_bytes
        return load(content)

    def _rank(self, task: Task) -> bytes:
        ((stage, digest),) = task.inputs.items()
        best = ranking.rank(
            self._storage,
            task.shard,
            ranking.RankRequest(**self._job.request),
            source=task.source,
            predictions=(stage, digest),
            rows_a_shard=self._job.rows_a_shard,
            excluded=task.rows,
            test_moved=task.moved[0],
            pool_moved=task.moved[1],
        )
        return ranking.to_bytes(best)

    def _fetch(self, task: Task) -> bytes:
        return fetching.fetch(
            self._storage,
            task.shard,
            task.rows,
            rows_a_shard=self._job.rows_a_shard,
            source=task.source,
            with_texts=bool(self._job.request["with_texts"]),
            stages=list(task.inputs.items()),
        )


def _use_one_thread() -> None:
    # Two threads of one process wait for each other on a busy computer; several processes don't.
    import torch

    torch.set_num_threads(1)

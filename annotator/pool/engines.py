"""What works on the shards of a pool: processes of this computer, or a cluster. Both run the same functions."""

from __future__ import annotations

import json
import os
import queue
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from learner.pool.worker import Receipt, ShardWorker
from maeumgyeol.errors import AppError
from maeumgyeol.processes.child import Child, ChildError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from annotator.settings import Settings
    from learner.pool.worker import Job, Task

TICK_SECONDS = 0.5
"""How long an engine waits for a receipt before it says that there is none yet."""

MOST_DEATHS = 3
"""How often a task may end its process before it counts as one that can't be done."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Engine(Protocol):
    """What works on shards.

    Attributes:
        name: ``local`` or ``ray``.
        worker_count: how many shards are worked on at once.
    """

    name: str
    worker_count: int

    def run(self, job: Job, tasks: Sequence[Task]) -> Iterator[Receipt | None]:
        """Yield the receipt of each task as it comes, in whatever order, and None where none came for a moment.

        Closing the iterator ends the work; what was committed stays.
        """
        ...


@contextmanager
def opened(settings: Settings, *, workers: int | None = None) -> Iterator[Engine]:
    """Hold the engine of the settings for the length of the block; of a cluster, its client ends with the block.

    Raises:
        PoolError: as of an `annotator.pool.ray_engine.RayEngine`.
    """
    if settings.engine == "ray":
        from annotator.pool.ray_engine import RayEngine

        with RayEngine(settings.cluster, worker_count=workers) as engine:
            yield engine
    else:
        yield LocalEngine(workers or max(1, len(os.sched_getaffinity(0))))


class LocalEngine:
    """Processes of this computer, each with one thread and, to encode, an encoder of its own (about 1 GB)."""

    name = "local"

    def __init__(self, worker_count: int) -> None:
        self.worker_count = worker_count

    def run(self, job: Job, tasks: Sequence[Task]) -> Iterator[Receipt | None]:
        """Yield receipts; see `Engine.run`."""
        with _Crew(job, tasks, min(self.worker_count, len(tasks))) as crew:
            done = 0
            while done < len(tasks):
                receipt = crew.next_receipt()
                done += receipt is not None
                yield receipt


class InlineEngine:
    """This process, for what takes less than starting others."""

    name = "local"
    worker_count = 1

    def run(self, job: Job, tasks: Sequence[Task]) -> Iterator[Receipt | None]:
        """Yield receipts; see `Engine.run`."""
        worker = ShardWorker(job.to_json())
        for task in tasks:
            yield worker.do(task.to_json())


class _Crew:
    """Threads that hand tasks to a child process each; a child ends with its thread."""

    def __init__(self, job: Job, tasks: Sequence[Task], count: int) -> None:
        self._job = job
        self._tasks: queue.SimpleQueue[tuple[Task, int]] = queue.SimpleQueue()
        for task in tasks:
            self._tasks.put((task, 0))
        self._receipts: queue.SimpleQueue[Receipt] = queue.SimpleQueue()
        self._is_over = threading.Event()
        self._children: set[Child] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, name=f"pool-{i}", daemon=True) for i in range(count)]

    def __enter__(self) -> _Crew:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_over.set()
            for child in self._children:
                child.kill()
        for thread in self._threads:
            thread.join()

    def next_receipt(self) -> Receipt | None:
        """Return the next receipt; None if none comes for a moment."""
        try:
            return self._receipts.get(timeout=TICK_SECONDS)
        except queue.Empty:
            return None

    def _work(self) -> None:
        child: Child | None = None
        while not self._is_over.is_set():
            try:
                task, deaths = self._tasks.get_nowait()
            except queue.Empty:
                break
            try:
                child = child or self._start()
                child.send(task.to_json().encode())
                self._receipts.put(receipt_in(child.receive()))
            except ChildError:
                # It was killed, or the system took its memory: another one begins the shard anew.
                self._end(child)
                child = None
                self._again(task, deaths + 1)
            except AppError as error:
                self._receipts.put(Receipt(task.shard, code=error.code, details=error.details))
        self._end(child)

    def _again(self, task: Task, deaths: int) -> None:
        if self._is_over.is_set():
            return
        if deaths < MOST_DEATHS:
            self._tasks.put((task, deaths))
        else:
            self._receipts.put(Receipt(task.shard, code="pool_worker_died", details={"count": deaths}))

    def _start(self) -> Child:
        with self._lock:
            if self._is_over.is_set():
                raise ChildError("ended")
            child = Child("learner.pool.local_job:serve", {"job": self._job.to_json()}, environment=_ONE_THREAD)
            self._children.add(child)
            return child

    def _end(self, child: Child | None) -> None:
        if child is not None:
            with self._lock:
                self._children.discard(child)
                child.close()


def receipt_in(answer: bytes) -> Receipt:
    """Return the receipt of a process's answer: a line of JSON, and its payload."""
    head, _, payload = answer.partition(b"\n")
    values: dict[str, Any] = json.loads(head)
    return replace(Receipt(**values), payload=payload)

"""A Ray cluster that works on the shards of a pool. This module alone knows Ray.

A row is a shard: an actor reads files, computes, commits a file, and only the receipt goes through Ray. So whatever of
actors, nodes and this driver ends, what was committed stays, and is never computed again.

Source: what was measured with Ray 2.60, see docs/scale.md.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import threading
from typing import TYPE_CHECKING, Any

from annotator.pool.engines import TICK_SECONDS, receipt_of
from learner.pool.ray_actor import ShardActor
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from learner.pool.worker import Job, Receipt, Task

_REACH_SECONDS = 5.0

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Before the workers begin: several threads of one process wait for each other.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class RayEngine:
    """A Ray cluster, as a client with a token; nothing is started here.

    Args:
        address: ``host:port``, or ``auto`` for the cluster that this computer belongs to.
        worker_count: how many actors; None for as many as the cluster has cores.

    Raises:
        PoolError: ``scale_extra_missing`` without Ray, ``ray_token_missing`` without a token: anybody who reaches the
            ports of a cluster without tokens runs programs there; ``ray_unreachable``.
    """

    name = "ray"

    def __init__(self, address: str, *, worker_count: int | None = None) -> None:
        _require_token()
        self._ray = _import_ray()
        self._address = address
        with self._connected() as ray:
            cores = int(ray.cluster_resources().get("CPU", 0))
        self.worker_count = max(1, min(worker_count or cores, cores))

    def run(self, job: Job, tasks: Sequence[Task]) -> Iterator[Receipt | None]:
        """Yield receipts; see `annotator.pool.engines.Engine.run`."""
        receipts: queue.SimpleQueue[Receipt | BaseException | None] = queue.SimpleQueue()
        with self._connected():
            # Of a cluster only what is left of the driver's own work ends with it: actors go with the connection.
            reading = threading.Thread(target=self._read, args=(job, tasks, receipts), name="pool-ray", daemon=True)
            reading.start()
            while True:
                try:
                    receipt = receipts.get(timeout=TICK_SECONDS)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(receipt, BaseException):
                    raise PoolError("ray_failed", address=self._address, kind=type(receipt).__name__) from receipt
                if receipt is None:
                    return
                yield receipt

    def _read(
        self, job: Job, tasks: Sequence[Task], receipts: queue.SimpleQueue[Receipt | BaseException | None]
    ) -> None:
        try:
            for row in self._dataset(job, tasks).iter_rows():
                receipts.put(receipt_of(str(row["receipt"]), bytes(row["payload"])))
        except BaseException as error:
            receipts.put(error)
        else:
            receipts.put(None)

    def _dataset(self, job: Job, tasks: Sequence[Task]) -> Any:
        from ray.data import ActorPoolStrategy, DataContext, from_items

        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        rows = from_items([{"task": task.to_json()} for task in tasks], override_num_blocks=len(tasks))
        most = min(self.worker_count, len(tasks))
        # A pool of a fixed size may stall when an actor dies; see docs/scale.md.
        actors = ActorPoolStrategy(min_size=1, max_size=most, max_tasks_in_flight_per_actor=2)
        return rows.map_batches(
            ShardActor, fn_constructor_kwargs={"job": job.to_json()}, batch_size=1, num_cpus=1, compute=actors
        )

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        ray = self._ray
        if ray.is_initialized():
            yield ray
            return
        _require_reachable(self._address)
        try:
            ray.init(
                address=self._address,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                configure_logging=True,
                runtime_env={"env_vars": {name: _ENVIRONMENT[name] for name in list(_ENVIRONMENT)[1:]}},
            )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise PoolError("ray_unreachable", address=self._address) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _require_reachable(address: str) -> None:
    """Look for the cluster first: Ray itself tries for two minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
    except OSError as error:
        raise PoolError("ray_unreachable", address=address) from error


def _require_token() -> None:
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name.startswith("RAY_")})
    path = os.environ.get("RAY_AUTH_TOKEN_PATH", "")
    if not os.environ.get("RAY_AUTH_TOKEN") and not (path and os.path.isfile(path)):  # noqa: PTH113 - may be no path
        raise PoolError("ray_token_missing")


def _import_ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise PoolError("scale_extra_missing", package="ray") from error
    return ray

"""The job of a process of this computer that is a client of a Ray cluster. This module alone knows Ray.

Started by `maeumgyeol.processes.child.Child`, because Ray ends the process that is its client when the cluster's head
is gone: at once where it took its place on the head, and otherwise after a minute in which nothing is said.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from learner.pool.ray_actor import ShardActor
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel

TICK_SECONDS = 0.5
"""How long a receipt is waited for before an empty answer says that there is none yet."""

_LOOK_SECONDS = 5.0


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Enter a cluster and work on its shards until there is no more to do.

    A head that does not answer for ``lost_seconds`` counts as dead. The first answer is JSON: ``cores``, and the
    ``head``'s address. A request is JSON: a ``job``, its ``tasks`` and how many ``workers``. It is answered by
    receipts, each a line of JSON, a line end and its payload; by empty answers where there is none yet; and by
    ``end``. An empty request ends the connection.
    """
    with _connected(arguments["address"], arguments["worker_environment"]) as ray:
        pulse = _Pulse(ray, arguments["lost_seconds"])
        cores = int(ray.cluster_resources().get("CPU", 0))
        channel.send(json.dumps({"cores": cores, "head": ray.get_runtime_context().gcs_address}).encode())
        while request := channel.receive():
            _work(channel, json.loads(request), pulse)
    channel.send(b"")


def _work(channel: Channel, request: dict[str, Any], pulse: _Pulse) -> None:
    """Do the tasks of a request.

    Raises:
        PoolError: ``ray_lost`` if the cluster's head answers no more, ``ray_failed`` for whatever else Ray raises.
    """
    receipts: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(request, receipts), name="pool-ray", daemon=True).start()
    while True:
        pulse.check()
        try:
            receipt = receipts.get(timeout=TICK_SECONDS)
        except queue.Empty:
            channel.send(b"")
            continue
        if isinstance(receipt, Exception):
            raise PoolError("ray_failed", kind=type(receipt).__name__) from receipt
        channel.send(b"end" if receipt is None else receipt)
        if receipt is None:
            return


def _read(request: dict[str, Any], receipts: queue.SimpleQueue[bytes | Exception | None]) -> None:
    try:
        for row in _dataset(request).iter_rows():
            receipts.put(str(row["receipt"]).encode() + b"\n" + bytes(row["payload"]))
    except Exception as error:
        receipts.put(error)
    else:
        receipts.put(None)


def _dataset(request: dict[str, Any]) -> Any:
    from ray.data import ActorPoolStrategy, DataContext, from_items

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    tasks = request["tasks"]
    rows = from_items([{"task": task} for task in tasks], override_num_blocks=len(tasks))
    most = min(request["workers"], len(tasks))
    # A pool of a fixed size may stall when an actor dies; see docs/scale.md.
    actors = ActorPoolStrategy(min_size=1, max_size=most, max_tasks_in_flight_per_actor=2)
    return rows.map_batches(
        ShardActor, fn_constructor_kwargs={"job": request["job"]}, batch_size=1, num_cpus=1, compute=actors
    )


class _Pulse:
    """Asks the cluster's head for its nodes again and again, in a thread of its own: a dead head lets it wait."""

    def __init__(self, ray: Any, lost_seconds: float) -> None:
        self._ray, self._lost_seconds = ray, lost_seconds
        self._answered = time.monotonic()
        threading.Thread(target=self._look, name="pool-ray-pulse", daemon=True).start()

    def check(self) -> None:
        """Do nothing while the head answers.

        Raises:
            PoolError: ``ray_lost``.
        """
        if time.monotonic() - self._answered > self._lost_seconds:
            raise PoolError("ray_lost")

    def _look(self) -> None:
        while True:
            # Whatever it raises, it is no answer.
            with contextlib.suppress(Exception):
                self._ray.nodes()
                self._answered = time.monotonic()
            time.sleep(min(_LOOK_SECONDS, self._lost_seconds / 4))


@contextlib.contextmanager
def _connected(address: str, worker_environment: dict[str, str]) -> Any:
    ray = _import_ray()
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            configure_logging=True,
            runtime_env={"env_vars": worker_environment},
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise PoolError("ray_unreachable") from error
    yield ray
    ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise PoolError("scale_extra_missing", package="ray") from error
    return ray

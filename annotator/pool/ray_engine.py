"""A Ray cluster that works on the shards of a pool, through a process that is its client.

A row is a shard: an actor reads files, computes, commits a file, and only the receipt goes through Ray. So whatever of
actors, nodes, the head and this driver ends, what was committed stays, and is never computed again.

Source: what was measured with Ray 2.60, see docs/scale.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.pool.engines import receipt_in
from learner.pool.storage import PoolError
from maeumgyeol.processes.child import Child, ChildError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from learner.pool.worker import Job, Receipt, Task

_REACH_SECONDS = 5.0

_ENTER_SECONDS = 60.0
"""From its start until the client has entered the cluster: Ray itself tries for two minutes and more."""

LOST_SECONDS = 40.0
"""Without an answer of the cluster's head for so long it counts as dead; one that is busy answers within seconds, and
one that is started again on what it had kept is there sooner."""

_SILENT_SECONDS = 60.0
"""The client says something twice a second, and counts a head as lost by itself before so long."""

_END_SECONDS = 10.0

_OF_WORKERS = {
    # Before the workers begin: several threads of one process wait for each other.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class RayEngine:
    """A Ray cluster, entered with a token; nothing is started there but actors.

    Args:
        address: ``host:port``, or ``auto`` for the cluster that this computer belongs to.
        worker_count: how many actors; None for as many as the cluster has cores.

    Raises:
        PoolError: ``scale_extra_missing`` without Ray, ``ray_token_missing`` without a token: anybody who reaches the
            ports of a cluster without tokens runs programs there; ``ray_unreachable``; ``ray_not_entered`` if somebody
            answers there, but Ray does not get in, as from a computer that is none of the cluster's.
    """

    name = "ray"

    def __init__(self, address: str, *, worker_count: int | None = None) -> None:
        self._address = address
        self._client: _Client | None = _Client(address)
        cores = self._client.cores
        self.worker_count = max(1, min(worker_count or cores, cores))

    def run(self, job: Job, tasks: Sequence[Task]) -> Iterator[Receipt | None]:
        """Yield receipts; see `annotator.pool.engines.Engine.run`.

        Raises:
            PoolError: ``ray_lost`` if the cluster's head answers no more, ``ray_failed``, or as for a new one.
        """
        client, self._client = self._client, None
        if client is None or not client.is_running:
            client = _Client(self._address)
        try:
            yield from client.work(job, tasks, self.worker_count)
        except BaseException:
            # Of a cluster only what is left of this work ends with its client: actors go with the connection.
            client.kill()
            raise
        self._client = client

    def close(self) -> None:
        """Leave the cluster."""
        if self._client is not None:
            self._client.leave()
            self._client = None

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class _Client:
    """The process that is in the cluster.

    Attributes:
        cores: of the cluster.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        environment = _environment()
        _require_reachable(address)
        arguments = {"address": address, "worker_environment": _OF_WORKERS, "lost_seconds": LOST_SECONDS}
        self._child = Child("learner.pool.ray_job:serve", arguments, environment=environment)
        try:
            about = json.loads(self._child.receive(wait_seconds=_ENTER_SECONDS))
        except BaseException as error:
            self.kill()
            raise self._named(error, "ray_not_entered") from error
        self.cores, self._head = int(about["cores"]), str(about["head"])

    @property
    def is_running(self) -> bool:
        """Whether it is still there; Ray ends it when the head is gone."""
        return self._child.is_running

    def work(self, job: Job, tasks: Sequence[Task], worker_count: int) -> Iterator[Receipt | None]:
        """Yield receipts as they come, and None twice a second where there is none."""
        request = {"job": job.to_json(), "tasks": [task.to_json() for task in tasks], "workers": worker_count}
        self._child.send(json.dumps(request).encode())
        while True:
            try:
                answer = self._child.receive(wait_seconds=_SILENT_SECONDS)
            except (ChildError, PoolError) as error:
                raise self._named(error, "ray_failed" if _is_open(self._head) else "ray_lost") from error
            if answer == b"end":
                return
            yield receipt_in(answer) if answer else None

    def _named(self, error: BaseException, code: str) -> BaseException:
        """Return what people are told of an error: which cluster it was, and whether its head is gone."""
        if isinstance(error, ChildError):
            return PoolError(code, address=self._address, kind=error.code)
        if isinstance(error, PoolError) and error.code.startswith("ray_"):
            code = "ray_lost" if "ray_lost" in (error.code, code) else error.code
            return PoolError(code, **{"kind": "", **error.details, "address": self._address})
        return error

    def leave(self) -> None:
        """Say that there is no more to do, and end the process."""
        self._child.send(b"")
        with contextlib.suppress(ChildError, PoolError):
            self._child.receive(wait_seconds=_END_SECONDS)
        self._child.close()

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._child.close()


def _require_reachable(address: str) -> None:
    """Look for the cluster first: Ray itself tries for two minutes."""
    if not _is_open(address.removeprefix("ray://")):
        raise PoolError("ray_unreachable", address=address)


def _is_open(address: str) -> bool:
    """Return whether somebody answers at ``host:port``; True for what has no port, such as ``auto``."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return True
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
    except OSError:
        return False
    return True


def _environment() -> dict[str, str]:
    """Return the variables of a client: with tokens, and without a report of its use.

    Raises:
        PoolError: ``ray_token_missing``.
    """
    path = os.environ.get("RAY_AUTH_TOKEN_PATH", "")
    if not os.environ.get("RAY_AUTH_TOKEN") and not (path and Path(path).is_file()):
        raise PoolError("ray_token_missing")
    variables: dict[str, Any] = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", **_OF_WORKERS}
    # The client works in another folder.
    return variables | ({"RAY_AUTH_TOKEN_PATH": str(Path(path).resolve())} if path else {})

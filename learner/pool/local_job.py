"""The job of a process of this computer that works on shards; started by `maeumgyeol.processes.child.Child`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from learner.pool.worker import ShardWorker

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Do tasks until there are no more; the answer is a receipt, a line end, and its payload."""
    worker = ShardWorker(arguments["job"])
    while (request := channel.receive()) is not None:
        receipt = worker.do(request.decode())
        channel.send(receipt.to_json().encode() + b"\n" + receipt.payload)

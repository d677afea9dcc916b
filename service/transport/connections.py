"""Open connections of a server, and bounds on how many there may be and how slow."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    _Waiting = dict[asyncio.Transport, float] | dict[asyncio.Transport, None]

_SWEEP_SECONDS = 1.0
_PASSES_TO_READ = 4
"""Passes of the event loop from accepting a connection to reading what it has sent, at most, with one to spare."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on connections. A connection *waits* until its next request has arrived in full.

    Attributes:
        head_seconds: longest time to the end of a request's head; an idle connection ends sooner.
        linger_seconds: how long to discard the rest of a body that was answered without being read. Closing at once
            would lose the answer for a client that is still sending.
        stall_seconds, stall_bytes: a client that reads less than this of an answer in this time is dropped.
        most: connections at once. Kept below the limit on open files, see `service.transport.protocols.run`.
        most_waiting: how many of them may wait.
        most_of_address, most_waiting_of_address: the same for one address; many people may share it.
    """

    head_seconds: float = 10.0
    linger_seconds: float = 5.0
    stall_seconds: float = 30.0
    stall_bytes: int = 30_000
    most: int = 4000
    most_waiting: int = 600
    most_of_address: int = 1000
    most_waiting_of_address: int = 200


class Expiring(Protocol):
    """The protocol of a waiting connection."""

    def expire(self, waited: float) -> None:
        """Close the connection if it has waited too long."""


@dataclass(slots=True)
class _Connection:
    """A connection's address, and how much has left its buffer since `began`."""

    address: str
    began: float
    unsent: int = 0
    sent: int = 0


def address_group(host: str) -> str:
    """Return the key by which connections are counted: whoever has one IPv6 address has all of its /64."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))


class Connections:
    """The connections of one server, all in one event loop.

    If too many wait, those that have waited longest are closed, rather than the newest refused: a browser sends its
    request at once, so it is never the oldest for long, however many half-open connections there are. None is closed
    before what it sent could be read, since hundreds may begin to wait in a single pass of the event loop.

    Args:
        is_exempt: returns whether an address is a proxy, which stands for many clients.
    """

    def __init__(self, limits: Limits, is_exempt: Callable[[str], bool] = lambda _: False) -> None:
        self.limits = limits
        self._is_exempt = is_exempt
        self._open: dict[asyncio.Transport, _Connection] = {}
        self._count: Counter[str] = Counter()
        self._waiting: dict[asyncio.Transport, float] = {}
        self._waiting_of: defaultdict[str, dict[asyncio.Transport, None]] = defaultdict(dict)
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_trimming = False

    def __len__(self) -> int:
        return len(self._open)

    @property
    def waiting(self) -> int:
        """How many connections are waiting."""
        return len(self._waiting)

    def enter(self, transport: asyncio.Transport) -> bool:
        """Return whether a new connection may stay; it then waits for its request."""
        peer = transport.get_extra_info("peername")
        address = address_group(str(peer[0])) if isinstance(peer, tuple) else ""
        is_bounded = not self._is_exempt(address)
        if is_bounded and self._count[address] >= self.limits.most_of_address:
            self._close_oldest(self._waiting_of.get(address, {}))
        if len(self._open) >= self.limits.most:
            self._close_oldest(self._waiting)
        is_full = is_bounded and self._count[address] >= self.limits.most_of_address
        if is_full or len(self._open) >= self.limits.most:
            return False
        self._open[transport] = _Connection(address, _now())
        self._count[address] += 1
        self.wait(transport)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        return True

    def wait(self, transport: asyncio.Transport) -> None:
        """Note that a connection waits from now on."""
        if transport not in self._open:
            return
        self.served(transport)
        address = self._open[transport].address
        self._waiting[transport] = _now()
        self._waiting_of[address][transport] = None
        is_over = self._excess_of(address) > 0 or len(self._waiting) > self.limits.most_waiting
        if is_over and not self._is_trimming:
            self._is_trimming = True
            self._trim_later(_now(), _PASSES_TO_READ)

    def served(self, transport: asyncio.Transport) -> None:
        """Note that the request of a connection has arrived, so that it no longer waits."""
        if self._waiting.pop(transport, None) is None:
            return
        address = self._open[transport].address
        self._waiting_of[address].pop(transport, None)
        if not self._waiting_of[address]:
            del self._waiting_of[address]

    def drained(self, transport: asyncio.Transport) -> None:
        """Note that a client has read a buffer full of an answer."""
        if connection := self._open.get(transport):
            connection.unsent = transport.get_write_buffer_size()
            connection.sent += self.limits.stall_bytes

    def leave(self, transport: asyncio.Transport) -> None:
        """Note that a connection has ended; may be called repeatedly."""
        self.served(transport)
        connection = self._open.pop(transport, None)
        if connection is None:
            return
        self._count[connection.address] -= 1
        if not self._count[connection.address]:
            del self._count[connection.address]

    def _excess_of(self, address: str) -> int:
        count = len(self._waiting_of.get(address, ()))
        return 0 if self._is_exempt(address) else max(0, count - self.limits.most_waiting_of_address)

    def _trim_later(self, until: float, passes: int) -> None:
        loop = asyncio.get_running_loop()
        if passes:
            loop.call_soon(self._trim_later, until, passes - 1)
            return
        for address in list(self._waiting_of):
            self._trim(self._waiting_of[address], self._excess_of(address), until)
        self._trim(self._waiting, len(self._waiting) - self.limits.most_waiting, until)
        is_over = len(self._waiting) > self.limits.most_waiting or any(map(self._excess_of, self._waiting_of))
        self._is_trimming = is_over
        if is_over:
            self._trim_later(_now(), _PASSES_TO_READ)

    def _trim(self, waiting: _Waiting, excess: int, until: float) -> None:
        # Dictionaries keep the order in which connections began to wait.
        for transport in list(islice(waiting, max(0, excess))):
            if self._waiting[transport] > until:
                return
            self.leave(transport)
            transport.abort()

    def _close_oldest(self, waiting: _Waiting) -> None:
        self._trim(waiting, 1, _now())

    def _sweep(self) -> None:
        now = _now()
        for transport, since in list(self._waiting.items()):
            if now - since < min(self.limits.head_seconds, self.limits.linger_seconds):
                break
            cast("Expiring", transport.get_protocol()).expire(now - since)
        for transport, connection in list(self._open.items()):
            if self._is_stalled(transport, connection, now):
                self.leave(transport)
                transport.abort()
        again = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep) if self._open else None
        self._sweeping = again

    def _is_stalled(self, transport: asyncio.Transport, connection: _Connection, now: float) -> bool:
        unsent = transport.get_write_buffer_size()
        connection.sent += max(0, connection.unsent - unsent)
        connection.unsent = unsent
        if unsent and now - connection.began < self.limits.stall_seconds:
            return False
        is_stalled = unsent > 0 and connection.sent < self.limits.stall_bytes
        connection.began, connection.sent = now, 0
        return is_stalled


def _now() -> float:
    return asyncio.get_running_loop().time()

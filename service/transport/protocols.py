"""uvicorn's HTTP and websocket protocols, with bounds on connections that uvicorn lacks."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import h11
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from service.transport.connections import Connections, Limits
from service.transport.response_headers import NO_PAGE

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp
    from websockets.http11 import Response

MOST_HEADERS = 100
_MOST_LINE_BYTES = 8000
"""The websocket library takes 8,192, and fails without an answer beyond."""

_FILES = 16_384
_OTHER_FILES = 256
"""Open files besides connections: databases, static files, the library's own."""

_ANSWERED = (h11.IDLE, h11.SEND_RESPONSE)


class Config(uvicorn.Config):
    """uvicorn's settings with bounds on connections, which both protocols read from here."""

    def __init__(self, app: ASGIApp, *, limits: Limits, **options: Any) -> None:
        super().__init__(
            cast("Any", app),
            http=HttpProtocol,
            ws=WebSocketProtocol,
            # Who may name another address in a header: nobody, unless a proxy is configured.
            forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", ""),
            access_log=False,
            log_level="error",
            server_header=False,
            **options,
        )
        proxies = self.forwarded_allow_ips
        trusted = ProxyHeadersMiddleware(cast("Any", app), [] if proxies == "*" else proxies).trusted_hosts
        self.connections = Connections(limits, lambda address: address in trusted)


class HttpProtocol(H11Protocol):
    """HTTP/1.1 on one connection."""

    config: Config

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, or refuse the connection if there are too many."""
        super().connection_made(transport)
        if not self.config.connections.enter(transport):
            self._refuse("503 Service Unavailable")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.config.connections.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        super().data_received(data)
        self._note_whole()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the unread rest of a body."""
        self.config.connections.wait(self.transport)
        super().on_response_complete()
        self._note_whole()

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self.config.connections.drained(self.transport)
        super().resume_writing()

    def expire(self, waited: float) -> None:
        """Close the connection if the head of its request, or the rest of a body already answered, is overdue."""
        limits = self.config.connections.limits
        if self.conn.their_state is h11.IDLE and waited > limits.head_seconds:
            self._refuse("408 Request Timeout")
        elif self.cycle is not None and self.cycle.response_complete and waited > limits.linger_seconds:
            self.transport.close()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over to the websocket protocol, which fails without an answer on unknown requests."""
        names = {name for name, _ in self.headers}
        lengths = [len(event.target), *(len(name) + len(value) for name, value in self.headers)]
        is_plain = event.method == b"GET" and event.http_version == b"1.1"
        has_body = bool(names & {b"content-length", b"transfer-encoding"})
        if not is_plain or has_body or len(self.headers) > MOST_HEADERS or max(lengths) > _MOST_LINE_BYTES:
            self._refuse("400 Bad Request")
            return
        self.config.connections.served(self.transport)
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP, unless an answer is under way, and close the connection."""
        self._refuse("400 Bad Request")

    def _note_whole(self) -> None:
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self.config.connections.served(self.transport)

    def _refuse(self, status: str) -> None:
        if self.conn.our_state in _ANSWERED and not self.transport.is_closing():
            lines = [f"HTTP/1.1 {status}", "Content-Length: 0", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in NO_PAGE.items()]
            self.transport.write("\r\n".join([*lines, "", ""]).encode())
        self.transport.close()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A websocket on a connection that began as HTTP."""

    config: Config

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        send = self.conn.send_response

        def send_response(response: Response) -> None:
            for name, value in NO_PAGE.items():
                response.headers.setdefault(name, value)
            send(response)

        # Every answer to a handshake goes through here, including those that the library gives by itself.
        self.conn.send_response = send_response  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.config.connections.leave(self.transport)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self.config.connections.drained(self.transport)
        super().resume_writing()


def run(app: ASGIApp, *, address: str, port: int, **options: Any) -> None:
    """Serve an ASGI app until the process is told to end.

    Args:
        options: passed to uvicorn.
    """
    limits = _limits()
    config = Config(app, limits=limits, host=address, port=port, **options)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.create_server((address, port), family=family, backlog=2048, dualstack_ipv6=address == "::")
    uvicorn.Server(config).run(sockets=[listening])


def _limits() -> Limits:
    usual = Limits()
    of_address = int(os.environ.get("MAEUMGYEOL_CONNECTIONS_PER_ADDRESS", usual.most_of_address))
    most = min(usual.most, max(100, _allow_files() - _OTHER_FILES))
    return replace(usual, most=most, most_of_address=of_address, most_waiting_of_address=max(1, of_address // 5))


def _allow_files() -> int:
    """Raise the limit on open files as far as allowed, since each connection is one; return the limit."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return _FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        return limit
    return _FILES if soft == resource.RLIM_INFINITY else soft

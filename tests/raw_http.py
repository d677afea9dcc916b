"""HTTP as bytes, to say what no client library would."""

from __future__ import annotations

import contextlib
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, and whatever came behind its head."""

    status: int
    headers: dict[str, str]
    rest: bytes


def ask_raw(port: int, request: bytes, *, seconds: float = 10.0, enough: int = 1 << 20) -> bytes:
    """Send bytes and return all that comes back until the server closes, or says nothing more for so long."""
    with closing(_sent(port, request, seconds)) as client:
        return read(client, enough=enough)


def ask_once(port: int, request: bytes, *, seconds: float = 10.0) -> Answer | None:
    """Send bytes and return the first response, at once when it is there; None if none comes for so long."""
    with closing(_sent(port, request, seconds)) as client:
        return receive(client)


def _sent(port: int, request: bytes, seconds: float) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=seconds)
    with contextlib.suppress(ConnectionError):
        client.sendall(request.replace(b"HOST", f"127.0.0.1:{port}".encode()))
    return client


def read(client: socket.socket, *, enough: int = 1 << 20) -> bytes:
    """Return what comes on a connection until it ends, is silent for its timeout, or there is enough."""
    came = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        while len(came) < enough and (piece := client.recv(65536)):
            came += piece
    return came


def receive(client: socket.socket) -> Answer | None:
    """Return the next response on a connection, with a body that says how long it is; None if none comes."""
    came = b""
    answer = None
    with contextlib.suppress(ConnectionError, TimeoutError):
        while answer is None or len(answer.rest) < int(answer.headers.get("content-length", "0")):
            piece = client.recv(65536)
            if not piece:
                break
            came += piece
            answer = parse(came)
    return answer


def parse(came: bytes) -> Answer | None:
    """Return the first response in some bytes; None if there is none."""
    head, separator, rest = came.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not separator or not lines[0].startswith("HTTP/1.1 "):
        return None
    pairs = (line.partition(":") for line in lines[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Answer(int(lines[0].split()[1]), headers, rest)


@contextlib.contextmanager
def open_websocket(
    port: int, *lines: str, path: str = "/_stcore/stream", host: str | None = None
) -> Iterator[tuple[int | None, socket.socket]]:
    """Ask for a websocket with some more header lines and hold it; yields the status of the answer."""
    answer, client = _shake(port, lines, path, host)
    with closing(client):
        yield answer.status if answer else None, client


def handshake(port: int, *lines: str, path: str = "/_stcore/stream", host: str | None = None) -> Answer | None:
    """Ask for a websocket with some more header lines; return the answer to it."""
    answer, client = _shake(port, lines, path, host)
    client.close()
    return answer


def _shake(port: int, lines: tuple[str, ...], path: str, host: str | None) -> tuple[Answer | None, socket.socket]:
    request = [
        f"GET {path} HTTP/1.1",
        f"Host: {host or f'127.0.0.1:{port}'}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: streamlit",
        *lines,
    ]
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.sendall("\r\n".join([*request, "", ""]).encode("utf-8"))
    return receive(client), client

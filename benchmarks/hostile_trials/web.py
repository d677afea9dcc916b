"""Hostile requests and websockets against the running programs."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.sync.client import connect

from benchmarks.hostile_corpus.requests import DIARY, MARK, HostileRequest, cookie, hostile_requests
from benchmarks.hostile_corpus.sockets import MESSAGES, hostile_sockets
from benchmarks.hostile_corpus.wire import hostile_bytes
from benchmarks.hostile_trials.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

    from benchmarks.hostile_corpus.requests import Keys
    from benchmarks.hostile_trials.target import Program

_TIMEOUT = 30.0
HALF_OPEN = 500
_POLICIES = {
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "",
}
_FROM_THE_PARSER = b"Invalid HTTP request received"
"""The HTTP server's answer to what is not a request: no application has seen it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 for a connection that was closed without an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def send(port: int, raw: bytes) -> Answer:
    """Send bytes to a server and return what it answers until it closes the connection or has answered once."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)) as wire:
        try:
            wire.sendall(raw.replace(b"HOST", f"127.0.0.1:{port}".encode()))
            answer = http.client.HTTPResponse(wire, method="HEAD" if raw.startswith(b"HEAD") else None)
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, b"")


def try_requests(keys: Keys, programs: dict[str, Program]) -> Iterator[Outcome]:
    """Send every request of the corpus to the programs that it is meant for."""
    for request in (*hostile_requests(keys), *hostile_bytes(keys)):
        for name in ("app", "api") if request.server == "both" else (request.server,):
            yield _try(request, programs[name])


def _try(request: HostileRequest, program: Program) -> Outcome:
    began = time.perf_counter()
    try:
        answer: Answer | None = send(program.port, request.raw)
    except TimeoutError:
        answer = None
    wrong = "no answer" if answer is None else judge(request, answer)
    name = f"{program.name}: {request.name}"
    return Outcome(request.kind, name, time.perf_counter() - began, wrong, program.deaths())


def judge(request: HostileRequest, answer: Answer) -> str:
    """Return what is wrong with an answer; empty if nothing is."""
    if answer.status not in request.allowed:
        return f"answered {answer.status}"
    everything = answer.body + repr(answer.headers).encode()
    if DIARY.encode() in everything or b"Traceback" in everything:
        return "gave away what stands inside"
    if MARK.encode() in everything and request.kind in ("body", "id"):
        return "repeated the request"
    if (target := answer.headers.get("location", "/")) and (
        not target.startswith("/") or target.startswith(("//", "/\\"))
    ):
        return f"led to {target!a}" if not target.startswith("http://127.0.0.1") else ""
    return "" if not answer.status or _FROM_THE_PARSER in answer.body else _missing_policy(answer)


def _missing_policy(answer: Answer) -> str:
    missing = [
        name for name, part in _POLICIES.items() if name not in answer.headers or part not in answer.headers[name]
    ]
    return f"answered {answer.status} without {', '.join(missing)}" if missing else ""


def try_half_open(program: Program, path: str) -> Iterator[Outcome]:
    """Hold connections open that never send a whole request, and see whether somebody else is still answered."""
    kinds = {"silent": b"", "half a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-", "half a body": _half_body(program)}
    for name, beginning in kinds.items():
        with ExitStack() as stack:
            began, wrong = time.perf_counter(), ""
            for _ in range(HALF_OPEN):
                try:
                    wire = stack.enter_context(
                        closing(socket.create_connection(("127.0.0.1", program.port), timeout=5))
                    )
                    wire.sendall(beginning)
                except OSError:
                    continue  # turned away at once, which is as good
            asked = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
            try:
                wrong = "" if send(program.port, asked).status == 200 else "others got no answer"
            except (TimeoutError, OSError):
                wrong = "others got no answer"
            yield Outcome("half open", f"{program.name}: {name}", time.perf_counter() - began, wrong, program.deaths())


def _half_body(program: Program) -> bytes:
    return f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{program.port}\r\nContent-Length: 100\r\n\r\nx".encode()


def try_sockets(keys: Keys | None, program: Program) -> Iterator[Outcome]:
    """Open websockets in ways that no page of ours does.

    Args:
        keys: None for a project without accounts, in which nobody signs in.
    """
    for each in hostile_sockets(keys, program.port):
        began = time.perf_counter()
        wrong = (
            ""
            if _opens(program, each.headers, each.origin) == each.is_ours
            else "opened"
            if not each.is_ours
            else "not opened"
        )
        yield Outcome(each.kind, each.name, time.perf_counter() - began, wrong, program.deaths())


def _opens(program: Program, headers: dict[str, str], origin: str | None) -> bool:
    try:
        with open_socket(program, headers, origin) as client:
            client.send(BackMsg(rerun_script={}).SerializeToString())
            client.recv(10)
    except (InvalidHandshake, InvalidMessage, ConnectionClosed, TimeoutError, OSError):
        return False
    return True


def open_socket(program: Program, headers: dict[str, str], origin: str | None) -> ClientConnection:
    """Open a websocket as Streamlit's page does."""
    return connect(
        f"ws://127.0.0.1:{program.port}/_stcore/stream",
        additional_headers=headers,
        origin=origin,  # type: ignore[arg-type]
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
        open_timeout=_TIMEOUT,
    )


def try_messages(keys: Keys, program: Program) -> Iterator[Outcome]:
    """Send what no page of ours sends over the websocket of an annotator, and see that others are still served."""
    for name, content in MESSAGES.items():
        began, wrong = time.perf_counter(), ""
        try:
            with open_socket(program, cookie(keys.cookies["annotator"]), program.address()) as client:
                client.send(content)
                client.recv(1)
        except (InvalidHandshake, ConnectionClosed, TimeoutError, OSError):
            pass
        if not run_page(program, keys.cookies["reviewer"]):
            wrong = "others were not served"
        yield Outcome("message", name, time.perf_counter() - began, wrong, program.deaths())


def run_page(program: Program, session: str) -> bool:
    """Return whether a page still runs to its end for somebody."""
    with open_socket(program, cookie(session), program.address()) as client:
        client.send(BackMsg(rerun_script={}).SerializeToString())
        for _ in range(2000):
            message = ForwardMsg()
            message.ParseFromString(client.recv(_TIMEOUT))  # type: ignore[arg-type]
            if message.WhichOneof("type") == "script_finished":
                return True
    return False

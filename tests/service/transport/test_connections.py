"""Connections that come too many or too slowly: the server goes on answering all others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request  # noqa: TC002 - Starlette reads the hints
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket  # noqa: TC002

from annotator import project
from service.transport.connections import Limits, address_group
from service.transport.protocols import Config
from tests.browser.conftest import free_port
from tests.conftest import ROOT
from tests.door_cases import REQUIRED_HEADERS
from tests.raw_http import handshake, receive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service.transport.connections import Connections

MANY = 500
QUICK = Limits(head_seconds=1.0, linger_seconds=1.0, stall_seconds=2.0)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

HALF_OPEN = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    "half a handshake": b"GET /_stcore/stream HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
    "half a body": b"POST /api/v1/diaries HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk": b"POST /api/v1/diaries HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "no continuation": b"POST /api/v1/diaries HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
    b"Content-Length: 100\r\n\r\n",
    "an answer that nobody reads": b"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2,
}


async def _plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def _large(_: Request) -> StreamingResponse:
    return StreamingResponse(iter([b"x" * 100_000] * 400))


async def _whole(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    with suppress(Exception):
        while True:
            await socket.receive()


APP = Starlette(
    routes=[
        Route("/", _plain, methods=["GET", "POST"]),
        Route("/large", _large),
        Route("/whole", _whole, methods=["POST"]),
        WebSocketRoute("/_stcore/stream", _socket),
    ]
)


def listen() -> closing[socket.socket]:
    return closing(socket.create_server(("127.0.0.1", 0), backlog=2048))


@contextmanager
def served(limits: Limits) -> Iterator[tuple[int, Connections]]:
    """Serve a small app under limits; yields its port and its connections."""
    with listen() as listening, served_on(listening, limits) as connections:
        yield listening.getsockname()[1], connections


@contextmanager
def served_on(listening: socket.socket, limits: Limits) -> Iterator[Connections]:
    """Serve a small app on a socket that listens; yields its connections."""
    config = Config(APP, limits=limits, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield config.connections
    finally:
        server.should_exit = True
        thread.join(20)


def connect(port: int, sent: bytes = b"", *, source: str = "127.0.0.1") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
    client.sendall(sent)
    return client


def status(client: socket.socket) -> int | None:
    """Return the status of the next answer on a connection; None if it ends without one."""
    answer = receive(client)
    return answer.status if answer else None


def ends(client: socket.socket, *, within: float) -> bool:
    """Say whether the server closes a connection in time."""
    deadline = time.monotonic() + within
    client.settimeout(0.1)
    while time.monotonic() < deadline:
        try:
            if not client.recv(1 << 20):
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def health(port: int, path: str) -> float:
    """Return how many seconds a health check takes."""
    began = time.monotonic()
    with closing(connect(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())) as client:
        assert status(client) == 200
    return time.monotonic() - began


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("half") / "half.db"
    project.init(path)
    return path


@contextmanager
def real_server(module: str, path: Path, health_path: str, *, files: int = 0) -> Iterator[int]:
    """Run one of the two servers as people do, with a limit on open files if one is given."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MAEUMGYEOL_DB": str(path)}
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files})); " if files else ""
    run = f"import runpy, sys; sys.argv[1:] = ['--port', '{port}']; runpy.run_module('{module}', run_name='__main__')"
    command = [sys.executable, "-c", limit + run]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and server.poll() is None:
                with suppress(OSError, AssertionError):
                    health(port, health_path)
                    break
                time.sleep(0.1)  # nothing to wait on before the port is open
            yield port
        finally:
            server.terminate()
            server.wait(40)


SERVERS = {
    "app": ("web.server", "/_stcore/health"),
    "service": ("service.server", "/api/v1/health"),
}


@pytest.fixture(scope="module", params=SERVERS)
def real(request: pytest.FixtureRequest, path: Path) -> Iterator[tuple[int, str]]:
    module, health_path = SERVERS[request.param]
    with real_server(module, path, health_path) as port:
        yield port, health_path


@pytest.mark.parametrize("kind", HALF_OPEN)
def test_health_is_answered_while_five_hundred_connections_stand_half_open(real: tuple[int, str], kind: str) -> None:
    port, health_path = real
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(connect(port, HALF_OPEN[kind]))) for _ in range(MANY)]
        assert max(health(port, health_path) for _ in range(5)) < 5
        assert len(clients) == MANY


def test_every_answer_of_either_server_says_what_a_browser_may_do_with_it(real: tuple[int, str]) -> None:
    port, health_path = real
    for path in ("/", "/nope", "/api", "/api/docs", "/api/openapi.json", "/api/v1/labels", health_path, "no path"):
        with closing(connect(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())) as client:
            answer = receive(client)
        assert answer is not None
        assert REQUIRED_HEADERS.items() <= answer.headers.items(), path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_health_is_answered_with_few_files_to_open(path: Path) -> None:
    module, health_path = SERVERS["service"]
    with real_server(module, path, health_path, files=512) as port, ExitStack() as stack:
        for source in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            for _ in range(200):
                stack.enter_context(closing(connect(port, b"GET / HT", source=source)))
        assert health(port, health_path) < 5


def test_the_head_of_a_request_has_to_come_in_time_however_steadily_it_drips() -> None:
    with served(QUICK) as (port, connections):
        with closing(connect(port)) as silent, closing(connect(port)) as dripping:
            for byte in GET[:-4]:
                with suppress(ConnectionError):
                    dripping.sendall(bytes([byte]))
                time.sleep(0.15)
            assert status(silent) == 408
            assert status(dripping) == 408
        assert eventually(lambda: len(connections) == 0)


def test_a_connection_that_is_used_again_and_again_stays_open() -> None:
    with served(QUICK) as (port, connections), closing(connect(port)) as client:
        for _ in range(15):
            client.sendall(GET)
            assert status(client) == 200
            time.sleep(0.2)
        client.sendall(GET * 50)
        came = b""
        while came.count(b"ok") < 50:
            came += client.recv(65536)
        assert len(connections) == 1


def test_the_longest_waiting_connection_gives_way_to_a_new_one() -> None:
    few = replace(QUICK, head_seconds=60, most_waiting_of_address=3)
    with served(few) as (port, connections), ExitStack() as stack:
        clients = [stack.enter_context(closing(connect(port, b"GET"))) for _ in range(3)]
        assert eventually(lambda: connections.waiting == 3)
        other = stack.enter_context(closing(connect(port, b"GET", source="127.0.0.2")))
        assert eventually(lambda: connections.waiting == 4)
        newest = stack.enter_context(closing(connect(port, GET)))
        assert status(newest) == 200
        assert ends(clients[0], within=5)
        for left in (clients[2], other):
            left.sendall(GET[3:])
            assert status(left) == 200


def test_requests_that_arrive_all_at_once_are_all_answered_however_few_may_wait() -> None:
    few = replace(QUICK, head_seconds=60, most_waiting=5, most_waiting_of_address=3)
    with listen() as listening, ExitStack() as stack:
        port = listening.getsockname()[1]
        clients = [stack.enter_context(closing(connect(port, GET))) for _ in range(200)]
        with served_on(listening, few) as connections:
            assert {status(client) for client in clients} == {200}
            assert eventually(lambda: len(connections) == 3)


def test_an_address_has_so_many_connections_and_no_more_and_others_are_served() -> None:
    few = replace(QUICK, head_seconds=60, most_of_address=4)
    with served(few) as (port, connections), ExitStack() as stack:
        lines = "GET /_stcore/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        lines += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        for _ in range(4):
            client = stack.enter_context(closing(connect(port, lines.encode())))
            assert status(client) == 101
        with closing(connect(port)) as fifth:
            assert status(fifth) == 503
        with closing(connect(port, GET, source="127.0.0.2")) as other:
            assert status(other) == 200
        client.close()
        assert eventually(lambda: len(connections) == 3)
        with closing(connect(port, GET)) as again:
            assert status(again) == 200


def test_a_proxy_that_is_named_may_have_more(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(QUICK, most_of_address=2, most_waiting_of_address=2)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    with served(few) as (port, connections), ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(closing(connect(port)))
        assert eventually(lambda: len(connections) == 10)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with served(few) as (port, connections), ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(closing(connect(port)))
        assert eventually(lambda: len(connections) == 2), "everybody is no proxy"


def test_the_rest_of_a_body_that_was_answered_is_waited_for_a_moment_only() -> None:
    with served(QUICK) as (port, _), closing(connect(port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
        assert status(client) == 200
        stop = threading.Event()

        def drip() -> None:
            with suppress(OSError):
                while not stop.wait(0.1):
                    client.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        assert ends(client, within=8)
        stop.set()
        thread.join()


def test_an_answer_comes_to_a_client_that_sends_a_large_body_first() -> None:
    with served(QUICK) as (port, _), closing(connect(port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n" + b"x" * 30_000_000)
        assert status(client) == 200
        client.sendall(GET)
        assert status(client) == 200


def test_a_client_that_does_not_read_is_given_up_and_a_slow_one_is_not() -> None:
    with served(QUICK) as (port, connections):
        request = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
        with closing(connect(port, request)) as asleep, closing(connect(port, request)) as slow:
            came = 0
            for _ in range(60):
                came += len(slow.recv(200_000))
                time.sleep(0.1)
            assert eventually(lambda: len(connections) == 1)
            slow.settimeout(5)
            while came < 40_000_000 and (piece := slow.recv(1 << 20)):
                came += len(piece)
            assert came > 40_000_000
            assert ends(asleep, within=10)


def test_a_websocket_that_is_open_may_be_silent() -> None:
    with served(QUICK) as (port, connections):
        answer = handshake(port)
        assert answer is not None
        assert answer.status == 101
        assert eventually(lambda: len(connections) == 0)


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_counted_with_all_that_its_holder_has(host: str, group: str) -> None:
    assert address_group(host) == group


def eventually(holds: object, *, seconds: float = 10.0) -> bool:
    """Say whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False

"""The door on a real server: which address a request comes from, what every answer carries, what is no request."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from annotator import project
from annotator.accounts import accounts, api_tokens
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from pages.widgets.session import COOKIE
from tests.conftest import ROOT
from tests.door_cases import (
    BAD_HOSTS,
    FOREIGN_PAGES,
    FOREIGN_READS,
    MALFORMED,
    ODD_PATHS,
    REQUIRED_HEADERS,
    SMUGGLED,
    foreign_origins,
)
from tests.raw_http import ask_once, ask_raw, handshake, open_websocket
from tests.web.gate.test_middleware import HTML, PASSWORD, ask, cookie, serving, session_of, socket, until_finished
from tests.web.gate.test_middleware import run as run_page
from web.gate.middleware import MOST_TABS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLIC = "https://labels.example.org"

WATCHED = """
import runpy, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            print("OUT", address, file=sys.stderr, flush=True)
    elif event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "::1", None, b"127.0.0.1", "localhost"):
        print("OUT", arguments[0], file=sys.stderr, flush=True)

sys.addaudithook(note)
"""
SERVED = "sys.argv = ['server', '--port', sys.argv[1]]; runpy.run_module('web.server', run_name='__main__')"
"""The server, which says what it asks other computers for."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("door") / "door.db"
    project.init(path)
    with project.opened(path) as db:
        import_file(db, "text\n일기\n".encode(), "a.csv", after=enqueue_import)
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        accounts.add(db, None, "지민", "annotator", password=PASSWORD)
    return path


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of these tests says what it asks other computers for."""
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def port(path: Path, log: Path) -> Iterator[int]:
    with log.open("ab") as errors, serving(path, program=WATCHED + SERVED, errors=errors) as port:
        yield port
    assert "OUT" not in log.read_text(), "whatever came in by all of these tests"


@pytest.fixture(scope="module")
def token(path: Path) -> str:
    return session_of(path, "수아")


@pytest.fixture(scope="module")
def solo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    path = tmp_path_factory.mktemp("solo") / "solo.db"
    project.init(path)
    with serving(path) as port:
        yield port


def opens(port: int, origin: str | None, *lines: str, host: str | None = None) -> bool:
    """Say whether a websocket opens for a page of an origin."""
    answer = handshake(port, *([] if origin is None else [f"Origin: {origin}"]), *lines, host=host)
    assert answer is None or answer.status in (101, 400, 403), answer
    return answer is not None and answer.status == 101


def session_line(token: str) -> str:
    return f"Cookie: {COOKIE}={token}"


def test_a_websocket_opens_for_a_page_of_this_address_and_for_no_other(port: int, token: str) -> None:
    wrong = [origin for origin in foreign_origins(port) if opens(port, origin, session_line(token))]
    assert wrong == []
    assert opens(port, f"http://127.0.0.1:{port}", session_line(token))


def test_so_it_is_for_one_person_alone(solo: int) -> None:
    assert [origin for origin in foreign_origins(solo) if opens(solo, origin)] == []
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert opens(solo, f"http://{host.lower()}:{solo}", host=f"{host}:{solo}"), host


def test_a_name_that_leads_here_is_not_this_machine_for_one_person_alone(solo: int) -> None:
    """What rebinding makes of an attacker's name: origin and host agree, and the address is ours."""
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "localhost.", "0.0.0.0", "127.1"):
        assert not opens(solo, f"http://{name}:{solo}", host=f"{name}:{solo}"), name
        assert ask(solo, "GET", "/", {**HTML, "Host": f"{name}:{solo}"})[0] == 403, name


def test_a_browser_has_so_many_websockets_and_no_more(port: int, path: Path) -> None:
    line, other = session_line(session_of(path, "지민")), session_line(session_of(path, "지민"))
    own = f"Origin: http://127.0.0.1:{port}"
    with ExitStack() as stack:
        opened = [stack.enter_context(open_websocket(port, own, line)) for _ in range(MOST_TABS + 1)]
        assert [status for status, _ in opened] == [101] * MOST_TABS + [403]
        assert opens(port, own.removeprefix("Origin: "), other), "another login of the same person"
        opened[0][1].close()
        deadline = time.monotonic() + 20
        while not opens(port, own.removeprefix("Origin: "), line):
            assert time.monotonic() < deadline


def test_two_origins_are_none(port: int, token: str) -> None:
    own = f"http://127.0.0.1:{port}"
    for other in (own, "http://evil.example"):
        assert not opens(port, own, f"Origin: {other}", session_line(token))


def test_an_origin_without_a_session_opens_nothing(port: int) -> None:
    assert not opens(port, f"http://127.0.0.1:{port}")


def test_no_other_websocket_is_there(port: int, token: str) -> None:
    lines = [f"Origin: http://127.0.0.1:{port}", session_line(token)]
    for elsewhere in ("/", "/api/v1/health", "/_stcore/stream/", "/_stcore/health", "/_stcore/stream2", "/login"):
        answer = handshake(port, *lines, path=elsewhere)
        assert answer is not None
        assert answer.status == 403


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_host_that_is_none_is_refused(port: int, token: str, host: str) -> None:
    sent = f"GET /overview HTTP/1.1\r\nHost: {host}\r\nCookie: {COOKIE}={token}\r\n\r\n".encode()
    answer = ask_once(port, sent)
    assert answer is not None
    assert answer.status == 400
    assert not opens(port, f"http://{host}", session_line(token), host=host)


# Behind a proxy


def test_behind_a_proxy_the_named_address_counts_whatever_the_proxy_says_of_the_host(path: Path, token: str) -> None:
    with serving(path, MAEUMGYEOL_PUBLIC_URL="https://Labels.example.org:443/") as port:
        line = session_line(token)
        for host in (None, "labels.example.org", "upstream:80"):
            assert opens(port, PUBLIC, line, host=host)
            for origin in (
                f"http://127.0.0.1:{port}",
                "http://labels.example.org",
                "https://upstream",
                f"{PUBLIC}:443",
            ):
                assert not opens(port, origin, line, host=host)
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": PUBLIC}
        body = urlencode({"name": "지민", "password": PASSWORD})
        status, headers, _ = ask(port, "POST", "/login", form, body)
        assert status == 303
        assert "secure" in headers["set-cookie"].lower()
        assert ask(port, "POST", "/login", {**form, "Origin": f"http://127.0.0.1:{port}"}, body)[0] == 403


def test_only_a_proxy_that_is_named_says_that_the_address_is_https(path: Path, port: int, token: str) -> None:
    lines = [session_line(token), "X-Forwarded-Proto: https"]
    host = "labels.example.org"
    with serving(path, FORWARDED_ALLOW_IPS="127.0.0.1") as behind:
        assert opens(behind, PUBLIC, *lines, host=host)
        assert opens(behind, PUBLIC, *lines, host=f"{host}:443")
        assert not opens(behind, f"http://{host}", *lines, host=host)
    assert not opens(port, PUBLIC, *lines, host=host)
    assert opens(port, f"http://{host}", *lines, host=host)
    forged = [*lines, f"X-Forwarded-Host: {host}", f"Forwarded: host={host};proto=https"]
    assert not opens(port, PUBLIC, *forged)


# Requests of other pages

CHANGES = [
    ("POST", "/login"),
    ("POST", "/logout"),
    ("POST", "/password"),
    ("POST", "/invite/abc"),
    ("POST", "/overview"),
    ("PUT", "/_stcore/upload_file/session/file"),
    ("DELETE", "/_stcore/upload_file/session/file"),
    ("POST", "/_stcore/agent/interact"),
    ("POST", "/api/v1/diaries"),
    ("PUT", "/api/v1/diaries/1/label"),
    ("DELETE", "/api/v1/diaries/1"),
]


def told(headers: dict[str, str], port: int) -> dict[str, str]:
    return {name: value.replace("{port}", str(port)) for name, value in headers.items()}


@pytest.mark.parametrize(("method", "address"), CHANGES)
@pytest.mark.parametrize("foreign", FOREIGN_PAGES, ids=str)
def test_what_another_page_would_change_is_refused(
    port: int, path: Path, token: str, method: str, address: str, foreign: dict[str, str]
) -> None:
    headers = {**told(foreign, port), **cookie(token), "Authorization": "Bearer x"}
    assert ask(port, method, address, headers, "a=b")[0] == 403
    assert ask(port, "GET", "/_stcore/host-config", cookie(token))[0] == 200, "the session goes on"


@pytest.mark.parametrize("foreign", FOREIGN_READS, ids=str)
def test_what_another_page_would_take_in_is_refused_and_a_link_from_it_is_followed(
    port: int, token: str, foreign: dict[str, str]
) -> None:
    for address in ("/overview", "/media/x.csv", "/_stcore/host-config", "/login", "/api/docs"):
        assert ask(port, "GET", address, {**foreign, **cookie(token)})[0] == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(port, "GET", "/overview", {**link, **HTML, **cookie(token)})[0] == 200


# What every answer carries


def is_hardened(headers: dict[str, str]) -> bool:
    policy = headers.get("content-security-policy", "")
    has_all = all(headers.get(name) == value for name, value in REQUIRED_HEADERS.items())
    is_closed = not any(name.startswith("access-control-") for name in headers)
    whole = "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    return has_all and is_closed and whole and "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")


ANSWERS = [
    *(("GET", address) for address in ("/", "/overview", "/nope", "/login", "/logout", "/password", "/invite/x")),
    *(("GET", address) for address in ("/login/", "/favicon.png", "/manifest.json", "/static/js/x.js", "//x", "/a/")),
    *(("GET", f"/_stcore/{part}") for part in ("health", "host-config", "metrics", "agent/openapi.json", "stream")),
    *(("GET", f"/api{part}") for part in ("", "/", "/docs", "/openapi.json", "/v1/health", "/v1/labels", "/nope")),
    *(("GET", part) for part in ("/component/x/y", "/_stcore/bidi-components/x/y", "/media/x", "/auth/login")),
    *((method, "/login") for method in ("HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "EVIL")),
    *((method, "/_stcore/upload_file/a/b") for method in ("GET", "OPTIONS", "PUT", "DELETE")),
    *((method, "/api/v1/diaries") for method in ("GET", "OPTIONS", "POST", "DELETE")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "address"), ANSWERS)
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_every_answer_says_what_a_browser_may_do_with_it(
    port: int, token: str, method: str, address: str, accept: str
) -> None:
    for session in ({}, cookie(token)):
        status, headers, _ = ask(
            port, method, address, {"Accept": accept, "Origin": f"http://127.0.0.1:{port}", **session}
        )
        assert is_hardened(headers), (status, headers)
        assert status < 500


def test_so_does_every_file_of_streamlit_and_an_answer_that_nothing_has_changed(port: int, token: str) -> None:
    _, _, page = ask(port, "GET", "/", {**HTML, **cookie(token)})
    files = {part.split('"')[0] for part in page.split('="./')[1:]}
    assert any(file.endswith(".js") for file in files)
    for file in files:
        status, headers, _ = ask(port, "GET", f"/{file}", cookie(token))
        assert (status, is_hardened(headers)) == (200, True), file
    _, first, _ = ask(port, "GET", "/", {**HTML, **cookie(token)})
    unchanged = {**HTML, **cookie(token), "If-None-Match": first["etag"]}
    status, headers, _ = ask(port, "GET", "/", unchanged)
    assert status == 304
    assert headers["content-security-policy"] == first["content-security-policy"], "a browser takes over the headers"


def test_the_pages_of_the_app_take_nothing_from_elsewhere(port: int, token: str) -> None:
    policy = ask(port, "GET", "/overview", {**HTML, **cookie(token)})[1]["content-security-policy"]
    rules = dict(rule.partition(" ")[::2] for rule in policy.split("; "))
    assert rules["connect-src"] == f"'self' blob: ws://127.0.0.1:{port}"
    assert not any("http" in value or "*" in value for value in rules.values())
    assert "'unsafe-inline'" not in rules["script-src"]


def test_the_microphone_is_the_apps_alone_and_all_else_nobodys(port: int) -> None:
    policy = ask(port, "GET", "/login", HTML)[1]["permissions-policy"]
    assert "microphone=(self)" in policy
    assert "camera=()" in policy
    assert "geolocation=()" in policy


def test_a_handshake_that_is_refused_says_so_too(port: int, token: str) -> None:
    for lines in ([], [f"Origin: http://127.0.0.1:{port}"], ["Origin: http://evil.example", session_line(token)]):
        answer = handshake(port, *lines)
        assert answer is not None
        assert answer.status == 403
        assert is_hardened(answer.headers)


# What is no request


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_refused_in_order(port: int, name: str) -> None:
    answer = ask_once(port, MALFORMED[name], seconds=3)
    assert answer is not None or name == "nothing but lines", name
    if answer is not None:
        assert 400 <= answer.status < 500 or answer.status == 501, answer
        assert is_hardened(answer.headers), answer
    assert ask(port, "GET", "/_stcore/health")[0] == 200


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_hidden_in_a_body_is_not_answered(port: int, name: str) -> None:
    came = ask_raw(port, SMUGGLED[name], seconds=3)
    assert came.count(b"HTTP/1.1 ") == 1
    assert came.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("address", ODD_PATHS)
def test_an_odd_path_is_no_fault_of_the_server(port: int, token: str, address: str) -> None:
    for session in ({}, cookie(token)):
        for accept in (HTML, {}):
            status, headers, body = ask(port, "GET", address, {**accept, **session})
            assert status < 500
            assert is_hardened(headers)
            assert "root:" not in body
            assert "x=y" not in headers.get("set-cookie", "")
            assert not headers.get("location", "/").startswith(("//", "http", "/\\"))


def test_a_text_in_place_of_a_press_ends_its_own_websocket_only(port: int, token: str) -> None:
    with socket(port, cookie(token)) as other, socket(port, cookie(token)) as client:
        client.send("no press")
        with pytest.raises(Exception, match=r"1000|1011|close"):
            until_finished(client)
        assert run_page(other)


# Nothing goes out

ASKED = "from streamlit.web.server import server_util; server_util.is_url_from_allowed_origins('http://evil.example')"


def test_streamlit_by_itself_would_ask_elsewhere_so_the_watch_is_not_blind() -> None:
    ran = subprocess.run([sys.executable, "-c", WATCHED + ASKED], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "OUT" in ran.stderr


def test_the_server_asks_nobody_elsewhere_whatever_origin_knocks(port: int, token: str, log: Path) -> None:
    for origin in foreign_origins(port):
        opens(port, origin, session_line(token))
        opens(port, origin, session_line(token), host="evil.example")
    for host in ("evil.example", "labels.example.org"):
        opens(port, f"http://{host}", session_line(token), host=host)
    with socket(port, cookie(token)) as client:
        assert run_page(client)
    ask(port, "GET", "/overview", {**HTML, **cookie(token), "Origin": "https://evil.example"})
    with log.open("ab") as errors:
        # Though the gate keeps such requests from Streamlit, its ways to the outside are gone besides.
        command = f"{WATCHED}\nfrom web.serving import keep_to_itself; keep_to_itself()\n{ASKED}"
        subprocess.run([sys.executable, "-c", command], cwd=ROOT, stderr=errors, timeout=60, check=True)
    assert "OUT" not in log.read_text()


def test_a_token_opens_the_service_from_no_page_either(path: Path, port: int) -> None:
    with project.opened(path) as db:
        secret = api_tokens.add(db, "door", ["write", "read"])
    given = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    assert ask(port, "POST", "/api/v1/diaries", given, '{"text": "at the door"}')[0] == 201
    foreign = {**given, "Origin": "https://evil.example"}
    status, _, body = ask(port, "POST", "/api/v1/diaries", foreign, '{"text": "again"}')
    assert (status, '"code"' in body) == (403, True)


# Bodies

BODIES = [("POST", "/login"), ("POST", "/password"), ("POST", "/overview"), ("POST", "/api/v1/diaries"), ("GET", "/")]


@pytest.mark.parametrize(("method", "address"), BODIES)
@pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"])
def test_a_body_that_says_it_is_too_large_is_refused_unread(
    port: int, token: str, method: str, address: str, more: str
) -> None:
    head = f"{method} {address} HTTP/1.1\r\nHost: HOST\r\nCookie: {COOKIE}={token}\r\nAuthorization: Bearer x\r\n"
    answer = ask_once(port, f"{head}{more}Content-Length: {1 << 40}\r\n\r\n".encode())
    assert answer is not None
    assert answer.status == 413, "not a word of the body was asked for"
    assert is_hardened(answer.headers)
    assert len(answer.rest.decode()) > 20


@pytest.mark.parametrize("address", ["/login", "/api/v1/diaries"])
def test_a_body_in_chunks_is_read_as_far_as_it_may_be_large(port: int, path: Path, address: str) -> None:
    with project.opened(path) as db:
        secret = api_tokens.add(db, f"chunks of {address}", ["write"])
    head = (
        f"POST {address} HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer {secret}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    answer = ask_once(port, head.encode() + chunk * 12)
    assert answer is not None
    assert answer.status in (400, 413)


def test_a_long_body_of_a_stranger_is_not_read_by_the_service(port: int) -> None:
    head = "POST /api/v1/diaries HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer made-up\r\n"
    for length in ("Content-Length: 1000000", "Transfer-Encoding: chunked"):
        answer = ask_once(port, f"{head}{length}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert answer is not None
        assert answer.status == 401

"""Uploads on a real server: who may send files, how many and how large, and when their room is free again."""

from __future__ import annotations

import socket as sockets
import time
import uuid
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from annotator import project, settings
from annotator.accounts import accounts
from pages.widgets.session import COOKIE
from tests.raw_http import ask_once, receive
from tests.web.gate.test_middleware import PASSWORD, ask, cookie, serving, session_of, socket, until_finished
from tests.web.gate.test_middleware import run as run_page
from web.gate.uploads import PER_PERSON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

SMALL = 1 << 10
LARGE = 150 << 20
"""Two of them fit into what one person may keep."""

XSRF = "2|00000000|00000000000000000000000000000000|1700000000"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("uploads") / "uploads.db"
    project.init(path)
    with project.opened(path) as db:
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        for name in ("하준", "서연"):
            accounts.add(db, None, name, "reviewer", password=PASSWORD)
        accounts.add(db, None, "지민", "annotator", password=PASSWORD)
    return path


@pytest.fixture(scope="module")
def port(path: Path) -> Iterator[int]:
    with serving(path) as port:
        yield port


def tab_of(client: ClientConnection) -> str:
    """Return the name that Streamlit gives the tab of a websocket."""
    client.send(_rerun())
    while True:
        message = ForwardMsg()
        message.ParseFromString(client.recv(30))  # type: ignore[arg-type]
        if message.WhichOneof("type") == "new_session":
            until_finished(client)
            return message.new_session.initialize.session_id


def _rerun() -> bytes:
    from streamlit.proto.BackMsg_pb2 import BackMsg

    asked = BackMsg()
    asked.rerun_script.query_string = ""
    return asked.SerializeToString()


def head(tab: str, token: str, *lines: str, method: str = "PUT", file: str | None = None) -> bytes:
    address = f"/_stcore/upload_file/{tab}/{file or uuid.uuid4()}"
    given = [
        f"{method} {address} HTTP/1.1",
        "Host: HOST",
        f"Cookie: {COOKIE}={token}; _streamlit_xsrf={XSRF}",
        f"X-Xsrftoken: {XSRF}",
        "Content-Type: multipart/form-data; boundary=b",
        *lines,
    ]
    return "\r\n".join([*given, "", ""]).encode()


START, END = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\n', b"\r\n--b--\r\n"
PIECE = b"x" * (1 << 20)


def send(port: int, tab: str, token: str, length: int, *, file: str | None = None) -> int:
    """Upload a file as a browser does; return the status."""
    size = len(START) + length + len(END)
    request = head(tab, token, f"Content-Length: {size}", file=file).replace(b"HOST", f"127.0.0.1:{port}".encode())
    with closing(sockets.create_connection(("127.0.0.1", port), timeout=60)) as client:
        with suppress(ConnectionError):
            client.sendall(request + START)
            for sent in range(0, length, len(PIECE)):
                client.sendall(PIECE[: length - sent])
            client.sendall(END)
        answer = receive(client)
    assert answer is not None
    return answer.status


def announce(port: int, tab: str, token: str, *lines: str) -> tuple[int, str]:
    """Say what will come, and send none of it; return status and sentence."""
    answer = ask_once(port, head(tab, token, *lines))
    assert answer is not None
    return answer.status, answer.rest.decode()


def test_reviewers_may_upload_and_annotators_may_not_unless_they_can_record(port: int, path: Path) -> None:
    for name, expected in (("수아", 204), ("하준", 204), ("지민", 403)):
        token = session_of(path, name)
        with socket(port, cookie(token)) as client:
            tab = tab_of(client)
            assert send(port, tab, token, SMALL) == expected, name
    with project.opened(path) as db:
        settings.change(db, speech_model="/somewhere/whisper")
    try:
        token = session_of(path, "지민")
        with socket(port, cookie(token)) as client:
            assert send(port, tab_of(client), token, SMALL) == 204
    finally:
        with project.opened(path) as db:
            settings.change(db, speech_model="")


def test_the_refusal_is_a_sentence_in_the_persons_language(port: int, path: Path) -> None:
    token = session_of(path, "지민")
    with socket(port, cookie(token)) as client:
        tab = tab_of(client)
        status, sentence = announce(port, tab, token, "Content-Length: 100")
        assert (status, "지금 역할로는" in sentence) == (403, True)
        spoken = f"{token}; maeumgyeol_language=en"
        assert "Your role" in announce(port, tab, spoken, "Content-Length: 100")[1]


def test_nothing_is_uploaded_into_another_persons_tab_or_one_that_is_not_there(port: int, path: Path) -> None:
    own, other = session_of(path, "하준"), session_of(path, "서연")
    with socket(port, cookie(other)) as client:
        tab = tab_of(client)
        for method in ("PUT", "DELETE"):
            for target in (tab, str(uuid.uuid4()), "..", "x" * 65):
                request = head(target, own, "Content-Length: 0", method=method)
                answer = ask_once(port, request)
                assert answer is not None
                assert answer.status in (400, 404), (method, target)
        assert send(port, tab, other, SMALL) == 204


@pytest.mark.parametrize("more", [[], ["Expect: 100-continue"]])
def test_a_file_that_is_too_large_is_refused_before_it_is_read(port: int, path: Path, more: list[str]) -> None:
    token = session_of(path, "하준")
    with socket(port, cookie(token)) as client:
        tab = tab_of(client)
        began = time.monotonic()
        for length in (300 << 20, 10 << 40):
            status, sentence = announce(port, tab, token, f"Content-Length: {length}", *more)
            assert (status, "200 MB" in sentence) == (413, True)
        assert time.monotonic() - began < 30


def test_a_file_of_unknown_size_is_not_taken(port: int, path: Path) -> None:
    token = session_of(path, "하준")
    with socket(port, cookie(token)) as client:
        assert announce(port, tab_of(client), token, "Transfer-Encoding: chunked")[0] == 411


def test_a_person_keeps_so_much_and_no_more_until_a_file_or_the_tab_is_gone(port: int, path: Path) -> None:
    token, other = session_of(path, "하준"), session_of(path, "서연")
    with socket(port, cookie(token)) as client:
        tab, files = tab_of(client), [str(uuid.uuid4()) for _ in range(2)]
        for file in files:
            assert send(port, tab, token, LARGE, file=file) == 204
        assert announce(port, tab, token, f"Content-Length: {LARGE}")[0] == 429
        with socket(port, cookie(token)) as second:
            assert announce(port, tab_of(second), token, f"Content-Length: {LARGE}")[0] == 429, "in another tab, too"
        with socket(port, cookie(other)) as theirs:
            assert send(port, tab_of(theirs), other, SMALL) == 204
        headers = {**cookie(token), "X-Xsrftoken": XSRF}
        headers["Cookie"] += f"; _streamlit_xsrf={XSRF}"
        assert ask(port, "DELETE", f"/_stcore/upload_file/{tab}/{files[0]}", headers)[0] == 204
        assert send(port, tab, token, LARGE) == 204
    with socket(port, cookie(token)) as again:
        assert send(port, tab_of(again), token, LARGE) == 204, "the first tab is closed"


def test_a_person_keeps_so_many_files_and_no_more(port: int, path: Path) -> None:
    token = session_of(path, "서연")
    with socket(port, cookie(token)) as client:
        tab = tab_of(client)
        statuses = [send(port, tab, token, SMALL) for _ in range(PER_PERSON.files + 3)]
        assert statuses == [204] * PER_PERSON.files + [429] * 3
        assert run_page(client)


def test_what_is_on_its_way_counts_already(port: int, path: Path) -> None:
    token = session_of(path, "수아")
    with socket(port, cookie(token)) as client:
        tab = tab_of(client)
        coming = []
        for _ in range(2):
            slow = sockets.create_connection(("127.0.0.1", port), timeout=10)
            slow.sendall(head(tab, token, f"Content-Length: {LARGE}").replace(b"HOST", f"127.0.0.1:{port}".encode()))
            slow.sendall(START + PIECE)
            coming.append(slow)
        time.sleep(1.0)
        assert announce(port, tab, token, f"Content-Length: {LARGE}")[0] == 429
        for slow in coming:
            slow.close()
        time.sleep(1.0)
        assert send(port, tab, token, SMALL) == 204

"""The gate on a real server: each address cold, and bare websockets, with nothing but what a client may bring."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from annotator import project
from annotator.accounts import accounts, sessions
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from db import clock
from pages.widgets.session import BROWSER_COOKIE, COOKIE
from tests.browser.conftest import free_port
from tests.conftest import ROOT
from web.gate.widget_json import is_strict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

PASSWORD = "correct horse 1"
DIARY = "아무도 모르는 비밀을 적어 둔 일기"
HTML = {"Accept": "text/html"}


@contextmanager
def serving(
    path: Path, *, port: int = 0, program: str = "", errors: IO[bytes] | None = None, **environment: str
) -> Iterator[int]:
    """Serve a project for the length of a block.

    Args:
        program: Python code that serves at the port that it is given, in place of the app as it is.
        errors: file for what the server has to say.
    """
    port = port or free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MAEUMGYEOL_DB": str(path), **environment}
    command = [sys.executable, "-m", "web.server", "--port", str(port)]
    if program:
        command = [sys.executable, "-c", program, str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=errors) as server:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    ask(port, "GET", "/_stcore/health")
                    break
                except OSError:
                    time.sleep(0.1)  # nothing to wait on before the port is open
            yield port
        finally:
            server.terminate()
            server.wait(20)


def ask(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of one request that follows no redirect."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.request(method, path, body, headers or {})
        answer = client.getresponse()
        response_headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, response_headers, answer.read().decode("utf-8", "replace")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gate") / "gate.db"
    project.init(path)
    with project.opened(path) as db:
        import_file(db, f"text\n{DIARY}\n".encode(), "a.csv", after=enqueue_import)
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        accounts.add(db, None, "지민", "annotator", password=PASSWORD)
    return path


@pytest.fixture(scope="module")
def port(path: Path) -> Iterator[int]:
    with serving(path) as port:
        yield port


def session_of(path: Path, name: str) -> str:
    """Begin a session without the password, whose check is slow on purpose; the tests of the form give it."""
    with project.opened(path) as db:
        return sessions.begin(db, accounts.get_id(db, name), "192.0.2.1")


def cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token}"}


PAGES = [
    "/",
    "/label",
    "/overview",
    "/people",
    "/nope",
    "/login/",
    "/login/../overview",
    "/LOGIN",
    "/invite/a/b",
    "/authx",
]
PARTS = [
    ("GET", "/_stcore/host-config"),
    ("GET", "/_stcore/metrics"),
    ("GET", "/_stcore/script-health-check"),
    ("GET", "/_stcore/health/../host-config"),
    ("GET", "/_stcore/agent/state"),
    ("POST", "/_stcore/agent/interact"),
    ("PUT", "/_stcore/upload_file/session/file"),
    ("DELETE", "/_stcore/upload_file/session/file"),
    ("GET", "/_stcore/bidi-components/label_board/board.js"),
    ("GET", "/media/0123456789abcdef.csv"),
    ("GET", "/component/x/index.html"),
    ("GET", "/static/js/index.js"),
    ("GET", "/favicon.png"),
    ("POST", "/overview"),
    ("POST", "/password"),
    ("GET", "/auth/login?provider=x"),
    ("GET", "/auth/logout"),
    ("GET", "/oauth2callback?state=x"),
]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_a_page_opened_cold_leads_to_the_login_and_shows_nothing(port: int, address: str) -> None:
    status, headers, body = ask(port, "GET", address, HTML)
    assert status == 303
    assert headers["location"].startswith("/login?next=/")
    assert body == ""


@pytest.mark.parametrize(("method", "address"), PARTS)
@pytest.mark.parametrize("token", [None, "made-up", "ended"])
def test_nothing_else_is_served_without_a_session(
    port: int, path: Path, method: str, address: str, token: str | None
) -> None:
    if token == "ended":
        token = session_of(path, "지민")
        with project.opened(path) as db:
            sessions.logout(db, token)
    status, _, body = ask(port, method, address, cookie(token) if token else {})
    assert status == 401
    assert "로그인" in body


def test_what_a_session_asks_for_is_served(port: int, path: Path) -> None:
    status, _, body = ask(port, "GET", "/overview", {**HTML, **cookie(session_of(path, "지민"))})
    assert (status, "<html" in body) == (200, True)
    assert ask(port, "GET", "/_stcore/host-config", cookie(session_of(path, "지민")))[0] == 200


@pytest.mark.parametrize("address", ["/login", "/logout", "/_stcore/health"])
def test_what_everybody_needs_is_open(port: int, address: str) -> None:
    assert ask(port, "GET", address, HTML)[0] == 200


def test_the_pages_of_the_gate_run_no_script_and_stand_in_no_frame(port: int) -> None:
    _, headers, body = ask(port, "GET", "/login", HTML)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert "<script" not in body


def test_a_login_ends_the_session_that_the_browser_had_and_knows_it_again(port: int, path: Path) -> None:
    before = session_of(path, "지민")
    assert ask(port, "GET", "/_stcore/host-config", cookie(before))[0] == 200
    status, _, _ = sign_in(port, "수아", PASSWORD, **cookie(before))
    assert status == 303
    assert ask(port, "GET", "/_stcore/host-config", cookie(before))[0] == 401
    planted = {"Cookie": f"{COOKIE}=planted; {BROWSER_COOKIE}=too-short"}
    _, headers, _ = sign_in(port, "수아", PASSWORD, **planted)
    assert "planted" not in str(headers)
    assert "too-short" not in str(headers)


def test_a_closed_account_is_told_what_a_wrong_password_is(port: int, path: Path) -> None:
    with project.opened(path) as db:
        accounts.set_disabled(
            db, None, accounts.add(db, None, "닫힌 사람", "annotator", password=PASSWORD), disabled=True
        )
    told = [sign_in(port, name, PASSWORD) for name in ("닫힌 사람", "없는 사람")]
    told.append(sign_in(port, "지민", "wrong password"))
    assert len({(status, body) for status, _, body in told}) == 1
    assert told[0][0] == 401


def sign_in(
    port: int, name: str, password: str, address: str = "/login", **headers: str
) -> tuple[int, dict[str, str], str]:
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return ask(port, "POST", address, form, urlencode({"name": name, "password": password}))


def test_signing_in_gives_a_cookie_that_no_script_reads_and_leads_on(port: int) -> None:
    status, headers, _ = sign_in(port, "지민", PASSWORD, "/login?next=/overview?x=1")
    assert (status, headers["location"]) == (303, "/overview?x=1")
    given = headers["set-cookie"].lower()
    assert "httponly" in given
    assert "samesite=lax" in given
    assert "secure" not in given


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x", "/\nx"]
)
def test_the_login_leads_to_no_other_site(port: int, elsewhere: str) -> None:
    _, headers, _ = sign_in(port, "지민", PASSWORD, f"/login?{urlencode({'next': elsewhere})}")
    assert headers["location"] == "/"


@pytest.mark.parametrize(
    "foreign", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_that_another_site_sends_is_not_taken(port: int, path: Path, foreign: dict[str, str]) -> None:
    status, headers, _ = sign_in(port, "지민", PASSWORD, **foreign)
    assert (status, "set-cookie" in headers) == (403, False)
    token = session_of(path, "지민")
    assert ask(port, "POST", "/logout", {**cookie(token), **foreign})[0] == 403
    assert ask(port, "GET", "/logout", {**HTML, **cookie(token)})[0] == 200
    assert ask(port, "GET", "/overview", {**HTML, **cookie(token)})[0] == 200


MARK = "zqMARKqz"


@pytest.mark.parametrize(
    "address",
    [
        f"/login?next=%2F%EB%A7%88{MARK}",
        f"/login?next={MARK}",
        f"/login?{MARK}=1&lang={MARK}",
        f"/invite/{MARK}",
        f"/logout?{MARK}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_pages_of_the_gate_repeat_nothing_of_a_request(port: int, method: str, address: str) -> None:
    headers = {**HTML, "X-Mark": MARK, "User-Agent": MARK, "Cookie": f"{MARK}={MARK}", "Referer": f"http://x/{MARK}"}
    headers |= {"Accept-Language": MARK, "Content-Type": f"text/{MARK}"}
    fields = {MARK: MARK, "name": f'"><img src=x>{MARK}', "password": MARK, "again": f"{MARK}x"}
    _, headers, body = ask(port, method, address, headers, urlencode(fields) if method == "POST" else None)
    assert MARK not in body
    assert MARK not in str(headers)
    assert "<img" not in body


def test_a_form_without_end_is_cut_off(port: int) -> None:
    assert sign_in(port, "x" * 20_000, "x")[0] == 400
    assert sign_in(port, "가" * 100_000, "x")[0] == 413


def test_signing_out_holds_for_everything_at_once(port: int, path: Path) -> None:
    token = session_of(path, "지민")
    assert ask(port, "GET", "/_stcore/host-config", cookie(token))[0] == 200
    status, headers, _ = ask(port, "POST", "/logout", {**cookie(token), "Sec-Fetch-Site": "same-origin"})
    assert (status, headers["location"]) == (303, "/login?out")
    assert ask(port, "GET", "/_stcore/host-config", cookie(token))[0] == 401


def socket(port: int, headers: dict[str, str] | None = None) -> ClientConnection:
    """Open a websocket as a page of the app does; what origin it may come from is in test_door."""
    return connect(
        f"ws://127.0.0.1:{port}/_stcore/stream",
        additional_headers=headers or {},
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
        open_timeout=30,
    )


@pytest.mark.parametrize("headers", [{}, cookie("made-up"), {"Authorization": "Bearer x"}, {"Cookie": "x=y"}])
def test_a_bare_websocket_without_a_session_is_turned_away_before_it_opens(port: int, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as told, socket(port, headers):
        pass
    assert told.value.response.status_code == 403


def run(client: ClientConnection) -> bytes:
    """Ask for a run of the whole page and return everything that comes of it."""
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    client.send(asked.SerializeToString())
    return until_finished(client)


def until_finished(client: ClientConnection) -> bytes:
    came = b""
    while True:
        piece = client.recv(30)
        assert isinstance(piece, bytes)
        message = ForwardMsg()
        message.ParseFromString(piece)
        if message.WhichOneof("type") == "new_session":
            continue  # names the pages of the run before
        came += piece
        if message.WhichOneof("type") == "script_finished":
            return came


def test_who_is_closed_in_the_middle_sees_the_sentence_and_nothing_else(port: int, path: Path) -> None:
    with project.opened(path) as db:
        member = accounts.add(db, None, "닫힐 사람", "reviewer", password=PASSWORD)
    with socket(port, cookie(session_of(path, "닫힐 사람"))) as client:
        assert "닫힐 사람".encode() in run(client)
        with project.opened(path) as db:
            accounts.set_disabled(db, None, member, disabled=True)
        after = run(client)
        assert "지금은 쓸 수 없는 계정이에요".encode() in after
        assert "닫힐 사람".encode() not in after
        assert "지금은 쓸 수 없는 계정이에요".encode() in run(client)


def test_a_fragment_of_who_was_signed_out_draws_the_sentence_instead(port: int, path: Path) -> None:
    token = session_of(path, "지민")
    with socket(port, cookie(token)) as client:
        run(client)
        with project.opened(path) as db:
            sessions.logout(db, token)
        pressed = BackMsg()
        pressed.rerun_script.fragment_id = "whatever-was-there"
        pressed.rerun_script.widget_states.widgets.add(id="some-button", trigger_value=True)
        client.send(pressed.SerializeToString())
        assert "다시 로그인해 주세요".encode() in until_finished(client)


@pytest.mark.parametrize("field", ["json_value", "json_trigger_value"])
def test_a_board_that_says_two_things_by_one_name_is_not_heard(field: str) -> None:
    def said(text: str) -> bool:
        message = BackMsg()
        message.rerun_script.widget_states.widgets.add(id="board", **{field: text})
        return is_strict(message)

    assert said('{"event": {"kind": "undo", "label": 1}}')
    assert not said('{"event": {"kind": "undo", "kind": "label"}}')
    assert not said('{"event": {"kind": "undo", "at": NaN}}')
    assert not said('{"event": ' + "[" * 100_000)


def test_a_page_that_renews_itself_does_not_keep_a_session_alive_but_a_person_does(port: int, path: Path) -> None:
    token = session_of(path, "지민")
    with project.opened(path) as db:
        member = accounts.get_id(db, "지민")
        put_back = "update sessions set last_seen_at = ? where annotator_id = ?"
        long_ago = clock.now(plus_seconds=-3600)
        db.conn.execute(put_back, [long_ago, member])
        db.conn.commit()

        def last_seen() -> str | None:
            people = accounts.list_people(db)
            return next(account.last_seen_at for account in people if account.annotator_id == member)

        with socket(port, cookie(token)) as client:
            renewed = BackMsg()
            renewed.rerun_script.is_auto_rerun = True
            client.send(renewed.SerializeToString())
            until_finished(client)
            assert last_seen() == long_ago
            run(client)
            assert clock.seconds_since(last_seen() or long_ago) < 60


def test_a_role_that_changes_in_the_middle_changes_the_page_at_the_next_press(port: int, path: Path) -> None:
    with project.opened(path) as db:
        member = accounts.add(db, None, "역할이 바뀔 사람", "reviewer", password=PASSWORD)
    with socket(port, cookie(session_of(path, "역할이 바뀔 사람"))) as client:
        assert b"pages/overview" in run(client) or "현황".encode() in run(client)
        with project.opened(path) as db:
            accounts.set_role(db, None, member, "annotator")
        after = run(client)
        assert "현황".encode() not in after
        assert "라벨링".encode() in after


def test_without_accounts_only_this_machine_is_let_in(tmp_path: Path) -> None:
    path = tmp_path / "solo.db"
    project.init(path)
    with serving(path) as port:
        assert ask(port, "GET", "/", HTML)[0] == 200
        with socket(port) as client:
            assert "지금 읽는 사람".encode() in run(client)
        for headers in ({"Host": "evil.example"}, {"X-Forwarded-For": "192.0.2.1"}, {"Host": ""}):
            assert ask(port, "GET", "/", {**HTML, **headers})[0] == 403
            with pytest.raises(InvalidStatus), socket(port, headers):
                pass
        form = {"name": "나", "password": PASSWORD, "again": PASSWORD}
        for foreign in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            assert ask(port, "POST", "/first", foreign, urlencode(form))[0] == 403
        status, _, body = ask(port, "POST", "/first", {}, urlencode({**form, "again": "another horse 2"}))
        assert (status, "서로 달라요" in body) == (400, True)
        status, headers, _ = ask(port, "POST", "/first", {}, urlencode(form))
        assert (status, headers["location"]) == (303, "/people")
        with project.opened(path) as db:
            assert [person.role for person in accounts.list_people(db)] == ["administrator"]
        assert ask(port, "POST", "/first", {}, urlencode({**form, "name": "너"}))[0] == 401
        status, headers, _ = ask(port, "GET", "/", HTML)
        assert (status, urlsplit(headers["location"]).path) == (303, "/login")

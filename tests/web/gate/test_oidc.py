"""The login of an organisation, all the way round: a small OpenID Connect provider on this machine stands for it."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from http.cookiejar import Cookie, CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from annotator import project
from annotator.accounts import accounts, sessions
from annotator.errors import UserError
from pages.widgets.session import COOKIE
from tests.listening import listening
from tests.web.gate.test_middleware import free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})

SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a secret of this test alone"
client_id = "maeumgyeol"
client_secret = "hush"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
"""


class Provider(ThreadingHTTPServer):
    """Lets everybody in as `claims` says, without asking."""

    claims: dict[str, Any]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.claims = {}
        self.nonces: dict[str, str] = {}
        self.issuer = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts, issuer = urlsplit(self.path), self.server.issuer
        if parts.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            code = str(len(self.server.nonces))
            self.server.nonces[code] = asked.get("nonce", "")
            self.send_response(302)
            self.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            self.end_headers()
        elif parts.path == "/keys":
            self._json({"keys": [KEY.as_dict(private=False)]})
        else:
            self._json(
                {
                    "issuer": issuer,
                    "authorization_endpoint": f"{issuer}/authorize",
                    "token_endpoint": f"{issuer}/token",
                    "jwks_uri": f"{issuer}/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")) == b"maeumgyeol:hush"
        claims = {
            "iss": self.server.issuer,
            "aud": "maeumgyeol",
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
        }
        claims |= {"nonce": self.server.nonces[body["code"][0]], **self.server.claims}
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)
        self._json({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token})

    def _json(self, value: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())


@contextmanager
def providing() -> Iterator[Provider]:
    provider = Provider()
    with listening(provider):
        yield provider


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("organisation") / "organisation.db"
    project.init(path)
    with project.opened(path) as db:
        accounts.add(db, None, "수아", "administrator", password="correct horse 1")
        accounts.add(db, None, "지민", "reviewer", email="jimin@example.org")
    return path


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
def address(path: Path, provider: Provider) -> Iterator[str]:
    port = free_port()
    secrets = path.parent / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir()
    secrets.write_text(SECRETS.format(port=port, issuer=provider.issuer))
    with serving(path, port=port, HOME=str(path.parent)):
        yield f"http://127.0.0.1:{port}"


def _cookie(session: str) -> Cookie:
    at = {"domain": "127.0.0.1", "domain_specified": False, "domain_initial_dot": False, "path": "/"}
    rest = {"path_specified": True, "secure": False, "expires": None, "discard": True, "comment": None}
    return Cookie(0, COOKIE, session, port=None, port_specified=False, comment_url=None, rest={}, **at, **rest)  # type: ignore[arg-type]


def come_in(address: str, *, session: str | None = None) -> tuple[int, str, CookieJar]:
    """Go the way that a browser goes from the login page on; return the last status, page and the cookies."""
    jar = CookieJar()
    opener = build_opener(HTTPCookieProcessor(jar))
    opener.addheaders = [("Accept", "text/html")]
    if session:
        jar.set_cookie(_cookie(session))
    login = opener.open(f"{address}/login", timeout=30).read().decode()
    link = login.split('href="/auth/login?')[1].split('"')[0].replace("&amp;", "&")
    try:
        with opener.open(Request(f"{address}/auth/login?{link}"), timeout=30) as answer:
            return answer.status, answer.read().decode(), jar
    except HTTPError as error:
        return error.code, error.read().decode(), jar


def test_a_verified_address_with_an_account_comes_in_with_a_session_of_the_apps_own(
    address: str, provider: Provider
) -> None:
    provider.claims = {"sub": "17", "email": "Jimin@example.org", "email_verified": True}
    status, page, jar = come_in(address)
    assert (status, "<html" in page) == (200, True)
    names = {cookie.name for cookie in jar}
    assert COOKIE in names
    assert not {name for name in names if name.startswith("_streamlit_user")}


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"sub": "18", "email": "stranger@example.org", "email_verified": True}, "아직 초대받지 않은 주소예요"),
        ({"sub": "19", "email": "jimin@example.org", "email_verified": False}, "아직 확인하지 않았어요"),
        ({"sub": "20", "email": "jimin@example.org"}, "아직 확인하지 않았어요"),
    ],
)
def test_whom_nobody_has_let_in_is_told_why(
    address: str, provider: Provider, claims: dict[str, Any], sentence: str
) -> None:
    provider.claims = claims
    status, page, jar = come_in(address)
    assert (status, sentence in page) == (403, True)
    assert COOKIE not in {cookie.name for cookie in jar}


def test_a_closed_account_stays_closed_for_the_organisation_too(address: str, provider: Provider, path: Path) -> None:
    with project.opened(path) as db:
        member = accounts.add(db, None, "하준", "annotator", email="hajun@example.org")
        accounts.set_disabled(db, None, member, disabled=True)
    provider.claims = {"sub": "21", "email": "hajun@example.org", "email_verified": True}
    status, page, _ = come_in(address)
    assert (status, "지금은 쓸 수 없는 계정이에요" in page) == (403, True)


def test_who_comes_from_the_organisation_ends_the_session_that_the_browser_had(
    address: str, provider: Provider, path: Path
) -> None:
    with project.opened(path) as db:
        before = sessions.login(db, "수아", "correct horse 1", address="192.0.2.1")
        accounts.add(db, None, "예린", "annotator", email="yerin@example.org")
    provider.claims = {"sub": "22", "email": "yerin@example.org", "email_verified": True}
    status, _, jar = come_in(address, session=before)
    assert status == 200
    now = next(cookie.value for cookie in jar if cookie.name == COOKIE)
    with project.opened(path) as db:
        assert sessions.get_person(db, now).name == "예린"
        with pytest.raises(UserError, match="signed_out"):
            sessions.get_person(db, before)

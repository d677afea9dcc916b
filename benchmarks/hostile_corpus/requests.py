"""Hostile requests: each as the bytes that go over the wire, with the statuses that may come back."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "zqmarkzq"
"""Stands in requests where an answer must not repeat it."""

DIARY = "아무도 모르는 비밀을 적어 둔 일기"
"""Stands in the diaries of the attacked project: an answer must not contain it unless the caller may read it."""

SCOPES = ("classify", "read", "write", "metrics")


@dataclass(frozen=True, slots=True)
class Keys:
    """What an attacker may have: cookies by the name of their holder, tokens by scope, and some no longer valid.

    Attributes:
        cookies: of the three roles, and ``ended`` and ``closed``.
        tokens: of each scope, and ``revoked`` and ``expired``.
    """

    cookies: dict[str, str]
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class HostileRequest:
    """One request.

    Attributes:
        raw: the bytes sent; ``HOST`` stands for the address of the server.
        allowed: statuses that may come back; 0 for a connection that is closed without an answer.
        server: ``app``, ``api``, or ``both``.
    """

    kind: str
    name: str
    raw: bytes
    allowed: frozenset[int]
    server: str = "app"


TURNED_AWAY = frozenset({303, 307, 400, 401, 403, 404, 405, 411, 413, 431, 0})
_UNUSABLE = frozenset({400, 404, 405, 413, 422, 0})


def raw(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return an ordinary request's bytes."""
    fields = {"Host": "HOST", "Connection": "close", **(headers or {})}
    if body and not {"Content-Length", "Transfer-Encoding"} & fields.keys():
        fields["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def cookie(token: str) -> dict[str, str]:
    """Return the header that carries a session."""
    return {"Cookie": f"maeumgyeol_session={token}"}


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def hostile_requests(keys: Keys) -> Iterator[HostileRequest]:
    """Return every request that an HTTP client could send; `wire` has those that none would."""
    yield from chain(_without_session(keys), _from_elsewhere(keys), _with_tokens(keys), _bodies(keys), _ids(keys))
    yield from _uploads(keys)


_ADDRESSES = (
    *(("GET", path) for path in ("/", "/label", "/overview", "/people", "/settings", "/import", "/review", "/care")),
    *(
        ("GET", path)
        for path in ("/nope", "/login/", "/login/..", "/login/../people", "/LOGIN", "/login%2f..%2fpeople")
    ),
    *(("GET", path) for path in ("//people", "/./people", "/people;x", "/invite/a/b", "/invite/..%2f..", "/authx")),
    *(("GET", path) for path in ("/_stcore/host-config", "/_stcore/metrics", "/_stcore/health/../host-config")),
    *(("GET", path) for path in ("/_stcore/script-health-check", "/_stcore/stream", "/_stcore/agent/state")),
    *(
        ("GET", path)
        for path in ("/media/0123456789abcdef.csv", "/media/../streamlit_app.py", "/component/x/index.html")
    ),
    *(
        ("GET", path)
        for path in ("/static/js/index.js", "/static/../../../../etc/passwd", "/favicon.png", "/.git/config")
    ),
    *(("GET", path) for path in ("/_stcore/bidi-components/label_board/board.js", "/app/static/x", "/..%5c..%5cx")),
    *(("GET", path) for path in ("/auth/login?provider=x", "/auth/logout", "/oauth2callback?state=x", "/%00", "/\\x")),
    *((method, "/_stcore/upload_file/session/file") for method in ("PUT", "DELETE", "POST", "OPTIONS")),
    *((method, "/overview") for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "HEAD")),
    *((method, "/password") for method in ("GET", "POST", "PUT")),
    ("POST", "/_stcore/agent/interact"),
)


def _pretenders(keys: Keys) -> dict[str, dict[str, str]]:
    """Return headers that look like those of somebody who is signed in."""
    good = keys.cookies["administrator"]
    turned = good[:-1] + ("A" if good[-1] != "A" else "B")
    return {
        "nothing": {},
        "made up": cookie("made-up"),
        "one character turned": cookie(turned),
        "cut": cookie(good[:-1]),
        "longer": cookie(good + "A"),
        "other case": cookie(good.swapcase()),
        "signed out": cookie(keys.cookies["ended"]),
        "closed account": cookie(keys.cookies["closed"]),
        "cookie by another name": {"Cookie": f"session={good}"},
        "as bearer": bearer(good),
        "service token as cookie": cookie(keys.tokens["write"]),
        "service token": bearer(keys.tokens["write"]),
        "from this machine": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
        "asked for by name": {"X-Remote-User": "수아", "Remote-User": "administrator"},
        "cookie of 8 kB": cookie("A" * 8000),
        "injection": cookie("' or 1=1 --"),
    }


def _without_session(keys: Keys) -> Iterator[HostileRequest]:
    for who, headers in _pretenders(keys).items():
        for method, path in _ADDRESSES:
            for accept in ("text/html", "*/*"):
                sent = raw(method, path, {"Accept": accept, **headers})
                yield HostileRequest("no session", f"{who}: {method} {path}", sent, TURNED_AWAY)


_FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://HOST.evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "https://HOST"},
    {"Origin": "http://HOST/", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:9"},
)

ELSEWHERE = ("//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x", "/%09/evil.example", "/\t/x")


def _from_elsewhere(keys: Keys) -> Iterator[HostileRequest]:
    refused = frozenset({400, 403})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = "name=수아&password=correct+horse+1".encode()
    for number, foreign in enumerate(_FOREIGN):
        for path in ("/login", "/logout", "/password"):
            sent = raw("POST", path, {**form, **cookie(keys.cookies["annotator"]), **foreign}, body)
            yield HostileRequest("other origin", f"{number}: POST {path}", sent, refused)
        put = raw("PUT", "/_stcore/upload_file/a/b", {**cookie(keys.cookies["reviewer"]), **foreign}, b"x")
        yield HostileRequest("other origin", f"{number}: PUT upload", put, frozenset({400, 403, 404}))
    for path in ELSEWHERE:
        encoded = path.replace("\\", "%5C").replace("\t", "%09")
        sent = raw("POST", f"/login?next={encoded}", form, b"name=x&password=y")
        yield HostileRequest("other origin", f"login leads to {path!r}", sent, frozenset({400, 401, 403, 429}))


_ENDPOINTS: tuple[tuple[str, str, Any, str], ...] = (
    ("POST", "/api/v1/diaries", {"text": "x"}, "write"),
    ("POST", "/api/v1/diaries/batch", {"diaries": [{"text": "x"}]}, "write"),
    ("POST", "/api/v1/classifications", {"texts": ["x"]}, "classify"),
    ("GET", "/api/v1/diaries/1", None, "read"),
    ("GET", "/api/v1/diaries/1/explanation", None, "read"),
    ("PUT", "/api/v1/diaries/1/label", {"label": "행복"}, "write"),
    ("GET", "/api/v1/labels", None, "read"),
    ("GET", "/api/v1/model", None, "read"),
    ("GET", "/api/v1/metrics", None, "metrics"),
    ("GET", "/api/label-studio/", None, "classify"),
    ("GET", "/api/label-studio/health", None, "classify"),
    ("GET", "/api/label-studio/versions", None, "classify"),
    ("POST", "/api/label-studio/setup", {"schema": "<View/>"}, "classify"),
    ("POST", "/api/label-studio/predict", {"tasks": [], "label_config": "<View/>"}, "classify"),
    ("POST", "/api/label-studio/webhook", {"action": "x"}, "write"),
    ("POST", "/api/label-studio/train", {}, "write"),
    ("POST", "/api/label-studio/job_status", {"job": "1"}, "classify"),
)
"""Method, address and body of each endpoint that requires a token, and the scope it requires."""


def _with_tokens(keys: Keys) -> Iterator[HostileRequest]:
    good = keys.tokens["read"]
    wrong = {
        "nothing": {},
        "empty": bearer(""),
        "made up": bearer("mg_" + "A" * 40),
        "turned": bearer(good[:-1] + ("A" if good[-1] != "A" else "B")),
        "twice": bearer(f"{good} {good}"),
        "revoked": bearer(keys.tokens["revoked"]),
        "expired": bearer(keys.tokens["expired"]),
        "session as token": bearer(keys.cookies["administrator"]),
        "session as cookie": cookie(keys.cookies["administrator"]),
        "basic": {"Authorization": "Basic " + base64.b64encode(b"administrator:x").decode()},
        "basic broken": {"Authorization": "Basic ####"},
        "other scheme": {"Authorization": f"Token {good}"},
        "in address": {"X-Token": good},
    }
    for method, path, body, scope in _ENDPOINTS:
        content = b"" if body is None else json.dumps(body).encode()
        for who, headers in wrong.items():
            yield HostileRequest(
                "token", f"{who}: {method} {path}", _json(method, path, headers, content), frozenset({401}), "both"
            )
        for other in SCOPES:
            if other != scope:
                sent = _json(method, path, bearer(keys.tokens[other]), content)
                yield HostileRequest("scope", f"{other}: {method} {path}", sent, frozenset({403}), "both")


def _json(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    return raw(method, path, {"Content-Type": "application/json", **headers}, body)


_BODIES: tuple[tuple[str, bytes], ...] = (
    ("unknown field", json.dumps({"text": "x", MARK: 1}).encode()),
    ("unknown field in metadata", json.dumps({"text": "x", "metadata": {"a": {MARK: 1}}}).encode()),
    ("wrong type", json.dumps({"text": [MARK]}).encode()),
    ("wrong date", json.dumps({"text": "x", "written_on": MARK}).encode()),
    ("duplicate key", b'{"text": "x", "text": "' + MARK.encode() + b'"}'),
    ("duplicate key inside", b'{"text": "x", "metadata": {"a": "1", "a": "' + MARK.encode() + b'"}}'),
    ("duplicate key by escape", b'{"text": "x", "te\\u0078t": "' + MARK.encode() + b'"}'),
    ("not a number", b'{"text": "x", "metadata": {"a": NaN}}'),
    ("infinity", b'{"text": Infinity}'),
    ("integer of 4,301 digits", b'{"text": ' + b"9" * 4301 + b"}"),
    ("lists 100,000 deep", b"[" * 100_000 + b"]" * 100_000),
    ("objects 100,000 deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ("lone surrogate", b'{"text": "\\ud800"}'),
    ("nul", b'{"text": "a\\u0000b"}'),
    ("not utf-8", b'{"text": "\xff\xfe"}'),
    ("utf-16", json.dumps({"text": "x", MARK: 1}).encode("utf-16")),
    ("byte order mark", b'\xef\xbb\xbf{"text": "x", "zq": 1}'),
    ("not json", f"<{MARK}>".encode()),
    ("empty", b" "),
    ("null", b"null"),
    ("text of 20,001 characters", json.dumps({"text": MARK + "x" * 20_000}).encode()),
    ("metadata of 21 entries", json.dumps({"text": "x", "metadata": {f"{MARK}{i}": "x" for i in range(21)}}).encode()),
    ("key of 101 characters", json.dumps({"text": "x", "metadata": {MARK * 20: "x"}}).encode()),
    ("prototype", json.dumps({"text": "x", "__proto__": {"admin": True}}).encode()),
)


def _bodies(keys: Keys) -> Iterator[HostileRequest]:
    headers = bearer(keys.tokens["write"])
    for name, body in _BODIES:
        yield HostileRequest("body", name, _json("POST", "/api/v1/diaries", headers, body), _UNUSABLE, "both")
        yield HostileRequest(
            "body", f"{name}, label", _json("PUT", "/api/v1/diaries/1/label", headers, body), _UNUSABLE, "both"
        )
    for name in (MARK, "../x", "<b>", "행복\0", "x" * 300):
        body = json.dumps({"label": name}).encode()
        sent = _json("PUT", "/api/v1/diaries/1/label", headers, body)
        yield HostileRequest("body", f"label {name[:10]!a}", sent, frozenset({422}), "both")
    odd_key = {**headers, "Idempotency-Key": MARK * 50}
    sent = _json("POST", "/api/v1/diaries", odd_key, b'{"text": "x"}')
    yield HostileRequest("body", "idempotency key of 400 characters", sent, _UNUSABLE, "both")


_IDS = (
    *("0", "-1", "+1", "1_0", "1.0", "1e3", "0x1", "%20%31", "1%00", "１", "%EF%BC%91", "۱", "²", "٣", "true", "null"),
    *(
        "9223372036854775808",
        "9" * 400,
        "..",
        "%2e%2e",
        "..%2flabels",
        "1;x",
        "1'--",
        "1%20or%201=1",
        "%s",
        "{id}",
        MARK,
    ),
)


def _ids(keys: Keys) -> Iterator[HostileRequest]:
    refused = frozenset({307, 400, 404, 405, 414, 422, 0})
    for each in _IDS:
        for end in ("", "/explanation"):
            sent = raw("GET", f"/api/v1/diaries/{each}{end}", bearer(keys.tokens["read"]))
            yield HostileRequest("id", f"{each[:20]!a}{end}", sent, refused, "both")
        body = json.dumps({"label": "행복"}).encode()
        put = _json("PUT", f"/api/v1/diaries/{each}/label", bearer(keys.tokens["write"]), body)
        yield HostileRequest("id", f"{each[:20]!a}/label", put, refused, "both")


def _uploads(keys: Keys) -> Iterator[HostileRequest]:
    path = "/_stcore/upload_file/00000000-0000-0000-0000-000000000000/11111111-1111-1111-1111-111111111111"
    for role in ("annotator", "reviewer", "administrator"):
        headers = cookie(keys.cookies[role])
        refused = frozenset({400, 403, 404, 411, 413, 415, 422, 429, 0})
        yield HostileRequest("upload", f"{role} to a tab of nobody", raw("PUT", path, headers, b"x"), refused)
        oversized = {**headers, "Content-Length": str(10**12)}
        yield HostileRequest("upload", f"{role} announces a terabyte", raw("PUT", path, oversized), refused)
        climbing = raw("PUT", "/_stcore/upload_file/../../x", headers, b"x")
        yield HostileRequest("upload", f"{role} climbs", climbing, refused | {303, 405})

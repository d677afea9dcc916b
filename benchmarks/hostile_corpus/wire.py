"""Hostile bytes on the wire: announced lengths, chunks, lines and headers that no HTTP client would send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.hostile_corpus.requests import HostileRequest, Keys, bearer, raw

if TYPE_CHECKING:
    from collections.abc import Iterator

_BROKEN = frozenset({0, 303, 400, 401, 403, 404, 405, 411, 413, 414, 421, 431, 501, 505})


def hostile_bytes(keys: Keys) -> Iterator[HostileRequest]:
    """Return every request of this part of the corpus."""
    token = bearer(keys.tokens["write"])
    diaries = "/api/v1/diaries"
    large = raw("POST", diaries, {**token, "Content-Length": str(10**12), "Content-Type": "application/json"})
    yield HostileRequest("oversize", "a terabyte is announced", large, frozenset({413}), "both")
    without = raw("POST", diaries, {"Content-Length": str(10**12)})
    yield HostileRequest("oversize", "a terabyte is announced without a token", without, frozenset({401, 413}), "both")
    for name, length in (
        ("negative", "-1"),
        ("signed", "+5"),
        ("spaced", "5 5"),
        ("hex", "0x5"),
        ("words", "five"),
        ("wide", "５"),
    ):
        sent = raw("POST", diaries, {**token, "Content-Length": length}, b"hello")
        yield HostileRequest("wire", f"length {name}", sent, _BROKEN, "both")
    both = {**token, "Content-Length": "5", "Transfer-Encoding": "chunked"}
    yield HostileRequest(
        "wire",
        "length and chunks",
        raw("POST", diaries, both, b"0\r\n\r\nGET /people HTTP/1.1\r\n\r\n"),
        _BROKEN | {422},
        "both",
    )
    for coding in ("xchunked", "chunked, identity", "\x0bchunked", "gzip"):
        sent = raw("POST", diaries, {**token, "Transfer-Encoding": coding}, b"0\r\n\r\n")
        yield HostileRequest("wire", f"coding {coding!a}", sent, _BROKEN | {422}, "both")
    for name, chunk in (
        ("size of 40 digits", b"F" * 40 + b"\r\n"),
        ("size negative", b"-1\r\nx\r\n"),
        ("no size", b"\r\n\r\n"),
    ):
        sent = raw("POST", diaries, {**token, "Transfer-Encoding": "chunked"}, chunk)
        yield HostileRequest("wire", f"chunk {name}", sent, _BROKEN | {408, 422}, "both")
    for name, line in _LINES.items():
        yield HostileRequest("wire", name, line, _BROKEN, "both")
    for host in ("evil.example", "", "HOST@evil.example", "evil.example:80:80", "[::1", "HOST, evil.example"):
        yield HostileRequest(
            "wire", f"host {host!a}", raw("GET", "/people", {"Host": host, "Accept": "text/html"}), _BROKEN, "app"
        )


_LINES = {
    "no line": b"\r\n\r\n\r\n\r\n",
    "noise": bytes(range(256)) * 4,
    "version 0.9": b"GET /people\r\n\r\n",
    "version 3": b"GET /people HTTP/3.0\r\nHost: HOST\r\n\r\n",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "line of 100 kB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "header of 1 MB": b"GET /people HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n",
    "10,000 headers": b"GET /people HTTP/1.1\r\nHost: HOST\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
    "header without colon": b"GET /people HTTP/1.1\r\nHost: HOST\r\nnothing\r\n\r\n",
    "header with nul": b"GET /people HTTP/1.1\r\nHost: HOST\r\nX: a\0b\r\n\r\n",
    "header folded": b"GET /people HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n",
    "space before colon": b"GET /people HTTP/1.1\r\nHost : HOST\r\n\r\n",
    "two hosts": b"GET /people HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n",
    "absolute address": b"GET http://evil.example/people HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "connect": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    "bare line feeds": b"GET /people HTTP/1.1\nHost: HOST\n\n",
    "upgrade to http/2": b"GET /people HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
}

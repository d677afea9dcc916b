"""What may come to the door, as plain data: origins, hosts, and requests of ill will."""

from __future__ import annotations

REQUIRED_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""What every response has; `content-security-policy` with ``frame-ancestors 'none'`` besides."""


def foreign_origins(port: int) -> list[str | None]:
    """Return what ``Origin`` says on pages that are not at ``http://127.0.0.1:PORT``; None for no such header."""
    host = "127.0.0.1"
    return [
        None,
        "",
        "null",
        "*",
        f"http://{host}",
        f"http://{host}:{port + 1}",
        f"http://{host}:80",
        f"https://{host}:{port}",
        f"ws://{host}:{port}",
        f"ftp://{host}:{port}",
        f"http://localhost:{port}",
        f"http://[::1]:{port}",
        f"http://[::ffff:127.0.0.1]:{port}",
        f"http://0.0.0.0:{port}",
        f"http://127.1:{port}",
        f"http://127.0.0.2:{port}",
        f"http://2130706433:{port}",
        f"http://0x7f000001:{port}",
        f"http://{host}.:{port}",
        f"http://{host}:{port}.",
        f"http://{host}:{port}/",
        f"http://{host}:{port}/x",
        f"http://{host}:{port}?x",
        f"http://{host}:{port}#x",
        f"http://{host}:0{port}",
        f"HTTP://{host}:{port}",
        f"http:{host}:{port}",
        f"//{host}:{port}",
        f"{host}:{port}",
        f"http://{host}:{port}@evil.example",
        f"http://evil.example@{host}:{port}",
        f"http://user:word@{host}:{port}",
        f"http://evil.example:{port}",
        f"http://{host}.evil.example:{port}",
        f"http://{host}:{port}.evil.example",
        f"http://evil.example/{host}:{port}",
        f"http://evil.example\\{host}:{port}",
        f"http://{host}:{port} http://evil.example",
        f"http://{host}:{port}, http://evil.example",
        f"http://evil.example,http://{host}:{port}",
        f"http://１２７.0.0.1:{port}",
        "chrome-extension://abcdefghijklmnop",
        "file://",
        "about:blank",
        "data:text/html,x",
        f"http://{'a' * 3000}",
    ]


FOREIGN_PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost:{port}"},
    {"Origin": "https://127.0.0.1:{port}"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:{port}"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
]
"""Headers of a request that a page of another address makes; ``{port}`` is the server's own."""

FOREIGN_READS = [
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"},
]
"""Headers of a GET by which a page of another address takes something in, rather than leads somebody here."""

BAD_HOSTS = [
    *("evil.example@127.0.0.1", "127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:x", "[::1", "::1", "[evil]", "a b"),
    *("127.0.0.1/evil", "127.0.0.1?x", "127.0.0.1#x", "evil.example, 127.0.0.1", "évil.example", ".example", "-", "\\"),
]

MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "nothing but lines": b"\r\n\r\n\r\n\r\n",
    "no version": b"GET /\r\nHost: HOST\r\n\r\n",
    "HTTP/2 by mistake": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : HOST\r\n\r\n",
    "line without colon": b"GET / HTTP/1.1\r\nHost: HOST\r\nevil\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\0b\r\n\r\n",
    "folded length": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length:\r\n 5\r\nContent-Length: 6\r\n\r\nabcde",
    "two lengths": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "negative length": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\n\r\n",
    "length of words": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: five\r\n\r\n",
    "length with sign": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: +5\r\n\r\nabcde",
    "endless length": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: " + b"9" * 50 + b"\r\n\r\n",
    "unknown coding": b"POST /login HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip\r\n\r\n",
    "coding twice": b"POST /login HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "coding of spaces": b"POST /login HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "broken chunk": b"POST /login HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "endless chunk": b"POST /login HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"f" * 40
    + b"\r\nabc\r\n",
    "other method": b"TRACE / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "made-up method": b"EVIL / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "absolute address": b"GET http://evil.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "no slash": b"GET login HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "NUL in the path": b"GET /a%00b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "long path": b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
    "websocket by POST": b"POST /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\n\r\n",
    "websocket with a body": b"GET /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nContent-Length: 5\r\n\r\nabcde",
    "websocket without key": b"GET /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "websocket of many headers": b"GET /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    + b"X: y\r\n" * 200
    + b"\r\n",
    "websocket of a long header": b"GET /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX: "
    + b"y" * 9000
    + b"\r\n\r\n",
}
"""Requests that are none, as bytes; ``HOST`` stands for the server's own."""

SMUGGLED = {
    "length and chunks": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /_stcore/health HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "chunks and length": b"POST /login HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 4\r\n\r\n0\r\n\r\nGET /_stcore/health HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /login HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 4\r\n\r\n0\r\n\r\nGET /_stcore/health HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "underscore": b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nTransfer-Encoding : chunked\r\n\r\n"
    b"0\r\n\r\nGET /_stcore/health HTTP/1.1\r\nHost: HOST\r\n\r\n",
}
"""Requests that hide another one in a body which can be measured in two ways: only one answer may come."""

ODD_PATHS = [
    *("/..", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/static/..%5c..%5cx"),
    *("//evil.example/", "/\\evil.example", "///", "/%", "/%zz", "/%ff%fe", "/%ED%A0%80", "/a%0d%0aSet-Cookie:x=y"),
    *("/static/" + "a" * 300, "/" + "/".join(["a"] * 500), "/media/..", "/component/..", "/_stcore/upload_file/a/b/c"),
    *("/_stcore/bidi-components/..%2f..", "/api/v1/diaries/%00", "/login%00", "/invite/%F0%9F%92%A9", "/;"),
    "/?" + "x" * 900,
]  # fmt: skip

"""Hostile websockets: whose page opens them, with which cookie, and what they send."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamlit.proto.BackMsg_pb2 import BackMsg

from benchmarks.hostile_corpus.requests import Keys, cookie

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class HostileSocket:
    """A websocket that somebody tries to open; `is_ours` for the few that must open."""

    kind: str
    name: str
    origin: str | None
    headers: dict[str, str] = field(default_factory=dict)
    is_ours: bool = False


def origins(port: int) -> dict[str, str | None]:
    """Return origins that are not the app's, by what is wrong with them."""
    return {
        "none": None,
        "null": "null",
        "empty": "",
        "another site": "https://evil.example",
        "another port": f"http://127.0.0.1:{port + 1}",
        "no port": "http://127.0.0.1",
        "another scheme": f"https://127.0.0.1:{port}",
        "another name of this machine": f"http://localhost:{port}",
        "another address of this machine": f"http://127.0.0.2:{port}",
        "the same in IPv6": f"http://[::1]:{port}",
        "ours as prefix": f"http://127.0.0.1:{port}.evil.example",
        "ours as user": f"http://127.0.0.1:{port}@evil.example",
        "ours with path": f"http://127.0.0.1:{port}/",
        "ours, zero before port": f"http://127.0.0.1:0{port}",
        "ours in hexadecimal": f"http://0x7f.1:{port}",
        "ours with dot": f"http://127.0.0.1.:{port}",
        "ours and another": f"http://127.0.0.1:{port}, https://evil.example",
        "ours in capitals": f"HTTP://127.0.0.1:{port}",
        "an extension": "chrome-extension://abcdefghijklmnop",
        "a file": "file://",
    }


def hostile_sockets(keys: Keys | None, port: int) -> Iterator[HostileSocket]:
    """Return websockets that must not open, and those of our own pages that must.

    Args:
        keys: None where nobody has to sign in.
    """
    ours = f"http://127.0.0.1:{port}"
    signed_in = {"nobody has accounts": {}} if keys is None else {role: cookie(keys.cookies[role]) for role in _ROLES}
    for who, headers in signed_in.items():
        for what, origin in origins(port).items():
            yield HostileSocket("websocket origin", f"{who}: {what}", origin, headers)
        yield HostileSocket("websocket origin", f"{who}: ours", ours, headers, is_ours=True)
    foreign_host = {"Host": "evil.example", **next(iter(signed_in.values()))}
    yield HostileSocket("websocket origin", "another name in Host", "http://evil.example", foreign_host)
    if keys is not None:
        for who, headers in _without_session(keys).items():
            yield HostileSocket("websocket session", who, ours, headers)


_ROLES = ("administrator", "annotator")


def _without_session(keys: Keys) -> dict[str, dict[str, str]]:
    good = keys.cookies["administrator"]
    return {
        "nothing": {},
        "made up": cookie("made-up"),
        "turned": cookie(good[:-1] + ("A" if good[-1] != "A" else "B")),
        "signed out": cookie(keys.cookies["ended"]),
        "closed account": cookie(keys.cookies["closed"]),
        "bearer": {"Authorization": f"Bearer {good}"},
        "service token": {"Authorization": f"Bearer {keys.tokens['write']}"},
        "as protocol": {"Sec-WebSocket-Protocol": good},
        "forwarded": {"X-Forwarded-For": "127.0.0.1", "X-Remote-User": "수아".encode().decode("latin-1")},
    }


def _rerun(**values: Any) -> bytes:
    message = BackMsg()
    for name, value in values.items():
        setattr(message.rerun_script, name, value)
    message.rerun_script.SetInParent()
    return message.SerializeToString()


def _widget(identity: str, **values: Any) -> bytes:
    message = BackMsg()
    message.rerun_script.widget_states.widgets.add(id=identity, **values)
    return message.SerializeToString()


_DEEP = "[" * 100_000 + "]" * 100_000

MESSAGES: dict[str, bytes | str] = {
    "empty": b"",
    "noise": bytes(range(256)) * 40,
    "text in place of bytes": "hello",
    "length without end": b"\x0a\xff\xff\xff\xff\x0f",
    "groups without end": b"\x0b" * 100_000,
    "fields without end": b"\x08\x01" * 200_000,
    "end the server": BackMsg(debug_shutdown_runtime=True).SerializeToString(),
    "cut the connection": BackMsg(debug_disconnect_websocket=True).SerializeToString(),
    "clear every cache": BackMsg(clear_cache=True).SerializeToString(),
    "run on every change": BackMsg(set_run_on_save=True).SerializeToString(),
    "ask for the repository": BackMsg(load_git_info=True).SerializeToString(),
    "another script": _rerun(page_script_hash="../../etc/passwd", page_name="people"),
    "query of a megabyte": _rerun(query_string="x=" + "가" * 300_000),
    "fragment of nobody": _rerun(fragment_id="x" * 10_000),
    "button of nobody": _widget("$$ID-x-people_close", trigger_value=True),
    "board: JSON 100,000 deep": _widget("$$ID-x-label_board", json_value=_DEEP),
    "board: not JSON": _widget("$$ID-x-label_board", json_value="{"),
    "board: integer of 4,301 digits": _widget("$$ID-x-label_board", json_value="9" * 4301),
    "board: not a number": _widget("$$ID-x-label_board", json_value='{"client": NaN}'),
    "board: lone surrogate": _widget("$$ID-x-label_board", json_value=json.dumps({"client": {"holder": "\ud800" * 8}})),
}

"""Presses on a diary that was never handed out, as an annotator's own browser could be made to send them."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed

from annotator import project
from annotator.accounts import accounts
from benchmarks.hostile_corpus.requests import DIARY, cookie
from benchmarks.hostile_trials.outcome import Outcome
from benchmarks.hostile_trials.target import ROLES, SECRET_DIARY
from benchmarks.hostile_trials.web import open_socket
from db.answers import decisions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

    from benchmarks.hostile_corpus.requests import Keys
    from benchmarks.hostile_trials.target import Program

_HOLDER = "hostile-tab-000001"
_TOKEN = "made-up-token-{:04}"
_RUNS = 3


def _press(seq: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"seq": seq, "kind": kind, "token": _TOKEN.format(seq), "diary_id": SECRET_DIARY, "seconds": 1.0, **more}


PRESSES: dict[str, list[dict[str, Any]]] = {
    "label": [_press(1, "label", label_id=1)],
    "flag": [_press(1, "flag")],
    "skip": [_press(1, "skip")],
    "skip and undo": [_press(1, "skip"), _press(2, "undo", undoes=_TOKEN.format(1))],
    "label and undo": [_press(1, "label", label_id=1), _press(2, "undo", undoes=_TOKEN.format(1))],
    "undo": [_press(1, "undo", undoes=_TOKEN.format(2))],
    "mark": [_press(1, "rationale", label_id=1, span=[0, 3], verdict="right")],
    "label with a memo": [_press(1, "label", label_id=1, memo="x" * 5000, other_label_ids=[2, 3], intensity=5)],
    "id as text": [_press(1, "skip", diary_id=str(SECRET_DIARY)), _press(2, "undo", undoes=_TOKEN.format(1))],
    "id as fraction": [_press(1, "skip", diary_id=SECRET_DIARY + 0.5), _press(2, "undo", undoes=_TOKEN.format(1))],
    "id as truth": [_press(1, "skip", diary_id=True), _press(2, "undo", undoes=_TOKEN.format(1))],
    "no events": [{}],
    "events that are none": [1, "x", None, []],  # type: ignore[list-item]
}


def try_presses(keys: Keys, program: Program, path: Path) -> Iterator[Outcome]:
    """Send each press from the label board of an annotator; the diary must stay unseen and undecided."""
    for number, (name, events) in enumerate(PRESSES.items()):
        began = time.perf_counter()
        try:
            came = send_presses(keys, program, events, holder=f"{_HOLDER}-{number:02}")
        except (ConnectionClosed, TimeoutError) as error:
            came, wrong = b"", f"no answer: {type(error).__name__}"
        else:
            wrong = "the diary was shown" if DIARY.encode() in came or json.dumps(DIARY).encode() in came else ""
        wrong = wrong or _stored(path)
        yield Outcome("press", name, time.perf_counter() - began, wrong, program.deaths())


def _stored(path: Path) -> str:
    with closing(project.open_project(path)) as db:
        me = accounts.get_id(db, ROLES["annotator"])
        own_decisions = [each for each in decisions.list_standing(db, [SECRET_DIARY]) if each.annotator_id == me]
    return "the decision was kept" if own_decisions else ""


def send_presses(keys: Keys, program: Program, events: list[Any], *, holder: str) -> bytes:
    """Send events as the label board does; return everything that the server then sends."""
    with open_socket(program, cookie(keys.cookies["annotator"]), program.address()) as client:
        first = BackMsg()
        first.rerun_script.SetInParent()
        came, board = _run(client, first)
        sent = {"client": {"holder": holder, "events": events, "beat": 1}}
        for _ in range(_RUNS if board else 0):
            again = BackMsg()
            again.rerun_script.widget_states.widgets.add(id=board, json_value=json.dumps(sent))
            more, _ = _run(client, again)
            came += more
    return came


def _run(client: ClientConnection, message: BackMsg) -> tuple[bytes, str]:
    """Let the page run; return what the server sends, and the label board's id."""
    client.send(message.SerializeToString())
    came, board = b"", ""
    while True:
        piece = client.recv(30)
        assert isinstance(piece, bytes)
        parsed = ForwardMsg()
        parsed.ParseFromString(piece)
        came += piece
        board = parsed.delta.new_element.bidi_component.id or board
        if parsed.WhichOneof("type") == "script_finished":
            return came, board

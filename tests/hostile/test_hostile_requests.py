"""Hostile requests, websockets and presses at the running app and service."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from annotator import project
from benchmarks.hostile_corpus.requests import DIARY, HostileRequest, hostile_requests, raw
from benchmarks.hostile_corpus.wire import hostile_bytes
from benchmarks.hostile_trials.presses import try_presses
from benchmarks.hostile_trials.target import started
from benchmarks.hostile_trials.web import Answer, judge, send, try_half_open, try_messages, try_sockets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.hostile_corpus.requests import Keys
    from benchmarks.hostile_trials.outcome import Outcome
    from benchmarks.hostile_trials.target import Program

pytestmark = pytest.mark.slow

_EVERY = 5
"""Of the requests without a session every fifth is sent here, which meets every pretender and every address."""


def problems(outcomes: Iterable[Outcome]) -> dict[str, str]:
    all_outcomes = list(outcomes)
    assert all_outcomes
    return {outcome.name: outcome.problem() for outcome in all_outcomes if outcome.problem()}


@pytest.mark.parametrize(
    "kind", ["no session", "other origin", "token", "scope", "body", "id", "upload", "oversize", "wire"]
)
def test_a_hostile_request_is_turned_away_and_learns_nothing(kind: str, keys: Keys, app: Program, api: Program) -> None:
    asked = [request for request in (*hostile_requests(keys), *hostile_bytes(keys)) if request.kind == kind]
    assert asked
    wrong = defaultdict(list)
    for request in asked[:: _EVERY if kind == "no session" else 1]:
        for program in (app, api) if request.server == "both" else (app,):
            if told := judge(request, send(program.port, request.raw)):
                wrong[told].append(f"{program.name}: {request.name}")
    assert dict(wrong) == {}
    assert (app.deaths(), api.deaths()) == ("", "")


def test_only_a_page_of_this_address_opens_a_websocket_and_only_with_a_session(keys: Keys, app: Program) -> None:
    assert problems(try_sockets(keys, app)) == {}


def test_only_a_page_of_this_address_opens_a_websocket_where_nobody_has_to_sign_in(tmp_path: Path) -> None:
    project.init(tmp_path / "alone.db")
    with started("app", tmp_path / "alone.db") as alone:
        assert problems(try_sockets(None, alone)) == {}


def test_messages_that_no_page_sends_end_nothing(keys: Keys, app: Program) -> None:
    assert problems(try_messages(keys, app)) == {}


def test_a_press_on_a_diary_that_was_not_handed_out_shows_and_keeps_nothing(
    keys: Keys, app: Program, attacked: Path
) -> None:
    assert problems(try_presses(keys, app, attacked)) == {}


def test_others_are_answered_while_500_connections_stand_half_open(app: Program, api: Program) -> None:
    assert problems(try_half_open(app, "/_stcore/health")) == {}
    assert problems(try_half_open(api, "/api/v1/health")) == {}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, {}, b""), "answered 200"),
        (Answer(404, {}, DIARY.encode()), "gave away what stands inside"),
        (Answer(404, {}, b"zqmarkzq"), "repeated the request"),
        (Answer(303, {"location": "//evil.example"}, b""), "led to '//evil.example'"),
        (Answer(404, {}, b""), "answered 404 without content-security-policy, x-content-type-options, referrer-policy"),
    ],
)
def test_the_judge_notices_what_is_not_as_it_must_be(answer: Answer, said: str) -> None:
    assert judge(HostileRequest("body", "x", raw("GET", "/"), frozenset({303, 404})), answer) == said

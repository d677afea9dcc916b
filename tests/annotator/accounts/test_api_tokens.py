"""Tokens of other programs: what they open, until when, and that nobody can read them anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.accounts import accounts, annotators, api_tokens
from annotator.errors import UserError
from db import clock
from db.connection import rows
from db.people import api_tokens as stored
from db.people import audit_log

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def _refused(db: Database, token: str) -> str:
    with pytest.raises(UserError) as error:
        api_tokens.identify(db, token)
    return error.value.code


def test_a_token_opens_what_its_scopes_say(opened: Database) -> None:
    caller = api_tokens.identify(opened, api_tokens.add(opened, "web", ["read", "classify"]))
    api_tokens.require(caller, "read", "classify")
    with pytest.raises(UserError) as error:
        api_tokens.require(caller, "read", "write")
    assert (error.value.code, error.value.details["scope"]) == ("scope_missing", "write")


def test_wrong_old_and_revoked_tokens_are_told_the_same(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    good = api_tokens.add(opened, "web", ["read"])
    short = api_tokens.add(opened, "short", ["read"], days=1)
    revoked = api_tokens.add(opened, "gone", ["read"])
    api_tokens.revoke(opened, "gone")
    changed = good[:-1] + ("A" if good[-1] != "A" else "B")
    of_another = f"mg-2-{good.split('-', 2)[2]}"
    for wrong in (changed, of_another, revoked, "", "x", good + "A", good.replace("mg-1", "mg-99"), "mg-0-" + "A" * 43):
        assert _refused(opened, wrong) == "token_wrong"
    api_tokens.identify(opened, good)
    api_tokens.identify(opened, short)
    tomorrow = clock.now(plus_seconds=86_401)
    monkeypatch.setattr(clock, "now", lambda **_: tomorrow)
    assert _refused(opened, short) == "token_wrong"


def test_nothing_that_is_kept_holds_the_token(opened: Database, project_path: Path) -> None:
    secret = api_tokens.add(opened, "web", ["read"]).split("-", 2)[2]
    opened.conn.execute("pragma wal_checkpoint(truncate)")
    assert secret.encode() not in project_path.read_bytes()


def test_making_and_revoking_a_token_is_on_record(opened: Database) -> None:
    api_tokens.add(opened, "web", ["read", "write"])
    api_tokens.revoke(opened, "web")
    entries = [(entry.action, entry.subject) for entry in audit_log.list_entries(opened)]
    assert entries == [("token.revoke", "token:1"), ("token.add", "token:1")]


def test_a_token_never_takes_the_name_of_a_person(opened: Database) -> None:
    accounts.add(opened, None, "수아", "administrator", password="correct horse 1")
    annotators.get_or_create(opened, "지민")
    for name in ("수아", "지민"):
        with pytest.raises(UserError) as error:
            api_tokens.add(opened, name, ["write"])
        assert error.value.code == "token_name_of_person"


def test_a_new_token_goes_on_under_the_name_of_a_revoked_one(opened: Database) -> None:
    first = api_tokens.identify(opened, api_tokens.add(opened, "web", ["write"]))
    with pytest.raises(UserError) as error:
        api_tokens.add(opened, "web", ["write"])
    assert error.value.code == "token_exists"
    api_tokens.revoke(opened, "web")
    assert api_tokens.identify(opened, api_tokens.add(opened, "web", ["write"])).annotator_id == first.annotator_id


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"scopes": []}, "token_scopes"),
        ({"scopes": ["read", "everything"]}, "token_scopes"),
        ({"days": 0}, "token_days"),
        ({"per_minute": 0}, "token_per_minute"),
        ({"name": "  "}, "name_empty"),
    ],
)
def test_what_no_token_can_have_is_refused(opened: Database, values: dict[str, object], code: str) -> None:
    asked = {"name": "web", "scopes": ["read"], **values}
    with pytest.raises(UserError) as error:
        api_tokens.add(opened, **asked)  # type: ignore[arg-type]
    assert error.value.code == code
    assert rows(opened, "select 1 from api_tokens") == []


def test_use_is_noted_at_most_once_a_minute(opened: Database) -> None:
    token = api_tokens.add(opened, "web", ["read"])
    api_tokens.identify(opened, token)
    first = stored.list_all(opened)[0].last_used_at
    api_tokens.identify(opened, token)
    assert first is not None
    assert stored.list_all(opened)[0].last_used_at == first

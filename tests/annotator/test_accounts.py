from __future__ import annotations

import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from annotator import accounts, passwords, people, project, sessions
from annotator.access import Person, is_loopback, may
from annotator.errors import UserError
from db import accounts as stored
from db import annotators, audit_log, clock, queue
from db.connection import rows, scalar
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.access import Role
    from db import Database

PASSWORD = "correct horse 1"
HERE = "192.0.2.7"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._hash_of_nobody.cache_clear()


@pytest.fixture
def boss(opened: Database) -> Person:
    annotator_id = accounts.add(opened, None, "수아", "administrator", password=PASSWORD)
    return Person(annotator_id, "수아", "administrator", is_solo=False)


def joined(db: Database, boss: Person, name: str, role: Role = "annotator") -> Person:
    token = accounts.accept(db, accounts.invite(db, boss, name, role), PASSWORD, address=HERE)
    return sessions.get_person(db, token)


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, match=rf"^{code}\b")


def put_back(db: Database, table: str, column: str, seconds: float) -> None:
    db.conn.execute(f"update {table} set {column} = ?", [clock.now(plus_seconds=-seconds)])
    db.conn.commit()


def test_every_role_has_the_rights_of_the_one_below() -> None:
    rights = {
        role: [right for right in ("label", "review", "administrate") if may(Person(1, "a", role, False), right)]  # type: ignore[arg-type]
        for role in ("annotator", "reviewer", "administrator")
    }
    assert rights == {
        "annotator": ["label"],
        "reviewer": ["label", "review"],
        "administrator": ["label", "review", "administrate"],
    }


def test_only_this_machines_own_addresses_are_its_own() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.3", "example.org", "127.0.0.1.example.org", "")))


def test_the_first_account_has_to_be_an_administrators(opened: Database) -> None:
    assert not accounts.has_any(opened)
    with refused("administrator_first"):
        accounts.add(opened, None, "지민", "annotator", password=PASSWORD)
    with refused("administrator_first"):
        accounts.invite(opened, None, "지민", "administrator")
    assert not accounts.has_any(opened)


def test_who_has_worked_alone_keeps_their_decisions_as_the_first_administrator(opened: Database) -> None:
    alone = people.identify(opened, "나")
    assert accounts.add(opened, None, "나", "administrator", password=PASSWORD) == alone


def test_an_invite_is_taken_up_once_and_signs_its_person_in(opened: Database, boss: Person) -> None:
    token = accounts.invite(opened, boss, " 지민 ", "reviewer")
    assert accounts.get_invite(opened, token).name == "지민"
    person = sessions.get_person(opened, accounts.accept(opened, token, PASSWORD, address=HERE))
    assert (person.name, person.role, person.is_solo) == ("지민", "reviewer", False)
    with refused("invite_unusable"):
        accounts.accept(opened, token, PASSWORD, address=HERE)
    assert accounts.list_invites(opened) == []


def test_an_invite_that_is_old_withdrawn_replaced_or_made_up_opens_nothing(opened: Database, boss: Person) -> None:
    first = accounts.invite(opened, boss, "지민", "annotator")
    second = accounts.invite(opened, boss, "지민", "annotator")
    third = accounts.invite(opened, boss, "하준", "annotator")
    accounts.withdraw(opened, boss, "하준")
    for token in (first, third, "made-up"):
        with refused("invite_unusable"):
            accounts.accept(opened, token, PASSWORD, address=HERE)
    put_back(opened, "invites", "expires_at", 1)
    with refused("invite_unusable"):
        accounts.accept(opened, second, PASSWORD, address=HERE)


def test_an_invite_for_a_forgotten_password_keeps_the_role_and_ends_other_sessions(
    opened: Database, boss: Person
) -> None:
    joined(opened, boss, "지민", "reviewer")
    before = sessions.login(opened, "지민", PASSWORD, address=HERE)
    token = accounts.invite(opened, boss, "지민", "annotator")
    after = accounts.accept(opened, token, "another horse 2", address=HERE)
    assert sessions.get_person(opened, after).role == "reviewer"
    with refused("signed_out"):
        sessions.get_person(opened, before)
    with refused("password_wrong"):
        sessions.login(opened, "지민", PASSWORD, address=HERE)


@pytest.mark.parametrize(
    ("password", "code"),
    [("짧은비번", "password_length"), ("가" * 201, "password_length"), ("aaaaaaaaaaab", "password_easy")],
)
def test_a_password_that_is_no_protection_is_refused_and_the_invite_stays(
    opened: Database, boss: Person, password: str, code: str
) -> None:
    token = accounts.invite(opened, boss, "지민", "annotator")
    with refused(code):
        accounts.accept(opened, token, password, address=HERE)
    accounts.accept(opened, token, PASSWORD, address=HERE)


def test_a_password_is_the_same_however_the_input_method_composes_it(opened: Database, boss: Person) -> None:
    token = accounts.invite(opened, boss, "지민", "annotator")
    accounts.accept(opened, token, "가나다라마바사아자차", address=HERE)
    decomposed = unicodedata.normalize("NFD", "가나다라마바사아자차")
    assert sessions.login(opened, "지민", decomposed, address=HERE)


def test_neither_passwords_nor_tokens_are_kept(opened: Database, boss: Person, project_path: Path) -> None:
    invite = accounts.invite(opened, boss, "지민", "annotator")
    session = accounts.accept(opened, invite, "비밀번호 문장 하나", address=HERE)
    with refused("password_wrong"):
        sessions.login(opened, "칸을 잘못 고른 비밀번호", "x", address=HERE)
    opened.conn.execute("pragma wal_checkpoint(truncate)")
    content = project_path.read_bytes()
    for secret in (invite, session, "비밀번호 문장 하나", "칸을 잘못 고른 비밀번호", PASSWORD):
        assert secret.encode() not in content


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(opened: Database, boss: Person) -> None:
    for name in ("수아", "없는 사람"):
        with refused("password_wrong"):
            sessions.login(opened, name, "wrong password", address=HERE)


def test_an_unknown_name_takes_as_long_as_a_known_one(
    opened: Database, boss: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = PasswordHasher(time_cost=8, memory_cost=8192, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", slow)
    stored.set_password_hash(opened, boss.annotator_id, slow.hash(PASSWORD))
    passwords._hash_of_nobody()

    def seconds(name: str) -> float:
        taken = []
        for place in range(4):
            start = time.process_time()
            with refused("password_wrong"):
                sessions.login(opened, name, "wrong password", address=f"192.0.2.{place}")
            taken.append(time.process_time() - start)
        return min(taken)

    known, unknown = seconds("수아"), seconds("없는 사람")
    assert unknown > known / 2


def test_after_five_failures_a_name_waits_also_with_the_right_password(opened: Database, boss: Person) -> None:
    for i in range(passwords.TRIES_PER_NAME):
        with refused("password_wrong"):
            sessions.login(opened, "수아", f"guess {i}", address=f"192.0.2.{i}")
    with refused("login_wait") as told:
        sessions.login(opened, "수아", PASSWORD, address="192.0.2.99")
    assert 14 <= float(told.value.details["minutes"]) <= 15
    put_back(opened, "login_failures", "failed_at", passwords.TRY_SECONDS + 1)
    assert sessions.login(opened, "수아", PASSWORD, address="192.0.2.99")


def test_a_success_forgets_the_failures_before_it(opened: Database, boss: Person) -> None:
    for _ in range(3):
        for _ in range(passwords.TRIES_PER_NAME - 1):
            with refused("password_wrong"):
                sessions.login(opened, "수아", "guess", address=HERE)
        sessions.login(opened, "수아", PASSWORD, address=HERE)


@pytest.mark.parametrize("addresses", [["192.0.2.7"], ["2001:db8::1", "2001:db8::ffff:1"]])
def test_an_address_that_tries_many_names_waits(opened: Database, boss: Person, addresses: list[str]) -> None:
    for i in range(passwords.TRIES_PER_ADDRESS):
        with refused("password_wrong"):
            sessions.login(opened, f"사람 {i}", "guess", address=addresses[i % len(addresses)])
    with refused("login_wait"):
        sessions.login(opened, "수아", PASSWORD, address=addresses[0])
    assert sessions.login(opened, "수아", PASSWORD, address="198.51.100.1")


def test_guesses_made_all_at_once_are_counted_too(opened: Database, boss: Person, project_path: Path) -> None:
    def guess(i: int) -> str:
        with project.opened(project_path) as db:
            try:
                return sessions.login(db, "수아", f"guess {i}", address=HERE)
            except UserError as error:
                return error.code

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(guess, range(16)))
    assert told.count("password_wrong") == passwords.TRIES_PER_NAME
    assert told.count("login_wait") == 16 - passwords.TRIES_PER_NAME


def test_a_clock_that_is_set_back_neither_lifts_the_wait_nor_makes_it_endless(opened: Database, boss: Person) -> None:
    for _ in range(passwords.TRIES_PER_NAME):
        with refused("password_wrong"):
            sessions.login(opened, "수아", "guess", address=HERE)
    put_back(opened, "login_failures", "failed_at", -365 * 86_400)
    with refused("login_wait"):
        sessions.login(opened, "수아", PASSWORD, address=HERE)
    put_back(opened, "login_failures", "failed_at", -365 * 86_400)
    sessions_before = scalar(opened, "select count(*) from sessions")
    with refused("login_wait") as told:
        sessions.login(opened, "수아", PASSWORD, address=HERE)
    assert float(told.value.details["minutes"]) <= 15
    assert scalar(opened, "select count(*) from sessions") == sessions_before


@pytest.mark.parametrize(
    ("column", "seconds"),
    [
        ("last_seen_at", sessions.IDLE_SECONDS + 1),
        ("expires_at", 1),
        ("created_at", -86_400),  # written by a clock that has been set back since
        ("last_seen_at", -86_400),
    ],
)
def test_a_session_ends_with_time_whichever_way_the_clock_goes(
    opened: Database, boss: Person, column: str, seconds: float
) -> None:
    token = sessions.login(opened, "수아", PASSWORD, address=HERE)
    assert sessions.get_person(opened, token).name == "수아"
    put_back(opened, "sessions", column, seconds)
    with refused("signed_out"):
        sessions.get_person(opened, token)


def test_a_session_in_use_stays_and_is_not_written_each_time(opened: Database, boss: Person) -> None:
    token = sessions.login(opened, "수아", PASSWORD, address=HERE)
    put_back(opened, "sessions", "last_seen_at", 30)
    seen = scalar(opened, "select last_seen_at from sessions")
    sessions.keep_alive(opened, token)
    assert scalar(opened, "select last_seen_at from sessions") == seen
    put_back(opened, "sessions", "last_seen_at", sessions.IDLE_SECONDS - 60)
    sessions.keep_alive(opened, token)
    assert clock.seconds_since(scalar(opened, "select last_seen_at from sessions")) < 30


def test_logging_out_ends_this_session_only(opened: Database, boss: Person) -> None:
    one, other = (sessions.login(opened, "수아", PASSWORD, address=HERE) for _ in range(2))
    sessions.logout(opened, one)
    with refused("signed_out"):
        sessions.get_person(opened, one)
    assert sessions.get_person(opened, other).name == "수아"


@pytest.mark.parametrize("token", [None, "", "made-up"])
def test_without_a_token_of_ours_nobody_is_anybody(opened: Database, boss: Person, token: str | None) -> None:
    with refused("signed_out"):
        sessions.get_person(opened, token)


def test_a_closed_account_is_out_at_once_gives_its_diaries_back_and_can_come_back(
    opened: Database, boss: Person
) -> None:
    fill(opened, 6)
    member = joined(opened, boss, "지민")
    token = sessions.login(opened, "지민", PASSWORD, address=HERE)
    opened.conn.execute(
        "insert into leases (diary_id, holder, annotator_id, token, slot, claimed_at, expires_at)"
        " values (1, 'tab', ?, 't', 0, ?, ?)",
        [member.annotator_id, clock.now(), clock.now(plus_seconds=60)],
    )
    opened.conn.commit()
    accounts.set_disabled(opened, boss, member.annotator_id, disabled=True)
    with refused("account_disabled"):
        sessions.get_person(opened, token)
    with refused("account_disabled"):
        sessions.login(opened, "지민", PASSWORD, address=HERE)
    with refused("invite_disabled"):
        accounts.invite(opened, boss, "지민", "annotator")
    assert queue.list_leases(opened, annotator_id=member.annotator_id, holder="tab") == []
    accounts.set_disabled(opened, boss, member.annotator_id, disabled=False)
    with refused("signed_out"):
        sessions.get_person(opened, token)
    assert sessions.login(opened, "지민", PASSWORD, address=HERE)


def test_a_role_holds_from_the_next_look_on(opened: Database, boss: Person) -> None:
    member = joined(opened, boss, "지민")
    token = sessions.login(opened, "지민", PASSWORD, address=HERE)
    accounts.set_role(opened, boss, member.annotator_id, "reviewer")
    assert sessions.get_person(opened, token).role == "reviewer"


def test_the_last_administrator_can_neither_be_closed_nor_step_down(opened: Database, boss: Person) -> None:
    member = joined(opened, boss, "지민", "reviewer")
    with refused("last_administrator"):
        accounts.set_disabled(opened, boss, boss.annotator_id, disabled=True)
    with refused("last_administrator"):
        accounts.set_role(opened, boss, boss.annotator_id, "annotator")
    accounts.set_role(opened, boss, member.annotator_id, "administrator")
    accounts.set_role(opened, boss, boss.annotator_id, "annotator")
    with refused("last_administrator"):
        accounts.set_disabled(opened, None, member.annotator_id, disabled=True)


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_nobody_but_an_administrator_changes_anything_about_people(opened: Database, boss: Person, role: Role) -> None:
    member = joined(opened, boss, "지민", role)
    before = rows(opened, "select annotator_id, role, disabled_at from accounts order by 1")
    for act in (
        lambda: accounts.add(opened, member, "하준", "annotator", password=PASSWORD),
        lambda: accounts.invite(opened, member, "하준", "annotator"),
        lambda: accounts.withdraw(opened, member, "하준"),
        lambda: accounts.set_role(opened, member, member.annotator_id, "administrator"),
        lambda: accounts.set_disabled(opened, member, boss.annotator_id, disabled=True),
        lambda: accounts.release_diaries(opened, member, boss.annotator_id),
    ):
        with refused("right_missing"):
            act()
    assert rows(opened, "select annotator_id, role, disabled_at from accounts order by 1") == before


def test_another_password_ends_the_other_sessions_and_asks_for_the_old_one(opened: Database, boss: Person) -> None:
    here, elsewhere = (sessions.login(opened, "수아", PASSWORD, address=HERE) for _ in range(2))
    with refused("password_wrong"):
        accounts.change_password(opened, here, "not it at all", "another horse 2", address=HERE)
    accounts.change_password(opened, here, PASSWORD, "another horse 2", address=HERE)
    assert sessions.get_person(opened, here).name == "수아"
    with refused("signed_out"):
        sessions.get_person(opened, elsewhere)
    assert sessions.login(opened, "수아", "another horse 2", address=HERE)


def test_a_password_is_hashed_anew_when_the_parameters_have_changed(
    opened: Database, boss: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scalar(opened, "select password_hash from accounts")
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    sessions.login(opened, "수아", PASSWORD, address=HERE)
    after = scalar(opened, "select password_hash from accounts")
    assert "t=1" in before
    assert "m=16,t=2" in after
    sessions.login(opened, "수아", PASSWORD, address=HERE)


def test_names_that_are_taken_empty_or_a_files_are_refused(opened: Database, boss: Person) -> None:
    annotators.annotator_id(opened, "가져오기:a.csv", kind="importer")
    for name, code in (("수아", "account_exists"), (" \n", "name_empty"), ("가져오기:a.csv", "name_of_importer")):
        with refused(code):
            accounts.add(opened, boss, name, "annotator", password=PASSWORD)


def test_an_organisations_identity_needs_an_account_and_stays_bound_to_it(opened: Database, boss: Person) -> None:
    accounts.add(opened, boss, "지민", "annotator", email="Jimin@Example.org")
    with refused("email_taken"):
        accounts.add(opened, boss, "하준", "annotator", email="jimin@example.org")
    with refused("identity_unknown"):
        sessions.login_identity(opened, subject="iss 9", email="other@example.org", address=HERE)
    with refused("identity_unverified"):
        sessions.login_identity(opened, subject="iss 1", email=None, address=HERE)
    first = sessions.login_identity(opened, subject="iss 1", email="jimin@example.org", address=HERE)
    assert sessions.get_person(opened, first).name == "지민"
    assert sessions.login_identity(opened, subject="iss 1", email="new.name@example.org", address=HERE)
    with refused("identity_unknown"):
        sessions.login_identity(opened, subject="iss 2", email="jimin@example.org", address=HERE)
    with refused("password_wrong"):
        sessions.login(opened, "지민", PASSWORD, address=HERE)


def test_what_was_done_is_in_the_log_which_nothing_can_change(opened: Database, boss: Person) -> None:
    member = joined(opened, boss, "지민")
    accounts.set_role(opened, boss, member.annotator_id, "reviewer")
    newest = accounts.list_entries(opened, limit=1)[0]
    assert (newest.name, newest.action, newest.subject) == ("수아", "account.role", f"account:{member.annotator_id}")
    assert newest.details == {"before": "annotator", "after": "reviewer"}
    older = accounts.list_entries(opened, before=newest.id, limit=100)
    assert [entry.id for entry in older] == list(range(newest.id - 1, 0, -1))
    for statement in ("delete from audit_log", "update audit_log set action = 'x'"):
        with pytest.raises(Exception, match="only added to"):
            opened.conn.execute(statement)


def test_what_is_taken_back_with_its_transaction_leaves_no_trace_in_the_log(opened: Database, boss: Person) -> None:
    count = len(accounts.list_entries(opened))
    with pytest.raises(RuntimeError):
        _fail_after_logging(opened)
    assert len(accounts.list_entries(opened)) == count


def _fail_after_logging(db: Database) -> None:
    from db import write

    with write(db):
        audit_log.add(db, None, "export")
        raise RuntimeError

from __future__ import annotations

import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from annotator import project
from annotator.accounts import accounts, passwords, sessions
from annotator.accounts import annotators as people
from annotator.accounts.login_turns import Turns
from annotator.accounts.permissions import Person, is_loopback, may
from annotator.errors import UserError
from db import clock
from db.answers import queue
from db.connection import rows, scalar
from db.people import accounts as stored
from db.people import annotators, audit_log
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.accounts.permissions import Role
    from db import Database

PASSWORD = "correct horse 1"
HERE = "192.0.2.7"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(passwords, "_TURNS", Turns())
    monkeypatch.setattr(passwords, "NAME_PACE_SECONDS", 1.0)
    monkeypatch.setattr(passwords, "ADDRESS_PACE_SECONDS", 0.5)
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
    alone = people.get_or_create(opened, "나")
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


@pytest.mark.parametrize("loss", ["closed", "role"])
def test_an_invite_ends_with_the_right_of_the_one_who_made_it_and_does_not_come_back(
    opened: Database, boss: Person, loss: str
) -> None:
    other = joined(opened, boss, "서연", "administrator")
    theirs = accounts.invite(opened, other, "지민", "administrator")
    ours, on_machine = (accounts.invite(opened, by, name, "annotator") for by, name in ((boss, "하준"), (None, "도윤")))
    if loss == "closed":
        accounts.set_disabled(opened, boss, other.annotator_id, disabled=True)
        accounts.set_disabled(opened, boss, other.annotator_id, disabled=False)
    else:
        accounts.set_role(opened, boss, other.annotator_id, "reviewer")
        accounts.set_role(opened, boss, other.annotator_id, "administrator")
    with refused("invite_unusable"):
        accounts.accept(opened, theirs, PASSWORD, address=HERE)
    assert {invite.name for invite in accounts.list_invites(opened)} == {"하준", "도윤"}
    for token in (ours, on_machine):
        assert accounts.accept(opened, token, PASSWORD, address=HERE)


def test_an_invite_opens_nothing_once_its_maker_may_not_invite_however_that_came_about(
    opened: Database, boss: Person
) -> None:
    other = joined(opened, boss, "서연", "administrator")
    token = accounts.invite(opened, other, "지민", "annotator")
    opened.conn.execute("update accounts set role = 'annotator' where annotator_id = ?", [other.annotator_id])
    opened.conn.commit()
    with refused("invite_unusable"):
        accounts.get_invite(opened, token)
    assert accounts.list_invites(opened) == []


def test_signing_in_ends_the_session_that_the_browser_had(opened: Database, boss: Person) -> None:
    joined(opened, boss, "지민")
    planted = sessions.login(opened, "지민", PASSWORD, address=HERE)
    kept = sessions.login(opened, "지민", PASSWORD, address=HERE)
    own = sessions.login(opened, "수아", PASSWORD, address=HERE, replaces=planted)
    with refused("signed_out"):
        sessions.get_person(opened, planted)
    assert sessions.get_person(opened, own).name == "수아"
    assert sessions.get_person(opened, kept).name == "지민"
    invited = accounts.accept(
        opened, accounts.invite(opened, boss, "하준", "annotator"), PASSWORD, address=HERE, replaces=own
    )
    with refused("signed_out"):
        sessions.get_person(opened, own)
    assert sessions.get_person(opened, invited).name == "하준"


def test_a_failed_login_ends_nothing(opened: Database, boss: Person) -> None:
    token = sessions.login(opened, "수아", PASSWORD, address=HERE)
    with refused("password_wrong"):
        sessions.login(opened, "수아", "guess", address=HERE, replaces=token)
    assert sessions.get_person(opened, token).name == "수아"


def test_the_first_account_is_made_once_and_signs_its_person_in(opened: Database) -> None:
    alone = people.get_or_create(opened, "나")
    token = accounts.add_first(opened, "나", PASSWORD, address=HERE)
    assert sessions.get_person(opened, token) == Person(alone, "나", "administrator", is_solo=False)
    with refused("signed_out"):
        accounts.add_first(opened, "너", PASSWORD, address=HERE)


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
    [
        ("짧은비번", "password_length"),
        ("가" * 201, "password_length"),
        ("aaaaaaaaaaab", "password_easy"),
        ("지민지민지민지민지민", "password_personal"),
    ],
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
    accounts.accept(opened, token, "비 오는 날 파란 우산", address=HERE)
    decomposed = unicodedata.normalize("NFD", "비 오는 날 파란 우산")
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


@pytest.mark.parametrize("other", ["없는 사람", "닫힌 사람"])
def test_an_unknown_name_and_a_closed_account_take_as_long_as_a_known_one(
    opened: Database, boss: Person, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    closed = joined(opened, boss, "닫힌 사람")
    slow = PasswordHasher(time_cost=8, memory_cost=8192, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", slow)
    for person in (boss, closed):
        stored.set_password_hash(opened, person.annotator_id, slow.hash(PASSWORD))
    accounts.set_disabled(opened, boss, closed.annotator_id, disabled=True)
    passwords._hash_of_nobody()

    def seconds(name: str) -> float:
        taken = []
        for place in range(4):
            start = time.thread_time()
            with refused("password_wrong"):
                password = PASSWORD if name == "닫힌 사람" else "wrong password"
                sessions.login(opened, name, password, address=f"192.0.2.{place}")
            taken.append(time.thread_time() - start)
        return min(taken)

    known, told = seconds("수아"), seconds(other)
    assert known / 2 < told < known * 2


def fail(db: Database, name: str, *, address: str = HERE, times: int = 1) -> None:
    for i in range(times):
        with refused("password_wrong"):
            sessions.login(db, name, f"guess {i}", address=address)


def test_after_five_failures_a_name_waits_there_also_with_the_right_password(opened: Database, boss: Person) -> None:
    fail(opened, "수아", times=passwords.TRIES_PER_NAME)
    with refused("login_wait") as told:
        sessions.login(opened, "수아", PASSWORD, address=HERE)
    assert 14 <= float(told.value.details["minutes"]) <= 15
    put_back(opened, "login_failures", "failed_at", passwords.TRY_SECONDS + 1)
    assert sessions.login(opened, "수아", PASSWORD, address=HERE)


def test_who_keeps_trying_a_name_does_not_lock_its_person_out(opened: Database, boss: Person) -> None:
    """From as many addresses as it takes: its person is let in from elsewhere, if not at once."""
    for i in range(passwords.FREE_TRIES_OF_NAME):
        fail(opened, "수아", address=f"192.0.2.{i}")
    start = time.monotonic()
    assert sessions.login(opened, "수아", PASSWORD, address="198.51.100.1")
    assert passwords.NAME_PACE_SECONDS / 2 < time.monotonic() - start < 3 * passwords.NAME_PACE_SECONDS


def test_tries_of_a_name_from_many_addresses_follow_each_other_slowly(opened: Database, boss: Person) -> None:
    for i in range(passwords.FREE_TRIES_OF_NAME):
        fail(opened, "수아", address=f"192.0.2.{i}")
    start = time.monotonic()
    for i in range(2):
        fail(opened, "수아", address=f"203.0.113.{i}")
    assert time.monotonic() - start > 1.9 * passwords.NAME_PACE_SECONDS


def test_a_browser_that_its_person_has_used_waits_for_nobody(opened: Database, boss: Person) -> None:
    sessions.login(opened, "수아", PASSWORD, address=HERE, browser="known")
    fail(opened, "수아", times=passwords.TRIES_PER_NAME)
    for i in range(passwords.FREE_TRIES_OF_ADDRESS):
        fail(opened, f"사람 {i}")
    fail(opened, "수아", address="192.0.2.50", times=passwords.FREE_TRIES_OF_NAME - passwords.TRIES_PER_NAME)
    start = time.monotonic()
    assert sessions.login(opened, "수아", PASSWORD, address=HERE, browser="known")
    assert time.monotonic() - start < passwords.ADDRESS_PACE_SECONDS
    with refused("login_wait"):
        sessions.login(opened, "수아", PASSWORD, address=HERE, browser="made-up")


def test_a_known_browser_has_five_tries_too_and_is_known_for_its_person_only(opened: Database, boss: Person) -> None:
    joined(opened, boss, "지민")
    sessions.login(opened, "수아", PASSWORD, address=HERE, browser="known")
    for i in range(passwords.TRIES_PER_NAME):
        with refused("password_wrong"):
            sessions.login(opened, "수아", "guess", address=f"192.0.2.{i}", browser="known")
    with refused("login_wait"):
        sessions.login(opened, "수아", PASSWORD, address="192.0.2.99", browser="known")
    fail(opened, "지민", times=passwords.TRIES_PER_NAME)
    with refused("login_wait"):
        sessions.login(opened, "지민", PASSWORD, address=HERE, browser="known")


def test_another_password_and_a_closed_account_make_every_browser_unknown(opened: Database, boss: Person) -> None:
    member = joined(opened, boss, "지민")
    token = sessions.login(opened, "지민", PASSWORD, address=HERE, browser="one")
    accounts.change_password(opened, token, PASSWORD, "another horse 2", address=HERE)
    assert scalar(opened, "select count(*) from browsers") == 0
    sessions.login(opened, "지민", "another horse 2", address=HERE, browser="two")
    accounts.set_disabled(opened, boss, member.annotator_id, disabled=True)
    assert scalar(opened, "select count(*) from browsers") == 0


def test_a_success_forgets_the_failures_before_it(opened: Database, boss: Person) -> None:
    for _ in range(3):
        for _ in range(passwords.TRIES_PER_NAME - 1):
            with refused("password_wrong"):
                sessions.login(opened, "수아", "guess", address=HERE)
        sessions.login(opened, "수아", PASSWORD, address=HERE)


@pytest.mark.parametrize("addresses", [["192.0.2.7"], ["2001:db8::1", "2001:db8::ffff:1"]])
def test_an_address_that_tries_many_names_is_slowed_and_locks_nobody_out(
    opened: Database, boss: Person, addresses: list[str]
) -> None:
    for i in range(passwords.FREE_TRIES_OF_ADDRESS):
        fail(opened, f"사람 {i}", address=addresses[i % len(addresses)])
    start = time.monotonic()
    fail(opened, "사람 99", address=addresses[0])
    fail(opened, "사람 98", address=addresses[-1])
    assert sessions.login(opened, "수아", PASSWORD, address=addresses[0])
    assert time.monotonic() - start > 2.9 * passwords.ADDRESS_PACE_SECONDS
    start = time.monotonic()
    assert sessions.login(opened, "수아", PASSWORD, address="198.51.100.1")
    assert time.monotonic() - start < passwords.ADDRESS_PACE_SECONDS


def test_ipv4_addresses_that_come_as_ipv6_are_counted_apart(opened: Database, boss: Person) -> None:
    fail(opened, "수아", address="::ffff:192.0.2.1", times=passwords.TRIES_PER_NAME)
    with refused("login_wait"):
        sessions.login(opened, "수아", PASSWORD, address="192.0.2.1")
    assert sessions.login(opened, "수아", PASSWORD, address="::ffff:192.0.2.2")


def test_right_logins_at_once_all_succeed(opened: Database, boss: Person, project_path: Path) -> None:
    """A team behind one address at nine in the morning, one of them with many tabs."""
    team = [f"사람 {i}" for i in range(2 * passwords.FREE_TRIES_OF_ADDRESS)]
    for name in team:
        joined(opened, boss, name)

    def sign_in(name: str) -> str:
        with project.opened(project_path) as db:
            return sessions.login(db, name, PASSWORD, address=HERE)

    with ThreadPoolExecutor(60) as pool:
        tokens = list(pool.map(sign_in, [*team, *["수아"] * 4 * passwords.TRIES_PER_NAME]))
    assert len(set(tokens)) == len(team) + 4 * passwords.TRIES_PER_NAME


def test_a_flood_of_guesses_from_one_address_leaves_room_for_others(
    opened: Database, boss: Person, project_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = PasswordHasher(time_cost=4, memory_cost=8192, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", slow)
    stored.set_password_hash(opened, boss.annotator_id, slow.hash(PASSWORD))
    passwords._hash_of_nobody()
    monkeypatch.setattr(passwords, "_TURNS", Turns(patience=3.0))

    def guess(i: int) -> str:
        with project.opened(project_path) as db:
            try:
                return sessions.login(db, f"사람 {i}", "guess", address="203.0.113.9")
            except UserError as error:
                return error.code

    with ThreadPoolExecutor(60) as pool:
        flood = [pool.submit(guess, i) for i in range(60)]
        start = time.monotonic()
        assert sessions.login(opened, "수아", PASSWORD, address=HERE)
        assert time.monotonic() - start < 2
        assert not all(guessed.done() for guessed in flood)
    assert {guessed.result() for guessed in flood} <= {"password_wrong", "login_busy"}


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
    with refused("password_wrong"):
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
    annotators.get_or_create_id(opened, "가져오기:a.csv", kind="importer")
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

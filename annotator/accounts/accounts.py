"""Accounts: who may sign in, by invite or through their organisation, with which role, and who may change that.

Throughout, `by` is the person who acts; None for commands run on the machine itself.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast

from annotator.accounts import passwords, sessions
from annotator.accounts.annotators import IMPORTER, plain_name
from annotator.accounts.passwords import Place, hash_of
from annotator.accounts.permissions import Person, Role, require
from annotator.accounts.sessions import CLOCK_SLACK_SECONDS, begin, plain_email
from annotator.errors import UserError
from db import clock
from db.answers import queue
from db.connection import write
from db.people import accounts, annotators, audit_log, login_tries
from db.people.accounts import Account, Invite
from db.people.audit_log import Entry

if TYPE_CHECKING:
    from db import Database

__all__ = ["Account", "Entry", "Invite"]

INVITE_SECONDS = 7 * 86_400


def has_any(db: Database) -> bool:
    """Return whether there is an account; until then one person works here without login."""
    return accounts.has_accounts(db)


def has_administrator(db: Database) -> bool:
    """Return whether anybody who can sign in may let others in."""
    return accounts.count_open_administrators(db, other_than=0) > 0


def list_people(db: Database) -> list[Account]:
    """Return every account, oldest first."""
    return accounts.list_accounts(db)


def list_entries(db: Database, *, before: int | None = None, limit: int = 50) -> list[Entry]:
    """Return the audit log, newest entry first.

    Args:
        before: id of the last entry that was seen.
    """
    return audit_log.list_entries(db, before=before, limit=limit)


def list_invites(db: Database) -> list[Invite]:
    """Return the invites that can still be taken up, newest first."""
    return accounts.list_open_invites(db)


def add(
    db: Database, by: Person | None, name: str, role: Role, *, password: str | None = None, email: str | None = None
) -> int:
    """Give somebody an account with a password, or one for the organisation's login by e-mail; return their id.

    Somebody who has worked here under that name without a login keeps their work.

    Raises:
        UserError: for a name, password or e-mail that can't be used, a missing right, or a first account that would
            leave nobody in charge.
    """
    name = _checked_name(db, name)
    found_hash = None if password is None else passwords.new_hash(password, name, email)
    email = plain_email(email or "") or None
    with write(db):
        _check_may_add(db, by, role)
        if accounts.find_account_by_name(db, name) is not None:
            raise UserError("account_exists", name=name)
        if email and any(account.email == email for account in accounts.list_accounts(db)):
            raise UserError("email_taken", email=email)
        annotator_id = annotators.get_or_create_id(db, name)
        accounts.add_account(db, annotator_id, role, password_hash=found_hash, email=email)
        audit_log.add(db, _id_of(by), "account.add", f"account:{annotator_id}", role=role)
    return annotator_id


def add_first(db: Database, name: str, password: str, *, address: str, browser: str | None = None) -> str:
    """Give the one person of a project without accounts the first one, and return the token of their session.

    Raises:
        UserError: for a name or password that can't be used, or if there is an account by now.
    """
    password_hash, name = passwords.new_hash(password, name), _checked_name(db, name)
    with write(db):
        if has_any(db):
            raise UserError("signed_out")
        annotator_id = annotators.get_or_create_id(db, name)
        accounts.add_account(db, annotator_id, "administrator", password_hash=password_hash)
        audit_log.add(db, None, "account.add", f"account:{annotator_id}", role="administrator")
        return begin(db, annotator_id, address, browser=browser)


def _check_may_add(db: Database, by: Person | None, role: Role) -> None:
    _require(by)
    if role != "administrator" and not has_administrator(db):
        raise UserError("administrator_first")


def invite(db: Database, by: Person | None, name: str, role: Role) -> str:
    """Return the token of a link by which somebody new, or somebody who forgot their password, sets one.

    An existing account keeps its role. Earlier links for the same name stop working.

    Raises:
        UserError: for a name that can't be used, a closed account, a missing right, or if nobody is in charge yet.
    """
    name, token = _checked_name(db, name), secrets.token_urlsafe(32)
    with write(db):
        _check_may_add(db, by, role)
        if not has_administrator(db):
            raise UserError("administrator_first")
        if account := accounts.find_account_by_name(db, name):
            if account.disabled_at is not None:
                raise UserError("invite_disabled", name=name)
            role = cast("Role", account.role)
        by_id = _id_of(by)
        accounts.add_invite(db, hash_of(token), name, role, invited_by=by_id, seconds=INVITE_SECONDS)
        audit_log.add(db, by_id, "account.invite", name=name, role=role)
    return token


def withdraw(db: Database, by: Person | None, name: str) -> None:
    """Withdraw the invite links of a name.

    Raises:
        UserError: for a missing right.
    """
    _require(by)
    with write(db):
        if accounts.withdraw_invites(db, name):
            audit_log.add(db, _id_of(by), "account.withdraw", name=name)


def get_invite(db: Database, token: str) -> Invite:
    """Return the invite of a link.

    Raises:
        UserError: if it is unknown, used, withdrawn or too old, or if its maker may no longer invite.
    """
    invite = accounts.find_invite(db, hash_of(token))
    if invite is None or invite.used_at or invite.withdrawn_at or invite.expires_at <= clock.now():
        raise UserError("invite_unusable")
    if invite.created_at > clock.now(plus_seconds=CLOCK_SLACK_SECONDS):
        raise UserError("invite_unusable")
    return invite


def accept(
    db: Database, token: str, password: str, *, address: str, browser: str | None = None, replaces: str | None = None
) -> str:
    """Accept an invite with a password of one's own; return the token of the new session, as `sessions.login` does.

    Raises:
        UserError: if the invite can't be used any more, or the password can't.
    """
    invite = get_invite(db, token)
    account = accounts.find_account_by_name(db, invite.name)
    password_hash = passwords.new_hash(password, invite.name, account.email if account else None)
    with write(db):
        get_invite(db, token)  # its maker may have lost the right meanwhile
        if not accounts.use_invite(db, hash_of(token)):
            raise UserError("invite_unusable")
        annotator_id = annotators.get_or_create_id(db, invite.name)
        _set_password(db, annotator_id, invite, password_hash)
        audit_log.add(db, annotator_id, "account.accept", f"account:{annotator_id}")
        return begin(db, annotator_id, address, browser=browser, replaces=replaces)


def _set_password(db: Database, annotator_id: int, invite: Invite, password_hash: str) -> None:
    account = accounts.find_account(db, annotator_id)
    if account is None:
        accounts.add_account(db, annotator_id, invite.role, password_hash=password_hash)
    elif account.disabled_at is not None:
        raise UserError("account_disabled")
    else:
        accounts.set_password_hash(db, annotator_id, password_hash)
        accounts.end_sessions(db, annotator_id)
        login_tries.forget_browsers(db, annotator_id)


def set_role(db: Database, by: Person | None, annotator_id: int, role: Role) -> None:
    """Give somebody another role, which applies from their next action on.

    If they lose the right to invite, their invites end.

    Raises:
        UserError: for a missing right, or if nobody would be left in charge.
    """
    _require(by)
    with write(db):
        account = _get_account(db, annotator_id)
        if account.role == role:
            return
        if role != "administrator":
            _check_not_last(db, account)
            accounts.withdraw_invites_by(db, annotator_id)
        accounts.set_role(db, annotator_id, role)
        audit_log.add(db, _id_of(by), "account.role", f"account:{annotator_id}", before=account.role, after=role)


def set_disabled(db: Database, by: Person | None, annotator_id: int, *, disabled: bool) -> None:
    """Close an account, or open it again.

    Closing ends its sessions and the invites made with it, and gives its diaries back; what was decided stays.

    Raises:
        UserError: for a missing right, or if nobody would be left in charge.
    """
    _require(by)
    with write(db):
        account = _get_account(db, annotator_id)
        if (account.disabled_at is not None) == disabled:
            return
        if disabled:
            _check_not_last(db, account)
            accounts.end_sessions(db, annotator_id)
            login_tries.forget_browsers(db, annotator_id)
            accounts.withdraw_invites(db, account.name)
            accounts.withdraw_invites_by(db, annotator_id)
            queue.release_person(db, annotator_id)
        accounts.set_disabled(db, annotator_id, disabled=disabled)
        audit_log.add(db, _id_of(by), f"account.{'disable' if disabled else 'enable'}", f"account:{annotator_id}")


def release_diaries(db: Database, by: Person | None, annotator_id: int) -> int:
    """Release the diaries that somebody holds, for others to take, and return how many there were.

    Raises:
        UserError: for a missing right.
    """
    _require(by)
    with write(db):
        count = queue.release_person(db, annotator_id)
        audit_log.add(db, _id_of(by), "lease.release", f"account:{annotator_id}", count=count)
    return count


def change_password(db: Database, token: str, old: str, new: str, *, address: str, browser: str | None = None) -> None:
    """Change one's own password; all one's other sessions end.

    Raises:
        UserError: if the old one is wrong, tried too often, or the new one can't be used.
    """
    person = sessions.get_person(db, token)
    account = passwords.check(db, person.name, old, Place(address, browser))
    password_hash = passwords.new_hash(new, person.name, account.email)
    with write(db):
        accounts.set_password_hash(db, person.annotator_id, password_hash)
        accounts.end_sessions(db, person.annotator_id, but=hash_of(token))
        login_tries.forget_browsers(db, person.annotator_id)
        audit_log.add(db, person.annotator_id, "account.password", f"account:{person.annotator_id}")


def _id_of(by: Person | None) -> int | None:
    return None if by is None else by.annotator_id


def _require(by: Person | None) -> None:
    if by is not None:
        require(by, "administrate")


def get_id(db: Database, name: str) -> int:
    """Return the id of the person who has an account by that name.

    Raises:
        UserError: if nobody has.
    """
    account = accounts.find_account_by_name(db, plain_name(name))
    if account is None:
        raise UserError("account_unknown", name=name)
    return account.annotator_id


def _get_account(db: Database, annotator_id: int) -> Account:
    account = accounts.find_account(db, annotator_id)
    if account is None:
        raise UserError("account_unknown", name=annotator_id)
    return account


def _check_not_last(db: Database, account: Account) -> None:
    is_in_charge = account.role == "administrator" and account.disabled_at is None
    if is_in_charge and accounts.count_open_administrators(db, other_than=account.annotator_id) == 0:
        raise UserError("last_administrator", name=account.name)


def _checked_name(db: Database, name: str) -> str:
    plain = plain_name(name)
    if not plain:
        raise UserError("name_empty")
    if plain.startswith(IMPORTER) or accounts.is_importer(db, plain):
        raise UserError("name_of_importer", name=plain)
    return plain

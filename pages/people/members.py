"""Who is let in, who is invited, and what an administrator can change about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import streamlit as st

from annotator import project_location
from annotator.accounts import accounts
from annotator.accounts.permissions import ROLES
from pages.widgets import organisation, session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import keyed, local_time, plain, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.accounts.accounts import Account
    from annotator.accounts.permissions import Person, Role
    from annotator.project import Database

_LINK = "people_link"
_NAME, _EMAIL = "people_invite_name", "people_invite_email"
_ROLE = "people_invite_role"


def draw(db: Database, person: Person) -> None:
    """Draw the form that invites, those who are invited and those who are here."""
    _draw_invite()
    if invites := accounts.list_invites(db):
        st.subheader(say("people.waiting"))
        for invite in invites:
            with st.container(border=True, horizontal=True, vertical_alignment="center"):
                until = local_time(invite.expires_at)
                _draw_name(invite.name, say("people.waiting_since", role=say(f"role.{invite.role}"), until=until))
                key = f"people_withdraw_{invite.token_hash.hex()[:12]}"
                st.button(say("people.withdraw"), key=key, on_click=_withdraw, args=(invite.name,))
    members = accounts.list_people(db)
    st.subheader(say("people.members", count=len(members)))
    for account in members:
        _draw_member(account, person)


def _draw_invite() -> None:
    with st.form("people_invite", clear_on_submit=True):
        st.subheader(say("people.invite"))
        st.text_input(say("people.name"), key=_NAME, max_chars=40)
        _draw_roles(keyed(_ROLE), "annotator")
        if organisation.is_offered():
            st.text_input(say("people.invite_email"), key=_EMAIL, help=say("people.invite_email_help"))
        st.form_submit_button(say("people.invite_button"), type="primary", on_click=_invite, args=(keyed(_ROLE),))
    _draw_link()


def _draw_link() -> None:
    link = session.draft(_LINK)
    if link is None:
        return
    name, token = link
    here = urlsplit(st.context.url or "")
    with st.container(border=True):
        st.markdown(plain(say("people.link", name=name, days=accounts.INVITE_SECONDS // 86_400)))
        st.code(f"{here.scheme}://{here.netloc}/invite/{token}", language=None, wrap_lines=True)


def _draw_roles(
    key: str, role: Role, *, on_change: Callable[..., None] | None = None, args: tuple[Any, ...] = ()
) -> None:
    st.segmented_control(
        say("people.role"),
        ROLES,
        default=role,
        required=True,
        format_func=lambda name: say(f"role.{name}"),
        key=key,
        help=say("people.role_help"),
        on_change=on_change,
        args=args,
    )


def _draw_name(name: str, rest: str) -> None:
    with st.container(gap=None):
        st.markdown(f"**{plain(name)}**")
        st.caption(rest)


def _draw_member(account: Account, person: Person) -> None:
    role, is_self = say(f"role.{account.role}"), account.annotator_id == person.annotator_id
    if account.disabled_at is not None:
        state = say("people.disabled")
    elif account.last_seen_at is not None:
        state = say("people.seen", role=role, when=local_time(account.last_seen_at))
    else:
        state = say("people.seen_never", role=role)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        _draw_name(f"{account.name} ({say('people.you')})" if is_self else account.name, state)
        with st.popover(say("people.change"), key=f"people_change_{account.annotator_id}"):
            _draw_changes(account)


def _draw_changes(account: Account) -> None:
    member, name = account.annotator_id, account.name
    if account.disabled_at is not None:
        st.button(say("people.enable"), key=f"people_enable_{member}", on_click=_set_disabled, args=(member, False))
        return
    # The role is part of the key, so that the control never shows a role other than the account's.
    key = keyed(f"people_role_{member}_{account.role}")
    _draw_roles(key, cast("Role", account.role), on_change=_set_role, args=(member, key))
    for action, callback, arguments in (
        ("relink", _relink, (name, account.role)),
        ("release", _release, (member, name)),
        ("disable", _set_disabled, (member, True)),
    ):
        words, why = say(f"people.{action}"), say(f"people.{action}_help")
        st.button(words, key=f"people_{action}_{member}", help=why, on_click=callback, args=arguments, width="stretch")


def _invite(role_key: str) -> None:
    name, email = st.session_state[_NAME], st.session_state.get(_EMAIL, "").strip()
    role: Role = st.session_state[role_key]
    with callback_boundary(), project_location.opened() as db:
        by = session.person(db)
        session.keep_draft(_LINK, None)
        if email:
            accounts.add(db, by, name, role, email=email)
            st.toast(plain(say("people.added", name=name)), icon=":material/check:")
        else:
            session.keep_draft(_LINK, (name, accounts.invite(db, by, name, role)))


def _relink(name: str, role: Role) -> None:
    with callback_boundary(), project_location.opened() as db:
        session.keep_draft(_LINK, (name, accounts.invite(db, session.person(db), name, role)))


def _withdraw(name: str) -> None:
    with callback_boundary(), project_location.opened() as db:
        accounts.withdraw(db, session.person(db), name)


def _release(annotator_id: int, name: str) -> None:
    with callback_boundary(), project_location.opened() as db:
        count = accounts.release_diaries(db, session.person(db), annotator_id)
    st.toast(plain(say("people.released", name=name, count=count)), icon=":material/check:")


def _set_role(annotator_id: int, key: str) -> None:
    with callback_boundary(), project_location.opened() as db:
        accounts.set_role(db, session.person(db), annotator_id, st.session_state[key])


def _set_disabled(annotator_id: int, disabled: bool) -> None:
    with callback_boundary(), project_location.opened() as db:
        accounts.set_disabled(db, session.person(db), annotator_id, disabled=disabled)

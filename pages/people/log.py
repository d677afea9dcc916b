"""The audit log, newest first, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import messages
from annotator.accounts import accounts
from pages.widgets import session
from pages.widgets.tables import draw_rows
from pages.widgets.text import local_time, say

if TYPE_CHECKING:
    from annotator.accounts.accounts import Entry
    from annotator.project import Database

_BEFORE = "people_log_before"
_PAGE = 30


def draw(db: Database) -> None:
    """Draw a page of the log, and the buttons to turn pages."""
    st.subheader(say("people.log.title"), help=say("people.log.help"))
    before = session.draft(_BEFORE)
    entries = accounts.list_entries(db, before=before, limit=_PAGE)
    if not entries:
        st.caption(say("people.log.empty"))
    else:
        names = {f"account:{account.annotator_id}": account.name for account in accounts.list_people(db)}
        rows = [_row(entry, names) for entry in entries]
        draw_rows(rows, hide_index=True, height="content", key="people_log")
    with st.container(horizontal=True):
        if before is not None:
            st.button(say("people.log.newest"), key="people_log_newest", on_click=_turn, args=(None,))
        if len(entries) == _PAGE:
            st.button(say("people.log.older"), key="people_log_older", on_click=_turn, args=(entries[-1].id,))


def _turn(before: int | None) -> None:
    session.keep_draft(_BEFORE, before)


def _row(entry: Entry, names: dict[str, str]) -> dict[str, str]:
    return {
        say("people.log.when"): local_time(entry.at),
        say("people.log.who"): entry.name or say("people.log.nobody"),
        say("people.log.what"): _action(entry.action),
        say("people.log.on"): names.get(entry.subject, entry.subject),
        say("people.log.details"): ", ".join(f"{key}: {value}" for key, value in entry.details.items()),
    }


def _action(action: str) -> str:
    """Return an action in words, or as it is stored where there are none for it."""
    return messages.below("people.action", session.language()).get(action, action)

"""살펴볼 글: diaries that speak of self-harm, for the lead to look after."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts import permissions
from annotator.privacy import care, masking
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import keyed, local_time, plain, say

if TYPE_CHECKING:
    from annotator.accounts.permissions import Person
    from annotator.privacy.care import Filter, FlaggedDiary

_AT_ONCE = 10
_COUNT = "care_count"
"""Draft: how many diaries are listed."""

_ORIGINALS = "care_originals"
"""Draft: the original that was just asked for, by diary; the run that shows it forgets it."""

_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.8;margin:0;max-width:40rem"
_FILTERS: tuple[Filter, ...] = ("open", "handled")


def _draw() -> None:
    st.title(say("frame.care"))
    st.markdown(f"{say('care.lead')} {say('care.honest')}")
    st.info(say("care.lines"), icon=":material/call:")
    with project_location.opened() as db:
        person = session.person(db)
        counts = dict(zip(_FILTERS, care.count(db), strict=True))
        which = st.segmented_control(
            say("care.which"),
            _FILTERS,
            default="open",
            required=True,
            key=keyed("care_which"),
            format_func=lambda name: say(f"care.{name}", n=counts[name]),
            label_visibility="collapsed",
        )
        state: Filter = "handled" if which == "handled" else "open"
        count = int(session.draft(_COUNT, _AT_ONCE))
        cards = care.list_cards(db, person=person, which=state, limit=count)
    if not cards:
        st.caption(say(f"care.none_{state}"))
    for card in cards:
        _draw_card(card, person)
    if counts[state] > count:
        st.button(say("care.more"), key="care_more", on_click=_show_more)


def _draw_card(card: FlaggedDiary, person: Person) -> None:
    flag = card.flag
    original = session.draft(_ORIGINALS, {}).get(flag.diary_id)
    with st.container(border=True):
        st.caption(" · ".join(filter(None, (say("care.diary", id=flag.diary_id), card.written_on))))
        st.html(f"<p style='{_TEXT}'>{escape(original or card.text)}</p>")
        if masking.COVER in card.text and original is None:
            _draw_reveal(flag.diary_id, person)
        if flag.handled_at is not None:
            name = plain(flag.handled_by or "")
            st.caption(say("care.handled_by", name=name, at=local_time(flag.handled_at)))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                say("care.note"),
                value=flag.note,
                key=_note_key(flag.diary_id),
                placeholder=say("care.note_hint"),
                max_chars=2000,
            )
            st.button(say("care.handle"), key=f"care_handle_{flag.diary_id}", on_click=_handle, args=(flag.diary_id,))


def _draw_reveal(diary_id: int, person: Person) -> None:
    st.caption(say("care.covered"))
    if permissions.may(person, "administrate"):
        st.button(
            say("care.reveal"),
            key=f"care_reveal_{diary_id}",
            help=say("care.reveal_help"),
            icon=":material/visibility:",
            on_click=_reveal,
            args=(diary_id,),
        )


def _note_key(diary_id: int) -> str:
    return f"care_note_{diary_id}"


def _show_more() -> None:
    session.keep_draft(_COUNT, int(session.draft(_COUNT, _AT_ONCE)) + _AT_ONCE)


def _handle(diary_id: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        note = st.session_state.get(_note_key(diary_id)) or ""
        care.handle(db, diary_id, note, person=session.person(db))


def _reveal(diary_id: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        text = masking.reveal(db, diary_id, person=session.person(db))
    session.keep_draft(_ORIGINALS, {diary_id: text})


_draw()
session.keep_draft(_ORIGINALS, None)

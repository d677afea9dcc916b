"""고쳐 볼 글: diaries that a reviewer sent back, one at a time, with what the reviewer says."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.label_sets import definitions, editing
from annotator.review import returned
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import local_time, plain, say

if TYPE_CHECKING:
    from annotator.project import Database
    from annotator.review.returned import ReturnedDiary

_ANSWERED = "corrections_answered"
"""Draft: diary and decision of each answer of this session, so that it can be taken back."""

_SHOWN = "corrections_shown"
"""Draft: the card on screen and when it was drawn."""

_READ_SECONDS = 0.4
"""A card answered faster was meant for the one before: nobody reads so fast, and browsers draw late."""

_KEPT = "white-space:pre-wrap;overflow-wrap:anywhere;"
_TEXT = f"{_KEPT}font-size:1.12rem;line-height:1.8;margin:.2rem 0 .4rem;max-width:40rem"
_QUOTE = f"{_KEPT}margin:0;padding-left:.8rem;border-left:3px solid var(--st-primary-color, #888)"


def _draw() -> None:
    st.title(say("frame.corrections"))
    with project_location.opened() as db:
        me = session.person(db).annotator_id
        card = returned.next_card(db, me)
        if card is None:
            answered = session.draft(_ANSWERED)
            st.info(say("corrections.finished" if answered else "corrections.none"), icon=":material/done_all:")
            st.page_link("pages/label/page.py", label=say("review.go_label"), icon=":material/edit:")
        else:
            st.caption(say("corrections.intro"))
            _note_shown(card.review_id)
            _draw_card(card, returned.count(db, me))
            _draw_choices(db, card)
        _draw_undo()


def _note_shown(review_id: int) -> None:
    if session.draft(_SHOWN, (None,))[0] != review_id:
        session.keep_draft(_SHOWN, (review_id, time.monotonic()))


def _draw_card(card: ReturnedDiary, count: int) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.caption(say("corrections.about", id=card.diary_id, when=local_time(card.returned_at)), width="content")
            st.caption(say("corrections.waiting", count=count), width="content")
        st.html(f"<p style='{_TEXT}'>{escape(card.text)}</p>")
        st.caption(say("corrections.comment"))
        st.html(f"<p style='{_QUOTE}'>{escape(card.comment)}</p>")


def _draw_choices(db: Database, card: ReturnedDiary) -> None:
    if card.mine is not None:
        st.markdown(f"{say('corrections.mine')}: **{plain(card.mine.name)}**")
    with st.container(horizontal=True):
        for label in editing.list_labels(db):
            key = definitions.shown_key(label)
            st.button(
                plain(label.name),
                key=f"corrections_{card.review_id}_{label.id}",
                # Streamlit keeps these two for itself.
                shortcut=None if key in ("", "C", "R") else key,
                type="primary" if label == card.mine else "secondary",
                on_click=_answer,
                args=(card.review_id, card.diary_id, label.id),
            )
    st.text_input(
        say("corrections.memo"),
        value=card.memo,
        key=_memo_key(card.review_id),
        placeholder=say("corrections.memo_hint"),
        max_chars=2000,
    )


def _memo_key(review_id: int) -> str:
    return f"corrections_memo_{review_id}"


def _draw_undo() -> None:
    if session.draft(_ANSWERED):
        st.button(say("corrections.undo"), key="corrections_undo", shortcut="Z", icon=":material/undo:", on_click=_undo)


def _answer(review_id: int, diary_id: int, label_id: int) -> None:
    current_id, since = session.draft(_SHOWN, (None, 0.0))
    if current_id != review_id or time.monotonic() - since < _READ_SECONDS:
        st.toast(say("corrections.just_shown"), icon=":material/hourglass_empty:")
        return
    with callback_boundary(), project_location.opened() as db:
        me = session.person(db).annotator_id
        memo = st.session_state.get(_memo_key(review_id)) or ""
        decision_id = returned.answer(db, review_id, label_id, annotator_id=me, memo=memo)
        session.keep_draft(_ANSWERED, (*session.draft(_ANSWERED, ()), (diary_id, decision_id)))


def _undo() -> None:
    answered = session.draft(_ANSWERED, ())
    if not answered:
        return
    session.keep_draft(_ANSWERED, answered[:-1] or None)
    diary_id, decision_id = answered[-1]
    with callback_boundary(), project_location.opened() as db:
        me = session.person(db).annotator_id
        key = "undone" if returned.undo(db, decision_id, annotator_id=me) else "overtaken"
        st.toast(say(f"corrections.{key}", id=diary_id), icon=":material/undo:")


_draw()

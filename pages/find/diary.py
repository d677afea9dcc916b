"""A diary's own page: text, why, who said what, what happened to it, similar ones, and what can be done with it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts import diary_access
from annotator.finding import diary as diary_pages
from annotator.finding import sending
from annotator.label_sets import editing
from annotator.privacy import care
from annotator.privacy.forgetting import Selection
from pages.find import address
from pages.find.results import marked, summary
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.forgetting import draw_forgetting
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from annotator.accounts.permissions import Person
    from annotator.finding.diary import DiaryPage, Shown
    from annotator.project import Database

_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;font-size:1.12rem;line-height:1.8;margin:.2rem 0;max-width:42rem"
_SAID = "find_diary_said"
"""Draft: what was done with a diary, shown once."""


def draw(db: Database, actor: Actor, person: Person, diary_id: int) -> None:
    """Draw a diary's page."""
    st.button(
        say("find.back"), key="find_back", icon=":material/arrow_back:", on_click=address.open_diary, args=(None,)
    )
    if said := session.draft(_SAID):
        session.keep_draft(_SAID, None)
        st.success(said, icon=":material/check:")
    shown = diary_pages.read(db, project_location.path(), actor, diary_id, session.language())
    st.title(say("find.diary", id=diary_id))
    _draw_text(shown)
    if "label" in shown.acts:
        _draw_labels(db, shown)
    _draw_acts(shown)
    _draw_history(shown)
    if "forget" in shown.acts:
        with st.expander(say("find.forget"), icon=":material/delete_forever:"):
            draw_forgetting(f"find_{diary_id}", Selection(ids=(diary_id,)))


def _draw_text(page: DiaryPage) -> None:
    with st.container(border=True):
        st.caption(plain(summary(page.hit)))
        st.html(f"<p style='{_TEXT}'>{marked(page.text, sorted(page.words))}</p>")
        if page.explanation:
            st.markdown(plain(page.explanation))
        if page.standing is not None:
            comment = f" “{page.standing['comment']}”" if page.standing["comment"] else ""
            st.info(plain(f"{page.standing['said']}{comment}"), icon=":material/fact_check:")


def _draw_labels(db: Database, page: DiaryPage) -> None:
    st.markdown(f"**{say('find.own_label')}**")
    with st.container(horizontal=True):
        for label in editing.list_labels(db):
            st.button(
                plain(label.name),
                key=f"find_label_{page.diary_id}_{label.id}",
                type="primary" if label.id == page.own_label_id else "secondary",
                on_click=_label,
                args=(page.diary_id, label.id, label.name, page.shown),
            )
    st.text_input(
        say("find.own_memo"), key=f"find_memo_{page.diary_id}", max_chars=2000, placeholder=say("find.own_memo_hint")
    )


def _label(diary_id: int, label_id: int, name: str, shown: Shown | None) -> None:
    with callback_boundary(), project_location.opened() as db:
        actor = diary_access.actor_of(session.person(db))
        memo = str(st.session_state.get(f"find_memo_{diary_id}") or "")
        diary_pages.label(db, actor, diary_id, label_id, shown=shown, memo=memo)
        session.keep_draft(_SAID, say("find.labelled", label=name))


def _draw_acts(page: DiaryPage) -> None:
    with st.container(horizontal=True):
        st.button(
            say("find.like_this"),
            key="find_like_this",
            icon=":material/join_inner:",
            on_click=address.go,
            args=({"like": str(page.diary_id)},),
        )
        if "send" in page.acts:
            st.button(
                say("find.send_one"),
                key="find_send_one",
                icon=":material/low_priority:",
                on_click=_send,
                args=(page.diary_id,),
            )
        if "review" in page.acts:
            st.button(
                say("find.review"),
                key="find_review",
                icon=":material/fact_check:",
                on_click=_review,
                args=(page.diary_id,),
            )
        if "care" in page.acts:
            st.button(
                say("find.care"), key="find_care", icon=":material/favorite:", on_click=_care, args=(page.diary_id,)
            )


def _send(diary_id: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        actor = diary_access.actor_of(session.person(db))
        sent = sending.send_ids(db, actor, [diary_id], query=address.values())
        session.keep_draft(_SAID, say("find.sent_one" if sent.sent_ids else "find.sent_none"))


def _review(diary_id: int) -> None:
    session.review_next(diary_id)
    session.go_to("review")


def _care(diary_id: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        care.flag(db, diary_id, person=session.person(db))
        session.keep_draft(_SAID, say("find.care_done"))


def _draw_history(page: DiaryPage) -> None:
    left, right = st.columns(2)
    with left:
        st.subheader(say("find.history"))
        for moment in page.moments:
            words = f"<br>“{escape(moment['words'])}”" if moment["words"] else ""
            st.html(
                f"<p style='margin:0;overflow-wrap:anywhere'>{escape(moment['at'])} {escape(moment['said'])}{words}</p>"
            )
        if not page.moments:
            st.caption(say("find.no_history"))
        if len(page.versions) > 1:
            st.subheader(say("find.versions"))
            for version, label, proba in page.versions:
                st.markdown(plain(say("find.version", version=version, label=label, p=round(100 * proba))))
    with right:
        if page.similar:
            st.subheader(say("find.similar"))
        for near in page.similar:
            labels = ", ".join(f"{each['name']} {each['count']}" for each in near["labels"])
            with st.container(border=True, gap="small"):
                st.html(f"<p style='margin:0;overflow-wrap:anywhere'>{escape(near['text'])}</p>")
                st.button(
                    plain(say("find.open_near", id=near["diary_id"], labels=labels)),
                    key=f"find_near_{near['diary_id']}",
                    type="tertiary",
                    on_click=address.open_diary,
                    args=(near["diary_id"],),
                )

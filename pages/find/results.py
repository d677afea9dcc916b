"""The hits: a line of text each with the words marked, what is known, and the way to the diary's page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts import diary_access, permissions
from annotator.finding import finder, nearest, query, sending
from annotator.finding.query import Query
from pages.find import address
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import local_time, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.finder import Found
    from annotator.finding.hits import Answer, Hit
    from annotator.finding.sending import Sent
    from annotator.project import Database

PAGE = 25
_SEND = (25, 50, 100, 200, sending.MOST_SENT)
_LINE = "margin:0;overflow-wrap:anywhere;line-height:1.6"
_MARK = "background:#f6e0a8;color:inherit;border-radius:2px"
_SAID = "find_said"
"""Draft: what became of hits that were sent to the queue, shown once."""


def vector_of(asked: Query) -> NDArray[np.float32] | None:
    """Return the vector of the text that the hits shall be like; None where there is no text."""
    if not asked.like_text:
        return None
    with st.spinner(say("find.encoding")):
        return nearest.vector_of(project_location.path(), asked.like_text)


def draw(db: Database, actor: Actor, asked: Query, vector: NDArray[np.float32] | None) -> None:
    """Draw a page of the hits of a search.

    Args:
        vector: of the text that they shall be like.
    """
    if said := session.draft(_SAID):
        session.keep_draft(_SAID, None)
        st.success(said, icon=":material/low_priority:")
    results = finder.find(db, project_location.path(), actor, asked, limit=PAGE, vector=vector)
    _draw_head(db, actor, asked, results)
    for hit in results.hits:
        draw_hit(hit)
    if not results.hits:
        draw_empty(db, asked)
    if results.next:
        st.button(
            say("find.more"), key="find_more", icon=":material/arrow_forward:", on_click=_go_on, args=(results.next,)
        )


def _draw_head(db: Database, actor: Actor, asked: Query, results: Found) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{say('find.count_more' if results.is_more else 'find.count', count=results.count)}**")
        if results.hits and diary_access.has_right(db, actor, "review"):
            _draw_grouping()
            _draw_sending(asked)
    if results.missing_count:
        st.info(say("find.not_searched", count=results.missing_count), icon=":material/hourglass_top:")
    if results.nearness is not None:
        made_at, missing = local_time(results.nearness.made_at), results.nearness.missing_count
        like = say("find.like_text") if asked.like is None else say("find.like", id=asked.like)
        vectors = say("find.vectors_missing" if missing else "find.vectors", when=made_at, missing=missing)
        st.caption(f"{like} {vectors}")


def _draw_grouping() -> None:
    st.button(
        say("find.groups.of_hits"),
        key="find_groups",
        icon=":material/grid_view:",
        type="tertiary",
        on_click=address.change,
        kwargs={"view": "groups"},
    )


def _draw_sending(asked: Query) -> None:
    with st.popover(say("find.send"), icon=":material/low_priority:"):
        st.caption(say("find.send_help"))
        with st.container(horizontal=True):
            for count in _SEND:
                st.button(
                    say("find.send_count", count=count),
                    key=f"find_send_{count}",
                    on_click=_send,
                    args=(asked.address(), count),
                )


def _send(search: dict[str, str], count: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        actor = diary_access.actor_of(session.person(db))
        asked = query.read({**search, "after": ""})
        sent = sending.send(db, project_location.path(), actor, asked, limit=count, vector=vector_of(asked))
        session.keep_draft(_SAID, sent_words(sent))


def sent_words(sent: Sent) -> str:
    """Return what became of diaries that were sent to the queue."""
    return say(
        "find.sent",
        count=len(sent.sent_ids),
        decided=sent.decided_count,
        test=sent.test_count,
        drawn=sent.drawn_count,
    )


def draw_hit(hit: Hit) -> None:
    """Draw a hit: a line of its text, what is known of it, and the way to its page."""
    with st.container(border=True, gap="small"):
        st.html(f"<p style='{_LINE}'>{marked(hit.line, hit.spans)}</p>")
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(plain(summary(hit)), width="content")
            st.button(
                say("find.open", id=hit.diary_id),
                key=f"find_open_{hit.diary_id}",
                type="tertiary",
                icon=":material/open_in_full:",
                on_click=address.open_diary,
                args=(hit.diary_id,),
            )


def marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return a text as HTML with spans marked."""
    parts, at = [], 0
    for start, end in spans:
        parts += [escape(text[at:start]), f"<mark style='{_MARK}'>{escape(text[start:end])}</mark>"]
        at = end
    return "".join([*parts, escape(text[at:])])


def summary(hit: Hit) -> str:
    """Return what is known of a hit, in one line."""
    parts = [say(f"find.state_{hit.state}"), _answers(hit)]
    if hit.prediction is not None:
        parts.append(say("find.said", label=hit.prediction, p=round(100 * (hit.probability or 0.0))))
    if hit.nearness is not None:
        parts.append(say("find.nearness", p=round(100 * hit.nearness)))
    parts += [hit.author or "", hit.written_on or "", hit.source or ""]
    parts.append(say(f"find.part_{hit.part}") if hit.part == "test" else "")
    return " · ".join(part for part in parts if part)


def _answers(hit: Hit) -> str:
    return ", ".join(f"{answer.label} ({_by(answer)})" for answer in hit.answers if answer.label)


def _by(answer: Answer) -> str:
    return f"{answer.name} · {say('find.groups.mark')}" if answer.is_group else answer.name


def draw_empty(db: Database, asked: Query) -> None:
    """Say that nothing was found, and what helps, with the way there."""
    key = "nothing_near" if asked.is_near else "nothing" if asked != Query() else "no_diaries"
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"**{plain(say(f'find.{key}'))}**", text_alignment="center")
        st.caption(say(f"find.{key}_help"), text_alignment="center")
        if key == "no_diaries" and permissions.may(session.person(db), "review"):
            st.page_link("pages/import_diaries/page.py", label=say("first_steps.go_import"), icon=":material/download:")
        elif key == "no_diaries":
            st.page_link("pages/label/page.py", label=say("first_steps.go_read"), icon=":material/edit:")


def _go_on(after: str) -> None:
    address.change(after=after)

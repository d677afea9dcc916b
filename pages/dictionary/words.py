"""Words that explanations bring up: one to decide about, and the list of all."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts.permissions import may
from annotator.dictionary import entries, evidence
from annotator.label_sets import editing
from annotator.messages.figures import signed
from pages.dictionary import actions
from pages.dictionary.adding import draw_adding, draw_export
from pages.dictionary.table import CHOSEN, draw_pager, draw_table, first_page, page_of
from pages.dictionary.worker_notice import draw_worker_off, watch
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.dictionary.entries import Label
    from annotator.dictionary.evidence import EvidenceTable, Filter, Row
    from annotator.project import Database

_LATER = "dictionary_later"

_KEEP_KEYS = ("K", "Enter")
_REJECT_KEY, _NONE_KEY, _LATER_KEY = "F", "V", "S"
"""Letters that no label can have: the label page uses them itself."""

_EXAMPLE = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7;margin:.15rem 0"


def draw_words(db: Database, basis: EvidenceTable | None) -> None:
    """Draw the words of the dictionary and those that could come into it."""
    labels = editing.list_labels(db)
    rows = _draw_filters(db, basis, labels)
    if rows:
        later = set(session.draft(_LATER, ()))
        rows = sorted(rows, key=lambda row: row.word in later)
        page = page_of(rows)
        at = session.draft(CHOSEN)
        row = next((row for row in rows if row.word == at), page[0])
        _draw_card(db, row, basis, labels)
        draw_table(page, basis, labels)
        draw_pager(len(rows))
    actions.draw_undo()
    if basis is not None:
        _draw_more(db)
    draw_adding(labels)
    if may(session.person(db), "review"):  # the file names who confirmed what
        draw_export(session.person(db))


def _draw_more(db: Database) -> None:
    """Draw the button that asks for the words of more diaries."""
    if entries.is_waiting(db, "evidence"):
        draw_worker_off(db)
        watch("evidence")
    elif evidence.can_ask_more(db):
        count = evidence.DIARIES_A_PRESS
        st.button(
            say("dictionary.more", count=count),
            key="dictionary_more",
            icon=":material/playlist_add:",
            on_click=_ask_more,
        )
        st.caption(say("dictionary.more_help"))


def _ask_more() -> None:
    with callback_boundary(), project_location.opened() as db:
        entries.ask(db, "evidence")


def _draw_filters(db: Database, basis: EvidenceTable | None, labels: Sequence[Label]) -> list[Row]:
    if basis is not None:
        total = basis.evidence.diary_total
        st.caption(say("dictionary.basis", version=basis.version, diaries=total, words=len(basis.evidence.forms)))
        if total == evidence.MOST_DIARIES:
            st.caption(say("dictionary.basis_newest", count=total))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown: Filter = st.segmented_control(
            say("dictionary.state"),
            evidence.FILTERS,
            default=evidence.FILTERS[0],
            required=True,
            format_func=lambda state: say(f"dictionary.state_{state}"),
            key=keyed("dictionary_state"),
            on_change=first_page,
        )
        label = st.selectbox(
            say("dictionary.label"),
            [None, *labels],
            format_func=lambda label: say("dictionary.label_all") if label is None else label.name,
            key=keyed("dictionary_label"),
            on_change=first_page,
            width=180,
        )
        search = st.text_input(say("dictionary.search"), key="dictionary_search", on_change=first_page, width=220)
    label_id = None if label is None else label.id
    rows = evidence.list_rows(db, basis, shown=shown, label_id=label_id, search=search)
    if not rows:
        _draw_nothing(basis, is_filtered=bool(search.strip()) or label is not None or shown != "open")
    return rows


def _draw_nothing(basis: EvidenceTable | None, *, is_filtered: bool) -> None:
    if basis is None:
        st.info(say("dictionary.no_model"), icon=":material/hourglass_empty:")
    elif not basis.evidence.diary_total:
        st.info(say("dictionary.no_explanations"), icon=":material/hourglass_empty:")
    else:
        st.info(say("dictionary.no_match" if is_filtered else "dictionary.all_decided"), icon=":material/info:")


def _draw_card(db: Database, row: Row, basis: EvidenceTable | None, labels: Sequence[Label]) -> None:
    with st.container(border=True):
        st.html(f"<p style='font-size:1.5rem;font-weight:600;margin:0'>{escape(row.word)}</p>")
        st.caption(_about(row, basis, labels))
        for example in evidence.list_examples(db, row, person=session.person(db))[:3]:
            text = f"{escape(example.before)}<b><u>{escape(example.word)}</u></b>{escape(example.after)}"
            st.html(f"<p style='{_EXAMPLE}'><small>#{example.diary_id}</small> {text}</p>")
        _draw_choices(row, labels)


def _about(row: Row, basis: EvidenceTable | None, labels: Sequence[Label]) -> str:
    """Say where a word stands and what it speaks for, the strongest label first."""
    parts = [say(f"dictionary.state_{row.state}")]
    if row.means is not None and basis is not None:
        name_of = {label.id: label.name for label in labels}
        order = sorted(zip(basis.label_ids, row.means, strict=True), key=lambda pair: -pair[1])
        weights = [f"{plain(name_of.get(i, '?'))} {signed(mean, digits=2)}" for i, mean in order]
        parts.append(say("dictionary.seen", count=row.count, diaries=row.diary_count))
        parts.append(" · ".join(weights))
    return "  \n".join(parts)


def _draw_choices(row: Row, labels: Sequence[Label]) -> None:
    label_keys = {label.key.upper() for label in labels}
    name = session.name()
    with st.container(horizontal=True):
        for label in sorted(labels, key=lambda label: (label.id != row.label_id, label.position)):
            is_first = label.id == row.label_id
            keep_key = next(key for key in _KEEP_KEYS if key not in label_keys)
            own_key = label.key.upper() if label.key.upper() not in ("C", "R") else None
            st.button(
                plain(label.name),
                key=f"dictionary_confirm_{label.id}_{row.word}",
                shortcut=keep_key if is_first else own_key,
                type="primary" if is_first else "secondary",
                icon=":material/check:" if is_first else None,
                on_click=actions.confirm,
                args=(row.word, label.id, "evidence", name),
            )
    with st.container(horizontal=True):
        st.button(
            say("dictionary.no_emotion"),
            key=f"dictionary_none_{row.word}",
            shortcut=_NONE_KEY,
            on_click=actions.confirm,
            args=(row.word, None, "evidence", name),
        )
        st.button(
            say("dictionary.reject"),
            key=f"dictionary_reject_{row.word}",
            shortcut=_REJECT_KEY,
            icon=":material/block:",
            on_click=actions.reject,
            args=(row.word, "evidence", name),
        )
        st.button(
            say("dictionary.later"),
            key=f"dictionary_later_{row.word}",
            shortcut=_LATER_KEY,
            on_click=_put_off,
            args=(row.word,),
        )


def _put_off(word: str) -> None:
    session.keep_draft(_LATER, (*session.draft(_LATER, ()), word))
    session.keep_draft(CHOSEN, None)

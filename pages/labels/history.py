"""How the label set changed: what, who, when and why, each with a way back."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator.label_sets import editing, history
from pages.labels import actions
from pages.widgets import session
from pages.widgets.text import local_time, say

if TYPE_CHECKING:
    from annotator.label_sets.editing import Change
    from annotator.project import Database

_SHOWN = 50


def draw_history(db: Database) -> None:
    """Draw the newest changes, newest first."""
    changes, names = editing.list_changes(db), editing.names_of_all(db)
    if not changes:
        st.caption(say("labels.no_history"))
        return
    st.caption(say("labels.history_help"))
    st.html(actions.ROWS)
    with st.container(border=True, gap="xsmall", key="labels_rows"):
        for change in changes[:_SHOWN]:
            words = history.describe(change, changes, names, session.language())
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(_row(change, words))
                if change.action != "undo" and change.undone_by is None:
                    _draw_undo(change, history.blocked_by(change, changes))
    if len(changes) > _SHOWN:
        st.caption(say("labels.history_more", shown=_SHOWN, count=len(changes)))


def _row(change: Change, words: str) -> str:
    about = " · ".join([local_time(change.changed_at), change.annotator_name, *filter(None, [change.note])])
    is_undone = change.undone_by is not None
    look = "opacity:.55;text-decoration:line-through" if is_undone else ""
    return (
        f'<div><span style="opacity:.6;font-variant-numeric:tabular-nums">{change.id}</span>&ensp;'
        f'<span style="{look}">{escape(words)}</span>'
        f'<div style="opacity:.65;font-size:.88rem">{escape(about)}</div></div>'
    )


def _draw_undo(change: Change, blocking: list[Change]) -> None:
    st.button(
        say("labels.undo"),
        key=f"labels_undo_{change.id}",
        type="tertiary",
        icon=":material/undo:",
        disabled=bool(blocking),
        help=say("labels.blocked", first=blocking[0].id) if blocking else None,
        on_click=actions.undo,
        args=(change.id,),
    )

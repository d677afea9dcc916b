"""Diaries to look at again after a label was split or taken out: one at a time, one key each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator.label_sets import definitions
from annotator.review import actions, rechecks
from pages.labels import actions as acts
from pages.widgets import session
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from annotator.label_sets.editing import Label
    from annotator.project import Database
    from annotator.review.rechecks import RecheckItem

_UNDO_KEY = "Z"
"""No label can have this key: the label page takes back with it too."""

_TAKEN = ("C", "R")
"""Keys that the framework keeps for itself."""

_CHOSEN = "labels_rechecked"
_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;font-size:1.15rem;line-height:1.85;margin:.2rem 0 .4rem"


def draw_recheck(db: Database) -> None:
    """Draw the next diary, or say that none is left."""
    card = rechecks.next_card(db, annotator_id=session.person(db).annotator_id)
    if card is None:
        st.success(say("labels.recheck_none"), icon=":material/check_circle:")
    else:
        st.caption(say("labels.recheck_help", count=rechecks.count(db)))
        _draw_card(card)
    if session.draft(_CHOSEN):
        st.button(
            say("labels.recheck_undo"),
            key="labels_recheck_undo",
            shortcut=_UNDO_KEY,
            icon=":material/undo:",
            on_click=_undo,
        )


def _draw_card(card: RecheckItem) -> None:
    with st.container(border=True):
        about = [say("labels.recheck_diary", id=card.diary_id), card.written_on or ""]
        st.caption(" · ".join(filter(None, about)))
        st.html(f"<p style='{_TEXT}'>{escape(card.text)}</p>")
        stays = card.given.retired_at is None
        words = say("labels.recheck_ask" if stays else "labels.recheck_ask_gone", given=card.given.name)
        st.markdown(plain(words))
    with st.container(horizontal=True):
        for label in card.choices:
            _draw_choice(card, label)


def _draw_choice(card: RecheckItem, label: Label) -> None:
    is_given = label.id == card.given.id
    key = definitions.shown_key(label)
    st.button(
        plain(say("labels.recheck_keep", given=label.name) if is_given else label.name),
        key=f"labels_recheck_{card.diary_id}_{label.id}",
        shortcut=None if key in ("", *_TAKEN) else key,
        on_click=_choose,
        args=(card.diary_id, card.mark, label.id),
    )


def _choose(diary_id: int, mark: tuple[int, int], label_id: int) -> None:
    with acts.acting() as (db, me):
        rechecks.choose(db, diary_id, mark, label_id, annotator_id=me, language=session.language())
        session.keep_draft(_CHOSEN, session.draft(_CHOSEN, 0) + 1)


def _undo() -> None:
    with acts.acting() as (db, me):
        diary_ids = actions.undo_last(db, me)
        session.keep_draft(_CHOSEN, session.draft(_CHOSEN, 1) - 1)
        st.toast(say("labels.recheck_undone", id=diary_ids[0] if diary_ids else "–"), icon=":material/undo:")

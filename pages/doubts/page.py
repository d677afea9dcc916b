"""라벨 다시 보기: labels that the model doubts, one at a time, with one key to keep and one to change."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import doubts, people
from pages.widgets import project, session
from pages.widgets.boundary import callback_boundary
from pages.widgets.words import local_time, plain, say

if TYPE_CHECKING:
    from annotator.doubts import Card, Review
    from annotator.project import Database

_UNDO = "doubts_reviews"
_KEEP_KEYS = ("K", "Enter")
_UNDO_KEY = "Z"
"""No label can have it: the label page takes back with it too."""

_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;font-size:1.15rem;line-height:1.85;margin:.2rem 0 .4rem"


def _draw() -> None:
    st.title(say("doubts.title"))
    with project.opened() as db:
        counted = doubts.count(db)
        card = doubts.next_card(db)
        if not counted.total:
            st.info(say("doubts.none"), icon=":material/fact_check:")
            st.page_link("pages/learn/page.py", label=say("doubts.go_learn"), icon=":material/model_training:")
            return
        st.caption(say("doubts.intro"))
        progress = say("doubts.progress", done=counted.done, total=counted.total)
        st.progress(counted.done / counted.total, text=plain(progress))
        if card is None:
            st.success(say("doubts.finished"), icon=":material/check_circle:")
            st.page_link("pages/learn/page.py", label=say("doubts.go_learn"), icon=":material/model_training:")
            _draw_undo()
            return
        _draw_card(card)
        _draw_choices(db, card)


def _draw_card(card: Card) -> None:
    with st.container(border=True):
        about = say(
            "doubts.about",
            id=card.diary_id,
            name=plain(card.given_by),
            when=local_time(card.decided_at),
        )
        st.caption(about)
        st.html(f"<p style='{_TEXT}'>{escape(card.text)}</p>")
        if card.is_blind or card.alternative is None:
            st.markdown(say("doubts.blind", given=plain(card.given.name)))
            return
        known = card.alternative_proba is not None and card.given_proba is not None
        words = say(
            "doubts.question" if known else "doubts.question_plain",
            given=plain(card.given.name),
            alternative=plain(card.alternative.name),
            p_given=_percent(card.given_proba),
            p_alternative=_percent(card.alternative_proba),
        )
        st.markdown(words)


def _percent(proba: float | None) -> str:
    """Return a probability as whole percent, never as the certainty that no model has."""
    return f"{min(99, max(1, round(100 * (proba or 0))))}"


def _draw_choices(db: Database, card: Card) -> None:
    """Draw a key for keeping, one for each other label, and one to take back."""
    label_set = doubts.label_set(db)
    taken = {label.key.upper() for label in label_set}
    keep_key = next(key for key in _KEEP_KEYS if key not in taken)
    with st.container(horizontal=True):
        st.button(
            say("doubts.keep", given=card.given.name),
            key=f"doubts_keep_{card.decision_id}",
            shortcut=keep_key,
            type="primary" if card.alternative is None else "secondary",
            icon=":material/check:",
            on_click=_keep,
            args=(card.decision_id, session.name()),
        )
        if card.alternative is not None:
            _draw_change(card, card.alternative.id, say("doubts.change", alternative=card.alternative.name), db)
    st.caption(say("doubts.others"))
    with st.container(horizontal=True):
        shown = {card.given.id, None if card.alternative is None else card.alternative.id}
        for label in label_set:
            if label.id not in shown:
                _draw_change(card, label.id, label.name, db)
    _draw_undo()


def _draw_change(card: Card, label_id: int, words: str, db: Database) -> None:
    is_alternative = card.alternative is not None and card.alternative.id == label_id
    key = next(label.key for label in doubts.label_set(db) if label.id == label_id)
    st.button(
        plain(words),
        key=f"doubts_change_{card.decision_id}_{label_id}",
        shortcut=key.upper() if _is_usable(key) else None,
        type="primary" if is_alternative else "secondary",
        on_click=_change,
        args=(card.decision_id, label_id, session.name()),
    )


def _is_usable(key: str) -> bool:
    # Streamlit keeps these two for itself.
    return key.upper() not in ("C", "R")


def _draw_undo() -> None:
    if session.draft(_UNDO):
        st.button(say("doubts.undo"), key="doubts_undo", shortcut=_UNDO_KEY, icon=":material/undo:", on_click=_undo)


def _remember(review: Review | None) -> None:
    if review is not None:
        session.keep_draft(_UNDO, (*session.draft(_UNDO, ()), review))


def _keep(decision_id: int, name: str) -> None:
    with callback_boundary(), project.opened() as db:
        _remember(doubts.keep(db, decision_id, annotator_id=people.identify(db, name)))


def _change(decision_id: int, label_id: int, name: str) -> None:
    with callback_boundary(), project.opened() as db:
        _remember(doubts.change(db, decision_id, label_id, annotator_id=people.identify(db, name)))


def _undo() -> None:
    reviews = session.draft(_UNDO, ())
    if not reviews:
        return
    session.keep_draft(_UNDO, reviews[:-1] or None)
    with callback_boundary(), project.opened() as db:
        key = "doubts.undone" if doubts.undo(db, reviews[-1]) else "doubts.overtaken"
        st.toast(say(key, id=reviews[-1].diary_id), icon=":material/undo:")


_draw()

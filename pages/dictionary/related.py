"""Words that lie near those of the dictionary; none enters without a press."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.dictionary import entries
from annotator.label_sets import editing
from pages.dictionary import actions
from pages.dictionary.worker_notice import draw_worker_off, watch
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.dictionary.entries import Label, Relation, VectorKind
    from annotator.project import Database


def draw_related(db: Database) -> None:
    """Draw the proposals of both kinds of vectors."""
    st.caption(plain(say("dictionary.related_intro")))
    labels = editing.list_labels(db)
    for kind in entries.KINDS:
        st.subheader(say(f"dictionary.related_{kind}"))
        _draw_kind(db, kind, labels)
    if entries.is_waiting(db, "vectors"):
        draw_worker_off(db)
        watch("vectors")
    else:
        st.button(say("dictionary.make"), key="dictionary_make", icon=":material/hub:", on_click=_make)
        st.caption(say("dictionary.make_help"))
    actions.draw_undo()


def _make() -> None:
    with callback_boundary(), project_location.opened() as db:
        entries.ask(db, "vectors")


def _draw_kind(db: Database, kind: VectorKind, labels: Sequence[Label]) -> None:
    proposals = entries.propose(db, project_location.path(), kind)
    if proposals.is_too_small:
        count, words = proposals.diary_count, proposals.word_count
        if words is None:
            st.info(say("dictionary.too_small", count=count, fewest=entries.FEWEST_DIARIES))
        else:
            st.info(say("dictionary.too_few_words", count=count, words=words, fewest=entries.FEWEST_WORDS))
        return
    if proposals.relations is None:
        st.info(say("dictionary.no_vectors"), icon=":material/hourglass_empty:")
        return
    if proposals.is_older:
        st.warning(say("dictionary.vectors_older"), icon=":material/update:")
    st.caption(say("dictionary.vectors_from", count=proposals.diary_count))
    if not proposals.relations:
        st.info(say("dictionary.no_relations"), icon=":material/info:")
    for relation in proposals.relations:
        _draw_relation(relation, kind, labels)


def _draw_relation(relation: Relation, kind: VectorKind, labels: Sequence[Label]) -> None:
    key, name = f"{kind}_{relation.form}", session.name()
    likely = next(i for i, label in enumerate(labels) if label.id == relation.label)
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            say(
                "dictionary.relation",
                word=plain(relation.form),
                nearest=plain(relation.nearest),
                similarity=f"{relation.similarity:z.2f}",
            )
        )
        chosen = st.selectbox(
            say("dictionary.label"),
            [*labels, None],
            index=likely,
            format_func=lambda label: say("dictionary.no_emotion") if label is None else label.name,
            key=keyed(f"dictionary_related_label_{key}"),
            label_visibility="collapsed",
            width=150,
        )
        st.button(
            say("dictionary.accept"),
            key=f"dictionary_accept_{key}",
            icon=":material/check:",
            on_click=actions.confirm,
            args=(relation.form, None if chosen is None else chosen.id, "similar", name),
        )
        st.button(
            say("dictionary.reject"),
            key=f"dictionary_refuse_{key}",
            icon=":material/block:",
            on_click=actions.reject,
            args=(relation.form, "similar", name),
        )

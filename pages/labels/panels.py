"""What can be done with one label: change it, merge it, split it, take it out. Each first says what it will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.label_sets import definitions, editing
from pages.labels import actions
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamlit.delta_generator import DeltaGenerator

    from annotator.label_sets.editing import Label
    from annotator.project import Database

_WAYS = ("edit", "merge", "split", "retire")


def draw_panel(db: Database, label: Label, others: Sequence[Label]) -> None:
    """Draw what can be done with a label."""
    with st.container(border=True):
        way = st.segmented_control(
            say("labels.way"),
            _WAYS,
            default="edit",
            required=True,
            format_func=lambda way: say(f"labels.way_{way}"),
            key=keyed(f"labels_way_{label.id}"),
            label_visibility="collapsed",
        )
        if way == "merge":
            _draw_merge(db, label, others)
        elif way == "split":
            _draw_split(db, label)
        elif way == "retire":
            _draw_retire(db, label)
        else:
            _draw_edit(label, others)


def _draw_edit(label: Label, others: Sequence[Label]) -> None:
    _draw_fields(f"labels_{label.id}", label)
    place = [other.id for other in others].index(label.id)
    with st.container(horizontal=True):
        st.button(say("labels.save"), key="labels_save", type="primary", on_click=actions.edit, args=(label.id,))
        order = [other.id for other in others]
        for words, step in ((say("labels.up"), -1), (say("labels.down"), 1)):
            there, moved = place + step, [*order]
            if 0 <= there < len(order):
                moved[place], moved[there] = moved[there], moved[place]
            st.button(
                words, key=f"labels_move_{step}", disabled=moved == order, on_click=actions.reorder, args=(moved,)
            )


def _draw_fields(prefix: str, label: Label | None) -> None:
    name, definition = st.columns([1, 3])
    name.text_input(say("labels.name"), label.name if label else "", max_chars=20, key=f"{prefix}_name")
    definition.text_input(
        say("labels.definition"), label.definition if label else "", max_chars=200, key=f"{prefix}_definition"
    )
    key, colour, note = st.columns([1, 1, 2])
    key.text_input(
        say("labels.key"),
        definitions.shown_key(label) if label else "",
        max_chars=1,
        key=f"{prefix}_key",
        placeholder=say("labels.free"),
    )
    if label is not None:
        colour.color_picker(say("labels.colour"), label.colour, key=f"{prefix}_colour")
    _draw_note(note, prefix)


def _draw_note(place: DeltaGenerator, prefix: str) -> None:
    place.text_input(say("labels.note"), key=f"{prefix}_note", max_chars=200, placeholder=say("labels.note_hint"))


def draw_adding() -> None:
    """Draw the fields of a new label."""
    with st.container(border=True):
        _draw_fields("labels_new", None)
        st.button(say("labels.add_now"), key="labels_add_now", type="primary", on_click=actions.add)


def _draw_merge(db: Database, label: Label, others: Sequence[Label]) -> None:
    names = {other.id: other.name for other in others if other.id != label.id}
    target = st.selectbox(
        say("labels.merge_into"),
        list(names),
        format_func=names.__getitem__,
        key=keyed(f"labels_into_{label.id}"),
        width=280,
    )
    into, reach = names[target], editing.reach(db, label.id)
    words = say(
        "labels.merge_preview",
        name=label.name,
        into=into,
        decisions=reach.decisions,
        diaries=reach.diaries,
        people=reach.people,
    )
    _draw_act(label, words, say("labels.merge", name=label.name, into=into), actions.merge, target)


def _draw_split(db: Database, label: Label) -> None:
    st.text_area(
        say("labels.parts"), key=f"labels_{label.id}_parts", placeholder=say("labels.parts_example"), height=110
    )
    keep = st.toggle(say("labels.keep", name=plain(label.name)), value=True, key=f"labels_{label.id}_keep")
    reach = editing.reach(db, label.id)
    words = say(
        "labels.split_preview" if keep else "labels.split_preview_gone",
        name=label.name,
        decisions=reach.decisions,
        diaries=reach.diaries,
    )
    _draw_act(label, words, say("labels.split"), actions.split)


def _draw_retire(db: Database, label: Label) -> None:
    reach = editing.reach(db, label.id)
    words = say("labels.retire_preview", name=label.name, decisions=reach.decisions, diaries=reach.diaries)
    _draw_act(label, words, say("labels.retire"), actions.retire)


def _draw_act(label: Label, preview: str, words: str, act: Callable[..., None], *arguments: int) -> None:
    """Draw what will happen, a place for the reason, and the button that does it."""
    st.markdown(plain(preview))
    _draw_note(st.container(), f"labels_{label.id}")
    st.button(plain(words), key="labels_act", type="primary", on_click=act, args=(label.id, *arguments))

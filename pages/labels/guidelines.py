"""Guidelines: write one for a label or a pair, see it as people will, read earlier versions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator.label_sets import editing, guidelines
from pages.labels import actions
from pages.widgets.text import keyed, local_time, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.label_sets.editing import Label
    from annotator.label_sets.guidelines import Guideline
    from annotator.project import Database

_ALONE = 0
_HEIGHT = 220  # pixels


def draw_guide(db: Database) -> None:
    """Draw the editor for the guideline of a label or a pair, with its preview and its versions."""
    label_of = {label.id: label for label in editing.list_labels(db)}
    first, second = _choose(label_of)
    versions = guidelines.list_versions(db, first.id, second.id if second else None)
    newest = versions[0] if versions else None
    prefix = f"labels_guide_{first.id}_{second.id if second else _ALONE}_{newest.id if newest else 0}"
    left, right = st.columns(2)
    with left:
        text = st.text_area(
            say("labels.guide_text"),
            newest.text if newest else "",
            key=f"{prefix}_text",
            max_chars=guidelines.MAX_CHARACTERS,
            height=_HEIGHT,
            placeholder=say("labels.guide_pair_hint" if second else "labels.guide_hint"),
        )
        examples = st.text_area(
            say("labels.guide_examples"),
            "\n".join(newest.examples) if newest else "",
            key=f"{prefix}_examples",
            height=130,
            help=say("labels.guide_examples_help"),
        )
        st.button(
            say("labels.save"),
            key="labels_guide_save",
            type="primary",
            on_click=_write,
            args=(first.id, second.id if second else None, prefix),
        )
    with right:
        st.caption(say("labels.guide_preview"))
        with st.container(border=True):
            st.html(_preview([first, *filter(None, [second])], text or "", (examples or "").splitlines()))
        _draw_versions(versions)


def _choose(label_of: dict[int, Label]) -> tuple[Label, Label | None]:
    left, right = st.columns(2)
    first = left.selectbox(
        say("labels.guide_label"),
        list(label_of),
        format_func=lambda i: label_of[i].name,
        key=keyed("labels_guide_first"),
    )
    others = [_ALONE, *(i for i in label_of if i != first)]
    second = right.selectbox(
        say("labels.guide_other"),
        others,
        format_func=lambda i: label_of[i].name if i else say("labels.guide_alone"),
        key=keyed(f"labels_guide_second_{first}"),
    )
    return label_of[first], label_of.get(second)


def _preview(labels: Sequence[Label], text: str, examples: Sequence[str]) -> str:
    """Return a guideline as the label page shows it."""
    names = " · ".join(
        f'<b style="border-bottom:3px solid {escape(label.colour)}">{escape(label.name)}</b>' for label in labels
    )
    meaning = escape(labels[0].definition) if len(labels) == 1 else ""
    items = "".join(f"<li>{escape(example.strip())}</li>" for example in examples if example.strip())
    return (
        f'<div style="line-height:1.7">{names}<div style="opacity:.8">{meaning}</div>'
        f'<p style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0">{escape(text.strip())}</p>'
        f'<ul style="margin:.2rem 0;padding-left:1.2rem;opacity:.9">{items}</ul></div>'
    )


def _draw_versions(versions: Sequence[Guideline]) -> None:
    if not versions:
        return
    with st.expander(say("labels.guide_versions", count=len(versions))):
        for version in versions:
            st.caption(plain(f"{local_time(version.written_at)} · {version.annotator_name}"))
            items = "".join(f"<li>{escape(example)}</li>" for example in version.examples)
            st.html(f'<div style="white-space:pre-wrap">{escape(version.text)}</div><ul>{items}</ul>')


def _write(label_id: int, other_label_id: int | None, prefix: str) -> None:
    with actions.acting() as (db, me):
        text, examples = actions.field(prefix, "text"), actions.field(prefix, "examples").splitlines()
        version_id = guidelines.write_guideline(db, label_id, other_label_id, text, examples, annotator_id=me)
        st.toast(say("labels.saved" if version_id else "labels.guide_same"), icon=":material/check:")

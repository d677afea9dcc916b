"""The label set of a new project: a table to edit, or a file."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from annotator.label_sets import definitions
from pages.widgets.colours import draw_remarks
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.label_sets.editing import Label
    from annotator.project import Labels

_FIELDS = ("id", "name", "definition", "colour", "key")
_EXAMPLE = """[[labels]]
name = "기쁨"
definition = "기쁘고 즐겁다. 고맙고 뿌듯하다."
colour = "#ba8e00"
key = "1"

[[labels]]
name = "걱정"
"""


def edit_labels(labels: Labels) -> Labels:
    """Show labels in a table that can be edited, and return them as edited.

    Raises:
        UserError: if the changed labels can't be used.
    """
    with st.expander(say("setup.edit"), icon=":material/edit:"):
        st.caption(say("setup.edit_help", reserved=" ".join(sorted(definitions.RESERVED_KEYS))))
        edited: list[dict[str, Any]] = st.data_editor(
            [{field: getattr(label, field) for field in _FIELDS} | {"key": _key(label)} for label in labels],
            num_rows="dynamic",
            hide_index=True,
            key="setup_table",
            column_config={
                "name": st.column_config.TextColumn(say("setup.name"), required=True, max_chars=20, width="small"),
                "definition": st.column_config.TextColumn(say("setup.definition"), max_chars=200, width="large"),
                "id": None,
                "colour": None,
                "key": st.column_config.TextColumn(say("setup.key"), validate="^[0-9a-zA-Z]$", width="small"),
            },
        )
        coloured = _choose_colours(edited)
        draw_remarks(definitions.complete_labels(coloured))
    return definitions.make_labels(coloured)


def _choose_colours(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Draw a picker for each row of the table, and return the rows with the colours that are picked."""
    st.caption(say("setup.colours"))
    coloured = []
    with st.container(horizontal=True, gap="medium"):
        for place, row in enumerate(rows):
            # A row keeps its colour when one above it goes.
            key = f"setup_colour_{row.get('id') or f'new_{place}'}"
            proposed = row.get("colour") or definitions.COLOURS[place % len(definitions.COLOURS)]
            name = str(row.get("name") or say("setup.unnamed", number=place + 1))
            coloured.append({**row, "colour": st.color_picker(plain(name), proposed, key=key, width=110)})
    return coloured


def _key(label: Label) -> str:
    return definitions.shown_key(label).lower()


def upload_labels() -> Labels | None:
    """Ask for a label file and return its labels; None while there is none.

    Raises:
        UserError: if its labels can't be used.
    """
    file = st.file_uploader(say("setup.file"), type=["toml", "json", "csv"], key="setup_file", max_upload_size=1)
    if file is None:
        st.caption(say("setup.file_example"))
        st.code(_EXAMPLE, language="toml", wrap_lines=True)
        return None
    return definitions.read_label_bytes(file.getvalue(), file.name)


def draw_swatches(labels: Labels) -> None:
    """Show each label with its colour, key and definition."""
    rows = "".join(
        f'<div style="display:flex;align-items:baseline;gap:.6rem;padding:.3rem 0">'
        f'<span aria-hidden="true" style="flex:none;width:.9rem;height:.9rem;border-radius:50%;'
        f'align-self:center;background:{escape(label.colour)}"></span>'
        f'<kbd style="flex:none;min-width:1.6rem;text-align:center;border:1px solid currentColor;'
        f'border-radius:.35rem;padding:0 .35rem;opacity:.75;font-size:.85em">{escape(_key(label))}</kbd>'
        f'<b style="flex:none;min-width:3.2rem">{escape(label.name)}</b>'
        f'<span style="opacity:.85">{escape(label.definition)}</span></div>'
        for label in labels
    )
    with st.container(border=True):
        st.markdown(f"**{plain(say('setup.labels', count=len(labels)))}**")
        st.html(rows)

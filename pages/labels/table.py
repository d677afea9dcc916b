"""The label set as a calm table; one label at a time opens for editing in place."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator.label_sets import definitions, editing
from pages.labels import actions
from pages.labels.panels import draw_adding, draw_panel
from pages.widgets import session
from pages.widgets.colours import draw_remarks
from pages.widgets.text import say

if TYPE_CHECKING:
    from annotator.label_sets.editing import Label
    from annotator.project import Database

_STYLE = """<style>
.label-row { display: grid; grid-template-columns: .8rem 1.7rem minmax(4rem, 8rem) 1fr auto; gap: .7rem;
    align-items: baseline; line-height: 1.5; }
.label-row .dot { width: .8rem; height: .8rem; border-radius: 50%; align-self: center; }
.label-row kbd { text-align: center; border: 1px solid currentColor; border-radius: .35rem; opacity: .7;
    font-size: .85em; }
.label-row .meaning { opacity: .8; }
.label-row .count { opacity: .7; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 640px) {
    .label-row { grid-template-columns: .8rem 1.7rem 1fr auto; row-gap: .1rem; }
    .label-row .meaning { grid-column: 3 / -1; grid-row: 2; }
}
</style>"""


def draw_table(db: Database) -> None:
    """Draw every label in force; the open one comes with what can be done with it."""
    st.html(_STYLE + actions.ROWS)
    label_list = editing.list_labels(db)
    opened = session.draft(actions.OPEN)
    with st.container(border=True, gap="xsmall", key="labels_rows"):
        for label in label_list:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.html(_row(label, editing.reach(db, label.id).decisions))
                st.button(
                    say("labels.close") if opened == label.id else say("labels.open"),
                    key=f"labels_open_{label.id}",
                    type="tertiary",
                    on_click=actions.toggle,
                    args=(label.id,),
                )
            if opened == label.id:
                draw_panel(db, label, label_list)
    draw_remarks(label_list)
    if opened == actions.ADDING:
        draw_adding()
    st.button(
        say("labels.close") if opened == actions.ADDING else say("labels.add"),
        key="labels_add",
        icon=None if opened == actions.ADDING else ":material/add:",
        on_click=actions.toggle,
        args=(actions.ADDING,),
    )


def _row(label: Label, count: int) -> str:
    return (
        f'<div class="label-row"><span class="dot" aria-hidden="true" style="background:{escape(label.colour)}"></span>'
        f"<kbd>{escape(definitions.shown_key(label))}</kbd><b>{escape(label.name)}</b>"
        f'<span class="meaning">{escape(label.definition)}</span>'
        f'<span class="count">{escape(say("labels.count", count=count))}</span></div>'
    )

"""Earlier imports, and what they left out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import history
from pages.widgets import project, session
from pages.widgets.tables import draw_rows
from pages.widgets.words import local_time, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.importing.history import Batch
    from annotator.messages import Language

_DOWNLOADS = 10


def draw_past_imports(past: Sequence[Batch]) -> None:
    """Draw what was imported, newest first."""
    st.subheader(say("import_page.past"))
    draw_rows(
        [
            {
                say("import_page.file_name"): batch.file_name,
                say("import_page.when"): local_time(batch.imported_at),
                say("import_page.kept"): batch.kept_count,
                say("import_page.left_out"): batch.row_count - batch.kept_count,
            }
            for batch in past
        ],
        hide_index=True,
        key="import_past",
    )
    with_left_out = [batch for batch in past if batch.row_count > batch.kept_count][:_DOWNLOADS]
    if with_left_out:
        st.caption(say("import_page.past_left_out"))
    with st.container(horizontal=True):
        for batch in with_left_out:
            st.download_button(
                plain(f"{batch.file_name} · {local_time(batch.imported_at)}"),
                partial(_left_out, batch.id, session.language()),
                file_name=f"{batch.file_name}-{say('import_page.report_suffix')}.csv",
                mime="text/csv",
                on_click="ignore",
                key=f"import_past_{batch.id}",
            )


def _left_out(batch_id: int, language: Language) -> bytes:
    # Runs when the button is pressed, outside of any script run.
    with project.opened() as db:
        return history.past_left_out_csv(db, batch_id, language)

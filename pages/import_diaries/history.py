"""Earlier imports, and what they left out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.importing import history, taking_back
from annotator.privacy.forgetting import Selection
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.forgetting import draw_forgetting
from pages.widgets.tables import draw_rows
from pages.widgets.text import keyed, local_time, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.importing.history import Batch
    from annotator.importing.taking_back import TakenBack
    from annotator.messages import Language

_DOWNLOADS = 10


def draw_past_imports(past: Sequence[Batch]) -> None:
    """Draw what was imported, newest first."""
    st.subheader(say("import_page.past"))
    draw_rows(
        [
            {
                say("import_page.past_number"): batch.id,
                say("import_page.file_name"): _name(batch),
                say("import_page.when"): local_time(batch.imported_at),
                say("import_page.kept"): batch.kept_count,
                say("import_page.took_part"): batch.joined_count,
                say("import_page.left_out"): batch.left_out_count,
                say("import_page.past_forgotten"): batch.forgotten_count,
            }
            for batch in past
        ],
        hide_index=True,
        key="import_past",
    )
    with_left_out = [batch for batch in past if batch.left_out_count and batch.file_name][:_DOWNLOADS]
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


def draw_taking_back(past: Sequence[Batch]) -> None:
    """Draw the choice of an import to take back, and what that would do; its diaries may also go for good."""
    batches = {batch.id: batch for batch in past if batch.kept_count or batch.joined_count}
    with st.expander(say("import_page.forget")):
        st.markdown(say("import_page.forget_help"))
        batch_id = st.selectbox(
            say("import_page.forget_which"),
            list(batches),
            index=None,
            format_func=lambda number: plain(
                f"{number} · {_name(batches[number])} · {local_time(batches[number].imported_at)}"
            ),
            key=keyed(f"import_forget_{len(batches)}"),
        )
        if batch_id is not None:
            _draw_undoing(batch_id)
        st.caption(say("import_page.forget_good"))
        draw_forgetting("import", None if batch_id is None else Selection(batch_id=batch_id))


def _draw_undoing(batch_id: int) -> None:
    with project_location.opened() as db:
        preview = taking_back.preview(db, batch_id)
    st.markdown(plain(say("import_page.back_preview", **_counts(preview))))
    st.button(say("import_page.back"), key=f"import_back_{batch_id}", type="primary", on_click=_undo, args=(batch_id,))


def _undo(batch_id: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        done = taking_back.take_back(db, batch_id, session.person(db))
        st.toast(plain(say("import_page.back_done", **_counts(done))))


def _counts(taken_back: TakenBack) -> dict[str, int]:
    return {
        "diaries": taken_back.diary_count,
        "staying": taken_back.staying_count,
        "decisions": taken_back.decision_count,
        "marks": taken_back.mark_count,
    }


def _name(batch: Batch) -> str:
    return batch.file_name or say("import_page.past_gone")


def _left_out(batch_id: int, language: Language) -> bytes:
    # Runs when the button is pressed, outside of any script run.
    with project_location.opened() as db:
        return history.past_left_out_csv(db, batch_id, language)

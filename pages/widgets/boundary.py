"""The one error boundary: it explains what people can act on, and names the rest by kind and place only."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from annotator import messages
from annotator.errors import AppError, UserError, where
from pages.widgets import session
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

logger = logging.getLogger(__name__)


_PROBLEM = "problem"
_ICON = ":material/warning:"


@contextmanager
def boundary() -> Iterator[None]:
    """Show what goes wrong in the block as a sentence. Fragments run by themselves and need a boundary of their own.

    Streamlit's own ways of stopping a script are not an `Exception` and pass through.
    """
    try:
        yield
    except Exception as error:
        st.error(_sentence(error), icon=_ICON)


@contextmanager
def callback_boundary() -> Iterator[None]:
    """Keep what goes wrong in a callback for `draw_problem`: what a callback draws, the page draws over."""
    try:
        yield
    except Exception as error:
        session.keep_draft(_PROBLEM, _sentence(error))


def draw_problem() -> None:
    """Show what went wrong in a callback, once."""
    problem = session.draft(_PROBLEM)
    if problem:
        session.keep_draft(_PROBLEM, None)
        st.error(problem, icon=_ICON)
        # The top of the page may be out of sight of the button that was pressed.
        st.toast(problem, icon=_ICON, duration="long")


def _sentence(error: Exception) -> str:
    if isinstance(error, AppError):
        return plain(messages.explain(error, session.language()))
    # The text of an unexpected exception may quote a diary.
    logger.error("A page failed: %s", where(error))
    return plain(say("error.fault", kind=where(error)))


def explain_stored(error: dict[str, Any]) -> str:
    """Return the sentence for an error that was stored as its code and details."""
    try:
        return plain(messages.explain(UserError(error["code"], **error.get("details", {})), session.language()))
    except (KeyError, IndexError):
        return plain(say("error.fault", kind=str(error.get("code", "?"))))

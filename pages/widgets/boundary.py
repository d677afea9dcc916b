"""The one error boundary: what people can act on is explained, everything else is named by kind and place only."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from annotator import messages
from annotator.errors import EXPLAINED, UserError, where
from pages.widgets import session
from pages.widgets.words import plain, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

logger = logging.getLogger(__name__)


@contextmanager
def boundary() -> Iterator[None]:
    """Show what goes wrong in the block as a sentence. Callbacks and fragments, which run by themselves, need it too.

    Streamlit's own ways of stopping a script are no `Exception` and pass.
    """
    try:
        yield
    except EXPLAINED as error:
        st.error(plain(messages.explain(error, session.language())), icon="⚠️")
    except Exception as error:
        # The text of an unexpected exception may quote a diary.
        logger.error("A page failed: %s", where(error))
        st.error(plain(say("error.fault", kind=where(error))), icon="⚠️")


def explain_stored(error: dict[str, Any]) -> str:
    """Return the sentence for an error that was kept as its code and details."""
    try:
        return plain(messages.explain(UserError(error["code"], **error.get("details", {})), session.language()))
    except (KeyError, IndexError):
        return plain(say("error.fault", kind=str(error.get("code", "?"))))

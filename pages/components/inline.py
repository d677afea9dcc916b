"""What inline components share: their files as one text, what they are given, and what their browser sends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = Path(__file__).parent


def join(*files: str) -> str:
    """Return files one after the other: a component is one module, as inline ones can't import from each other.

    Args:
        files: within the folder of components, such as ``label_board/diary.js``.
    """
    return "\n".join((_FOLDER / file).read_text("utf-8") for file in files)


def unsearched(data: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return what a component is given, as its browser takes it: the only item of a list.

    In a dict Streamlit would look for tables each time, and load pandas for that.
    """
    return [data]


def read_event(key: str) -> dict[str, Any] | None:
    """Return what the browser of a component has just sent, unchecked; None if it is no event."""
    sent = st.session_state.get(key, {}).get("event")
    return sent if isinstance(sent, dict) and isinstance(sent.get("type"), str) else None

"""The address of the page: it holds the whole search, so that a view can be sent as a link.

A browser that asks for a redrawing, as the sidebar does every two seconds, sends the address that it shows. If it does
so while the server changes that, the former address is taken for the new one, and the browser keeps it, too. So what
was changed a moment ago is put back where the address before it returns, unless somebody went back in the browser.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from annotator.finding.query import FILTERS
from pages.widgets import session

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIARY = "diary"
_LOOK = ("view", "colour")
"""What says how hits are looked at, not which they are."""

_SEARCH = ("q", "sort", *FILTERS)

_CHANGED = "find_address"
"""Draft: the address before the last change, the one after it, and when that was."""

_OVERTAKEN_SECONDS = 20.0
"""How long after a change a redrawing may still bring the former address: on a busy computer a run takes seconds."""


def values() -> dict[str, str]:
    """Return what the address asks for."""
    return {name: value for name, value in _params().items() if name != _DIARY}


def diary_id() -> int | None:
    """Return the diary whose page is open."""
    value = _params().get(_DIARY, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def search() -> dict[str, str]:
    """Return what is looked for, apart from how it is looked at."""
    return {name: value for name, value in values().items() if name in _SEARCH}


def clear() -> None:
    """Look for nothing any more, in the same view."""
    go({name: value for name, value in values().items() if name in _LOOK})


def change(**changed: str) -> None:
    """Change parts of the search, which then begins with its first page; empty values are left out."""
    go({**values(), "after": "", **changed})


def open_diary(number: int | None) -> None:
    """Open a diary's page within the search, or with None the list again."""
    _change({**values(), **({} if number is None else {_DIARY: str(number)})})


def go(search: Mapping[str, str]) -> None:
    """Replace the search."""
    _change({name: value for name, value in search.items() if value})


def _change(after: dict[str, str]) -> None:
    before = _params()
    st.query_params.from_dict(after)
    session.keep_draft(_CHANGED, (before, after, time.monotonic()))


def _params() -> dict[str, str]:
    """Return the address; the one before the last change, where a redrawing brings it, is that after it."""
    now: dict[str, str] = st.query_params.to_dict()
    last: tuple[dict[str, str], dict[str, str], float] | None = session.draft(_CHANGED)
    if last is None:
        return now
    before, after, at = last
    is_recent = time.monotonic() - at < _OVERTAKEN_SECONDS
    if is_recent and now == before and before != after and not _went_back():
        st.query_params.from_dict(after)
        return after
    return now


def _went_back() -> bool:
    """Return whether this run is for somebody who went back or forth in the browser."""
    context: Any = get_script_run_ctx()
    return bool(getattr(context, "is_history_navigation", False))

"""The address of the page: it holds the whole search, so that a view can be sent as a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.finding.query import FILTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIARY = "diary"
_LOOK = ("view", "colour")
"""What says how hits are looked at, not which they are."""

_SEARCH = ("q", "sort", *FILTERS)


def values() -> dict[str, str]:
    """Return what the address asks for."""
    return {name: value for name, value in st.query_params.to_dict().items() if name != _DIARY}


def diary_id() -> int | None:
    """Return the diary whose page is open."""
    value = st.query_params.get(_DIARY, "")
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
    st.query_params.from_dict({**values(), **({} if number is None else {_DIARY: str(number)})})


def go(search: Mapping[str, str]) -> None:
    """Replace the search."""
    st.query_params.from_dict({name: value for name, value in search.items() if value})

"""What is looked for: the words, the filters behind a button, and the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.accounts.diary_access import has_right
from annotator.finding import choices, query
from annotator.finding.query import DIFFERENCES, FILTERS, PARTS, STATES
from pages.find import address
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from annotator.accounts.diary_access import Actor
    from annotator.project import Database

_SORTS = ("", "id", "-date", "date", "-length", "length", "label", "writer", "source")
_REVIEWER_SORTS = ("prediction", "-probability", "probability")
_OWN_STATES = ("decided", "skipped", "flagged", "returned")


def draw(db: Database, actor: Actor, *, is_sorted: bool = True) -> None:
    """Draw the form; what is changed in it changes the address.

    Args:
        is_sorted: whether there is an order to choose and room for help, as in a list.
    """
    is_reviewer = has_right(db, actor, "review")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _text("q", placeholder=say("find.words_hint"), width=360, max_chars=None)
        sorts = (*_SORTS, *(_REVIEWER_SORTS if is_reviewer else ()))
        first = "nearest" if address.values().keys() & {"like", "like_text"} else "newest"
        if is_sorted:
            _choice("sort", sorts, lambda name: say(f"find.sort_{name or first}".replace("-", "down_")))
        count = sum(name in FILTERS for name in address.values())
        label = say("find.filters_on", count=count) if count else say("find.filters")
        with st.popover(label, icon=":material/tune:"):
            _draw_filters(db, is_reviewer=is_reviewer)
        if address.search():
            st.button(say("find.clear"), key="find_clear", type="tertiary", on_click=address.clear)
    if is_sorted:
        st.caption(say("find.help"))


def _draw_filters(db: Database, *, is_reviewer: bool) -> None:
    names = choices.list_labels(db)
    _choice("label", ("", *names), lambda name: name)
    _choice("state", ("", *(STATES if is_reviewer else _OWN_STATES)), lambda name: say(f"find.state_{name}"))
    if is_reviewer:
        _choice("prediction", ("", *names), lambda name: name)
        with st.container(horizontal=True):
            _text("p_from", placeholder="0.5", width=120)
            _text("p_to", placeholder="0.9", width=120)
        _choice("differs", ("", *DIFFERENCES), lambda name: say(f"find.differs_{name}"))
        _choice("person", ("", *choices.list_people(db)), lambda name: name)
        _choice("part", ("", *PARTS), lambda name: say(f"find.part_{name}"))
    _text("like_text", placeholder=say("find.like_text_hint"), max_chars=query.MOST_LIKE_TEXT)
    _text("writer", max_chars=300)
    _choice("source", ("", *choices.list_sources(db)), lambda name: name)
    with st.container(horizontal=True):
        _text("since", placeholder="2026-01-01", width=120)
        _text("until", placeholder="2026-12-31", width=120)
    with st.container(horizontal=True):
        _text("longer", placeholder="100", width=120)
        _text("shorter", placeholder="500", width=120)
    for name in ("memo", "marks", *(("doubted",) if is_reviewer else ())):
        _switch(name)


def _key(name: str) -> str:
    # A key of its own for each value, so that the widget shows what the address says after a link or a way back.
    return keyed(f"find_{name}_{address.values().get(name, '')}")


def _text(name: str, *, placeholder: str = "", width: int | str = "stretch", max_chars: int | None = 40) -> None:
    st.text_input(
        say(f"find.field_{name}"),
        value=address.values().get(name, ""),
        placeholder=placeholder,
        key=_key(name),
        width=width,  # type: ignore[arg-type]
        max_chars=max_chars,
        on_change=_take,
        args=(name, _key(name)),
    )


def _choice(name: str, options: Sequence[str], text_of: Callable[[str], str]) -> None:
    current = address.values().get(name, "")
    shown = [*options, *([current] if current not in options else [])]
    st.selectbox(
        say(f"find.field_{name}"),
        shown,
        index=shown.index(current),
        format_func=lambda value: plain(text_of(value)) if value or name == "sort" else say("find.any"),
        key=_key(name),
        width=200,
        on_change=_take,
        args=(name, _key(name)),
    )


def _switch(name: str) -> None:
    st.checkbox(
        say(f"find.field_{name}"),
        value=bool(address.values().get(name)),
        key=_key(name),
        on_change=_take,
        args=(name, _key(name)),
    )


def _take(name: str, key: str) -> None:
    value = st.session_state.get(key)
    changed = {name: "1" if value is True else str(value or "").strip()}
    address.change(**({"like": ""} if name == "like_text" else {}), **changed)

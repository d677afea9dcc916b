"""검토: decided diaries that are worth a second look, by keyboard."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from annotator import messages, project_location
from annotator.errors import AppError
from annotator.label_sets import definitions, editing
from annotator.quality import gold
from annotator.review import actions
from annotator.review import case as review_case
from annotator.review.excerpts import list_excerpts
from pages.components import inline
from pages.components.review_board import ReviewData, RowData, board_strings, review_board
from pages.review import bulk, filters
from pages.widgets import session
from pages.widgets.boundary import boundary
from pages.widgets.text import say

if TYPE_CHECKING:
    from typing import Any

    from annotator.project import Database
    from annotator.review.actions import Page, Row
    from annotator.review.case import Case

_KEY = "review_board"
_AT = "review_at"
"""Draft: where the reviewer is: the `diary` on screen, the row `after` which the list goes on, what was `said` last."""


def _at() -> dict[str, Any]:
    position: dict[str, Any] = session.draft(_AT, {})
    return position


def _move(**changes: Any) -> None:
    session.keep_draft(_AT, {**_at(), **changes})


def _receive() -> None:
    """Carry out what the browser has sent; an error is shown above the diary, and then nothing has changed."""
    event = inline.read_event(_KEY)
    if event is None:
        return
    _move(said="", answered=_whole(event.get("at")))
    with project_location.opened() as db:
        try:
            _do(db, event)
        except AppError as error:
            _move(said=messages.explain(error, session.language()))


def _do(db: Database, event: dict[str, Any]) -> None:
    me = filters.reviewer(db)
    if event["type"] == "act":
        act = actions.read_act(event.get("act"))
        actions.apply(db, act, reviewer_id=me)
        _move(diary=_whole(event.get("next")), said=say(f"review.done_{act.kind}", id=act.diary_id))
    elif event["type"] == "undo":
        undone = actions.undo_last(db, me)
        one = undone[0] if len(undone) == 1 else None
        key = "nothing_to_undo" if not undone else "undone" if one else "undone_many"
        _move(diary=one, said=say(f"review.{key}", id=one or 0, count=len(undone)))
    elif event["type"] == "gold" and (diary_id := _whole(event.get("diary_id"))):
        answer = gold.toggle(db, diary_id, person=session.person(db))
        label = answer.name if answer else ""
        notice = say("review.gold_set" if answer else "review.gold_unset", id=diary_id, label=label)
        _move(diary=diary_id, said=notice)
    elif event["type"] == "open":
        _move(diary=_whole(event.get("diary_id")))
    elif event["type"] == "more":
        _move(diary=None, after=_at().get("last"))
    elif event["type"] == "first":
        _move(diary=None, after=None)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 < value < 2**53 else None


@st.fragment
def _draw() -> None:
    with boundary(), project_location.opened() as db:
        criteria = filters.draw(db, on_change=lambda: _move(diary=None, after=None, said=""))
        page = actions.page(db, criteria, after=_at().get("after"))
        if not page.rows and _at().get("after"):
            _move(after=None)
            page = actions.page(db, criteria)
        bulk.draw(db, criteria, page, said=lambda words: _move(diary=None, after=None, said=words))
        diary_id = _at().get("diary") or (page.rows[0].diary_id if page.rows else None)
        if diary_id is None:
            filters.draw_empty(db, criteria)
        # The board stays even when nothing is left: Z takes back what was done last.
        review_board(_data(db, page, diary_id), key=_KEY, on_event=_receive)


def _data(db: Database, page: Page, diary_id: int | None) -> ReviewData:
    last = page.rows[-1] if page.rows else None
    _move(last=None if last is None else (last.expected_error, last.diary_id))
    label_of = {label.id: label for label in editing.list_labels(db)}
    case = None if diary_id is None else _read(db, diary_id)
    texts = list_excerpts(db, [row.diary_id for row in page.rows], reviewer_id=session.person(db).annotator_id)
    return ReviewData(
        strings=board_strings(session.language()),
        labels=[
            {
                "id": label.id,
                "name": label.name,
                "colour": label.colour,
                "key": definitions.shown_key(label).lower(),
                "definition": label.definition,
            }
            for label in label_of.values()
        ],
        rows=[_row(row, texts.get(row.diary_id, ""), label_of) for row in page.rows],
        has_more=page.has_more,
        has_before=_at().get("after") is not None,
        case=None if case is None else asdict(case),
        me=session.person(db).name,
        notice=_at().get("said") or "",
        answered=_at().get("answered"),
    )


def _read(db: Database, diary_id: int) -> Case:
    me = session.person(db).annotator_id
    return review_case.read(db, project_location.path(), diary_id, session.language(), reviewer_id=me)


def _row(row: Row, text: str, label_of: dict[int, Any]) -> RowData:
    named = [label_of[i] for i in row.label_ids if i in label_of]
    strongest = sorted(row.signals, key=lambda name: -row.signals[name])
    return RowData(
        diary_id=row.diary_id,
        text=text,
        percent=actions.percent_of(row.expected_error),
        labels=[{"name": label.name, "colour": label.colour} for label in named],
        signals=[say(f"review.signal_{name}") for name in strongest],
    )


st.title(say("review.title"))
_draw()

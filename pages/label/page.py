"""라벨링: the diary on screen, and one key for each label."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import streamlit as st

from annotator import messages, project_location, status
from annotator import settings as project_settings
from annotator.accounts import annotators, permissions
from annotator.errors import AppError
from annotator.label_sets import editing, guidelines
from annotator.labelling import board, browser_key, decisions
from annotator.privacy import forgetting, masking
from annotator.review import returned
from pages.components.label_board import BoardData, Client, board_strings, label_board, read_client, read_reveal
from pages.widgets import session
from pages.widgets.boundary import boundary, callback_boundary, explain_stored
from pages.widgets.text import duration, say

if TYPE_CHECKING:
    from annotator.labelling.board import Board
    from annotator.project import Database

_KEY = "label_board"


def _receive() -> None:
    """Save the presses that the browser has sent, in order; the first that fails and all after it are sent again."""
    client = read_client(_KEY)
    if client is None:
        return
    # The page tells people when they are no longer signed in; the presses stay in the browser.
    with callback_boundary(), project_location.opened() as db:
        person = session.person(db)
        # A browser keeps sending what somebody pressed before another person signed in: that waits for its owner.
        if client["scope"] == board.storage_scope(db, person.name):
            _keep(db, client, annotator_id=person.annotator_id)


def _keep(db: Database, client: Client, *, annotator_id: int) -> None:
    tab = session.label_tab()
    tab.holder, tab.problem = client["holder"], None
    tab.is_gone = tab.is_gone and not client["events"]
    board.keep_alive(db, annotator_id=annotator_id, holder=client["holder"])
    for raw in client["events"]:
        try:
            receipt = decisions.receive(db, raw, annotator_id=annotator_id, holder=client["holder"], acked=tab.acked)
        except AppError as error:
            tab.problem = messages.explain(error, session.language())
            return
        tab.acked = receipt.acked
        if receipt.refused is not None:
            tab.refuse(receipt.acked, messages.explain(receipt.refused, session.language()))
        elif receipt.notice is not None:
            tab.problem = messages.explain(receipt.notice, session.language())


def _reveal() -> None:
    """Show the original of a diary to whoever may see it, until another one is on screen."""
    diary_id, tab = read_reveal(_KEY), session.label_tab()
    if diary_id is None:
        return
    with project_location.opened() as db:
        try:
            tab.revealed = (diary_id, masking.reveal(db, diary_id, person=session.person(db)))
        except AppError as error:
            tab.problem = messages.explain(error, session.language())


def _uncover(db: Database, items: list[dict[str, Any]]) -> None:
    tab = session.label_tab()
    may_reveal = permissions.may(session.person(db), "administrate")
    if tab.revealed is None or not may_reveal or not items or items[0]["diary_id"] != tab.revealed[0]:
        tab.revealed = None
        return
    items[0] |= {"text": tab.revealed[1], "covered": False}


def _look_for(db: Database, diary_ids: list[int]) -> None:
    """Note whether the diary on screen has been forgotten while it was being read."""
    tab = session.label_tab()
    if tab.shown_id is not None and tab.shown_id not in diary_ids:
        tab.is_gone = tab.is_gone or forgetting.was_forgotten(db, tab.shown_id)
    tab.shown_id = diary_ids[0] if diary_ids else None


def _data(db: Database) -> BoardData:
    tab, settings = session.label_tab(), project_settings.load(db)
    shown = None
    if tab.holder is not None:
        shown = board.load_board(
            db,
            annotator_id=annotators.get_or_create(db, session.name()),
            holder=tab.holder,
            language=session.language(),
            shown_model_id=tab.model_id,
            sees_flagged=permissions.may(session.person(db), "review"),
        )
        tab.model_id = shown.model_id
        _uncover(db, shown.items)
        _look_for(db, [item["diary_id"] for item in shown.items])
    return BoardData(
        scope=board.storage_scope(db, session.name()),
        browser_key=browser_key.key_for(db, annotators.get_or_create(db, session.name())),
        holder=tab.holder,
        strings=board_strings(session.language()),
        labels=[_label(asdict(label)) for label in editing.list_labels(db)],
        guide=guidelines.as_board(db),  # type: ignore[typeddict-item]
        items=shown.items if shown else [],  # type: ignore[typeddict-item]
        acked=tab.acked,
        refusals=[{"seq": seq, "sentence": sentence} for seq, sentence in tab.refusals],
        counts={"left": shown.left, "mine": shown.mine, "since_round": shown.since_round}
        if shown
        else {"left": 0, "mine": 0, "since_round": 0},
        recent=shown.recent if shown else [],  # type: ignore[typeddict-item]
        notice=_notice(db, shown),
        wait=_wait(db, shown),
        pace=_pace(shown),
        several_labels=settings.several_labels,
        intensity=settings.intensity,
        break_minutes=settings.break_minutes,
        may_reveal=permissions.may(session.person(db), "administrate"),
        empty=_empty(shown),
    )


def _empty(shown: Board | None) -> str | None:
    """Return what stands where no diary is left; None until it is known which are."""
    if shown is None:
        return None
    return say("label.empty") if shown.diary_count else say("label.no_diaries")


def _label(label: dict[str, Any]) -> Any:
    shown = {name: label[name] for name in ("id", "name", "colour", "definition")}
    return {**shown, "key": "" if label["key"].startswith("-") else label["key"]}


def _notice(db: Database, shown: Board | None) -> str | None:
    """Return what stands in the way: a press that could not be saved, a worker that is off or has failed."""
    if problem := session.label_tab().problem:
        return problem
    if session.label_tab().is_gone:
        return say("forget.gone")
    if shown is None or shown.wait is None:
        count = returned.count(db, session.person(db).annotator_id)
        return say("corrections.notice", count=count) if count else None
    pulse = status.get_worker_health(db, project_location.path())
    if not pulse.is_working and not pulse.is_starting:
        return say("label.worker_off")
    if pulse.worker is not None and pulse.worker.error is not None:
        return explain_stored(pulse.worker.error)
    return None


def _wait(db: Database, shown: Board | None) -> str:
    """Return how long an explanation that is not there yet will take; it stands where the explanation will."""
    if shown is None or shown.wait is None:
        return ""
    pulse = status.get_worker_health(db, project_location.path())
    if not pulse.is_working and not pulse.is_starting:
        return say("label.wait_off")
    if shown.wait.for_round:
        return say("label.wait_round")
    if shown.wait.seconds is None:
        return say("label.wait_first")
    return say("label.wait", seconds=max(1, round(shown.wait.seconds)))


def _pace(shown: Board | None) -> str:
    """Return how fast this person reads, and what that makes of the diaries that are left for them."""
    if shown is None or shown.pace is None:
        return ""
    pace = shown.pace
    words = say("label.pace", count=pace.count, seconds=max(1, round(pace.seconds)))
    low, high = pace.minutes_for(shown.left)
    return f"{words} · {say('label.rest', time=duration(low, high))}" if shown.left else words


@st.fragment(run_every=1.5)
def _board() -> None:
    with boundary(), project_location.opened() as db:
        label_board(_data(db), key=_KEY, on_change=_receive, on_reveal=_reveal)


_board()

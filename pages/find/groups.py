"""Many at once: near-copies, similar diaries with one prediction, or chosen ones, as a grid of cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from annotator import messages, project_location
from annotator.accounts import diary_access
from annotator.errors import AppError
from annotator.finding import groups, query
from annotator.finding.query import Query
from annotator.label_sets import definitions, editing
from annotator.labelling import board, group_acts
from annotator.quality import group_checks
from pages.components import inline
from pages.components.group_board import CardData, GroupData, board_strings, group_board
from pages.find import address
from pages.find.results import vector_of
from pages.widgets import session
from pages.widgets.figures import share
from pages.widgets.text import keyed, local_time, plain, say

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from annotator.finding.groups import Grid
    from annotator.labelling.group_acts import Act, Kind
    from annotator.project import Database
    from annotator.quality.group_checks import GroupChecks, Interval

_KEY = "group_board"
_SAID = "groups_said"
"""Draft: what has just been done, and ``at`` of the event that asked for it."""
_KINDS = ("similar", "copies")


def draw(db: Database, actor: Actor) -> None:
    """Draw the view for the search or the kind of group that the address names."""
    values = address.values()
    asked = query.read(values)
    grid: Grid | None
    if asked != Query():
        path = project_location.path()
        grid = groups.show(db, path, actor, asked, place=_number("at"), vector=vector_of(asked))
    else:
        grid = _suggest(db, actor)
    _draw_about(grid)
    # The board stays even where no group is left: Z takes back what was done last.
    group_board(_data(db, actor, grid), key=_KEY, on_event=_receive)
    _draw_checks(db)


def _number(name: str) -> int:
    value = address.values().get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def _suggest(db: Database, actor: Actor) -> Grid | None:
    path = project_location.path()
    open_diaries = groups.count_open(db, path, actor)
    names = groups.names_of(db)
    if not open_diaries.counts:
        st.info(say("find.groups.no_predictions"), icon=":material/hourglass_empty:")
        return None
    asked = {name: label_id for label_id, name in names.items()}.get(address.values().get("answer", ""))
    label_id = asked if asked in open_diaries.counts else next(iter(open_diaries.counts))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = _draw_kind()
        _draw_label(open_diaries.counts, names, label_id)
    if open_diaries.without_vector:
        st.caption(say("find.groups.without_vector", count=open_diaries.without_vector))
    return groups.suggest(db, path, actor, kind, label_id, part=_number("cell"), place=_number("at"))


def _draw_kind() -> Kind:
    asked = address.values().get("kind", "")
    current = asked if asked in _KINDS else _KINDS[0]
    key = keyed(f"groups_kind_{current}")
    st.segmented_control(
        say("find.groups.kind"),
        _KINDS,
        default=current,
        required=True,
        format_func=lambda kind: say(f"find.groups.kind_{kind}"),
        key=key,
        on_change=_choose,
        args=("kind", key),
    )
    return cast("Kind", current)


def _draw_label(counts: dict[int, int], names: dict[int, str], current: int) -> None:
    options = list(counts)
    key = keyed(f"groups_answer_{current}_{len(options)}")
    st.selectbox(
        say("find.groups.answer"),
        options,
        index=options.index(current),
        format_func=lambda label_id: plain(say("find.groups.answer_count", name=names[label_id], n=counts[label_id])),
        key=key,
        width=260,
        on_change=_choose_label,
        args=(key, names),
    )


def _choose(name: str, key: str) -> None:
    address.change(**{"at": "", "cell": "", name: str(st.session_state[key])})


def _choose_label(key: str, names: dict[int, str]) -> None:
    address.change(at="", cell="", answer=names[st.session_state[key]])


def _draw_about(grid: Grid | None) -> None:
    """Say what is looked at, and help where there is nothing."""
    if grid is None:
        return
    if grid.kind == "chosen":
        st.caption(say("find.groups.chosen"))
        st.button(
            say("find.groups.leave"),
            key="groups_leave",
            type="tertiary",
            icon=":material/grid_view:",
            on_click=address.go,
            args=({"view": "groups"},),
        )
        if grid.gone_count:
            st.caption(say("find.groups.chosen_gone", count=grid.gone_count))
    if grid.parts > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(say("find.groups.part", n=grid.part + 1, count=grid.parts), width="content")
            further = str((grid.part + 1) % grid.parts)
            st.button(
                say("find.groups.next_part"),
                key="groups_part",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=address.change,
                kwargs={"cell": further, "at": ""},
            )
    if not grid.cards:
        with st.container(border=True, horizontal_alignment="center"):
            st.markdown(f"**{say('find.groups.nothing')}**", text_alignment="center")
            st.caption(say(f"find.groups.nothing_{grid.kind}"), text_alignment="center")


def _data(db: Database, actor: Actor, grid: Grid | None) -> GroupData:
    said: dict[str, Any] = session.draft(_SAID, {})
    names = groups.names_of(db)
    recent = group_acts.list_recent(db, actor, limit=1)
    return GroupData(
        scope=board.storage_scope(db, session.name()),
        strings=board_strings(session.language()),
        labels=[
            {
                "id": label.id,
                "name": label.name,
                "colour": label.colour,
                "key": definitions.shown_key(label).lower(),
                "definition": label.definition,
            }
            for label in editing.list_labels(db)
        ],
        cards=[] if grid is None else [_card(hit) for hit in grid.cards],
        predicted=None if grid is None else grid.label_id,
        token="" if grid is None else grid.token,
        kind="chosen" if grid is None else grid.kind,
        places=(0, 0) if grid is None else (grid.place, grid.count),
        undo=None if not recent else {"token": recent[0].token, "said": _undoable(recent[0], names)},
        notice=said.get("words", ""),
        answered=said.get("at"),
    )


def _card(hit: Any) -> CardData:
    said = ""
    if hit.prediction is not None:
        said = say("find.said", label=hit.prediction, p=round(100 * (hit.probability or 0.0)))
    return CardData(id=hit.diary_id, text=hit.line, said=said)


def _undoable(act: Act, names: dict[int, str]) -> str:
    label, when = names.get(act.label_id, "–"), local_time(act.decided_at)
    return say("find.groups.undoable", label=label, count=act.labelled_count, when=when)


def _receive() -> None:
    """Carry out what the browser has sent; an error is said above the cards, and then nothing has changed."""
    event = inline.read_event(_KEY)
    if event is None:
        return
    at = event.get("at")
    with project_location.opened() as db:
        try:
            words = _do(db, event)
        except AppError as error:
            words = messages.explain(error, session.language())
    session.keep_draft(_SAID, {"words": words, "at": at if isinstance(at, int) else None})


def _do(db: Database, event: dict[str, Any]) -> str:
    actor = diary_access.actor_of(session.person(db))
    if event["type"] == "label":
        return _labelled(db, group_acts.receive(db, event, actor))
    if event["type"] == "undo":
        act = group_acts.undo(db, actor, str(event.get("token", "")))
        label = groups.names_of(db).get(act.label_id, "–")
        words = say("find.groups.undone", label=label, count=act.labelled_count - act.corrected_count)
        return f"{words} {say('find.groups.undone_but', count=act.corrected_count)}" if act.corrected_count else words
    place = event.get("place")
    address.change(at=str(place) if isinstance(place, int) and 0 < place < 10**9 else "")
    return ""


def _labelled(db: Database, done: group_acts.Outcome) -> str:
    label = groups.names_of(db).get(done.label_id, "–")
    parts = [say("find.groups.labelled", label=label, count=done.labelled_count)]
    if done.held_count:
        parts.append(say("find.groups.labelled_held", count=done.held_count))
    if done.gone_count:
        parts.append(say("find.groups.labelled_gone", count=done.gone_count))
    return " ".join(parts)


def _draw_checks(db: Database) -> None:
    """Say how often labels that were given to many at once are wrong, by what was held out."""
    checks = group_checks.measure(db)
    if not checks.count and not checks.waiting:
        st.caption(say("find.groups.help"))
        return
    if not checks.count:
        st.caption(say("find.groups.help"))
    elif checks.different is None:
        st.caption(say("find.groups.checks_few", n=checks.count, same=checks.same, fewest=group_checks.FEWEST))
    else:
        st.markdown(say("find.groups.checks", figure=_figure(checks, checks.different)))
        st.caption(say("find.groups.checks_answers", same=checks.same, count=checks.count))
        if checks.wrong is None:
            st.caption(say("find.groups.checks_bound", fewest=group_checks.FEWEST))
        else:
            st.markdown(say("find.groups.checks_wrong", figure=_figure(checks, checks.wrong)))
        st.caption(say("find.groups.checks_own", same=checks.own_same, count=checks.own_count))
    if checks.waiting:
        st.caption(say("find.groups.checks_waiting", count=checks.waiting))


def _figure(checks: GroupChecks, given: Interval) -> str:
    return share(given.value, given.low, given.high, n=checks.count)

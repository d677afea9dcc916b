"""What a version answers otherwise than another: counts, wins and losses, and the diaries, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import changed
from pages.find import address
from pages.find.results import marked, summary
from pages.widgets import session
from pages.widgets.boundary import boundary, callback_boundary
from pages.widgets.tables import draw_rows
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.diary_access import Actor
    from annotator.finding.changed import ChangedDiary, Side
    from annotator.project import Database
    from annotator.training.version_changes import Changes, Decided, Flip, LabelFlips

_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7;margin:.2rem 0"
_ROWS = 300
"""Pixels of the table of pairs: of 44 labels there may be a thousand."""


def draw(db: Database, actor: Actor) -> None:
    """Draw the view for the two versions that the address names, or the newest two."""
    numbers = changed.list_versions(db)
    if len(numbers) < 2:
        st.info(say("find.changed.one_version"), icon=":material/compare_arrows:")
        return
    first, second = _draw_picker(numbers)
    changes = changed.summarize(db, actor, first, second)
    _draw_counts(db, changes)
    if not changes.count:
        return
    _draw_decided(changes)
    _draw_flips(changes)
    _draw_diaries(db, actor, changes)


def _draw_picker(numbers: Sequence[int]) -> tuple[int, int]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return _draw_version("first", numbers, -2), _draw_version("second", numbers, -1)


def _draw_version(name: str, numbers: Sequence[int], default: int) -> int:
    asked = address.values().get(name, "")
    current = int(asked) if asked.isascii() and asked.isdigit() and int(asked) in numbers else numbers[default]
    key = keyed(f"find_{name}_{current}_{len(numbers)}")
    st.selectbox(
        say(f"find.changed.{name}"),
        numbers,
        index=numbers.index(current),
        format_func=lambda number: say("learn.version_name", version=number),
        key=key,
        width=180,
        on_change=_choose,
        args=(name, key),
    )
    return current


def _choose(name: str, key: str) -> None:
    address.change(**{"skip": "", "why": "", "was": "", "now": "", name: str(st.session_state[key])})


def _draw_counts(db: Database, changes: Changes) -> None:
    if changes.n:
        st.markdown(f"**{say('find.changed.count', n=changes.n, count=changes.count)}**")
    else:
        st.info(say("find.changed.nothing_common"), icon=":material/hourglass_empty:")
    if not any(changes.unanswered):
        return
    st.caption(
        say(
            "find.changed.unanswered",
            first=changes.first,
            second=changes.second,
            without_first=changes.unanswered[0],
            without_second=changes.unanswered[1],
        )
    )
    if changed.is_requested(db):
        st.caption(say("find.changed.requested"))
        return
    st.button(
        say("find.changed.request"),
        key="find_changed_request",
        icon=":material/refresh:",
        on_click=_request,
        args=(changes.first, changes.second),
    )


def _request(first: int, second: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        changed.request(db, diary_access.actor_of(session.person(db)), first, second)


def _draw_decided(changes: Changes) -> None:
    if not changes.decided:
        st.caption(say("find.changed.none_decided"))
        return
    st.subheader(say("find.changed.decided"))
    rows = [_decided_row(changes, each) for each in changes.decided]
    draw_rows(rows, hide_index=True, placeholder="–", key="find_changed_decided")
    st.caption(say("find.changed.decided_help"))


def _decided_row(changes: Changes, each: Decided) -> dict[str, object]:
    return {
        say("find.changed.group"): say(f"find.changed.group_{each.group}"),
        say("find.changed.n"): each.n,
        say("find.changed.right_of", version=changes.first): each.before_right,
        say("find.changed.right_of", version=changes.second): each.after_right,
        say("find.changed.gained"): each.gained,
        say("find.changed.lost"): each.lost,
        say("find.changed.p"): None if each.p is None else f"{each.p:z.3f}",
    }


def _draw_flips(changes: Changes) -> None:
    st.subheader(say("find.changed.worst"))
    left, right = st.columns(2)
    names = changes.label_names
    with left:
        rows = [_label_row(names, each) for each in changes.by_label]
        draw_rows(rows, hide_index=True, height=_height(len(rows)), key="find_changed_labels")
    with right:
        rows = [{say("find.changed.pair"): _pair(names, flip)} | _counts(flip) for flip in changes.by_pair]
        draw_rows(rows, hide_index=True, height=_height(len(rows)), key="find_changed_pairs")
    st.caption(say("find.changed.worst_help"))


def _label_row(names: Sequence[str], each: LabelFlips) -> dict[str, object]:
    return {
        say("learn.label"): names[each.label],
        say("find.changed.away"): each.away.count,
        say("find.changed.away_lost"): each.away.lost,
        say("find.changed.towards"): each.towards.count,
        say("find.changed.towards_lost"): each.towards.lost,
    }


def _height(count: int) -> int | str:
    return _ROWS if count > 7 else "content"


def _counts(flip: Flip) -> dict[str, object]:
    return {
        say("find.changed.moved"): flip.count,
        say("find.changed.lost"): flip.lost,
        say("find.changed.gained"): flip.gained,
        say("find.changed.gained_learned"): flip.gained_learned,
    }


def _pair(names: Sequence[str], flip: Flip) -> str:
    return f"{names[flip.before]} → {names[flip.after]}"


def _draw_diaries(db: Database, actor: Actor, changes: Changes) -> None:
    st.subheader(say("find.changed.diaries"))
    was, now = _draw_pair_choice(changes)
    asked = address.values().get("skip", "")
    skip = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    listed = changed.list_changed(db, actor, changes.first, changes.second, before=was, after=now, skip=skip)
    st.caption(say("find.count", count=listed.count))
    if listed.hidden:
        st.caption(say("find.changed.hidden", count=listed.hidden))
    for each in listed.diaries:
        _draw_diary(db, actor, changes, each)
    if skip + changed.PAGE < listed.count:
        st.button(
            say("find.more"),
            key="find_changed_more",
            icon=":material/arrow_forward:",
            on_click=address.change,
            kwargs={"skip": str(skip + changed.PAGE), "why": ""},
        )


def _draw_pair_choice(changes: Changes) -> tuple[str, str]:
    """Draw the choice of a pair of answers, and return it; two empty names for all pairs."""
    pairs = {(changes.label_names[flip.before], changes.label_names[flip.after]): flip for flip in changes.by_pair}
    asked = (address.values().get("was", ""), address.values().get("now", ""))
    current = asked if asked in pairs else ("", "")
    options = [("", ""), *pairs]
    key = keyed(f"find_pair_{changes.first}_{changes.second}_{'_'.join(current)}")
    st.selectbox(
        say("find.changed.pair"),
        options,
        index=options.index(current),
        format_func=lambda pair: plain(_choice_text(pairs.get(pair), pair)),
        key=key,
        width=320,
        on_change=_choose_pair,
        args=(key,),
    )
    return current


def _choice_text(flip: Flip | None, pair: tuple[str, str]) -> str:
    if flip is None:
        return say("find.any")
    return say("find.changed.pair_choice", before=pair[0], after=pair[1], count=flip.count, lost=flip.lost)


def _choose_pair(key: str) -> None:
    was, now = st.session_state[key]
    address.change(was=was, now=now, skip="", why="")


def _draw_diary(db: Database, actor: Actor, changes: Changes, each: ChangedDiary) -> None:
    number = each.hit.diary_id
    is_open = address.values().get("why") == str(number)
    with st.container(border=True, gap="small"):
        st.html(f"<p style='{_TEXT}'>{marked(each.hit.line, ())}</p>")
        st.markdown(plain(_moved(each)))
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(plain(summary(each.hit)), width="content")
            st.button(
                say("find.changed.less" if is_open else "find.changed.why"),
                key=f"find_why_{number}",
                type="tertiary",
                icon=":material/compare:",
                on_click=address.change,
                kwargs={"why": "" if is_open else str(number), "skip": address.values().get("skip", "")},
            )
            st.button(
                say("find.open", id=number),
                key=f"find_open_{number}",
                type="tertiary",
                icon=":material/open_in_full:",
                on_click=address.open_diary,
                args=(number,),
            )
        if is_open:
            with boundary():
                _draw_sides(db, actor, changes, number)


def _moved(each: ChangedDiary) -> str:
    moved = say(
        "find.changed.moved_answer",
        before=each.before,
        before_p=round(100 * each.before_proba),
        after=each.after,
        after_p=round(100 * each.after_proba),
    )
    outcome = say(f"find.changed.outcome_{each.outcome}")
    if each.truth is None or each.group is None:
        return f"{moved} · {outcome}"
    people = say("find.changed.truth", label=each.truth)
    return f"{moved} · {people} · {outcome} ({say(f'find.changed.group_{each.group}')})"


def _draw_sides(db: Database, actor: Actor, changes: Changes, diary_id: int) -> None:
    pair = changes.first, changes.second
    with st.spinner(say("find.changed.explaining")):
        text, sides = changed.explain(db, project_location.path(), actor, diary_id, *pair, session.language())
    if len(sides) < len(pair):
        raise UserError("find_version_unanswered", id=diary_id)
    for column, side in zip(st.columns(2), sides, strict=True):
        with column:
            _draw_side(text, side)


def _draw_side(text: str, side: Side) -> None:
    st.markdown(f"**{plain(say('find.version', version=side.version, label=side.label, p=round(100 * side.proba)))}**")
    st.html(f"<p style='{_TEXT}'>{marked(text, side.words)}</p>")
    if side.reason:
        st.markdown(plain(side.reason))

"""What a version answers otherwise than another, in a terminal."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator.accounts import diary_access
from annotator.cli.options import database_option, json_option, show
from annotator.finding import changed
from annotator.messages import say
from annotator.training import versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.finding.changed import ChangedDiary, ChangedList
    from annotator.training.version_changes import Changes, Decided, Flip

_MOST = 1000
_PAIRS = 15
"""Worst pairs in the table; JSON has all."""


@click.command("diff", help=say("cli.model.diff"))
@click.argument("first", type=click.IntRange(0))
@click.argument("second", type=click.IntRange(0))
@click.option("--was", default="", help=say("cli.model.diff_was"))
@click.option("--now", default="", help=say("cli.model.diff_now"))
@click.option("--limit", type=click.IntRange(0, _MOST), default=10, show_default=True, help=say("cli.model.diff_limit"))
@database_option
@json_option
def diff(first: int, second: int, was: str, now: str, limit: int, path: Path, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        actor = diary_access.owner(0)
        changes = changed.summarize(db, actor, first, second)
        if any(changes.unanswered):
            _answer(path, first, second)
            changes = changed.summarize(db, actor, first, second)
        listed = changed.list_changed(db, actor, first, second, before=was, after=now, limit=limit)
    show(as_json, _as_data(changes, listed), "\n".join(_lines(changes, listed)))


def _answer(path: Path, *numbers: int) -> None:
    """Store what versions answer to the diaries of which no answer is kept."""
    from annotator.serving import version_answers
    from annotator.serving.runtime import ModelRuntime
    from learner.encoders.encoder import default_cache

    runtime = ModelRuntime(path, cache=default_cache())
    with closing(runtime.open()) as db:
        for number in numbers:
            version_answers.fill(runtime, db, versions.get_version(db, number))


def _as_data(changes: Changes, listed: ChangedList) -> dict[str, Any]:
    names = changes.label_names
    return {
        "first": changes.first,
        "second": changes.second,
        "n": changes.n,
        "changed": changes.count,
        "without_answer": dict(zip(("first", "second"), changes.unanswered, strict=True)),
        "decided": {each.group: asdict(each) for each in changes.decided},
        "labels": [
            {"label": names[each.label], "away": _counts(each.away), "towards": _counts(each.towards)}
            for each in changes.by_label
        ],
        "pairs": [
            {"before": names[flip.before], "after": names[flip.after], **_counts(flip)} for flip in changes.by_pair
        ],
        "listed": listed.count,
        "hidden": listed.hidden,
        "diaries": [asdict(each) for each in listed.diaries],
    }


def _counts(flip: Flip) -> dict[str, int]:
    return {
        "changed": flip.count,
        "became_wrong": flip.lost,
        "became_right": flip.gained,
        "became_right_learned": flip.gained_learned,
    }


def _lines(changes: Changes, listed: ChangedList) -> list[str]:
    if not changes.n:
        return [say("find.changed.nothing_common")]
    names = changes.label_names
    lines = [say("find.changed.count", n=changes.n, count=changes.count), *_missing(changes)]
    lines += [_decided(each) for each in changes.decided]
    lines += _flips(say("find.changed.worst"), _by_label(changes))
    pairs = [(f"{names[flip.before]} → {names[flip.after]}", flip) for flip in changes.by_pair[:_PAIRS]]
    return [*lines, *_flips(say("find.changed.pair"), pairs), "", *map(_line, listed.diaries)]


def _missing(changes: Changes) -> list[str]:
    if not any(changes.unanswered):
        return []
    return [
        say(
            "find.changed.unanswered",
            first=changes.first,
            second=changes.second,
            without_first=changes.unanswered[0],
            without_second=changes.unanswered[1],
        )
    ]


def _decided(each: Decided) -> str:
    group = say(f"find.changed.group_{each.group}")
    if each.p is None:
        return say("cli.model.diff_decided_learned", group=group, n=each.n, gained=each.gained, lost=each.lost)
    return say("cli.model.diff_decided", group=group, n=each.n, gained=each.gained, lost=each.lost, p=f"{each.p:z.3f}")


def _by_label(changes: Changes) -> list[tuple[str, Flip]]:
    flips = [flip for each in changes.by_label for flip in (each.away, each.towards) if flip.count]
    names = (*changes.label_names, "*")  # the last one stands for any other answer, whose place is -1
    return [(f"{names[flip.before]} → {names[flip.after]}", flip) for flip in flips]


def _flips(title: str, named: Sequence[tuple[str, Flip]]) -> list[str]:
    return [
        "",
        title,
        *(
            say(
                "cli.model.diff_flip",
                name=name,
                count=flip.count,
                lost=flip.lost,
                gained=flip.gained,
                learned=flip.gained_learned,
            )
            for name, flip in named
        ),
    ]


def _line(each: ChangedDiary) -> str:
    outcome = say(f"find.changed.outcome_{each.outcome}")
    return f"#{each.hit.diary_id}\t{each.before} → {each.after}\t{each.truth or '–'}\t{outcome}\t{each.hit.line}"

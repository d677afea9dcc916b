"""Groups of diaries that could be labelled by one press, from a terminal; labelling them is for the page."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import click

from annotator import project
from annotator.accounts import diary_access
from annotator.cli.options import database_option, json_option, show
from annotator.errors import UserError
from annotator.finding import groups as finding
from annotator.messages import figures, say
from annotator.quality import group_checks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.accounts.diary_access import Actor
    from annotator.quality.group_checks import GroupChecks, Interval
    from db import Database
    from db.answers.groups import Kind


@click.command(help=say("cli.groups.help"))
@database_option
@click.option("--kind", type=click.Choice(list(finding.NEARNESS)), default="similar", help=say("cli.groups.kind"))
@click.option("--prediction", help=say("cli.find.prediction"))
@json_option
def groups(path: Path, kind: str, prediction: str | None, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        actor = diary_access.owner(0)
        listed = list(_groups(db, path, actor, cast("Kind", kind), prediction))
        checks = group_checks.measure(db)
    show(as_json, {"groups": listed, "checks": asdict(checks)}, "\n".join([*map(_line, listed), _checked(checks)]))


def _groups(db: Database, path: Path, actor: Actor, kind: Kind, prediction: str | None) -> Iterator[dict[str, Any]]:
    names = finding.names_of(db)
    if prediction is not None and prediction not in names.values():
        raise UserError("find_unknown_label", value=prediction[:40])
    for label_id in finding.count_open(db, path, actor).counts:
        if prediction not in (None, names[label_id]):
            continue
        part, parts = 0, 1
        while part < parts:
            part_groups = finding.list_groups(db, path, actor, kind, label_id, part=part)
            for ids in part_groups.groups:
                yield {"prediction": names[label_id], "part": part, "diary_ids": ids}
            part, parts = part + 1, part_groups.parts


def _line(group: dict[str, Any]) -> str:
    ids = " ".join(f"#{diary_id}" for diary_id in group["diary_ids"])
    return f"{group['prediction']}\t{len(group['diary_ids'])}\t{ids}"


def _checked(checks: GroupChecks) -> str:
    if checks.different is None:
        return say("find.groups.checks_few", n=checks.count, same=checks.same, fewest=group_checks.FEWEST)
    stated = [("checks", checks.different), ("checks_wrong", checks.wrong)]
    return " ".join(_stated(name, checks.count, given) for name, given in stated if given is not None)


def _stated(name: str, count: int, given: Interval) -> str:
    figure = figures.share(given.value, given.low, given.high, n=count)
    return say(f"find.groups.{name}", figure=figure).replace("**", "")

"""Feelings over time, in a terminal."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.accounts import diary_access
from annotator.cli.options import database_option, json_option, show
from annotator.messages import figures, say

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.quality.over_time import OverTime, Period, Step

# Numpy is loaded by the commands that need it.


@click.command("feelings", help=say("cli.report.feelings"))
@click.option("--by", "step", type=click.Choice(("week", "month")), default="month", help=say("cli.report.step"))
@click.option("--writer", default="", help=say("cli.report.writer"))
@database_option
@json_option
def feelings(step: Step, writer: str, path: Path, as_json: bool) -> None:
    from annotator.quality import over_time

    with closing(project.open_project(path)) as db:
        shown = over_time.read(db, diary_access.owner(0), step=step, writer=writer)
    show(as_json, as_data(shown), "\n".join(_lines(shown)))


def as_data(shown: OverTime) -> dict[str, object]:
    """Return what was written when, as JSON values."""
    return {
        "by": shown.step,
        "writer": None if shown.writer is None else shown.writer.name,
        "labels": shown.label_names,
        "version": shown.version,
        "whole": shown.whole,
        "periods": [
            {
                "first_day": period.first.isoformat(),
                "diaries": period.diaries,
                "decided": dict(zip(shown.label_names, period.decided, strict=True)),
                "answered": dict(zip(shown.label_names, period.answered, strict=True)),
                "estimate": period.estimate,
            }
            for period in shown.periods
        ],
        "undated": shown.undated,
        "undated_ids": shown.undated_ids,
        "future": shown.future,
        "earlier": shown.earlier,
    }


def _lines(shown: OverTime) -> list[str]:
    lines = [line for period in shown.periods if period.diaries for line in _period_lines(shown, period)]
    if not lines:
        lines = [say("find.time.no_dates")]
    if shown.undated:
        ids = ", ".join(f"#{diary_id}" for diary_id in shown.undated_ids)
        lines.append(say("find.time.undated", count=shown.undated, ids=ids))
    if shown.future:
        lines.append(say("find.time.future", count=shown.future))
    if shown.earlier:
        lines.append(say("find.time.earlier", count=shown.earlier))
    return [*lines, "", say("find.time.reading")]


def _period_lines(shown: OverTime, period: Period) -> list[str]:
    from annotator.quality import label_shares

    lines = [say("cli.report.group", name=period.first.isoformat(), diaries=period.diaries)]
    for place, name in enumerate(shown.label_names):
        if period.decided[place] or period.answered[place]:
            lines.append(_counts(period, place, name) + _estimate(period, place))
    if period.estimate is None or period.estimate.refused == "few":
        n = 0 if period.estimate is None else period.estimate.n
        return [*lines, "  " + say("find.time.refused", n=n, fewest=label_shares.FEWEST)]
    return lines if period.estimate.refused is None else [*lines, "  " + say("find.time.refused_draw")]


def _counts(period: Period, place: int, name: str) -> str:
    decided = f"{period.decided[place]}/{sum(period.decided)}"
    answered = f"{period.answered[place]}/{sum(period.answered)}"
    return say("cli.report.counts", name=name, decided=decided, answered=answered)


def _estimate(period: Period, place: int) -> str:
    if period.estimate is None or period.estimate.refused is not None:
        return ""
    given = period.estimate.shares[place]
    return "  " + figures.share(given.value, given.low, given.high, n=period.estimate.n, digits=1)

"""The command that deletes diaries for good."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.cli.options import DIARY_ID, database_option, json_option, show
from annotator.errors import UserError
from annotator.messages import say
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.privacy.forgetting import Forgotten, Preview, Trained


@click.command(help=say("cli.forget.help"))
@click.argument("diary_ids", nargs=-1, type=DIARY_ID, metavar="[ID]...")
@click.option("--author", help=say("cli.forget.author"))
@click.option("--batch", type=DIARY_ID, help=say("cli.forget.batch"))
@click.option("--yes", is_flag=True, help=say("cli.forget.yes"))
@database_option
@json_option
def forget(
    diary_ids: Sequence[int], author: str | None, batch: int | None, yes: bool, path: Path, as_json: bool
) -> None:
    if sum((bool(diary_ids), author is not None, batch is not None)) != 1:
        raise UserError("forget_choose_one")
    run(path, Selection(tuple(diary_ids), author, batch), yes=yes, as_json=as_json)


def run(path: Path, selection: Selection, *, yes: bool, as_json: bool) -> None:
    """Show what would go, ask once, and forget it."""
    with closing(project.open_project(path)) as db:
        if not yes:
            preview = forgetting.preview(db, selection)
            show(as_json, preview, "\n".join(preview_lines(preview)))
            # A program asks first and then says --yes.
            if as_json or not click.confirm(say("cli.forget.ask", count=preview.diary_count + preview.pool_count)):
                return
        done = forgetting.forget(db, None, selection)
    show(as_json, done, "\n".join(_done_lines(done)))


def preview_lines(preview: Preview) -> list[str]:
    """Describe what would be deleted and what would stay."""
    counts = preview.row_counts
    lines = [
        say("cli.forget.diaries", count=preview.diary_count, characters=preview.characters),
        say("cli.forget.said", **{name: counts[name] for name in ("decisions", "rationales", "reviews", "repeats")}),
        say("cli.forget.made", **{name: counts[name] for name in ("sentences", "explanations", "leases")}),
    ]
    if preview.pool_count:
        lines.append(say("cli.forget.pool", count=preview.pool_count))
    if preview.exports:
        lines.append(say("cli.forget.exports", names=", ".join(preview.exports)))
    if preview.near_copies:
        lines.append(say("cli.forget.near_copies", count=preview.near_copies))
    return [*lines, *_trained_lines(preview.trained), say("forget.out_of_reach")]


def _done_lines(done: Forgotten) -> list[str]:
    lines = [say("cli.forget.done", count=done.diary_count)]
    if done.pool_count:
        lines.append(say("cli.forget.pool_done", count=done.pool_count))
    if done.quote_count:
        lines.append(say("cli.forget.quotes", count=done.quote_count))
    if not done.is_finished:
        lines.append(say("forget.unfinished"))
    refused = [say("forget.refused")] if done.is_refused else []
    return [*lines, *refused, *_trained_lines(done.trained), say("forget.out_of_reach")]


def _trained_lines(trained: Sequence[Trained]) -> list[str]:
    if not trained:
        return []
    names = ", ".join(f"{each.version} ({each.diary_count})" for each in trained)
    return [say("forget.trained", versions=names), say("cli.forget.retrain", tier=trained[-1].tier)]

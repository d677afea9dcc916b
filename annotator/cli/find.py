"""Finding diaries from a terminal, and sending them to the head of the queue."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator.accounts import annotators, diary_access
from annotator.cli.options import DIARY_ID, database_option, json_option, name_option, show
from annotator.finding import finder, query, sending
from annotator.finding.query import DIFFERENCES, PARTS, SORTS, STATES
from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from annotator.finding.finder import Found
    from annotator.finding.hits import Hit
    from annotator.finding.query import Query
    from db.answers.searched import Sent

_SORTS = [prefix + name for name in SORTS for prefix in ("", "-")]


@click.command(help=say("cli.find.help"))
@click.argument("words", nargs=-1)
@database_option
@click.option("--like", type=DIARY_ID, help=say("cli.find.like"))
@click.option("--like-text", help=say("cli.find.like_text"))
@click.option("--label", help=say("cli.find.label"))
@click.option("--prediction", help=say("cli.find.prediction"))
@click.option("--p-from", type=click.FloatRange(0, 1), help=say("cli.find.p_from"))
@click.option("--p-to", type=click.FloatRange(0, 1), help=say("cli.find.p_to"))
@click.option("--differs", type=click.Choice(DIFFERENCES), help=say("cli.find.differs"))
@click.option("--state", type=click.Choice(STATES), help=say("cli.find.state"))
@click.option("--person", help=say("cli.find.person"))
@click.option("--part", type=click.Choice(PARTS), help=say("cli.find.part"))
@click.option("--writer", help=say("cli.find.writer"))
@click.option("--source", help=say("cli.find.source"))
@click.option("--batch", type=click.IntRange(1), help=say("cli.find.batch"))
@click.option("--since", help=say("cli.find.since"))
@click.option("--until", help=say("cli.find.until"))
@click.option("--longer", type=click.IntRange(0), help=say("cli.find.longer"))
@click.option("--shorter", type=click.IntRange(0), help=say("cli.find.shorter"))
@click.option("--memo", is_flag=True, help=say("cli.find.memo"))
@click.option("--marks", is_flag=True, help=say("cli.find.marks"))
@click.option("--doubted", is_flag=True, help=say("cli.find.doubted"))
@click.option("--sort", type=click.Choice(_SORTS), help=say("cli.find.sort"))
@click.option("--after", help=say("cli.find.after"))
@click.option(
    "--limit", type=click.IntRange(1, sending.MOST_SENT), default=20, show_default=True, help=say("cli.find.limit")
)
@click.option("--send-to-queue", is_flag=True, help=say("cli.find.send"))
@name_option
@json_option
def find(
    words: tuple[str, ...], path: Path, limit: int, send_to_queue: bool, name: str, as_json: bool, **filters: Any
) -> None:
    asked = query.read({"q": " ".join(words), **filters})
    with closing(project.open_project(path)) as db:
        actor = diary_access.owner(annotators.get_or_create(db, name) if send_to_queue else 0)
        vector = _vector(path, asked.like_text) if asked.like_text else None
        results = finder.find(db, path, actor, asked, limit=limit, vector=vector)
        ids = [hit.diary_id for hit in results.hits]
        sent = sending.send_ids(db, actor, ids, query=asked.address()) if send_to_queue else None
    show(as_json, as_data(results, sent), "\n".join(_lines(results, asked, sent)))


def _vector(path: Path, text: str) -> NDArray[np.float32]:
    from annotator.serving.predictor import Predictor

    return Predictor(path).vector(text)


def as_data(results: Found, sent: Sent | None = None) -> dict[str, Any]:
    """Return hits as JSON values."""
    data: dict[str, Any] = {
        "count": results.count,
        "is_more": results.is_more,
        "next": results.next or None,
        "not_searched": results.missing_count,
        "diaries": [asdict(hit) for hit in results.hits],
    }
    if results.nearness is not None:
        data |= {"vectors_made_at": results.nearness.made_at, "without_vector": results.nearness.missing_count}
    return data if sent is None else {**data, "sent": asdict(sent)}


def _lines(results: Found, asked: Query, sent: Sent | None) -> list[str]:
    lines = [_line(hit) for hit in results.hits]
    lines.append(say("find.count_more" if results.is_more else "find.count", count=results.count))
    if results.missing_count:
        lines.append(say("find.not_searched", count=results.missing_count))
    if results.nearness is not None:
        missing = results.nearness.missing_count
        key = "find.vectors_missing" if missing else "find.vectors"
        lines.append(say(key, when=results.nearness.made_at, missing=missing))
    if results.next:
        lines.append(say("cli.find.next", after=results.next))
    return lines if sent is None else [*lines, sent_sentence(sent)]


def sent_sentence(sent: Sent) -> str:
    """Return what became of diaries that were sent to the queue."""
    return say(
        "find.sent",
        count=len(sent.sent_ids),
        decided=sent.decided_count,
        test=sent.test_count,
        drawn=sent.drawn_count,
    )


def _line(hit: Hit) -> str:
    answers = _joined([answer.label or say(f"find.kind_{answer.kind}") for answer in hit.answers])
    said = "–" if hit.prediction is None else f"{hit.prediction} {round(100 * (hit.probability or 0))}%"
    return f"#{hit.diary_id}\t{say(f'find.state_{hit.state}')}\t{answers}\t{said}\t{hit.line}"


def _joined(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "–"

"""The child's side of `annotator.simulation.job`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.background import work
from annotator.formats.source import OpenFile, Source
from annotator.simulation import run
from learner.encoders.encoder import default_cache

if TYPE_CHECKING:
    from collections.abc import Callable

    from maeumgyeol.processes.inside import Channel


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Replay a file; the result is the report of `annotator.simulation.run`."""
    work(channel, lambda tell: _replay(arguments, tell))


def _replay(arguments: dict[str, Any], tell: Callable[[str, float], None]) -> dict[str, Any]:
    source = Source(arguments["name"], OpenFile(arguments["file"]))
    columns = {name: arguments[name] for name in ("text_column", "label_column")}
    request = run.Request(*(arguments[name] for name in ("strategies", "batch", "budget", "seeds")))
    return run.run(
        run.read_source(source, **columns),
        request,
        encoder=arguments["encoder"],
        cache=default_cache(),
        on_progress=tell,
    )

"""The child's side of `annotator.exporting.job`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator import exporting, project
from annotator.background import work
from annotator.exporting.options import Choice
from annotator.label_sets import crosswalks

if TYPE_CHECKING:
    from collections.abc import Callable

    from maeumgyeol.processes.inside import Channel


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Write an export and its data card; the result is how many diaries are in it."""
    work(channel, lambda tell: _export(arguments, tell))


def _export(arguments: dict[str, Any], tell: Callable[[str, float], None]) -> int:
    name = arguments["crosswalk"]
    choice = Choice(arguments["decided_only"], None if name is None else crosswalks.read(name))
    with project.opened(Path(arguments["database"])) as db:
        return exporting.export(
            db,
            Path(arguments["target"]),
            choice,
            file_format=arguments["format"],
            language=arguments["language"],
            on_progress=lambda done, total: tell("export", done / max(1, total)),
        )

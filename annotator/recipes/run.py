"""Running a recipe on a labelled file, for a trained model and a report."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import config_files
from annotator.formats import table as tables
from annotator.formats.source import HUB, open_source
from annotator.importing.reader import opened
from annotator.privacy import masking
from annotator.recipes import report_page
from annotator.settings import Settings
from learner.recipes import data as recipe_data
from learner.recipes import recipe as recipe_files
from learner.recipes.data import Row
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from annotator.formats.source import Source
    from annotator.formats.table import Table
    from learner.recipes.checkpoint import Checkpoint
    from learner.recipes.data import Prepared
    from learner.recipes.recipe import Data, Recipe
    from learner.recipes.trained import Figures, Trained

REPORT = "report.json"
PAGE = "report.html"
MODEL = "model"
_RUN = "run.json"
_CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Request:
    """A recipe, its data and its options.

    Attributes:
        name: of a recipe, or the path of one's own.
        data, validation: labelled files; `data` alone may be a data set with the splits ``train`` and ``validation``.
        out: folder of model and report.
        limit: takes the first rows of each file only.
        trial: takes the small part of the file that the recipe names.
        changes: settings in place of the recipe's, by dotted key.
        resume: goes on with a run that was stopped in the same folder.
    """

    name: str
    data: Path
    out: Path
    validation: Path | None = None
    limit: int | None = None
    trial: bool = False
    changes: tuple[tuple[str, Any], ...] = ()
    resume: bool = False


@dataclass(frozen=True, slots=True)
class _Work:
    """A request that has been checked: all its possible errors have been ruled out."""

    recipe: Recipe
    prepared: Prepared
    checkpoint: Checkpoint
    run: dict[str, Any]


def run(
    request: Request,
    *,
    cache: Path,
    on_progress: Callable[[float], bool] = lambda share: True,
    logged: Callable[[Figures], None] = lambda figures: None,
) -> dict[str, Any] | None:
    """Run a recipe, and write model and report to the request's folder.

    Args:
        cache: where the bundled checkpoint is written.
        on_progress: is told the share of the work that is done; returns False to stop, so that it can be resumed.
        logged: is told what is measured on the way.

    Returns:
        The report, None if it was stopped.

    Raises:
        UserError: if a file can't be used, or the folder is in the way.
        LearnerError: if recipe or checkpoint can't be used, or training fails.
    """
    started = time.monotonic()
    _check_out(request)
    work = _look_through(request, cache)
    _begin(request, work.run)
    trained = _train(work, request, on_progress, logged)
    if trained.stopped:
        return None
    from learner.recipes import report as recipe_report

    # A labelled file belongs to no project, so the default masking applies.
    plain = Settings(seed="")
    report = recipe_report.build(
        work.recipe, work.checkpoint, work.prepared, trained, shown=lambda text: masking.mask(text, plain)
    )
    report = {**work.run, "seconds": round(time.monotonic() - started, 1), **report}
    _write(request.out, work, report)
    return report


def _check_out(request: Request) -> None:
    is_begun = (request.out / _RUN).is_file() and not (request.out / REPORT).exists()
    if request.resume and not is_begun:
        raise UserError("recipe_nothing_to_resume", folder=str(request.out))
    if not request.resume and request.out.exists():
        raise UserError("recipe_out_exists", folder=str(request.out))


def _look_through(request: Request, cache: Path) -> _Work:
    recipe = load(request.name, dict(request.changes))
    parts = _open_parts(request, recipe)
    rows = [_read(source, recipe.data, request.limit, split=split) for source, split in parts]
    measured = rows[1] if len(rows) > 1 else None
    prepared = recipe_data.prepare(rows[0], measured, recipe.data, trial=request.trial)
    run = {
        "files": {source.name: source.digest() for source, _ in parts},
        "limit": request.limit,
        "trial": request.trial,
        "settings": recipe.model_dump(mode="json", exclude_none=True),
        "changes": _changes(request),
    }
    if request.resume:
        _check_same(request.out, run)
    from learner.recipes import checkpoint as recipe_checkpoint

    classes = None if recipe.training is None else prepared.classes
    checkpoint = recipe_checkpoint.load(recipe.model, cache=cache, seed=recipe.seed, classes=classes)
    return _Work(recipe, prepared, checkpoint, run)


def load(name: str, changes: dict[str, Any] | None = None) -> Recipe:
    """Return a bundled recipe by its name, or one from a file, which a child parses.

    Raises:
        UserError, LearnerError: if there is none, or it can't be used.
    """
    if not name.endswith(".toml"):
        return recipe_files.load(name, changes)
    return recipe_files.load(name, changes, parse=lambda text: config_files.decode(text.encode(), "toml", name=name))


def _open_parts(request: Request, recipe: Recipe) -> list[tuple[Source, str | None]]:
    """Return the training data and, unless it is split off, the validation data, each with its split."""
    data = _open(request.data)
    if request.validation is not None:
        return [(data, None), (_open(request.validation), None)]
    if recipe.data.validation != "file":
        return [(data, None)]
    if data.is_on_hub() or data.folder is not None:
        return [(data, "train"), (data, "validation")]
    raise UserError("recipe_validation_missing", name=recipe.name)


def _open(path: Path) -> Source:
    return open_source(path, str(path) if str(path).startswith(HUB) else path.name)


def _read(source: Source, data: Data, limit: int | None, *, split: str | None) -> list[Row]:
    """Read texts and labels.

    Args:
        limit: rows to read; None reads all.

    Raises:
        UserError: if it can't be read or lacks a column.
    """
    with opened(source, tables.ReadOptions(encoding=data.encoding, split=split)) as table:
        for column in (*data.text, data.label):
            if tables.plain_column(column) not in table.columns:
                column_names = tables.enumerate_values(table.columns)
                raise UserError("recipe_column_missing", name=source.name, column=column, columns=column_names)
        return list(islice(_rows(table, data), limit))


def _rows(table: Table, data: Data) -> Iterator[Row]:
    columns, label = [tables.plain_column(column) for column in data.text], tables.plain_column(data.label)
    for row in table.rows():
        values = [row.values.get(column) or "" for column in columns]
        text = " ".join(value for value in values if value.strip())
        yield Row(row.number, text, (row.values.get(label) or "").strip())


def _changes(request: Request) -> dict[str, Any]:
    """Return the settings that differ from the recipe as written."""
    written = load(request.name).model_dump(mode="json")
    changes = {}
    for key, value in request.changes:
        inner: Any = written
        for part in key.split("."):
            inner = inner.get(part) if isinstance(inner, dict) else None
        changes[key] = {"recipe": inner, "run": value}
    return changes


def _check_same(folder: Path, run: dict[str, Any]) -> None:
    try:
        begun = json.loads((folder / _RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("recipe_nothing_to_resume", folder=str(folder)) from error
    if begun != json.loads(json.dumps(run)):
        raise UserError("recipe_resume_differs", folder=str(folder))


def _begin(request: Request, run: dict[str, Any]) -> None:
    if request.resume:
        return
    try:
        private_files.make_folder(request.out, exist_ok=False)
        private_files.write_text(request.out / _RUN, json.dumps(run, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise UserError("report_unwritable", path=str(request.out), reason=error.strerror or "?") from error


def _train(
    work: _Work, request: Request, on_progress: Callable[[float], bool], logged: Callable[[Figures], None]
) -> Trained:
    if work.recipe.features is not None:
        from learner.recipes import frozen_features

        return frozen_features.train(work.recipe, work.checkpoint, work.prepared, on_progress=on_progress)
    from learner.recipes import training

    folder = request.out / _CHECKPOINTS
    return training.train(
        work.recipe,
        work.checkpoint,
        work.prepared,
        folder=folder,
        resume=request.resume,
        on_progress=on_progress,
        logged=logged,
    )


@private_files.umask()
def _write(out: Path, work: _Work, report: dict[str, Any]) -> None:
    try:
        if work.recipe.training is not None:
            work.checkpoint.model.save_pretrained(out / MODEL)
            work.checkpoint.tokenizer.save_pretrained(out / MODEL)
        private_files.write_text(out / PAGE, report_page.draw(report))
        # Last, since it marks the run as finished.
        written = json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False)
        private_files.write_text(out / REPORT, written + "\n")
    except OSError as error:
        raise UserError("report_unwritable", path=str(out), reason=error.strerror or "?") from error

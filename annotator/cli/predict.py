"""Asking the serving model from a terminal."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator import settings as project_settings
from annotator.cli.options import DIARY_ID as _DIARY_ID
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import read_stdin
from annotator.cli.options import show as _print
from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.messages import say
from annotator.messages.figures import signed
from annotator.privacy import masking
from db.label_sets import labels
from db.models import models
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.serving.predictor import Predictor
    from annotator.settings import Settings
    from db import Database
    from db.models.explanations import Explanation
    from db.models.models import Model
    from learner.explanation.local_surrogate import Method


@click.command(help=say("cli.predict.help"))
@click.argument("texts", nargs=-1)
@_database_option
@_json_option
def predict(texts: Sequence[str], path: Path, as_json: bool) -> None:
    from annotator.dictionary import adjustment
    from annotator.serving.predictor import Predictor

    inputs = list(texts) or [line for line in read_stdin().splitlines() if line.strip()]
    with closing(project.open_project(path)) as db:
        answers = Predictor(path).predict(inputs).proba
        model = _active(db)
        refiner = adjustment.find_refiner(db, model)
        answers = answers if refiner is None else refiner.refine(inputs, answers)
        names = [entry.name for entry in labels.list_labels(db)]
        tops = [names[int(row.argmax())] for row in answers]
        value = [
            {"label": top, "proba": dict(zip(names, map(float, row), strict=True)), "version": model.version}
            for top, row in zip(tops, answers, strict=True)
        ]
        lines = [f"{top} {row.max():z.2f}" for top, row in zip(tops, answers, strict=True)]
        _print(as_json, value, "\n".join(lines))


@click.command("explain", help=say("cli.explain.help"))
@click.argument("diary_id", type=_DIARY_ID)
@click.option("--method", type=click.Choice(project_settings.EXPLANATION_METHODS), help=say("cli.explain.method"))
@_database_option
@_json_option
def explain_(diary_id: int, method: Method | None, path: Path, as_json: bool) -> None:
    from annotator.serving.explanation_text import is_guess
    from annotator.serving.predictor import Predictor

    with closing(project.open_project(path)) as db:
        settings = project_settings.load(db)
        diaries.get_diary(db, diary_id)
        if projection.find_proba(db, _active(db), diary_id) is None:
            raise UserError("explanation_waits", id=diary_id)
        explanation = _explanation_of(db, Predictor(path), diary_id, settings, method)
        proba = projection.find_proba(db, _active(db), diary_id)
        if proba is None or explanation is None:
            raise UserError("explanation_missing", id=diary_id)
        text = masking.mask(diaries.get_diary(db, diary_id).text, settings)
        names, top = [entry.name for entry in labels.list_labels(db)], int(proba.argmax())
        units = [
            {
                "text": text[start:end],
                "span": (start, end),
                "weights": dict(zip(names, map(float, weights), strict=True)),
            }
            for (start, end), weights in zip(explanation.spans, explanation.weights, strict=True)
        ]
        guess = is_guess(proba.tolist(), has_learned=bool(_active(db).training_decisions))
        value = {
            "diary_id": diary_id,
            "label": names[top],
            "guess": guess,
            "fit": explanation.fit[top],
            "units": units,
        }
        order = sorted(range(len(units)), key=lambda i: -abs(explanation.weights[i, top]))
        lines = [f"{signed(explanation.weights[i, top], digits=3)}  {units[i]['text']}" for i in order]
        _print(as_json, value, "\n".join([say("cli.explain.guess", label=names[top]) if guess else names[top], *lines]))


def _explanation_of(
    db: Database, predictor: Predictor, diary_id: int, settings: Settings, method: Method | None
) -> Explanation | None:
    """Return the explanation by the project's own method, storing it if needed, or by another method."""
    if method is not None and method != settings.explanation_method:
        return predictor.explain_diary_by(diary_id, method)
    predictor.explain_diary(diary_id)
    return projection.find_explanation(db, _active(db), diary_id, settings.unit)


def _active(db: Database) -> Model:
    model = models.find_active(db)
    if model is None:
        raise UserError("no_model_yet")
    return model

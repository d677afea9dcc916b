"""Which way of removing words explains better: deleting them, or replacing them with the checkpoint's mask token.

Both explain the same diaries; what each finds to be the strongest evidence is then deleted, as in the removal check
that people see. The way whose evidence carries more of the answer becomes the project's setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.serving import exact_features
from annotator.serving.runtime import ModelRuntime
from db.models import models
from db.texts import diaries
from learner.encoders.encoder import default_cache
from learner.explanation import explainer
from learner.text import sentences

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.serving.runtime import Serving
    from db import Database

FEWEST = 5


@dataclass(frozen=True, slots=True)
class Removals:
    """How much of the answer the strongest evidence carries, by each way of finding it.

    Attributes:
        diaries: compared.
        delete, mask: mean fall of the likeliest label's probability, in [-1, 1]; mask is None where the checkpoint has
            no mask token.
        chosen: the setting now.
    """

    diaries: int
    delete: float
    mask: float | None
    chosen: str


def choose(db: Database, path: Path, *, count: int = 20) -> Removals:
    """Compare both ways on some diaries by the serving model, and set the better one.

    Args:
        count: diaries, spread over the pool.

    Raises:
        UserError: if there is no model or there are fewer than `FEWEST` diaries.
    """
    runtime = ModelRuntime(path, cache=default_cache())
    active = models.find_active(db)
    if active is None:
        raise UserError("no_model_yet")
    ids = diaries.list_ids(db, "pool")
    if len(ids) < FEWEST:
        raise UserError("removal_too_few", found=len(ids), least=FEWEST)
    places = np.unique(np.linspace(0, len(ids) - 1, count).astype(int))
    texts = diaries.list_texts(db, ids[places])
    serving = runtime.load_classifier(db, active)
    token = exact_features.find_mask_token(runtime, db, serving)
    falls = {"delete": _fall(runtime, db, serving, texts, replacement="")}
    if token:
        falls["mask"] = _fall(runtime, db, serving, texts, replacement=token)
    chosen = max(falls, key=lambda way: (falls[way], way == "delete"))
    project_settings.change(db, removal=chosen)
    return Removals(len(texts), falls["delete"], falls.get("mask"), chosen)


def _fall(runtime: ModelRuntime, db: Database, serving: Serving, texts: list[str], *, replacement: str) -> float:
    """Return the mean fall of the likeliest label's probability without the strongest evidence; 0 if there is none."""
    unit = runtime.settings(db).unit
    falls = []
    for text in texts:
        explanation, _ = explainer.explain(
            text,
            unit=unit,
            sentences=sentences.fallback(text),
            features_of=lambda changed: exact_features.of_texts(runtime, db, serving, changed),
            head=serving.classifier.head,
            unlearned=serving.classifier.unlearned,
            seed=explainer.seed_of(text, unit),
            gradients_of=None if replacement else exact_features.gradients_of(runtime, db, serving, text),
            replacement=replacement,
        )
        check = explanation.removal_check
        falls.append(0.0 if check is None else check.before - check.after)
    return float(np.mean(falls))

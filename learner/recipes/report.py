"""What a recipe's run is judged by: figures, confusion, losses of single texts, token lengths, learning curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learner.classification import macro_f1, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.classification.metrics import Interval
    from learner.recipes.checkpoint import Checkpoint
    from learner.recipes.data import Part, Prepared
    from learner.recipes.recipe import Recipe
    from learner.recipes.trained import Trained

    FloatArray = NDArray[np.float32]


def build(
    recipe: Recipe, checkpoint: Checkpoint, prepared: Prepared, trained: Trained, *, shown: Callable[[str], str]
) -> dict[str, Any]:
    """Return the report of a run as JSON knows it.

    Args:
        shown: returns the part of a text that may leave, as the layer that knows about masks decides.
    """
    names, validation = prepared.classes, prepared.validation
    return {
        "recipe": recipe.name,
        "data": _data(prepared),
        "new_weights": list(checkpoint.new_weights),
        "metrics": measure(trained.validation, validation.labels, seed=recipe.seed),
        "confusion": confusion(trained.validation, validation.labels, names),
        "losses": losses(trained.validation, validation, names, shown=shown),
        "tokens": token_lengths(checkpoint, [*prepared.training.texts, *validation.texts]),
        "curve": [dict(row) for row in trained.curve],
        "examples": [
            {
                "text": example.text,
                "answer": names[int(row.argmax())],
                "score": float(row.max()),
                "reported": example.label,
            }
            for example, row in zip(recipe.examples, trained.examples, strict=True)
        ],
    }


def _data(prepared: Prepared) -> dict[str, Any]:
    k = len(prepared.classes)
    counts = [np.bincount(part.labels, minlength=k) for part in (prepared.training, prepared.validation)]
    return {
        "training": len(prepared.training.texts),
        "validation": len(prepared.validation.texts),
        "left_out": prepared.left_out,
        "classes": {
            name: {"training": int(trained), "validation": int(measured)}
            for name, trained, measured in zip(prepared.classes, *counts, strict=True)
        },
    }


def measure(proba: FloatArray, truth: NDArray[np.int64], *, seed: int) -> dict[str, Any]:
    """Return accuracy and mean F1s with 95 % intervals, and what always answering the commonest class would get.

    Args:
        proba: (n, k), n >= 1.
        truth: (n,) columns in [0, k).
    """
    k, answers = proba.shape[1], proba.argmax(axis=1)
    whole = metrics.evaluate(proba, truth)
    accuracy = {"value": whole.accuracy, "low": whole.accuracy_low, "high": whole.accuracy_high}
    return {
        "n": whole.n,
        "accuracy": accuracy,
        # With one answer a text, micro F1 is the accuracy.
        "micro_f1": accuracy,
        "macro_f1": _interval(macro_f1.macro_f1(answers, truth, k=k).interval),
        "weighted_f1": _interval(metrics.weighted_f1_interval(answers, truth, k=k, seed=seed)),
        "commonest_class": float(np.bincount(truth).max() / whole.n),
        "f1": [
            {"value": None if np.isnan(value) else value, "low": low, "high": high}
            for value, low, high in zip(whole.f1, whole.f1_low, whole.f1_high, strict=True)
        ],
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    """Return a figure for JSON: None where there were too few texts to measure it."""
    bounds = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: None if np.isnan(bound) else bound for name, bound in bounds.items()}


def confusion(proba: FloatArray, truth: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """Return counts and, normalised, shares of each true class's texts; rows truth, columns answer."""
    counts = np.array(metrics.evaluate(proba, truth).confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {"labels": list(names), "counts": counts.tolist(), "shares": shares.round(4).tolist()}


def losses(
    proba: FloatArray, part: Part, names: Sequence[str], *, shown: Callable[[str], str] = str
) -> list[dict[str, Any]]:
    """Return the texts with their cross-entropy losses, highest first: wrong labels and hard texts rise to the top.

    Args:
        proba: (n, k).
    """
    right = np.clip(proba[np.arange(len(part.texts)), part.labels], np.finfo(np.float32).tiny, 1.0)
    loss = -np.log(right.astype(np.float64))
    answers = proba.argmax(axis=1)
    return [
        {
            "row": int(part.numbers[i]),
            "loss": round(float(loss[i]), 4),
            "label": names[part.labels[i]],
            "answer": names[answers[i]],
            "text": shown(part.texts[i]),
        }
        for i in np.argsort(-loss, kind="stable")
    ]


def token_lengths(checkpoint: Checkpoint, texts: Sequence[str]) -> dict[str, Any]:
    """Return how long texts are in tokens, special ones included, and how many exceed what the model reads."""
    whole = checkpoint.tokenizer(list(texts), return_attention_mask=False, verbose=False)["input_ids"]
    counts = np.array([len(ids) for ids in whole])
    longer = int((counts > checkpoint.max_tokens).sum())
    return {
        "maximum": checkpoint.max_tokens,
        "texts": len(counts),
        "longer": longer,
        "share": longer / len(counts),
        "median": float(np.median(counts)),
        "percentile_95": float(np.quantile(counts, 0.95)),
        "longest": int(counts.max()),
    }

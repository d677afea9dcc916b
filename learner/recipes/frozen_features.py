"""Frozen features by a recipe: the first token's last hidden state, and a logistic regression on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from learner.recipes.trained import Trained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.recipes.checkpoint import Checkpoint
    from learner.recipes.data import Prepared
    from learner.recipes.recipe import Recipe

_TEXTS_A_BATCH = 32


def train(
    recipe: Recipe,
    checkpoint: Checkpoint,
    prepared: Prepared,
    *,
    on_progress: Callable[[float], bool] = lambda share: True,
) -> Trained:
    """Fit a logistic regression on frozen features, and answer the validation texts and the recipe's examples.

    Args:
        on_progress: is called with the share of the texts that have their features; returns False to stop.
    """
    from sklearn.linear_model import LogisticRegression

    assert recipe.features is not None
    torch.manual_seed(recipe.seed)
    first = len(prepared.training.texts)
    texts = [*prepared.training.texts, *prepared.validation.texts, *(example.text for example in recipe.examples)]
    features, stopped = first_tokens(checkpoint, texts, on_progress=on_progress)
    nothing = np.zeros((0, len(prepared.classes)), np.float32)
    if stopped:
        return Trained(nothing, nothing, (), stopped=True)
    head = LogisticRegression(max_iter=recipe.features.iterations)
    head.fit(features[:first], prepared.training.labels)
    # Classes that only the validation texts have are never answered.
    proba = np.zeros((len(texts) - first, len(prepared.classes)), np.float32)
    proba[:, head.classes_] = head.predict_proba(features[first:])
    measured = len(prepared.validation.texts)
    return Trained(proba[:measured], proba[measured:], (), stopped=False)


def first_tokens(
    checkpoint: Checkpoint, texts: Sequence[str], *, on_progress: Callable[[float], bool]
) -> tuple[NDArray[np.float32], bool]:
    """Return the last hidden state of each text's first token, (n, width), and whether it was told to stop."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = checkpoint.model.eval().to(device)
    features = np.zeros((len(texts), int(model.config.hidden_size)), np.float32)
    # By length, so that little padding is computed.
    order = np.argsort([-len(text) for text in texts], kind="stable")
    for at in range(0, len(order), _TEXTS_A_BATCH):
        places = order[at : at + _TEXTS_A_BATCH]
        tokens = checkpoint.tokenizer(
            [texts[i] for i in places],
            padding=True,
            truncation=True,
            max_length=checkpoint.max_tokens,
            return_tensors="pt",
        )
        with torch.inference_mode():
            hidden = model(**tokens.to(device)).last_hidden_state
        features[places] = hidden[:, 0].float().cpu().numpy()
        if not on_progress((at + len(places)) / len(order)):
            return features, True
    return features, False

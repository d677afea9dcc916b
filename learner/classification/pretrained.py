"""Published checkpoints that are used as they are: any text classifier of transformers, by hub name or folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.encoders import light_transformers
from learner.encoders.encoder import max_tokens
from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

_TEXTS_A_BATCH = 16

MULTI_LABEL = "multi_label_classification"


@dataclass(frozen=True, slots=True)
class TextClassifier:
    """A loaded text classifier. Not safe for use by several threads at once.

    Attributes:
        name: what was asked for.
        labels: its own names of its m labels, in the order of its columns.
        is_multi_label: whether its labels are independent of each other.
        max_tokens: longer texts are cut.
    """

    name: str
    labels: tuple[str, ...]
    is_multi_label: bool
    max_tokens: int
    _model: Any
    _tokenizer: Any

    def proba(self, texts: Sequence[str]) -> FloatArray:
        """Return probabilities, (n, m), rows sum to 1.

        Those of independent labels are divided by their sum, since callers ask how they compare with each other.
        """
        import torch

        proba = np.zeros((len(texts), len(self.labels)), np.float32)
        order = np.argsort([-len(text) for text in texts], kind="stable")
        with torch.inference_mode():
            for at in range(0, len(order), _TEXTS_A_BATCH):
                places = order[at : at + _TEXTS_A_BATCH]
                logits = self._logits([texts[i] for i in places])
                proba[places] = logits.sigmoid() if self.is_multi_label else logits.softmax(dim=-1)
        return np.asarray(proba / np.maximum(proba.sum(axis=1, keepdims=True), 1e-9), np.float32)

    def _logits(self, texts: list[str]) -> Any:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt")
        return self._model(**tokens).logits.float()


@light_transformers.lightly()
def load(name: str) -> TextClassifier:
    """Load a text classifier.

    Args:
        name: hub name or folder.

    Raises:
        LearnerError: if it can't be found, asks to run code of its own, is no text classifier or can't be loaded.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    read_config(name)
    quieten()
    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model, info = AutoModelForSequenceClassification.from_pretrained(
            name, trust_remote_code=False, output_loading_info=True
        )
    # Damaged files raise kinds of safetensors, pickle and tokenizers, too, which share no other base.
    except Exception as error:
        raise LearnerError("checkpoint_unloadable", name=name, reason=first_line(error)) from error
    if missing := sorted(info["missing_keys"]):
        raise LearnerError("checkpoint_without_head", name=name, count=len(missing), example=missing[0])
    if config.num_labels < 2:
        raise LearnerError("checkpoint_of_one_label", name=name)
    labels = tuple(str(config.id2label[i]) for i in range(config.num_labels))
    is_multi_label = config.problem_type == MULTI_LABEL
    limit = max_tokens(config, tokenizer)
    classifier = TextClassifier(name, labels, is_multi_label, limit, model.eval(), tokenizer)
    try:
        proba = classifier.proba(["안녕하세요", "오늘은 비가 왔다."])
    except Exception as error:
        raise LearnerError("checkpoint_unloadable", name=name, reason=first_line(error)) from error
    if not np.isfinite(proba).all():
        raise LearnerError("checkpoint_unloadable", name=name, reason="NaN")
    return classifier


def read_config(name: str) -> dict[str, Any]:
    """Return the configuration of a checkpoint before anything of it is loaded.

    Raises:
        LearnerError: if there is none where it was looked for, or it names code that it wants to bring along, which
            is never run.
    """
    from transformers import PreTrainedConfig

    try:
        config, _ = PreTrainedConfig.get_config_dict(name)
    except (OSError, ValueError) as error:
        raise LearnerError("checkpoint_missing", name=name) from error
    if config.get("auto_map"):
        raise LearnerError("checkpoint_wants_code", name=name)
    return dict(config)


def quieten() -> None:
    """Keep transformers from drawing progress bars and warning about what is not used."""
    from transformers import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def first_line(error: Exception) -> str:
    """Return what an error of a library says, short enough for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

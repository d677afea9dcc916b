"""The checkpoint that a recipe trains: any hub name or folder of transformers, or the bundled encoder."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learner.classification import pretrained
from learner.encoders import bundled, encoder
from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from learner.recipes.recipe import Model


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        model: with a head for the classes, or a bare encoder.
        max_tokens: longer texts are cut.
        new_weights: names of weights that the checkpoint lacks; they start at random.
    """

    model: Any
    tokenizer: Any
    max_tokens: int
    new_weights: tuple[str, ...]


def load(spec: Model, *, cache: Path, seed: int, classes: Sequence[str] | None = None) -> Checkpoint:
    """Load a checkpoint with a head for these classes; without classes the encoder alone.

    Args:
        cache: where the bundled checkpoint is written.
        seed: of the weights that the checkpoint lacks.

    Raises:
        LearnerError: if it can't be found or read, asks to run code of its own, which is never run, or has no
            dropout to be set.
    """
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    is_bundled = spec.checkpoint == bundled.NAME
    source = str(bundled.write_checkpoint(cache)) if is_bundled else spec.checkpoint
    _check_brings_no_code(source)
    pretrained.quieten()
    torch.manual_seed(seed)
    kind: Any = AutoModel if classes is None else AutoModelForSequenceClassification
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        model, info = kind.from_pretrained(source, trust_remote_code=False, output_loading_info=True, **_head(classes))
    # Damaged files raise kinds of safetensors, pickle and tokenizers, too, which share no other base.
    except Exception as error:
        reason = pretrained.first_line(error)
        # Without sentencepiece transformers takes its file for another kind, and asks for what reads that one.
        if "tiktoken" in reason and importlib.util.find_spec("sentencepiece") is None:
            raise LearnerError("recipe_sentencepiece_missing", name=spec.checkpoint) from error
        raise LearnerError("checkpoint_unloadable", name=spec.checkpoint, reason=reason) from error
    if tokenizer.pad_token_id is None or len(tokenizer) <= len(tokenizer.all_special_ids):
        raise LearnerError("encoder_tokenizer_unusable", name=spec.checkpoint)
    tokenizer = _mended(tokenizer, model.config)
    if spec.dropout is not None:
        _set_dropout(model, spec.dropout, name=spec.checkpoint)
    limit = encoder.max_tokens(model.config, tokenizer)
    new = sorted({*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])})
    return Checkpoint(model, tokenizer, min(limit, spec.max_tokens or limit), tuple(new))


def _check_brings_no_code(source: str) -> None:
    from transformers.models.auto.tokenization_auto import get_tokenizer_config

    pretrained.read_config(source)
    if "auto_map" in get_tokenizer_config(source):
        raise LearnerError("checkpoint_wants_code", name=source)


def _head(classes: Sequence[str] | None) -> dict[str, Any]:
    if classes is None:
        return {}
    return {
        "id2label": dict(enumerate(classes)),
        "label2id": {label: place for place, label in enumerate(classes)},
        # A head for other classes gives way to a new one.
        "ignore_mismatched_sizes": True,
    }


def _mended(tokenizer: Any, config: Any) -> Any:
    """Return a tokenizer that fits its model: KoBERT (`skt/kobert-base-v1`) is a BERT with the tokenizer of XLNet.

    That one puts [CLS] behind the text and padding before it, where BERT doesn't look for them. And its fast form
    takes syllables apart to strip accents but doesn't put them together again, so that it knows no Korean word.
    """
    if config.model_type != "bert" or not type(tokenizer).__name__.startswith("XLNet"):
        return tokenizer
    from tokenizers import normalizers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    start, end = tokenizer.cls_token, tokenizer.sep_token
    backend = tokenizer.backend_tokenizer
    backend.normalizer = normalizers.Sequence([backend.normalizer, normalizers.NFC()])
    backend.post_processor = TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} $B:1 {end}:1",
        special_tokens=[(start, tokenizer.cls_token_id), (end, tokenizer.sep_token_id)],
    )
    specials = ("unk_token", "pad_token", "cls_token", "sep_token", "mask_token")
    # Saved as XLNet's, it would be broken again when it is loaded.
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=tokenizer.model_max_length,
        **{name: getattr(tokenizer, name) for name in specials},
    )


def _set_dropout(model: Any, share: float, *, name: str) -> None:
    """Set the dropout between encoder and head: every layer of that kind outside the encoder."""
    from torch import nn

    inner = f"{model.base_model_prefix}."
    layers = [
        module
        for path, module in model.named_modules()
        if isinstance(module, nn.Dropout) and not path.startswith(inner)
    ]
    if not layers:
        raise LearnerError("recipe_dropout_missing", name=name)
    for module in layers:
        module.p = share

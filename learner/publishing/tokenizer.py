"""The tokenizer of a published model: prefix, cut and padding are in it, so that it takes a diary as it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from maeumgyeol import private_files

if TYPE_CHECKING:
    from pathlib import Path

    from learner.encoders.encoder import Encoder

_ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def write(encoder: Encoder, folder: Path) -> None:
    """Write ``tokenizer.json``, which the package ``tokenizers`` reads, and what transformers wants beside it.

    Raises:
        OSError: if the folder can't be written.
    """
    backend = _prefixed(encoder)
    backend.enable_truncation(encoder.max_tokens)
    padding = encoder.tokenizer.pad_token
    if padding is not None:
        backend.enable_padding(pad_id=encoder.tokenizer.pad_token_id, pad_token=padding)
    private_files.write_text(folder / "tokenizer.json", backend.to_str(pretty=True))
    config = {
        # The name that older versions of transformers know, too. Any other class would build a pipeline of its own.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": encoder.max_tokens,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    specials = {role: str(token) for role in _ROLES if (token := getattr(encoder.tokenizer, role, None)) is not None}
    text = json.dumps(config | specials, ensure_ascii=False, indent=2)
    private_files.write_text(folder / "tokenizer_config.json", text + "\n")


def _prefixed(encoder: Encoder) -> Any:
    """Return a copy of the encoder's tokenizer that puts the prefix before a text by itself."""
    from tokenizers import Tokenizer, normalizers

    backend = Tokenizer.from_str(encoder.tokenizer.backend_tokenizer.to_str())
    if encoder.prefix:
        steps = [normalizers.Prepend(encoder.prefix)]
        backend.normalizer = normalizers.Sequence(steps + ([backend.normalizer] if backend.normalizer else []))
    return backend

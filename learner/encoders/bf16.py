"""An encoder that computes in bfloat16: faster where a processor has units for it."""

from __future__ import annotations

import copy

from learner.encoders import precision
from learner.encoders.encoder import Encoder


def in_bf16(original: Encoder, name: str) -> Encoder:
    """Return the bfloat16 form of an encoder; its vectors are float32.

    Args:
        name: of the form.
    """
    import torch

    return Encoder(
        name,
        copy.deepcopy(original.model).to(torch.bfloat16),
        original.tokenizer,
        prefix=original.prefix,
        digest=precision.digest_of(original.hash, "bf16"),
        common=original.common,
    )

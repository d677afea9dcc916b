"""What explanations read: features and gradients by a version's encoder in float32, whatever form the version reads.

What a word changes is as small as the rounding of a faster form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.serving.runtime import join_texts
from learner.explanation import input_gradients

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime, Serving
    from db import Database
    from learner.explanation.explanation_run import GradientsOf
    from learner.text.characters import Spans

    FloatArray = NDArray[np.float32]


def of_texts(runtime: ModelRuntime, db: Database, serving: Serving, texts: Sequence[str]) -> FloatArray:
    """Return what the head would read of any texts if the version's encoder computed in float32, (n, features)."""
    vectors = runtime.encode(db, texts, encoder=runtime.exact_encoder(db, serving)).vectors
    return join_texts(serving, texts, vectors)


def find_replacement(runtime: ModelRuntime, db: Database, serving: Serving) -> str:
    """Return the replacement for removed words; empty if they are deleted or the encoder has no mask token."""
    return find_mask_token(runtime, db, serving) if runtime.settings(db).removal == "mask" else ""


def find_mask_token(runtime: ModelRuntime, db: Database, serving: Serving) -> str:
    """Return the encoder's mask token; empty if it has none, like the bundled one."""
    return str(runtime.exact_encoder(db, serving).tokenizer.mask_token or "")


def gradients_of(runtime: ModelRuntime, db: Database, serving: Serving, text: str) -> GradientsOf | None:
    """Return a function for the gradients of scores by the words of a text; None if the encoder has no gates."""
    encoder = runtime.exact_encoder(db, serving)
    if not input_gradients.has_gates(encoder):
        return None

    def gradients(groups: Sequence[Spans], directions: FloatArray) -> FloatArray | None:
        with runtime.encoding():
            return input_gradients.gradients(
                encoder, text, groups, directions[:, : encoder.width], mean=serving.classifier.mean
            )

    return gradients

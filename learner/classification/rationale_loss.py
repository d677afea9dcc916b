"""Learning from marked words: one that is no evidence for a label should not move it, one that is evidence should.

The head is linear in its features, so what a word adds to a label is its weight times what the word adds to the
features of its diary. A squared penalty on that keeps the sum convex and needs one changed text a mark.

Source: Ross et al. (2017), Right for the Right Reasons, with the difference that removing the word makes in place of
the input gradient; compared in docs/learning.md with counterexamples, Teso and Kersting (2019), Explanatory
Interactive Machine Learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.text.units import without

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from learner.text.characters import Span

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

PRICE = 10.0
"""The cost, in examples, of a marked word that is a whole logit away from where it should be; see docs/learning.md."""

LEAST_EVIDENCE = 0.3
"""Logits that a word adds to its label at least if it is evidence; chosen in docs/learning.md."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Marked words.

    Attributes:
        effects: (m, features) what each word adds to the features of its diary.
        columns: (m,) the label that the mark is about.
        is_right: (m,) whether it is evidence for that label, or none.
    """

    effects: FloatArray
    columns: IntArray
    is_right: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.columns)

    def price(self, weight: Any) -> Any:
        """Return a head's penalty for the words, in examples: a torch scalar.

        Args:
            weight: (k, features) torch tensor of the head.
        """
        import torch

        effects, columns = torch.from_numpy(self.effects), torch.from_numpy(self.columns)
        # Adding the same to every label changes no answer, so labels are compared with their mean.
        centred = weight - weight.mean(dim=0)
        added = (effects * centred[columns]).sum(dim=1)
        # Evidence may add any amount; only what it lacks is penalised.
        off = torch.where(torch.from_numpy(self.is_right), torch.relu(LEAST_EVIDENCE - added), added)
        return PRICE * (off**2).sum()


def without_span(text: str, span: Span) -> str:
    """Return the text without one word, spaces repaired."""
    return without(text, [span], [False])


def weights_of(with_words: FloatArray, without_words: FloatArray, columns: IntArray) -> FloatArray:
    """Return what each word adds to its label: the difference of centred logits, (m,).

    Args:
        with_words, without_words: (m, k) logits of the diary as it is, and without the word.
        columns: (m,) label columns.
    """
    difference = with_words - without_words
    centred = difference - difference.mean(axis=1, keepdims=True)
    return np.asarray(centred[np.arange(len(columns)), columns], np.float32)

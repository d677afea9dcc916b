"""How exactly an encoder computes: in float32, or in a form that is faster on some machines and gives nearly the same.

A form has a name and an identity of its own, so that vectors of two forms are never mixed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from learner.encoders.encoder import list_turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

Precision = Literal["fp32", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
EXACT: Precision = "fp32"

LEAST_COSINE = 0.99
"""Mean cosine to the exact vectors below which a form is not used."""

LEAST_SAME = 0.99
"""Share of texts with the same answer below which a form is not chosen by itself."""

_RECIPES = {"int8": b"int8 per-channel smoothed by-token matmul 5", "bf16": b"bf16 2"}
_CHARACTERS_A_TURN, _FEWEST_TURNS = 3_000, 3
_TOO_SLOW = 2.0
"""How many times as long as the first form one may take for a turn before it is left out of further ones: where a
processor has no units for a form, it may take minutes."""

_CPU_FACTS = Path("/proc/cpuinfo")


def name_of(plain: str, precision: Precision) -> str:
    """Return the name of an encoder's form."""
    return plain if precision == EXACT else f"{plain}-{precision}"


def split_name(name: str) -> tuple[str, Precision]:
    """Return what an encoder is called in float32, and how exactly the named one computes."""
    for precision in PRECISIONS:
        if precision != EXACT and name.endswith(f"-{precision}"):
            return name.removesuffix(f"-{precision}"), precision
    return name, EXACT


def digest_of(original: str, precision: Precision) -> str:
    """Return the identity of an encoder's form, given that of the exact one."""
    if precision == EXACT:
        return original
    return hashlib.blake2b(original.encode() + _RECIPES[precision], digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near the vectors of a form are to the exact ones, on some texts.

    Attributes:
        n: texts compared.
        mean_cosine, least_cosine: mean and least similarity of a text's two vectors, in [-1, 1].
        same_answers: share of texts to which a classifier answers the same, in [0, 1].
    """

    n: int
    mean_cosine: float
    least_cosine: float
    same_answers: float

    @property
    def is_near(self) -> bool:
        """Whether the form may take the exact one's place by itself."""
        return self.n > 0 and self.mean_cosine >= LEAST_COSINE and self.same_answers >= LEAST_SAME


def agreement(exact: FloatArray, form: FloatArray, exact_answers: IntArray, form_answers: IntArray) -> Agreement:
    """Compare vectors, (n, width) of length 1 each, and what a classifier answers to them, (n,)."""
    if not len(exact):
        return Agreement(0, 0.0, 0.0, 0.0)
    cosines = (exact * form).sum(axis=1)
    same = float((exact_answers == form_answers).mean())
    return Agreement(len(exact), float(cosines.mean()), float(cosines.min()), same)


def speeds(forms: Mapping[Precision, Encoder], texts: Sequence[str], *, seconds: float) -> dict[Precision, float]:
    """Return how many texts a second each form encodes.

    All read the same texts in turns, so that other load on the machine slows all of them; the median turn counts, as
    single ones are interrupted. Turns are about as large as those in which a pool is read.

    Args:
        texts: at least one; they are repeated as often as it takes.
        seconds: for each form, at least.
    """
    turns = [[texts[i] for i in places] for places in list_turns(texts, characters=_CHARACTERS_A_TURN)]
    first, *others = forms
    taken: dict[Precision, list[float]] = {precision: [] for precision in forms}
    for precision, form in forms.items():
        form.encode(turns[0][:1])  # the first call allocates
        taken[precision].append(_time(form, turns[0]))
    measured = [first, *(each for each in others if taken[each][0] <= _TOO_SLOW * taken[first][0])]
    at = 1
    while at < _FEWEST_TURNS or min(sum(taken[each]) for each in measured) < seconds:
        for precision in measured:
            taken[precision].append(_time(forms[precision], turns[at % len(turns)]))
        at += 1
    # Texts of a turn differ in length, but not between forms: the median of ratios to the first form's turns.
    rate = statistics.median(len(turns[i % len(turns)]) / each for i, each in enumerate(taken[first]))
    return {
        precision: rate * statistics.median(one / other for one, other in zip(taken[first], own, strict=False))
        for precision, own in taken.items()
    }


def _time(form: Encoder, texts: Sequence[str]) -> float:
    """Return the seconds that a form takes to encode texts."""
    began = time.perf_counter()
    form.encode(texts)
    return time.perf_counter() - began


def machine() -> str:
    """Return what identifies the machine as far as speed goes: processor, cores, and the versions that compute."""
    import onnxruntime
    import torch

    model = next((line for line in _cpu_lines() if line.startswith(("model name", "CPU part"))), platform.processor())
    about = (model, os.cpu_count(), platform.machine(), torch.__version__, onnxruntime.__version__)
    return hashlib.blake2b(repr(about).encode(), digest_size=8).hexdigest()


def _cpu_lines() -> list[str]:
    try:
        return _CPU_FACTS.read_text().splitlines()
    except OSError:
        return []

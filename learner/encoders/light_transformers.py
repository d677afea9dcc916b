"""transformers' models, loaded without what one machine that compiles nothing never uses.

With masks for attention comes torch's compiler, with weights torch's parts for several machines, and with the losses
of object detection scipy's optimizers: a fifth of what each worker, command and predictor takes to load an encoder.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from learner import light_torch

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNUSED = ("is_scipy_available", "is_torch_distributed_available")


@contextmanager
def lightly() -> Iterator[None]:
    """Load models in the block without it, where nobody has loaded it yet; whoever does so later gets all of it."""
    # The lock of the first keeps other threads from the second, too.
    with light_torch.without_compiler(), _without_the_unused():
        yield


@contextmanager
def _without_the_unused() -> Iterator[None]:
    from transformers import utils
    from transformers.utils import import_utils

    places = [(module, name) for module in (utils, import_utils) for name in _UNUSED]
    asked = [getattr(module, name) for module, name in places]
    for module, name in places:
        setattr(module, name, _is_unavailable)
    try:
        yield
    finally:
        for (module, name), ask in zip(places, asked, strict=True):
            setattr(module, name, ask)


def _is_unavailable() -> bool:
    return False

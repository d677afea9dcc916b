"""transformers' models, loaded without what one machine that compiles nothing never uses.

With masks for attention comes torch's compiler, with weights torch's parts for several machines, and with the losses
of object detection scipy's optimizers: a fifth of what each worker, command and predictor takes to load an encoder.
"""

from __future__ import annotations

import importlib
import sys
import threading
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPILER = "torch._dynamo"
_INDEXING = "torch._dynamo._trace_wrapped_higher_order_op"
_LOCK = threading.RLock()
"""Two that load at once would each take the other's stand-ins for what was there."""

_UNUSED = ("is_scipy_available", "is_torch_distributed_available")


@contextmanager
def lightly() -> Iterator[None]:
    """Load models in the block without it, where nobody has loaded it yet; whoever does so later gets all of it."""
    with _LOCK, _without_compiler(), _without_the_unused():
        yield


@contextmanager
def _without_compiler() -> Iterator[None]:
    if _COMPILER in sys.modules:
        yield
        return
    import torch

    compiler, indexing = _Compiler(_COMPILER), ModuleType(_INDEXING)
    indexing.TransformGetItemToIndex = _index_by_tensors  # type: ignore[attr-defined]
    sys.modules[_COMPILER], sys.modules[_INDEXING] = compiler, indexing
    torch._dynamo = compiler  # noqa: SLF001 - as an import of it would
    try:
        yield
    finally:
        del sys.modules[_COMPILER], sys.modules[_INDEXING], torch._dynamo  # noqa: SLF001


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


class _Compiler(ModuleType):
    """What torch asks of the compiler where functions are defined and called: to leave them alone."""

    @staticmethod
    def disable(function: Any = None, *_options: Any, **_more: Any) -> Any:
        return _as_it_is if function is None else function

    @staticmethod
    def allow_in_graph(function: Any) -> Any:
        return function

    @staticmethod
    def assume_constant_result(function: Any) -> Any:
        return function

    @staticmethod
    def graph_break(*_options: Any, **_more: Any) -> None:
        return None


def _as_it_is(function: Any) -> Any:
    return function


def _index_by_tensors() -> Any:
    """Return the real thing, which only masks by a function of one's own take."""
    return importlib.import_module(_INDEXING).TransformGetItemToIndex()

"""torch without its compiler, which much of torch loads only to be left alone by it; nothing here is compiled.

The compiler takes a second and brings two thousand modules, among them those for several machines.
"""

from __future__ import annotations

import importlib
import sys
import threading
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

_COMPILER = "torch._dynamo"
_INDEXING = "torch._dynamo._trace_wrapped_higher_order_op"
_LOCK = threading.RLock()
"""Two at once would each take the other's stand-ins for what was there."""


@contextmanager
def without_compiler() -> Iterator[None]:
    """Have a stand-in for the compiler in the block, where nobody has loaded it yet; later it is there for anyone."""
    with _LOCK:
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


@cache
def lbfgs() -> type[torch.optim.LBFGS]:
    """Return torch's L-BFGS, whose functions ask the compiler at their first call, and remember what it said."""
    import torch

    with without_compiler():
        torch.optim.LBFGS([torch.zeros(1)]).zero_grad()
    return torch.optim.LBFGS


class _Compiler(ModuleType):
    """What torch asks of the compiler where functions are defined and called: to leave them alone."""

    eval_frame = SimpleNamespace(OptimizedModule=())
    """Whose instances compiled modules are: none is."""

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

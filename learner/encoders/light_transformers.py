"""transformers, loaded without what one machine that compiles nothing never uses.

Loading any checkpoint brings in torch's compiler and its parts for several machines, and scipy's optimizers for the
losses of object detection: half of what each worker, command and predictor took to start. Nothing is lost: the
compiler is loaded at the first use of it.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPILER = "torch._dynamo"
_INDEXING = "torch._dynamo._trace_wrapped_higher_order_op"
_LOCK = threading.Lock()


def prepare() -> None:
    """Have the next import of transformers' models load less; whatever is loaded already stays as it is."""
    import transformers.utils
    from transformers.utils import import_utils

    if _COMPILER not in sys.modules:
        _put_off_compiler()
    if "transformers.modeling_utils" not in sys.modules:
        for module in (transformers.utils, import_utils):
            module.is_scipy_available = module.is_torch_distributed_available = _is_unavailable


def _is_unavailable() -> bool:
    return False


def _put_off_compiler() -> None:
    """Stand in for the compiler until somebody uses it. torch itself only ever asks it to leave functions alone."""
    import torch

    stand_in = _Compiler(_COMPILER)
    indexing = ModuleType(_INDEXING)
    indexing.TransformGetItemToIndex = _index_by_tensors  # type: ignore[attr-defined]
    sys.modules[_COMPILER], sys.modules[_INDEXING] = stand_in, indexing
    torch._dynamo = stand_in  # noqa: SLF001 - as an import of it would


class _Compiler(ModuleType):
    """Answers what is asked of a compiler that compiles nothing, and becomes the real one for anything else."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # what importing looks for in a module that is there
            raise AttributeError(name)
        return getattr(_load_compiler(), name)

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


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _load_compiler() -> ModuleType:
    with _LOCK:
        if isinstance(sys.modules.get(_COMPILER), _Compiler):
            del sys.modules[_COMPILER], sys.modules[_INDEXING]
    return importlib.import_module(_COMPILER)


def _index_by_tensors() -> Any:
    """Return the real thing, which only masks by a function of one's own take."""
    _load_compiler()
    return importlib.import_module(_INDEXING).TransformGetItemToIndex()

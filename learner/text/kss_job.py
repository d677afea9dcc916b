"""The child's side of `learner.text.sentences`: kss' sentence splitter and nothing else."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from typing import TYPE_CHECKING, Any

from learner.errors import LearnerError

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Report once that kss is loaded, then answer each list of lines with the list of their sentences.

    Raises:
        LearnerError: if kss can't be loaded.
    """
    try:
        split, forget = load()
    except Exception as error:
        raise LearnerError("splitter_not_started", reason=f"{type(error).__name__}: {error}") from error
    channel.send(b"")
    while (request := channel.receive()) is not None:
        answer = _answer(json.loads(request), split)
        forget()
        channel.send(json.dumps(answer).encode())


def load() -> tuple[Any, Any]:
    """Load kss' sentence splitter (kss 6.0.6, whose private layout this relies on).

    Returns:
        The function ``split_sentences``, and a function that makes kss forget every text that it has seen.

    Raises:
        ImportError: if kss or the mecab wheels are missing, or kss is laid out differently.
    """
    # ``import kss`` loads every module that kss has, 14 s and 340 MB. A bare package in its place lets the
    # splitter be imported alone, in 0.4 s.
    spec = importlib.util.find_spec("kss")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("kss")
    package = types.ModuleType("kss")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["kss"] = package
    # kss also loads the analyser pecab, which is not used: under numpy 2 its results are wrong.
    sys.modules["pecab"] = None  # type: ignore[assignment]
    from kss._modules.sentences.sentence_processor import SentenceProcessor
    from kss._modules.sentences.split_sentences import split_sentences

    split_sentences("가.", backend="mecab", num_workers=1)
    caches = _caches()
    placeholders = SentenceProcessor._normal_backup  # noqa: SLF001
    built_in = dict(placeholders)

    def forget() -> None:
        # kss keeps results by text and every web address that it has met, and both change how later texts are
        # split. Diaries shouldn't linger in memory either.
        placeholders.clear()
        placeholders.update(built_in)
        for cache in caches:
            cache.cache_clear()

    forget()
    return split_sentences, forget


def _caches() -> list[Any]:
    modules = [module for name, module in sys.modules.items() if name.startswith("kss.")]
    owners = [*modules, *(thing for module in modules for thing in vars(module).values() if isinstance(thing, type))]
    caches = {id(thing): thing for owner in owners for thing in vars(owner).values() if hasattr(thing, "cache_clear")}
    return list(caches.values())


def _answer(lines: list[str], split: Any) -> list[list[str]] | None:
    try:
        return [list(split(line, backend="mecab", num_workers=1)) for line in lines]
    except Exception:
        # Whatever kss stumbled on: the parent splits this text without kss. Nothing is logged, because the
        # messages of kss quote the text.
        return None

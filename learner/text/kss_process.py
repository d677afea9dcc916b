"""The child process of `learner.text.sentences`: kss' sentence splitter and nothing else.

Run as a script, with the number of an inherited socket. It says once whether it could start, then answers each
list of lines with the list of their sentences, until the socket closes.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
import types
from multiprocessing.connection import Connection
from typing import Any

READY = ""
"""What is said once after a start that worked; anything else is the reason why it didn't."""


def load() -> tuple[Any, Any]:
    """Load kss' sentence splitter (kss 6.0.6, whose private layout this relies on).

    Returns:
        The function ``split_sentences``, and a function that makes kss forget every text that it has seen.

    Raises:
        ImportError: if kss or the mecab wheels are missing, or kss is laid out differently.
    """
    # ``import kss`` loads every module that kss has, 14 s and 340 MB. A bare package in its place lets the
    # splitter be imported alone, in 0.4 s.
    found = importlib.util.find_spec("kss")
    if found is None or found.submodule_search_locations is None:
        raise ImportError("kss")
    package = types.ModuleType("kss")
    package.__path__ = list(found.submodule_search_locations)
    package.__spec__ = found
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
    found = {id(thing): thing for owner in owners for thing in vars(owner).values() if hasattr(thing, "cache_clear")}
    return list(found.values())


def _answer(lines: list[str], split: Any) -> list[list[str]] | None:
    try:
        return [list(split(line, backend="mecab", num_workers=1)) for line in lines]
    except Exception:
        # Whatever kss stumbled on: the parent splits this text without kss. Nothing is logged, because the
        # messages of kss quote the text.
        return None


def _die_with_parent(parent: int) -> None:
    # A closed socket ends the loop below, but not a text that kss works on for minutes.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Serve the parent until it closes the socket or ends."""
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    threading.Thread(target=_die_with_parent, args=(int(sys.argv[2]),), daemon=True).start()
    try:
        split, forget = load()
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")
        return
    connection.send(READY)
    while True:
        try:
            lines = connection.recv()
        except (EOFError, OSError):
            return
        answer = _answer(lines, split)
        forget()
        connection.send(answer)


if __name__ == "__main__":
    main()
